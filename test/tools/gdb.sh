#!/bin/sh
# SPDX-License-Identifier: MIT
# The gdb script on a running program, or with `core` on a core file of it.
# Usage: gdb.sh live|core PROGRAM
set -eu
root=$(cd "$(dirname "$0")/../.." && pwd)
mode=$1
program=$2

command -v gdb >/dev/null || { echo "no gdb"; exit 77; }
gdb -batch -ex 'python print(gdb.VERSION)' >/dev/null 2>&1 || { echo "gdb without Python"; exit 77; }
tmp=$(mktemp -d)
mkfifo "$tmp/out"
cd "$tmp"
ulimit -c unlimited 2>/dev/null || true
TROUPE_SCHEDULERS=2 "$program" >"$tmp/out" &
pid=$!
trap 'kill -KILL "$pid" 2>/dev/null || true; rm -rf "$tmp"' EXIT
read -r line <"$tmp/out"
[ "$line" = ready ]

case $mode in
live) target="-p $pid" ;;
core)
    # By the kernel: gdb's own gcore leaves out what lies behind a guard page.
    kill -ABRT "$pid"
    wait "$pid" 2>/dev/null || true
    core=$(find . -name 'core*' -size +0)
    [ "$core" ] || { echo "the kernel writes no core file here"; exit 77; }
    target="-c $core" ;;
esac

gdb -batch -nx "$program" $target -ex "source $root/share/troupe/troupe-gdb.py" \
    -ex "troupe processes" -ex "troupe backtrace 2" -ex "troupe receive 2" -ex "troupe select 2" \
    -ex "bt" -ex "frame function wait_here" -ex "print depth" -ex "troupe select" -ex "troupe backtrace 5" \
    -ex "troupe all" >"$tmp/seen" 2>&1 || true
if grep -q "Operation not permitted" "$tmp/seen"; then
    echo "gdb may not attach here"
    exit 77
fi

failed=0
expect() {
    grep -qE -- "$1" "$tmp/seen" || { echo "not seen: $1"; failed=1; }
}
expect '^<0\.1\.1> +main at tr_main: waits'
expect '^<0\.2\.1> +waits_deep at .*subject\.c:[0-9]+ \(deep\): waits'
expect '^<0\.3\.1> +hibernates at .*: hibernates'
expect '^<0\.4\.1> +sleeps at .*: waits'
expect '^<0\.5\.1> +loops_in_its_own_code at .*: runs on thread [0-9]+'
expect '^5 processes'
expect '^#[0-9]+ .*tr__receive_next '
expect '^#[0-9]+ .*wait_here \(depth=(depth@entry=)?0\) at .*subject\.c:[0-9]+'
expect '^#[0-9]+ .*go_down \(depth=(depth@entry=)?3\)'
expect '^#[0-9]+ .*waits_deep \('
expect 'in tr_receive, called in wait_here at .*subject\.c:[0-9]+'
expect 'in tr_sleep, called in sleeps at .*subject\.c:[0-9]+'
expect '^  mailbox: 1$'
expect '^    \{unwanted,42,<<"text">>,\[1,2\.5,\{\}\]\}$'
expect '^\$1 = 0$'
expect '^  no stack: it hibernates'
expect '^  #[0-9]+ .*loops_in_its_own_code'
grep -qE 'Python Exception|Error occurred|Traceback' "$tmp/seen" && failed=1
[ $failed = 0 ] || cat "$tmp/seen"
exit $failed
