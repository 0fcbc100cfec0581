/* SPDX-License-Identifier: MIT */
/*
 * What comes next, where it is the one in the run-next slot: the usual case, short enough to be
 * inline wherever a process waits. All else is chosen by tr__worker_next.
 */
#ifndef TROUPE_SCHED_NEXT_H
#define TROUPE_SCHED_NEXT_H

#include "sched/worker.h"

#define TR__TIMERS_EVERY 16 /* turns */

/* Is it the turn of the one in the run-next slot, if any, and nothing else due? Only looks; not for
   a replay, which draws who is next. The worker's thread only, as the others. */
TR__INLINED bool tr__next_at_once(struct tr_worker *w)
{
    return tr__likely(w->budget > 0 && w->turns % TR__TIMERS_EVERY != 0 && !w->blocks.hand.of &&
                      !tr__sched_is_asked());
}

TR__INLINED struct tr_runnable *tr__next_of(struct tr_worker *w)
{
    return atomic_load_explicit(&w->next, memory_order_relaxed);
}

/* A turn has begun. Relaxed: the monitor only compares two looks a millisecond apart. */
TR__INLINED void tr__next_shown(struct tr_worker *w)
{
    atomic_store_explicit(&w->turn_now, w->turns, memory_order_relaxed);
    atomic_store_explicit(&w->preempt, false, memory_order_relaxed);
}

/* The turn of what is in the run-next slot begins. */
TR__INLINED void tr__next_begins(struct tr_worker *w)
{
    w->turns++;
    atomic_store_explicit(&w->next, NULL, memory_order_relaxed);
    tr__next_shown(w);
}

#endif
