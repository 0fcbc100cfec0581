/* SPDX-License-Identifier: MIT */
/* An event of the log, shared by the queues of the sinks that take it. */
#ifndef TROUPE_OS_LOG_EVENT_H
#define TROUPE_OS_LOG_EVENT_H

#include "os/log.h"

struct tr_log_shared {
    struct tr_log_event public;
    int refs; /* guarded by the lock of log.c */
    int npcs;
    char *backtrace; /* made of `pcs` by the first sink */
    void **pcs;
};

/* A copy of the draft, with one reference; NULL without memory. */
struct tr_log_shared *tr__log_event_new(const struct tr_log_draft *draft);

/* Gives up a reference; the lock of log.c is held. */
void tr__log_event_release(struct tr_log_shared *e);

/* The event as a sink sees it, borrowed. Slow where there is a backtrace: on the thread of a sink,
   without the lock. */
struct tr_log_event tr__log_event_view(struct tr_log_shared *e);

/* The time of an event that is made now. */
int64_t tr__log_now_us(void);

#endif
