#!/bin/sh
# SPDX-License-Identifier: MIT
# Runs a program beside a web server of its own: nginx on a free port of the loopback interface, with
# all its files in a temporary folder, as whoever runs this. Usage: nginx.sh PROGRAM [ARGUMENT...].
#
# The program finds the addresses in its environment, NGINX_URL and NGINX_TLS_URL, and the
# certificate of the latter, which nobody has signed, in NGINX_CERTIFICATE.
set -eu

PATH=$PATH:/usr/sbin:/sbin
for tool in nginx openssl; do
    command -v $tool >/dev/null || { echo "no $tool"; exit 77; }
done

# A thousand connections have two ends.
ulimit -n 4096 2>/dev/null || true

dir=$(mktemp -d)
stop() {
    [ ! -e "$dir/pid" ] || kill "$(cat "$dir/pid")" 2>/dev/null || true
    rm -rf "$dir"
}
trap stop EXIT
trap 'exit 1' INT TERM

openssl req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=loopback \
    -addext subjectAltName=IP:127.0.0.1 -keyout "$dir/key" -out "$dir/certificate" 2>/dev/null
mkdir "$dir/files"
head -c 2200 /dev/zero | tr '\0' . >"$dir/files/slow"
head -c 8388608 /dev/zero >"$dir/files/large"

# As root nginx would give its workers to another user, who cannot read the folder.
user=
[ "$(id -u)" != 0 ] || user="user root;"

# configure PORT: that port, and the next for TLS.
configure() {
    cat >"$dir/conf" <<END
$user
pid $dir/pid;
error_log $dir/errors;
worker_processes 1;
events { worker_connections 4096; }
http {
    access_log off;
    default_type text/plain;
    client_body_temp_path $dir/t1;
    proxy_temp_path $dir/t2;
    fastcgi_temp_path $dir/t3;
    uwsgi_temp_path $dir/t4;
    scgi_temp_path $dir/t5;
    server {
        listen 127.0.0.1:$1 backlog=4096;
        listen 127.0.0.1:$(($1 + 1)) ssl;
        ssl_certificate $dir/certificate;
        ssl_certificate_key $dir/key;
        root $dir/files;
        location = /hello { return 200 "hello, world\n"; }
        location = /connection { return 200 "\$connection"; }
        location = /broken { return 500 "broken\n"; }
        location = /moved { return 302 /hello; }
        location = /slow { limit_rate 1000; }
    }
}
END
}

tries=0
port=$((20000 + $$ % 10000))
configure $port
until nginx -p "$dir" -c "$dir/conf" -e "$dir/errors" 2>/dev/null; do
    tries=$((tries + 1))
    [ $tries -lt 20 ] || { cat "$dir/errors" >&2; exit 1; }
    port=$((port + 7))
    configure $port
done

export NGINX_URL=http://127.0.0.1:$port NGINX_TLS_URL=https://127.0.0.1:$((port + 1))
export NGINX_CERTIFICATE="$dir/certificate"
"$@"
