/* SPDX-License-Identifier: MIT */
/*
 * Timers and time.
 *
 *     tr_ref timer = tr_send_after(1000, tr_self(), a_tick);
 *     int64_t left;
 *
 *     if (tr_cancel_timer(timer, &left))
 *         printf("%ld ms were left\n", (long)left);
 *
 * Times are milliseconds. A negative one, or one of more than 2^43 ms (278 years), ends the caller
 * with {badarg, Time}. A message is delivered once, never early; its destination is a pid, or a
 * name, which is looked up when the timer fires. A timer for a process that has ended is dropped.
 */
#ifndef TROUPE_TIMER_H
#define TROUPE_TIMER_H

#include <stdbool.h>
#include <stdint.h>

#include "troupe/message.h"

TR_HEADER_BEGIN

struct tr_timer_opts {
    bool absolute; /* the time is a point on the clock of tr_monotonic_ms; the past fires at once */
    bool wrap;     /* deliver {timeout, Ref, Message} */
    bool repeat;   /* every so many ms until cancelled, without drift */
    bool exit;     /* no message: an exit signal with that reason, from the caller */
};

/*
 * tr_ref tr_send_after(ms, to, ...): delivers the message after ms. (erlang:send_after/3)
 * tr_ref tr_start_timer(ms, to, ...): delivers {timeout, Ref, Message}. (erlang:start_timer/3)
 * tr_ref tr_send_interval(ms, to, ...): delivers it every ms, ms > 0. (timer:send_interval/3)
 * tr_ref tr_exit_after(ms, to, ...): sends an exit signal with that reason. (timer:exit_after/3)
 * tr_ref tr_kill_after(ms, to): the same with kill. (timer:kill_after/2)
 * tr_ref tr_timer_opt(ms, to, &opts, ...): as the options say.
 * Without memory the caller ends with out_of_memory. Any thread.
 */
tr_ref tr_timer_args(int64_t ms, tr_term to, const struct tr_timer_opts *opts,
                     const struct tr_arg *args, int n);
#define tr_send_after(ms, to, ...)      tr_timer_args(ms, TR__DEST(to), NULL, TR_ARGS(__VA_ARGS__))
#define tr_timer_opt(ms, to, opts, ...) tr_timer_args(ms, TR__DEST(to), opts, TR_ARGS(__VA_ARGS__))
#define tr_start_timer(ms, to, ...)     tr_timer_opt(ms, to, tr__timer_wrap(), __VA_ARGS__)
#define tr_send_interval(ms, to, ...)   tr_timer_opt(ms, to, tr__timer_repeat(), __VA_ARGS__)
#define tr_exit_after(ms, to, ...)      tr_timer_opt(ms, to, tr__timer_exit(), __VA_ARGS__)
#define tr_kill_after(ms, to)           tr_timer_opt(ms, to, tr__timer_exit(), tr__atom_kill())

/*
 * Stops a timer. True when it had not fired: it never will, and *ms_left (may be NULL) is how much
 * was left. False when it has fired, was cancelled or never was; *ms_left is untouched. Any
 * thread, any holder of the reference. (erlang:cancel_timer/1)
 */
bool tr_cancel_timer(tr_ref timer, int64_t *ms_left);

/* The same, with the result as a message {cancel_timer, Ref, MsLeft or false} to the caller.
   Process only. (erlang:cancel_timer/2 with async) */
void tr_cancel_timer_async(tr_ref timer);

/* How much is left; false when the timer is no longer active. Any thread. (erlang:read_timer/1) */
bool tr_read_timer(tr_ref timer, int64_t *ms_left);

/* Waits; 0 returns at once, TR_INFINITY never. Process only; blocks. (Process.sleep/1) */
void tr_sleep(int64_t ms);

/* The monotonic clock: never goes backwards for any observer. Any thread.
   (erlang:monotonic_time/1) */
int64_t tr_monotonic_ns(void);
int64_t tr_monotonic_ms(void);

/* --- private part --- */

const struct tr_timer_opts *tr__timer_wrap(void);
const struct tr_timer_opts *tr__timer_repeat(void);
const struct tr_timer_opts *tr__timer_exit(void);
tr_atom tr__atom_kill(void);

TR_HEADER_END

#endif
