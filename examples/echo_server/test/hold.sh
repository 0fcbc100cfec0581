#!/bin/sh
# SPDX-License-Identifier: MIT
# The server holds 10,000 connections of a client that is not ours, and stops in order.
# hold.sh SERVER CLIENT [CONNECTIONS]
set -eu
out=$(mktemp)
trap 'rm -f "$out"; kill "$server" 2>/dev/null || true' EXIT

"$1" 0 >"$out" &
server=$!
while ! grep -q 'listening on port' "$out"; do
    kill -0 "$server" || exit 1
    sleep 0.02
done
port=$(sed -n 's/listening on port //p' "$out")

said=$("$2" "$port" "${3:-10000}" "$server")
echo "$said"
status=0
wait "$server" || status=$?
cat "$out"
[ "$status" -eq 0 ]
held=$(echo "$said" | sed -n 's/held \([0-9]*\) .*/\1/p')
grep -q "served $held connections" "$out"
