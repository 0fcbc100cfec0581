/* SPDX-License-Identifier: MIT */
/*
 * Stacks: guarded address space whose pages are touched as needed.
 *
 * A stack's first page costs a page fault (1.4 to 2 us) when it is touched for the first time, so
 * stacks are reused last-in first-out: a worker that runs short-lived processes runs them all on
 * one warm stack.
 *
 * Below a stack of default size or more lie a few pages of reserve, guarded like the page below
 * them. Who overflows the stack inside a function that must not be left in the middle gets them, so
 * that it can come to its end.
 */
#ifndef TROUPE_MEM_STACK_H
#define TROUPE_MEM_STACK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define TR__STACK_DEFAULT (128u * 1024u)
#define TR__STACK_HOT     32

/* The record of a stack, at its high end: the page that is touched anyway. */
struct tr_stack {
    struct tr_stack *next; /* the list of free stacks it is on: a cache's or the depot's */
    char *base;            /* lowest address: the guard page */
    uint8_t order;         /* log2 of its size */
    bool opened;           /* its reserve is in use */
};

/* The warm stacks of default size of one worker. */
struct tr_stack_cache {
    struct tr_stack *head;
    int count;
};

/*
 * A stack of at least `size` bytes (0: the default), or NULL. `cache` is the caller's own.
 */
struct tr_stack *tr__stack_get(struct tr_stack_cache *cache, size_t size);

void tr__stack_put(struct tr_stack_cache *cache, struct tr_stack *s);

/* Hands the stacks in `cache` to the depot. */
void tr__stack_cache_flush(struct tr_stack_cache *cache);

/*
 * Pages of free stacks go back to the system in two steps. The first, from time to time, says which
 * are to go: those that nobody has needed since the last time. The second makes at most so many of
 * them go; true when there are more. Called by one thread.
 */
void tr__stacks_age(void);
bool tr__stacks_trim(int most);

/* The highest address that the stack's user may have, and the lowest. */
void *tr__stack_top(struct tr_stack *s);
void *tr__stack_bottom(struct tr_stack *s);

/* True when `address` is in the guarded part of the stack. Async-signal-safe, as the next. */
bool tr__stack_guards(const struct tr_stack *s, uintptr_t address);

/* Makes the reserve usable until the stack is put back; false when there is none, or it is in use
   already. */
bool tr__stack_open(struct tr_stack *s);

#endif
