#!/bin/sh
# SPDX-License-Identifier: MIT
# Valgrind finds nothing in a program of many processes, and finds what is wrong in one.
# Usage: valgrind.sh PROGRAM
set -eu

command -v valgrind >/dev/null || { echo "no valgrind"; exit 77; }
log=$(mktemp)
trap 'rm -f "$log"' EXIT
run() {
    TROUPE_SCHEDULERS=2 valgrind --error-exitcode=99 --log-file="$log" "$@"
}

run "$1" stop || { cat "$log"; exit 1; }
if grep -E 'switching stacks|stack range' "$log"; then
    echo "it did not know the stacks"
    exit 1
fi
if run "$1" wrong; then
    echo "a branch on memory without a value was not found"
    exit 1
fi
grep -q 'uninitialised value' "$log"
grep -q 'body (subject.c' "$log"
