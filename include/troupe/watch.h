/* SPDX-License-Identifier: MIT */
/*
 * A watch over all processes, for those that hold up others or grow without bound.
 *
 *     tr_system_monitor(&(struct tr_watch_opts){ .long_schedule_ms = 50,
 *                                                .long_message_queue = 10000 });
 *
 * logs a warning about each process that keeps its worker for 50 ms or has 10,000 messages waiting.
 */
#ifndef TROUPE_WATCH_H
#define TROUPE_WATCH_H

#include <stddef.h>
#include <stdint.h>

#include "troupe/term.h"
#include "troupe/version.h"

/* Zero: not watched for. */
struct tr_watch_opts {
    tr_pid to;                 /* gets the messages below; w of 0: warnings in the log instead */
    int64_t long_schedule_ms;  /* ran or blocked for so long without entering the library to wait */
    size_t long_message_queue; /* so many messages in its mailbox */
    size_t large_heap;         /* bytes of its heap */
};

TR_HEADER_BEGIN

/*
 * Sets what is watched for, in place of what was before; NULL: nothing. The process `to` gets
 *
 *     {monitor, Pid, long_schedule, [{timeout, Ms}]}
 *     {monitor, Pid, long_message_queue, [{message_queue_len, N}, {sender, Pid, Count}]}
 *     {monitor, Pid, large_heap, [{heap_size, Bytes}]}
 *
 * A process is looked at whenever it gives its worker back; so one that never does is never
 * reported, a long schedule when it is over, and what tr_blocking_begin has announced not at all. A
 * mailbox or heap that was reported is not reported again before it has been at half the limit.
 * The sender is the process that most of the messages came from; it is missing if none is known, as
 * for messages sent before the watch began and by those that have ended. While nothing is watched
 * for it costs nothing; a long mailbox makes each turn read the clock and count once. Any thread.
 * (erlang:system_monitor/2)
 */
void tr_system_monitor(const struct tr_watch_opts *opts);

/*
 * The processes, as a list of pids, that wait without a timeout and that nothing the library knows
 * of can wake or find: no name, link, monitor in either direction, alias or timer of their own,
 * spawned by a process that has ended, or by none; and that have done nothing for `ms`
 * milliseconds. What it cannot know is whether somebody keeps such a pid in memory and will send to
 * it; so this is a list to look at, not to kill by. The caller and the first process are never in
 * it. Process only; blocks for `ms` milliseconds, and until each process that may be one has
 * answered.
 */
tr_term tr_find_orphans(int64_t ms);

TR_HEADER_END

#endif
