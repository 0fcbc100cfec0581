/* SPDX-License-Identifier: MIT */
/*
 * The pool of threads, as the files that work on it see it: thread.c makes and ends threads,
 * handoff.c takes workers from them, own_thread.c runs those that serve one process alone.
 *
 * Invariants, with the lock held: a worker has at most one thread and a thread at most one worker,
 * and they name each other; a thread is on the list of spares only while it has no worker and runs
 * nothing. The lock is taken when a worker changes hands, never in between. `lost` of a thread's
 * record is written with the lock held.
 */
#ifndef TROUPE_SCHED_POOL_H
#define TROUPE_SCHED_POOL_H

#include "sched/thread.h"

extern struct tr_thread_pool {
    pthread_mutex_t lock;
    struct tr_thread *spares; /* guarded by lock, as is all below */
    struct tr_ring all;       /* the threads that run */
    int limit;
    int count;   /* threads that exist */
    int owns;    /* those of them that serve one process alone */
    int numbers; /* threads ever started */
    bool can_take;
    bool ran_out;      /* the limit was in the way since somebody looked */
    int64_t next_word; /* about that: not before */
    pthread_cond_t own_ended;
} tr__pool;

/* --- with the lock held --- */

/* Starts a thread on `run`; false when the system gives none. */
bool tr__thread_launch(struct tr_thread *t, void *(*run)(void *));

/* Changes its word, so that it looks at its record again. */
void tr__thread_wake(struct tr_thread *t);

/* Worker and thread belong to each other from now on. */
void tr__thread_assign(struct tr_thread *t, struct tr_worker *w);

/* The worker of an own thread goes back to its lender. */
void tr__thread_give_back(struct tr_thread *own, struct tr_worker *w);

/* Gives the worker, which `t` has no more, to another thread; false when there is none. */
bool tr__thread_replace(struct tr_thread *t, struct tr_worker *w);

/* --- by the thread itself, without the lock --- */

/* Makes itself known to those who may take its worker. */
void tr__thread_introduce(struct tr_thread *t);

/* The last that a thread does; its record may be freed afterwards. */
void tr__thread_take_leave(struct tr_thread *t);

/* The same for one that nobody will wait for; frees the record. */
void tr__thread_end_alone(struct tr_thread *t);

/* Its record names the worker that it runs, or none. */
void tr__thread_attach(struct tr_thread *t, struct tr_worker *w);
void tr__thread_detach(struct tr_thread *t);

#endif
