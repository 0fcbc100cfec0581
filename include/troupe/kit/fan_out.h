/* SPDX-License-Identifier: MIT */
/*
 * Fan-out: a task for each item, so many at a time and so many in a second, and all their results.
 *
 *     struct tr_iter users = tr_iter_list(ids);
 *     tr_term results;                                    [{ok, Value}, {exit, Reason}, ...]
 *
 *     tr_err err = tr_fan_out(&results, notify, &users,
 *                             &(const struct tr_fan_out_opts){ .max_concurrency = 20, .rate = 50 },
 *                             NULL);
 *
 * It is a stream of tasks (troupe/task_stream.h) over an iterator that keeps the pace. That
 * iterator can be had by itself, for a loop that takes each result as it comes:
 *
 *     struct tr_paced paced;
 *
 *     if (tr_paced_init(&paced, &users, 50, 1000) == TR_OK)
 *         tr_async_stream (r, notify, &paced.iter, .max_batch = 1)
 *             ...
 *
 * This header is not part of <troupe.h>.
 */
#ifndef TROUPE_KIT_FAN_OUT_H
#define TROUPE_KIT_FAN_OUT_H

#include <stdint.h>

#include "troupe/iter.h"
#include "troupe/task_stream.h"

TR_HEADER_BEGIN

/* Zero is the default of each. */
struct tr_fan_out_opts {
    int max_concurrency; /* items at a time; as many as there are schedulers; up to 1,000,000 */
    int64_t rate;        /* items that may begin in per_ms; no limit; up to 1,000,000 */
    int64_t per_ms;      /* 1,000; up to 2^31 */
    int64_t timeout_ms;  /* for one item, which is killed then; 5 seconds; TR_INFINITY */
    tr_term supervisor;  /* whose children the tasks are (troupe/task_supervisor.h) */
};

/*
 * Runs fn(item) for each item and returns when all have ended. *results is a list in the order of
 * the items, in the current heap:
 *
 *     {ok, Value}      what fn has returned
 *     {exit, Reason}   it failed, or was late: then the reason is timeout
 *
 * No failure of an item ends the caller. With a rate, items begin at even distances, and time in
 * which none could begin is not made up for. While it waits for the pace the caller kills no late
 * item: that is late by one distance at most. If the caller ends, so do the tasks.
 *
 * TR_EINVAL: an option is out of range, *bad_option (may be NULL) is its name, and nothing has run.
 * Without memory the caller ends with out_of_memory. Process only; blocks.
 */
TR_MUST_USE tr_err tr_fan_out(tr_term *results, tr_task_fn fn, struct tr_iter *items,
                              const struct tr_fan_out_opts *opts, const char **bad_option);

/* An iterator that gives the items of another one, which must last as long, at that pace. */
struct tr_paced {
    struct tr_iter iter;
    struct tr_iter *items;
    int64_t distance_ns;
    int64_t due_ns; /* when the next item may be given */
};

/* Sets it up: `rate` items in per_ms, the first at once. Its steps block. A stream over it should
   have max_batch = 1: otherwise items are given ahead of their start. TR_EINVAL: a number is out of
   the ranges above, or 0. Any thread. */
TR_MUST_USE tr_err tr_paced_init(struct tr_paced *paced, struct tr_iter *items, int64_t rate,
                                 int64_t per_ms);

TR_HEADER_END

#endif
