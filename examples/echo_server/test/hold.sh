#!/bin/sh
# SPDX-License-Identifier: MIT
# The server holds 10,000 connections of a client that is not ours, and stops in order.
# hold.sh SERVER CLIENT
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

held=$("$2" "$port" "${CONNECTIONS:-10000}")
echo "$held"
kill -TERM "$server"
status=0
wait "$server" || status=$?
cat "$out"
[ "$status" -eq 0 ]
grep -q "served ${held%% *} connections" "$out"
