/* SPDX-License-Identifier: MIT */
/*
 * Events on their way to the sinks. The process layer fills in who and what (src/proc/log.c).
 */
#ifndef TROUPE_OS_LOG_H
#define TROUPE_OS_LOG_H

#include "troupe/log.h"

/* What an event is made of; everything is copied. */
struct tr_log_draft {
    struct tr_log_event event; /* time and backtrace are filled in by tr__log_put */
    void *const *pcs;          /* addresses of a backtrace, for tr__trace_describe */
    int npcs;
};

/* Queues the event on all sinks that take its level. Any thread; does not block. */
void tr__log_put(const struct tr_log_draft *draft);

/*
 * From now on who logs waits until the sinks have written the event, or does not. In a replay their
 * threads are then part of what the seed decides, whatever they do.
 */
void tr__log_in_step(bool on);

/* The present thread is that of a sink that somebody waits for. */
bool tr__log_is_step(void);

/* As the functions without the second underscore, but a process's worker is not given up. */
tr_err tr__log_remove_sink(const char *name);
bool tr__log_flush(int64_t timeout_ms);

#endif
