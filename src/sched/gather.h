/* SPDX-License-Identifier: MIT */
/* Fewer workers for processes that talk to each other, while that gets more done: gather.c. */
#ifndef TROUPE_SCHED_GATHER_H
#define TROUPE_SCHED_GATHER_H

#include "sched/worker.h"

/* The word by which a worker is asked to rest, and says that it does. */
enum { TR__REST_WORKS, TR__REST_ASKED, TR__RESTS };

/* All work: before the workers start. */
void tr__gather_init(void);

/* One look in each tick; `held_up`: a process has kept a worker since the last one, and others wait
   for it. Monitor only. */
void tr__gather_tick(int64_t now, bool held_up);

/* Does the worker rest? Monitor only. */
bool tr__is_resting(struct tr_worker *w);

/* Is it to rest? Owner only. */
static inline bool tr__is_asked_to_rest(struct tr_worker *w)
{
    return tr__unlikely(atomic_load_explicit(&w->rest, memory_order_relaxed) != TR__REST_WORKS);
}

/* Gives away what waits for the worker, and rests until it is called back or the scheduler stops.
   Blocks the thread. Owner only. */
void tr__gather_rest(struct tr_worker *w);

#endif
