/* SPDX-License-Identifier: MIT */
/*
 * Replay: a run of the program that one number decides.
 *
 *     TROUPE_REPLAY=17 ./program                      runs it under seed 17
 *     TROUPE_REPLAY=17 TROUPE_REPLAY_DIGEST=1 ...     prints the digest of the run at its end
 *
 * In a replayed run there is one worker. Which process runs next, where it is interrupted, how long
 * that takes, the order of timers that are due at once and the numbers of tr_random are drawn from
 * a generator that starts at the seed; the clock is a virtual one, and when nothing can run, it
 * jumps to the next timer. So the same program with the same input and the same seed does the same
 * again, at other addresses too, and waits for nothing. Priorities, the order of signals between
 * two processes, and that no timer fires early hold as ever.
 *
 * What the run takes from outside must be the same each time: files, arguments, environment. Calls
 * that cannot be the same (threads of the program that send, tr_blocking_begin, real descriptors)
 * are named on standard error, once; from there on the run goes on as an ordinary one.
 *
 * When every process waits and no timer is set, nothing would ever happen again: after a second, in
 * which a thread of the program may still bring something, the processes that wait are listed and
 * the first one is killed, so that tr_main returns 1. A process that runs for ten seconds without a
 * call into the library is told.
 *
 * Tests are written with troupe/test.h, which includes this header.
 */
#ifndef TROUPE_REPLAY_H
#define TROUPE_REPLAY_H

#include <stdbool.h>
#include <stdint.h>

#include "troupe/error.h"
#include "troupe/term.h"

TR_HEADER_BEGIN

/* The next tr_main is a replay under that seed, whatever the environment says. To be called before
   it. */
void tr_replay(uint64_t seed);

/* True in a replayed run. Any thread. */
bool tr_replaying(void);

/* The seed and the digest of the present replay, or the last one. The digest is a hash of all that
   was decided and sent so far: the same in two runs that were the same. Any thread. */
uint64_t tr_replay_seed(void);
uint64_t tr_replay_digest(void);

/* What has made the present replay, or the last one, depend on the outside, as the name of a
   function; NULL when nothing has. Borrowed, static. Any thread. */
const char *tr_replay_broken(void);

/* For libraries on top of this one: says that the run depends from now on on the outside, by that
   function; the text must last. Does nothing outside of a replay. Any thread. */
void tr_replay_breaks(const char *function);

/* Lets all others run until nothing can run any more at the present time. Outside of a replay the
   same as tr_yield. Process only. */
void tr_replay_settle(void);

/*
 * Faults to inject into a replayed run. TR_ENOTSUP outside of one, and for the signals to a process
 * with caps; TR_ELIMIT when 16 of that kind
 * are set, TR_ENOPROC when there is no such process. Process only.
 *
 * tr_replay_crash(pid, nth, ...): when the process begins its nth receive from now (1 is the next),
 * it ends with that reason instead, as if by a crash of its own: traps do not help, its clean-up
 * runs, a crash report is written.
 *
 * tr_replay_delay(from, to, ms): what `from` sends `to` from now on arrives so much later. Between
 * the two the order stays; what others send may overtake it. A pid with w of 0 in the place of
 * `from` is every other process.
 *
 * tr_replay_reorder(to, ms): what is sent to `to` from now on arrives up to so much later, by a
 * time drawn for each signal; what two different processes send may change places.
 *
 * tr_replay_fail_alloc(nth): the nth allocation or system call of the library from now fails, in
 * whichever process; 0: none. TR_ENOTSUP in builds without injected failures, as release builds
 * are (TR_CHECKS turns them on).
 */
TR_MUST_USE tr_err tr_replay_crash_args(tr_pid pid, int64_t nth, const struct tr_arg *args, int n);
#define tr_replay_crash(pid, nth, ...) tr_replay_crash_args(pid, nth, TR_ARGS(__VA_ARGS__))
TR_MUST_USE tr_err tr_replay_delay(tr_pid from, tr_pid to, int64_t ms);
TR_MUST_USE tr_err tr_replay_reorder(tr_pid to, int64_t ms);
TR_MUST_USE tr_err tr_replay_fail_alloc(int64_t nth);

TR_HEADER_END

#endif
