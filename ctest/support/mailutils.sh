#!/usr/bin/env bash
# Runs GNU mailutils' POP3 server in the foreground, on loopback, from a folder of its own.
#
#   mailutils.sh DIR PKI PORT POP3S_PORT
#
# DIR is made and holds all it writes. PKI holds good.pem and good.key. The account is alice@mail.test, "s3cret pass",
# with five messages; an account without a domain would have to be one of the system's. Runs as root, or as anybody who
# may make a user namespace.
set -euo pipefail
dir=$1 pki=$2 port=$3 pop3s_port=$4
mkdir -p "$dir"/{domains,lock} "$dir"/home/INBOX/{cur,new,tmp}

for number in 1 2 3 4 5; do
  printf 'From: sender@mail.test\nTo: alice@mail.test\nSubject: message %d\n\nbody %d\n.leading dot\n.\nlast line\n' \
    "$number" "$number" > "$dir/home/INBOX/new/170000000$number.M${number}P1.test"
done

# the server insists on the group mail; for anybody but root the own group bears that name, in a user namespace
mail=$(getent group mail | cut -d: -f3)
as_root=()
if [ "$(id -u)" != 0 ]; then
  as_root=(unshare --map-user=0 --map-group="$mail")
fi
# crypt("s3cret pass", "$6$pop3connect$")
hash='$6$pop3connect$MtLxVeg1iFvHlhFG8sozrMt3D5Q3Qtex3vg8mAMS9b4C4ke3YCnc.FjWM9iMZ7bEb6xBI1bMvu/JB0its/IQs0'
printf 'alice:%s:0:%s:Alice:%s:/bin/sh\n' "$hash" "$mail" "$dir/home" > "$dir/domains/mail.test"

cat > "$dir/pop3d.conf" <<END
pidfile $dir/pop3d.pid;
logging { syslog no; };
auth { authentication generic:virtdomain; authorization virtdomain; };
virtdomain { passwd-dir $dir/domains; };
mandatory-locking { enable yes; lock-directory $dir/lock; };
tls { ssl-certificate-file $pki/good.pem; ssl-key-file $pki/good.key; };
# anybody may read these keys, which are made for one test
tls-file-checks { key-file none; cert-file none; ca-file none; };
server 127.0.0.1:$port { tls-mode ondemand; };
server 127.0.0.1:$pop3s_port { tls-mode connection; };
END
PATH=$PATH:/usr/sbin:/usr/local/sbin
"${as_root[@]}" pop3d --config-file="$dir/pop3d.conf" --daemon --foreground 2> "$dir/pop3d.log" &
server=$!
# This shell stays, since it is told where its parent ends; the server, which changes its group, is not. And the server
# may lock itself up in its handler of the signal.
stop() {
  kill $server
  for _ in {1..40}; do
    sleep .05
    kill -0 $server 2> /dev/null || exit 0
  done
  kill -KILL $server
  exit 0
}
trap stop TERM INT
wait $server
