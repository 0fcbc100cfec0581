/* SPDX-License-Identifier: MIT */
/*
 * The timers of programs from the inside.
 *
 * A timer is one block: its place on a wheel, its entry in that wheel's index, and the signal it
 * will send, so firing needs no memory. Its reference names the wheel and a number that is never
 * used twice; whoever holds the reference finds the timer through the index (timer_index.c).
 *
 * Who may touch what: the wheel's lock guards wheel place and index entry. The list of a process's
 * own timers belongs to that process alone; therefore a timer on such a list is not freed by
 * others: when somebody else cancels it, its signal is sent all the same, marked as cancelled, and
 * the owner takes it off the list when it arrives.
 */
#ifndef TROUPE_PROC_TIMER_H
#define TROUPE_PROC_TIMER_H

#include "proc/proc.h"

enum tr_timer_state { TR__TIMER_PENDING, TR__TIMER_FIRED, TR__TIMER_CANCELLED };

struct tr_timer {
    struct tr_wheel_node node;
    struct tr_timer *index_next; /* chain of the index; guarded by the wheel's lock */
    uint64_t ref;
    uint64_t to;            /* pid, or name */
    int64_t period;         /* ns; 0: once */
    struct tr_timer *next;  /* the owner's list; owner only */
    struct tr_timer **link; /* what points to this one on that list */
    uint32_t size;          /* of the whole block */
    uint8_t state;          /* enum tr_timer_state; guarded by the wheel's lock */
    bool owned;             /* on the list of the process it is for, which started it */
    struct tr_sig sig;
};

/* The worker on whose wheel a timer of this reference is; NULL when it is none of a timer. */
struct tr_worker *tr__timer_worker(uint64_t ref);

/* A reference for a timer on that wheel. `own`: the calling process runs on that worker. */
uint64_t tr__timer_ref(struct tr_worker *w, bool own);

/* Puts a timer on wheel and index; false without memory. */
bool tr__timer_start(struct tr_worker *w, struct tr_timer *t);

/* Takes a pending timer off wheel and index; NULL when there is none of that reference. */
struct tr_timer *tr__timer_stop(uint64_t ref);

/* Is one pending? When, and for whom. */
bool tr__timer_look(uint64_t ref, int64_t *due, uint64_t *to);

/* Takes one that has fired, and will not again, off the index. The wheel is locked. */
void tr__timer_fired(struct tr_worker *w, struct tr_timer *t);

#endif
