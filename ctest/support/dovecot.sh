#!/usr/bin/env bash
# Runs Dovecot's POP3 server in the foreground, on loopback, from a folder of its own.
#
#   dovecot.sh DIR PKI PORT POP3S_PORT
#
# DIR is made and holds all it writes. PKI holds ca.pem, good.pem and good.key. The account is alice, "s3cret pass",
# with five messages. Runs as root or as anybody. DOVECOT_MECHANISMS may list the SASL mechanisms that it is to offer, and
# DOVECOT_LOGIN_PROCESSES say how many processes are to serve all log-ins, instead of one for each.
# The mechanisms of OAuth take tokens signed with the secret "pop3connect test secret" (JWT, HS256); EXTERNAL takes
# certificates of that authority whose common name is the user.
set -euo pipefail
dir=$1 pki=$2 port=$3 pop3s_port=$4
mkdir -p "$dir"/{run,state} "$dir"/home/alice/Maildir/{cur,new,tmp}

for number in 1 2 3 4 5; do
  printf 'From: sender@mail.test\nTo: alice@mail.test\nSubject: message %d\n\nbody %d\n.leading dot\n.\nlast line\n' \
    "$number" "$number" > "$dir/home/alice/Maildir/new/170000000$number.M${number}P1.test"
done

if [ "$(id -u)" = 0 ]; then
  # mail belongs to somebody who is not root, since Dovecot refuses root
  owner=$(id -u nobody):$(id -g nobody) internal=dovecot login=dovenull group=dovecot
else
  owner=$(id -u):$(id -g) internal=$(id -un) login=$(id -un) group=$(id -gn)
fi
# beside alice, for the test of what is left in memory: one with a longer password, and two of whose passwords only the
# keys of SCRAM are kept, so that their salts are always the same
while read -r user password; do
  printf '%s:%s:%s::%s::\n' "$user" "$password" "$owner" "$dir/home/alice"
done > "$dir/users" <<'END'
alice {PLAIN}s3cret pass
bea {PLAIN}q7Vd-Kr2m.Xw9Tz+Lb4hNc8Yf3Gj
sha1 {SCRAM-SHA-1}4096,QSXCR+Q6sek8bf92,Uhbt5gDmmeKM+crq+HRuEYIXesg=,cMQcb2YXbQNdsjMZoyw7DqpJu+w=
sha256 {SCRAM-SHA-256}4096,QSXCR+Q6sek8bf92,1ENUefuZDO+N8qiKdHf0RtfJpK2+cpYXER/7NG5TvbQ=,PK/H7bx6oQG2LOCUs0uGIc036JoI4vC7h92Pt8r0TcE=
END

# what the mechanisms without a password need; of no use where they are not offered
printf 'alice:::::::nopassword\n' > "$dir/certified"
mkdir -p "$dir/tokens/default/HS256"
printf 'pop3connect test secret' | base64 > "$dir/tokens/default/HS256/default"
cat > "$dir/oauth2.conf" <<END
introspection_mode = local
local_validation_key_dict = fs:posix:prefix=$dir/tokens/
username_attribute = sub
END
mechanisms=" ${DOVECOT_MECHANISMS:-plain login} "
client_certificates=
if [[ $mechanisms = *' external '* ]]; then
  client_certificates="ssl_ca = <$pki/ca.pem
ssl_require_crl = no
ssl_verify_client_cert = yes
auth_ssl_username_from_cert = yes"
fi

cat > "$dir/dovecot.conf" <<END
base_dir = $dir/run
state_dir = $dir/state
log_path = $dir/dovecot.log
instance_name = pop3connect-test-$port
protocols = pop3
listen = 127.0.0.1
default_internal_user = $internal
default_internal_group = $group
default_login_user = $login
first_valid_uid = 1
mail_location = maildir:~/Maildir
disable_plaintext_auth = no
auth_mechanisms =$mechanisms
auth_failure_delay = 0
ssl = yes
ssl_cert = <$pki/good.pem
ssl_key = <$pki/good.key
ssl_min_protocol = TLSv1.2
$client_certificates
passdb {
  driver = oauth2
  mechanisms = xoauth2 oauthbearer
  args = $dir/oauth2.conf
}
passdb {
  driver = passwd-file
  mechanisms = external
  args = username_format=%u $dir/certified
}
passdb {
  driver = passwd-file
  mechanisms = plain login cram-md5 scram-sha-1 scram-sha-256 apop
  args = scheme=PLAIN username_format=%u $dir/users
}
userdb {
  driver = passwd-file
  args = username_format=%u $dir/users
}
service pop3-login {
  inet_listener pop3 {
    port = $port
  }
  inet_listener pop3s {
    port = $pop3s_port
    ssl = yes
  }
}
# a wrong password must not slow down the next log-in
service anvil {
  unix_listener anvil-auth-penalty {
    mode = 0
  }
}
END
if [ "$(id -u)" = 0 ]; then
  chown -R "$owner" "$dir/home"
  chgrp -R dovecot "$dir/users" "$dir/certified" "$dir/tokens"
  chmod 640 "$dir/users" "$dir/certified"
  chmod -R g+rX "$dir/tokens"
  chmod 755 "$dir"
else
  for service in pop3-login anvil stats; do
    printf 'service %s {\n  chroot =\n}\n' "$service"
  done >> "$dir/dovecot.conf"
  for service in auth auth-worker; do
    printf 'service %s {\n  user = %s\n}\n' "$service" "$internal"
  done >> "$dir/dovecot.conf"
fi
if [ -n "${DOVECOT_LOGIN_PROCESSES:-}" ]; then
  printf 'service pop3-login {\n  service_count = 0\n  process_limit = %s\n}\n' "$DOVECOT_LOGIN_PROCESSES" \
    >> "$dir/dovecot.conf"
fi
PATH=$PATH:/usr/sbin
exec dovecot -F -c "$dir/dovecot.conf"
