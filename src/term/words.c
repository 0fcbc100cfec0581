/* SPDX-License-Identifier: MIT */
/*
 * Copying words, with the widest loads and stores that the processor surely has.
 *
 * What it costs are the stores: whoever sends the copy waits until all of them are in the cache,
 * one a cycle, because a message is pushed by an atomic operation. So x86-64 takes 32 bytes at a
 * time where it has AVX2, which is asked once, and everybody else 16 bytes: SSE2, NEON.
 */
#include "term/words.h"

#include <string.h>

#define GROUP 8u   /* words that a step of the narrow loop copies */
#define RUN   128u /* words copied before it is known that they are immediates */

typedef uint64_t pair __attribute__((vector_size(2 * sizeof(uint64_t))));

static inline pair pair_copy(uint64_t *to, const uint64_t *from)
{
    pair words;

    memcpy(&words, from, sizeof words);
    memcpy(to, &words, sizeof words);
    return words;
}

/* A run of words; true when all are immediates. */
static inline bool copy_run(uint64_t *to, const uint64_t *from, size_t n)
{
    pair common = { TR__COMMON, TR__COMMON };
    uint64_t rest = TR__COMMON;
    size_t whole = n & ~(size_t)(GROUP - 1);

    for (size_t i = 0; i < whole; i += GROUP)
        common &= pair_copy(to + i, from + i) & pair_copy(to + i + 2, from + i + 2) &
                  pair_copy(to + i + 4, from + i + 4) & pair_copy(to + i + 6, from + i + 6);
    for (size_t i = whole; i < n; i++)
        rest &= to[i] = from[i];
    return tr__likely(common[0] & common[1] & rest) || tr__words_immediate(from, n);
}

bool tr__words_copy_narrow(uint64_t *to, const uint64_t *from, size_t n)
{
    for (; n > RUN; n -= RUN, to += RUN, from += RUN)
        if (!copy_run(to, from, RUN))
            return false;
    return copy_run(to, from, n);
}

#if defined(__x86_64__)

#define WIDE_MIN 8u /* words; fewer are not worth the start */

#define WIDE static inline __attribute__((target("avx2"), always_inline))

typedef uint64_t quad __attribute__((vector_size(4 * sizeof(uint64_t))));

static bool has_avx2; /* as long as it is not known, not */

__attribute__((constructor)) static void ask(void)
{
    __builtin_cpu_init();
    has_avx2 = __builtin_cpu_supports("avx2");
}

WIDE void quad_copy(uint64_t *to, const uint64_t *from, quad *common)
{
    quad words;

    memcpy(&words, from, sizeof words);
    memcpy(to, &words, sizeof words);
    *common &= words;
}

/* The same for WIDE_MIN words or more. The first store, of 16 bytes, makes those that follow
   aligned, since words of a message begin in the middle of 32 bytes: unaligned ones would touch
   two lines each. The last words are copied twice. */
static TR__NOINLINE __attribute__((target("avx2"))) bool
copy_run_wide(uint64_t *to, const uint64_t *from, size_t n)
{
    pair first = { TR__COMMON, TR__COMMON };
    quad common = { TR__COMMON, TR__COMMON, TR__COMMON, TR__COMMON };
    size_t i = 0;

    if ((uintptr_t)to & sizeof first) {
        first = pair_copy(to, from);
        i = 2;
    }
    for (; i + 16 <= n; i += 16) {
        quad_copy(to + i, from + i, &common);
        quad_copy(to + i + 4, from + i + 4, &common);
        quad_copy(to + i + 8, from + i + 8, &common);
        quad_copy(to + i + 12, from + i + 12, &common);
    }
    for (; i + 4 <= n; i += 4)
        quad_copy(to + i, from + i, &common);
    quad_copy(to + n - 4, from + n - 4, &common);
    return tr__likely(common[0] & common[1] & common[2] & common[3] & first[0] & first[1]) ||
           tr__words_immediate(from, n);
}

bool tr__words_copy(uint64_t *to, const uint64_t *from, size_t n)
{
    if (!has_avx2 || n < WIDE_MIN)
        return tr__words_copy_narrow(to, from, n);
    /* The last run is no shorter than WIDE_MIN. */
    for (; n >= RUN + WIDE_MIN; n -= RUN, to += RUN, from += RUN)
        if (!copy_run_wide(to, from, RUN))
            return false;
    return copy_run_wide(to, from, n);
}

#else

bool tr__words_copy(uint64_t *to, const uint64_t *from, size_t n)
{
    return tr__words_copy_narrow(to, from, n);
}

#endif
