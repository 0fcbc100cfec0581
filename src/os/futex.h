/* SPDX-License-Identifier: MIT */
/* Sleeping on a word, and waking who sleeps there. */
#ifndef TROUPE_OS_FUTEX_H
#define TROUPE_OS_FUTEX_H

#include <stdatomic.h>
#include <stdint.h>

/*
 * Sleeps while *word == expected, at most `ns` nanoseconds (negative: no limit). May return early
 * for no reason: the caller looks at the word again. Blocks the thread.
 */
void tr__futex_wait(_Atomic uint32_t *word, uint32_t expected, int64_t ns);

/* Wakes at most `n` threads that sleep on `word`. Any thread. */
void tr__futex_wake(_Atomic uint32_t *word, int n);

#endif
