/* SPDX-License-Identifier: MIT */
/* What the two compilers call the few things that C does not name. */
#ifndef TROUPE_BASE_COMPILER_H
#define TROUPE_BASE_COMPILER_H

#include <stddef.h>

#define tr__likely(x)   __builtin_expect(!!(x), 1)
#define tr__unlikely(x) __builtin_expect(!!(x), 0)
#define TR__NOINLINE    __attribute__((noinline))
/* For what is small and everywhere. The copies of a static inline function in many files are folded
   into one by gcc's link-time optimisation; where one of them stood on a path that is never taken,
   all calls then count as such, and who calls is laid out and optimised as code that hardly runs.
 */
#define TR__INLINED static inline __attribute__((always_inline))
#define TR__COLD    __attribute__((cold, noinline))
/*
 * For functions with a context switch in them: other code runs there and may change anything. gcc
 * believes that inline assembly changes no static variable whose address is not taken, and with
 * optimisation across functions or files it would carry that belief into the callers.
 */
#if defined(__clang__)
#define TR__OPAQUE __attribute__((noinline))
#else
#define TR__OPAQUE __attribute__((noipa))
#endif
#define TR__CACHE_LINE 64
#define TR__ALIGNED(n) __attribute__((aligned(n)))

/* The struct of type `type` whose member `member` is at `ptr`. */
#define tr__container_of(ptr, type, member) ((type *)(void *)((char *)(ptr)-offsetof(type, member)))

#if defined(__SANITIZE_ADDRESS__)
#define TR__ASAN 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define TR__ASAN 1
#endif
#endif

#if defined(__SANITIZE_THREAD__)
#define TR__TSAN 1
#elif defined(__has_feature)
#if __has_feature(thread_sanitizer)
#define TR__TSAN 1
#endif
#endif

#if defined(TR__ASAN) || defined(TR__TSAN)
#define TR__SANITIZED 1
#endif

/* For functions that look at what others may be writing, and make do with what they see. */
#define TR__UNSYNCHRONISED __attribute__((no_sanitize("thread")))

/* Tells the core that it is in a short wait. */
static inline void tr__cpu_relax(void)
{
#if defined(__x86_64__)
    __builtin_ia32_pause();
#elif defined(__aarch64__)
    __asm__ volatile("yield");
#endif
}

/* Asks for a cache line to be written: x86-64 compilers make a mere read of the builtin, after
   which the write asks again. */
static inline void tr__prefetch_to_write(const void *p)
{
#if defined(__x86_64__)
    __asm__ volatile("prefetchw %0" : : "m"(*(const char *)p));
#else
    __builtin_prefetch(p, 1);
#endif
}

#endif
