#!/bin/sh
set -e
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
chmod 755 "$folder"
cd "$folder"
seq 3000 >page
cat >conf <<END
daemon off; worker_processes 2; pid $folder/pid; error_log /dev/null;
events {}
http { access_log off; client_body_temp_path $folder; proxy_temp_path $folder; server { listen unix:$folder/socket; root $folder; } }
END
nginx -c "$folder/conf" -p "$folder" 2>/dev/null &
server=$!
tries=0
until curl -sf --unix-socket socket http://host/page >/dev/null; do
  tries=$((tries + 1))
  [ "$tries" -lt 300 ] || exit 1
  sleep 0.1
done
for _ in 1 2 3 4 5; do
  curl -s --unix-socket socket http://host/page | sha256sum
done
kill -QUIT "$server"
wait "$server"
echo end
