/* SPDX-License-Identifier: MIT */
/*
 * A doubly linked ring: the head is an element like any other, so that removal needs no head.
 *
 * Invariant: for every element x of a ring, x->next->prev == x and x->prev->next == x.
 * An element that is in no ring points at itself.
 */
#ifndef TROUPE_BASE_RING_H
#define TROUPE_BASE_RING_H

#include <stdbool.h>

struct tr_ring {
    struct tr_ring *next, *prev;
};

static inline void tr__ring_init(struct tr_ring *l)
{
    l->next = l->prev = l;
}

static inline bool tr__ring_alone(const struct tr_ring *l)
{
    return l->next == l;
}

/* Puts `l` at the end of the ring whose head is `head`. */
static inline void tr__ring_append(struct tr_ring *head, struct tr_ring *l)
{
    l->prev = head->prev;
    l->next = head;
    head->prev->next = l;
    head->prev = l;
}

static inline void tr__ring_remove(struct tr_ring *l)
{
    l->prev->next = l->next;
    l->next->prev = l->prev;
    tr__ring_init(l);
}

/* Moves everything after head `from` to the empty ring `to`. */
static inline void tr__ring_move(struct tr_ring *from, struct tr_ring *to)
{
    tr__ring_init(to);
    if (tr__ring_alone(from))
        return;
    *to = *from;
    to->next->prev = to;
    to->prev->next = to;
    tr__ring_init(from);
}

#endif
