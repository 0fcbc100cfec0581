/* SPDX-License-Identifier: MIT */
/*
 * Run queues: a ring for one worker, from which others steal, and a locked list for all.
 *
 * Ring: one owner pushes at the tail and takes from the head; thieves take half from the head.
 * `head` and `tail` count up for ever; entries head..tail-1 are valid, and a slot is only written
 * again after head has passed it.
 *
 * What does not fit waits behind the ring, in a backlog of the owner's own that needs no lock: what
 * came last goes first, so a tree of processes runs depth first and is never there all at once.
 *
 * Thieves are offered the other end: one entry of the backlog, that which has waited longest, lies
 * where any of them may take it. In a tree that is the largest piece there is: a thief that takes
 * it is busy for long with what is all its own. The owner puts another there when it next has to
 * do with the backlog, and takes it back when it has nothing else, so nothing is left lying there.
 */
#ifndef TROUPE_SCHED_RUNQ_H
#define TROUPE_SCHED_RUNQ_H

#include "base/compiler.h"
#include "base/spin.h"
#include "sched/backlog.h"
#include "sched/runnable.h"

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>

#define TR__RING_SIZE 256u

struct tr_runring {
    _Atomic uint32_t head TR__ALIGNED(TR__CACHE_LINE); /* owner and thieves */
    _Atomic uint32_t tail;                             /* written by the owner only */
    _Atomic(struct tr_runnable *) slots[TR__RING_SIZE];
    /* What is offered: written by the owner while NULL, emptied by whoever takes it. */
    _Atomic(struct tr_runnable *) offer TR__ALIGNED(TR__CACHE_LINE);
    /* Owner only. */
    struct tr_backlog behind TR__ALIGNED(TR__CACHE_LINE);
    unsigned thieves; /* how many there may be: set before the start */
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

/* All up to tr__runring_has_new are the owner's only. What does not fit in the ring goes behind
   it: what is new, in the owner's present turn; what was woken; what has had its turn, which queues
   there also if there is room in the ring but others wait behind it. */
void tr__runring_push_new(struct tr_runring *q, struct tr_runnable *r, uint32_t turn);
void tr__runring_push(struct tr_runring *q, struct tr_runnable *r);
void tr__runring_push_last(struct tr_runring *q, struct tr_runnable *r);

/* The oldest entry; when the ring is empty, one from behind it, the newest of those that are new
   before all; when there is none, what is offered; or NULL. */
struct tr_runnable *tr__runring_pop(struct tr_runring *q);

/* Of those behind the ring: the newest that is new; the one of these that has waited longest, which
   may be the one offered; of the others the one that has waited longest. NULL if there is none. */
static inline struct tr_runnable *tr__runring_pop_newest(struct tr_runring *q)
{
    return tr__backlog_pop_newest(&q->behind);
}
struct tr_runnable *tr__runring_pop_oldest(struct tr_runring *q);
static inline struct tr_runnable *tr__runring_pop_other(struct tr_runring *q)
{
    return tr__backlog_pop(&q->behind);
}

/* How many new ones are behind the ring. */
static inline uint32_t tr__runring_new_behind(const struct tr_runring *q)
{
    return q->behind.new_count;
}

/* Is there one for the first two? */
static inline bool tr__runring_has_new(struct tr_runring *q)
{
    return tr__backlog_has_new(&q->behind) ||
           atomic_load_explicit(&q->offer, memory_order_relaxed) != NULL;
}

/* Does the ring have what a thief could take? A look; any thread. */
static inline bool tr__runring_tempts(struct tr_runring *q)
{
    return tr__runring_count(q) > 0 ||
           atomic_load_explicit(&q->offer, memory_order_relaxed) != NULL;
}

/* Does anything wait for the owner? A look; any thread. */
static inline bool tr__runring_waits(struct tr_runring *q)
{
    return tr__runring_tempts(q) || tr__backlog_count(&q->behind) > 0;
}

/* What is offered, or NULL. Any thread. */
static inline struct tr_runnable *tr__runring_take_offer(struct tr_runring *q)
{
    /* Most looks find nothing, and leave the line to its owner. */
    if (!atomic_load_explicit(&q->offer, memory_order_relaxed))
        return NULL;
    /* Only one gets it. Acquire pairs with the release in make_offer. */
    return atomic_exchange_explicit(&q->offer, NULL, memory_order_acquire);
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
