/* SPDX-License-Identifier: MIT */
/*
 * Valgrind is told of our stacks wherever its header was there at build time: a few instructions
 * for each stack that is made, none for a switch. Blocks come from malloc, where it can watch them,
 * in builds with TR_VALGRIND only.
 */
#ifndef TROUPE_OS_VALGRIND_H
#define TROUPE_OS_VALGRIND_H

#if defined(__has_include)
#if __has_include(<valgrind/valgrind.h>)
#include <valgrind/valgrind.h>
#endif
#endif

/* A stack from address `low` up to `high`; for ever, as our stacks are never unmapped. */
static inline void tr__valgrind_stack(void *low, void *high)
{
#ifdef VALGRIND_STACK_REGISTER
    (void)VALGRIND_STACK_REGISTER(low, high);
#else
    (void)low, (void)high;
#endif
}

#endif
