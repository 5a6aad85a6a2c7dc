#!/usr/bin/env bash
# Runs Cyrus' POP3 server in the foreground, on loopback, from a folder of its own.
#
#   cyrus.sh DIR PKI PORT POP3S_PORT
#
# DIR is made and holds all it writes. PKI holds good.pem and good.key. The account is alice, "s3cret pass", with five
# messages. Runs as root or as anybody, with the Cyrus that tools/setup.sh has unpacked, else with the system's. The
# environment may say which mechanisms it offers: CYRUS_MECHANISMS.
set -euo pipefail
# its master ends its whole process group, which must not be the caller's
read -r _ _ _ _ group _ < /proc/$$/stat
if [ "$group" != $$ ]; then
  exec setsid "$0" "$@"
fi
dir=$1 pki=$2 port=$3 pop3s_port=$4
mkdir -p "$dir"/{lock,proc,run,spool,state}

unpacked=${CARGO_TARGET_DIR:-$(dirname "$0")/../../target}/servers/cyrus
if [ -d "$unpacked" ]; then
  # a copy, since a server that root starts runs as somebody who may not come to the original
  cp -r "$unpacked" "$dir/cyrus"
  bin=$dir/cyrus/usr/lib/cyrus/bin
  LD_LIBRARY_PATH=$(echo "$dir"/cyrus/usr/lib/*-linux-gnu*)
  export LD_LIBRARY_PATH
  PATH=$dir/cyrus/usr/sbin:$PATH
else
  bin=/usr/lib/cyrus/bin
  [ -x $bin/pop3d ] || bin=/usr/libexec/cyrus-imapd
  PATH=$PATH:/usr/sbin
fi

cat > "$dir/imapd.conf" <<END
cyrus_user: $([ "$(id -u)" = 0 ] && echo nobody || id -un)
servername: mail.test
syslog_prefix: pop3connect-test
configdirectory: $dir/state
partition-default: $dir/spool
proc_path: $dir/proc
mboxname_lockpath: $dir/lock
lmtpsocket: $dir/run/lmtp
idlesocket: $dir/run/idle
notifysocket: $dir/run/notify
autocreate_quota: 0
autocreate_post: yes
allowplaintext: yes
failedloginpause: 0
sasl_mech_list: ${CYRUS_MECHANISMS:-PLAIN LOGIN}
sasl_pwcheck_method: auxprop
sasl_auxprop_plugin: sasldb
sasl_sasldb_path: $dir/sasldb2
tls_server_cert: $pki/good.pem
tls_server_key: $pki/good.key
END
run() { # SERVICES: writes down what the master shall run
  printf 'START {\n recover cmd="%s/ctl_cyrusdb -C %s/imapd.conf -r"\n}\nSERVICES {\n%s\n}\n' "$bin" "$dir" "$1" \
    > "$dir/cyrus.conf"
}
lmtp=" lmtp cmd=\"$bin/lmtpd -C $dir/imapd.conf -a\" listen=\"$dir/run/lmtp\""
pop3=" pop3 cmd=\"$bin/pop3d -C $dir/imapd.conf\" listen=\"127.0.0.1:$port\""
pop3s=" pop3s cmd=\"$bin/pop3d -C $dir/imapd.conf -s\" listen=\"127.0.0.1:$pop3s_port\""

printf 's3cret pass' | saslpasswd2 -p -c -f "$dir/sasldb2" -u mail.test alice
as_user=()
if [ "$(id -u)" = 0 ]; then
  chown -R nobody "$dir"
  as_user=(setpriv --reuid=nobody --regid=nogroup --clear-groups)
fi

# POP3 begins only when the messages are there
run "$lmtp"
"$bin/master" -C "$dir/imapd.conf" -M "$dir/cyrus.conf" -p "$dir/run/master.pid" > "$dir/master.log" 2>&1 &
master=$!
trap 'trap "" TERM INT; kill $master; wait $master' EXIT
trap 'exit 0' TERM INT
until [ -S "$dir/run/lmtp" ]; do
  kill -0 $master
  sleep .02
done
for number in 1 2 3 4 5; do
  printf 'From: sender@mail.test\nTo: alice@mail.test\nSubject: message %d\n\nbody %d\n.leading dot\n.\nlast line\n' \
    "$number" "$number" | "${as_user[@]}" "$bin/deliver" -C "$dir/imapd.conf" alice
done
run "$lmtp"$'\n'"$pop3"$'\n'"$pop3s"
kill -HUP $master
wait $master
