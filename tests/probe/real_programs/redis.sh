#!/bin/sh
set -e
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
redis-server --port 0 --unixsocket "$folder/socket" --save "" --dir "$folder" >log &
server=$!
tries=0
until redis-cli -s socket ping >/dev/null 2>&1; do
  tries=$((tries + 1))
  [ "$tries" -lt 300 ] || exit 1
  sleep 0.1
done
redis-cli -s socket debug populate 20000 key 100
redis-cli -s socket dbsize
redis-cli -s socket get key:77
redis-cli -s socket flushall
redis-cli -s socket shutdown nosave
wait "$server"
echo end
