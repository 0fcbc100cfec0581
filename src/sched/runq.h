/* SPDX-License-Identifier: MIT */
/*
 * Run queues: a ring for one worker, from which others steal, and a locked list for all.
 *
 * Ring: one owner pushes at the tail and takes from the head; thieves take half from the head.
 * `head` and `tail` count up for ever; entries head..tail-1 are valid, and a slot is only written
 * again after head has passed it.
 *
 * What does not fit waits behind the ring, in a list of the owner's own that needs no lock. When
 * the ring is empty a few move up, one for each worker, not many: so what they spawn runs before
 * the others, and a tree of processes is never there all at once.
 */
#ifndef TROUPE_SCHED_RUNQ_H
#define TROUPE_SCHED_RUNQ_H

#include "base/compiler.h"
#include "base/spin.h"
#include "sched/runnable.h"

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>

#define TR__RING_SIZE 256u

struct tr_runring {
    _Atomic uint32_t head TR__ALIGNED(TR__CACHE_LINE); /* owner and thieves */
    _Atomic uint32_t tail;                             /* written by the owner only */
    _Atomic(struct tr_runnable *) slots[TR__RING_SIZE];
    struct tr_runnable *behind, *last; /* owner only */
};

struct tr_runlist {
    struct tr_spin lock;
    struct tr_runnable *first, *last; /* guarded by lock */
    _Atomic uint32_t count;           /* written with the lock held, read without */
};

static inline uint32_t tr__runring_count(struct tr_runring *q)
{
    uint32_t tail = atomic_load_explicit(&q->tail, memory_order_relaxed);

    return tail - atomic_load_explicit(&q->head, memory_order_relaxed);
}

/* The three are the owner's only. The second is for what has run already: where some wait behind
   the ring, it queues after them. */
void tr__runring_push(struct tr_runring *q, struct tr_runnable *r);
void tr__runring_push_last(struct tr_runring *q, struct tr_runnable *r);

/* The oldest entry, or NULL. `thieves`: how many there may be. */
struct tr_runnable *tr__runring_pop(struct tr_runring *q, unsigned thieves);

/* The one that has waited longest behind the ring, or NULL. Owner only. */
static inline struct tr_runnable *tr__runring_pop_behind(struct tr_runring *q)
{
    struct tr_runnable *r = q->behind;

    if (tr__unlikely(r))
        q->behind = r->next;
    return r;
}

/* Moves half of the ring `from` (at least one entry) to `to`, and returns one of them; NULL when
   there was nothing. Called by the owner of `to`, which is empty. */
struct tr_runnable *tr__runring_steal(struct tr_runring *to, struct tr_runring *from);

void tr__runlist_push(struct tr_runlist *q, struct tr_runnable *r);
struct tr_runnable *tr__runlist_pop(struct tr_runlist *q);

static inline bool tr__runlist_empty(struct tr_runlist *q)
{
    return atomic_load_explicit(&q->count, memory_order_seq_cst) == 0;
}

#endif
