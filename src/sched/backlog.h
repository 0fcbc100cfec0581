/* SPDX-License-Identifier: MIT */
/*
 * What waits behind a ring: its owner's own, without a lock.
 *
 * Two kinds. What has run before, whether it had its turn or was woken, is first in, first out.
 * What is new goes before all of that: the new ones of one turn in the order in which they came,
 * but before those of earlier turns. So a tree of processes runs depth first, a small part of it
 * there at a time; and what has waited longest has the largest part of the tree still before it.
 *
 * Who takes the newest alone starves the others: now and then the owner takes from the other end.
 */
#ifndef TROUPE_SCHED_BACKLOG_H
#define TROUPE_SCHED_BACKLOG_H

#include "sched/runnable.h"

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* First in, first out. */
struct tr_backlog_list {
    struct tr_runnable *first, *last; /* `last` is valid while `first` is */
};

struct tr_backlog {
    struct tr_backlog_list *turns; /* of new ones: a circle of `size`; none of the `n` is empty */
    uint32_t size;                 /* a power of two, or 0 */
    uint32_t oldest, n;            /* the first of them, counted on for ever; how many there are */
    uint32_t turn;                 /* that of the newest */
    uint32_t new_count;            /* processes on all these lists */
    struct tr_backlog_list others; /* all that are not new */
    _Atomic uint32_t count;        /* of both kinds; written by the owner, read by any thread */
};

static inline uint32_t tr__backlog_count(struct tr_backlog *b)
{
    return atomic_load_explicit(&b->count, memory_order_relaxed);
}

static inline bool tr__backlog_has_new(const struct tr_backlog *b)
{
    return b->n > 0;
}

static inline void tr__backlog_count_on(struct tr_backlog *b, uint32_t more)
{
    /* Relaxed: others only want to know whether it is worth their while. */
    atomic_store_explicit(&b->count, tr__backlog_count(b) + more, memory_order_relaxed);
}

static inline void tr__backlog_append(struct tr_backlog_list *list, struct tr_runnable *r)
{
    r->next = NULL;
    if (list->first)
        list->last->next = r;
    else
        list->first = r;
    list->last = r;
}

/* A new one, which came in this turn. Without memory it may go to those of the turn before, or to
   the others. */
void tr__backlog_push_new(struct tr_backlog *b, struct tr_runnable *r, uint32_t turn);

/* The first of the new ones of the newest turn, of the oldest turn, or NULL. */
struct tr_runnable *tr__backlog_pop_newest(struct tr_backlog *b);
struct tr_runnable *tr__backlog_pop_oldest(struct tr_backlog *b);

/* One that has run before; the first of those, or NULL. */
static inline void tr__backlog_push(struct tr_backlog *b, struct tr_runnable *r)
{
    tr__backlog_append(&b->others, r);
    tr__backlog_count_on(b, 1);
}

static inline struct tr_runnable *tr__backlog_pop(struct tr_backlog *b)
{
    struct tr_runnable *r = b->others.first;

    if (!r)
        return NULL;
    b->others.first = r->next;
    tr__backlog_count_on(b, (uint32_t)-1);
    return r;
}

/* Gives its memory back; what waits there is forgotten. */
void tr__backlog_free(struct tr_backlog *b);

#endif
