/* SPDX-License-Identifier: MIT */
/* A broken invariant of the library itself: say where, then abort. */
#ifndef TROUPE_BASE_PANIC_H
#define TROUPE_BASE_PANIC_H

#include "base/compiler.h"

_Noreturn void tr__panic(const char *file, int line, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

#define TR__PANIC(...) tr__panic(__FILE__, __LINE__, __VA_ARGS__)

/* Checked in every build: these guard memory safety, and cost a predicted branch. */
#define TR__ASSERT(cond)                                                                           \
    do {                                                                                           \
        if (tr__unlikely(!(cond)))                                                                 \
            TR__PANIC("broken invariant: %s", #cond);                                              \
    } while (0)

/* Checked where TR_CHECKS is defined: costly or on a hot path. */
#ifdef TR_CHECKS
#define TR__CHECK(cond) TR__ASSERT(cond)
#else
#define TR__CHECK(cond) ((void)0)
#endif

#endif
