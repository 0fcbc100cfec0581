/* SPDX-License-Identifier: MIT */
/* Copying words: every length, every alignment, a pointer at every place. */
#include "term/words.h"

#include "check.h"

#include <string.h>

enum { MOST = 300, ROOM = MOST + 8 };

#define UNTOUCHED UINT64_C(0xfeedfeedfeedfeed)

static const uint64_t some_pid = 5u << 27 | TR__TAG_PID; /* has not the bit of most immediates */

static uint64_t from[ROOM], to[ROOM] __attribute__((aligned(64)));

static void fill(void)
{
    for (size_t i = 0; i < ROOM; i++) {
        from[i] = TR__SMALL_W((int64_t)i * 3);
        to[i] = UNTOUCHED;
    }
}

typedef bool (*copy_fn)(uint64_t *to, const uint64_t *from, size_t n);

static const copy_fn ways[] = { tr__words_copy, tr__words_copy_narrow };

static void check_copy(copy_fn copy, size_t to_at, size_t from_at, size_t n)
{
    CHECK(copy(to + to_at, from + from_at, n));
    CHECK(memcmp(to + to_at, from + from_at, n * sizeof *to) == 0);
    for (size_t i = 0; i < ROOM; i++)
        if (i < to_at || i >= to_at + n)
            CHECK(to[i] == UNTOUCHED);
}

TEST(words_of_every_length_and_alignment)
{
    for (size_t n = 0; n <= MOST; n++) {
        for (size_t at = 0; at < 16; at++) {
            for (size_t way = 0; way < 2; way++) {
                fill();
                if (n)
                    from[at / 4 + n * at / 16] = some_pid;
                check_copy(ways[way], at % 4, at / 4, n);
            }
        }
    }
}

TEST(a_pointer_at_every_place)
{
    static const uint64_t box;
    const uint64_t pointers[] = { (uintptr_t)&box, (uintptr_t)&box + TR__TAG_CONS };

    for (size_t n = 1; n <= MOST; n++) {
        for (size_t at = 0; at < n; at++) {
            for (size_t way = 0; way < 2; way++) {
                fill();
                from[at] = pointers[at % 2];
                CHECK(!ways[way](to + 2, from, n));
                CHECK(to[1] == UNTOUCHED && to[2 + n] == UNTOUCHED);
            }
        }
    }
}
