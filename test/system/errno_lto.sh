#!/bin/sh
# SPDX-License-Identifier: MIT
# Builds errno_test and the library as one unit, optimised as far as the compiler can, and runs it.
# Usage: errno_lto.sh COMPILER SOURCE... with the sources of the library.
set -eu
root=$(cd "$(dirname "$0")/../.." && pwd)
compiler=$1
shift

command -v "$compiler" >/dev/null || { echo "no $compiler"; exit 77; }
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT

flags="-std=gnu11 -O3 -flto"
echo 'int main(void) { return 0; }' >"$tmp/empty.c"
if ! "$compiler" $flags "$tmp/empty.c" -o "$tmp/empty" 2>/dev/null; then
    flags="$flags -fuse-ld=lld"
    "$compiler" $flags "$tmp/empty.c" -o "$tmp/empty" 2>/dev/null ||
        { echo "$compiler cannot optimise at link time here"; exit 77; }
fi

cd "$root"
"$compiler" $flags -ftls-model=initial-exec -fno-omit-frame-pointer -Iinclude -Isrc -Itest "$@" \
    test/check.c test/system/errno_test.c -lpthread -lm -o "$tmp/errno_test"
"$tmp/errno_test"
