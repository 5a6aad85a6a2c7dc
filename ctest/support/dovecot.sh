#!/usr/bin/env bash
# Runs Dovecot's POP3 server in the foreground, on loopback, from a folder of its own.
#
#   dovecot.sh DIR PKI PORT POP3S_PORT
#
# DIR is made and holds all it writes. PKI holds good.pem and good.key. The account is alice, "s3cret pass", with five
# messages. Runs as root or as anybody. DOVECOT_MECHANISMS may list the SASL mechanisms that it is to offer.
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
auth_mechanisms = ${DOVECOT_MECHANISMS:-plain login}
auth_failure_delay = 0
ssl = yes
ssl_cert = <$pki/good.pem
ssl_key = <$pki/good.key
ssl_min_protocol = TLSv1.2
passdb {
  driver = passwd-file
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
  chgrp dovecot "$dir/users"
  chmod 640 "$dir/users"
  chmod 755 "$dir"
else
  for service in pop3-login anvil stats; do
    printf 'service %s {\n  chroot =\n}\n' "$service"
  done >> "$dir/dovecot.conf"
  for service in auth auth-worker; do
    printf 'service %s {\n  user = %s\n}\n' "$service" "$internal"
  done >> "$dir/dovecot.conf"
fi
PATH=$PATH:/usr/sbin
exec dovecot -F -c "$dir/dovecot.conf"
