#!/bin/sh
# SPDX-License-Identifier: MIT
# Shows that the processes count what the plain loop counts: compare.sh WORDCOUNT. Both run over
# a made-up tree of difficult files, which `tr`, `sort` and `uniq` count as well, and over headers
# of the system.
set -eu
LC_ALL=C
export LC_ALL

wordcount=$1
here=$(mktemp -d)
trap 'rm -rf "$here"' EXIT
tree=$here/tree

fail() {
    echo "failed: $*" >&2
    exit 1
}

# What a run of processes prints and the loop cannot, or what depends on the time.
totals() {
    grep -avE '^(seconds|files per second|MB per second|processes spawned|most alive|peak memory)' "$1"
}

# same NAME ARGUMENT...: both ways find the same words, the same totals and the same problems.
same() {
    name=$1
    shift
    "$wordcount" --dump --list "$@" >"$here/$name.got" 2>"$here/$name.problems" ||
        fail "$name: status $?"
    "$wordcount" --dump --list --sequential "$@" >"$here/$name.plain" \
        2>"$here/$name.plain.problems" || fail "$name: the loop, status $?"
    totals "$here/$name.got" >"$here/a"
    totals "$here/$name.plain" >"$here/b"
    diff "$here/a" "$here/b" >&2 || fail "$name: totals or words differ"
    sort "$here/$name.problems" >"$here/a"
    sort "$here/$name.plain.problems" >"$here/b"
    diff "$here/a" "$here/b" >&2 || fail "$name: problems differ"
}

has() {
    grep -aqF -- "$2" "$here/$1" || fail "$1 lacks '$2'"
}

# Files of each size around those of the probe, a chunk and a window, and other difficult ones.
make_tree() {
    mkdir -p "$tree/deep/er" "$tree/empty"
    : >"$tree/nothing"
    printf 'One two TWO three-three\nthree' >"$tree/deep/words"
    printf 'na\303\257ve caf\303\251 na\303\257ve' >"$tree/deep/er/utf8"
    printf 'a name that is not UTF-8' >"$tree/$(printf 'caf\351')"
    printf 'a name of two lines' >"$tree/$(printf 'two\nlines')"
    printf 'text \000 text' >"$tree/binary"
    head -c 8191 /dev/zero | tr '\000' 'x' >"$tree/late"
    cp "$tree/late" "$tree/later"
    printf '\000after the probe\n' >>"$tree/late"    # the last byte that is probed
    printf 'y\000after the probe\n' >>"$tree/later"  # the first one that is not
    for size in 1023 1024 1025 65535 65536 65537 200000; do
        yes 'the quick brown fox jumps over the lazy dog' | head -c $size >"$tree/of$size"
        head -c $size /dev/zero | tr '\000' 'z' >"$tree/word$size"
        head -c $size /dev/zero | tr '\000' ' ' >"$tree/blank$size"
    done
    for i in 1 2 3 4 5 6 7 8; do
        awk -v seed=$i 'BEGIN { srand(seed); for (i = 0; i < 20000; i++)
            printf "w%c%c%s", 97 + rand() * 26, 97 + rand() * 26, i % 9 ? " " : "\n" }' \
            >"$tree/random$i"
    done
    ln -s .. "$tree/deep/loop"
    ln -s nowhere "$tree/dangling"
    mkfifo "$tree/pipe"
    printf secret >"$tree/secret"
    chmod 000 "$tree/secret" # root reads it all the same: then it is one more text
}

# The words of the text files by other means.
count_by_tools() {
    find "$tree" -type f ! -name binary ! -name late \
        -readable -exec sh -c 'for f; do cat "$f"; echo; done' sh {} + |
        tr 'A-Z' 'a-z' | tr -c 'a-z\200-\377' '\n' | grep -av '^$' | sort | uniq -c |
        awk '{ print $2 "\t" $1 }'
}

make_tree
same tree "$tree"
has tree.problems "$tree/binary: a NUL byte in its first 8 KiB"
has tree.problems "$tree/late: a NUL byte in its first 8 KiB"
nfiles=$(find "$tree" -type f -printf x | wc -c)
has tree.got "files                $(printf %10d "$nfiles")  ("

# A file given that is not there, one that cannot be read even by root, and one given twice.
same odd "$tree/vanished" /proc/self/mem "$tree/deep/words" "$tree/deep"
has odd.problems "unreadable  $tree/vanished: No such file or directory"
has odd.problems "unreadable  /proc/self/mem: "
has odd.got "(3 counted, 0 binary, 2 unreadable, 0 failed)"

same small --chunk 16 --concurrency 1 --reducers 1 "$tree"
same many --concurrency 1000 --reducers 7 "$tree"
for name in small many; do
    totals "$here/tree.got" >"$here/a"
    totals "$here/$name.got" >"$here/b"
    diff "$here/a" "$here/b" >&2 || fail "$name: differs from other numbers of processes"
done

# A run of letters longer than a window is cut, which these tools do not do.
rm "$tree/word65537" "$tree/word200000"
same tools "$tree"
count_by_tools >"$here/tools.words"
grep -a "$(printf '\t')" "$here/tools.got" >"$here/a"
diff "$here/tools.words" "$here/a" >&2 || fail "tr, sort and uniq count otherwise"

# A process that crashes costs its file, and no other.
"$wordcount" --list --crash-on secret "$tree" >"$here/crash.got" 2>"$here/crash.problems" ||
    fail "crash: status $?"
if [ -r "$tree/secret" ]; then
    has crash.problems "failed      $tree/secret: {{crashed_on,<<\"secret\">>},[]}"
    has crash.got "1 failed)"
    nfiles=$(find "$tree" -type f -printf x | wc -c)
    has crash.got "files                $(printf %10d "$nfiles")  ("
fi

if [ -d /usr/include/linux ]; then
    same linux /usr/include/linux
    has linux.got " 0 failed)"
fi
echo "both ways agree"
