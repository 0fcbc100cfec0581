/* SPDX-License-Identifier: MIT */
/* All that the scheduler knows of what it schedules. */
#ifndef TROUPE_SCHED_RUNNABLE_H
#define TROUPE_SCHED_RUNNABLE_H

#include <stdatomic.h>
#include <stdint.h>

struct tr_worker;

/* As in OTP: max and high run before the others; low runs once for every eight normal ones. */
enum tr_runnable_priority {
    TR__PRIO_LOW,
    TR__PRIO_NORMAL,
    TR__PRIO_HIGH,
    TR__PRIO_MAX,
    TR__PRIO_COUNT
};

struct tr_runnable {
    struct tr_runnable *next; /* the queue it is on, while runnable */
    /* Runs it for one turn. It may ask tr__worker_next what comes then, and go on with that if it
       is of its own kind; else it returns that. NULL: it has not asked, or there is none. */
    struct tr_runnable *(*run)(struct tr_worker *w, struct tr_runnable *r);
    uint8_t priority;       /* enum tr_runnable_priority */
    _Atomic(uint8_t) marks; /* the scheduler asks its owner about them: struct tr_sched_hooks */
};

#endif
