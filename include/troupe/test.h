/* SPDX-License-Identifier: MIT */
/*
 * Tests of programs that use Troupe, each under as many orders of events as one likes.
 *
 *     #include <troupe/test.h>
 *
 *     tr_atoms(get, count, increment);
 *
 *     static void counts(tr_term arg)
 *     {
 *         tr_pid pid = tr_test_start(counter, 10);         ends with the test
 *
 *         tr_send(pid, a_increment, 5);
 *         tr_send(pid, a_get, tr_self());
 *         tr_assert_receive(100, a_count, 15);
 *     }
 *
 *     int main(void)
 *     {
 *         return tr_test_explore(counts, 1000);
 *     }
 *
 * A test is a function that runs as a process of a runtime of its own, replayed under a seed
 * (troupe/replay.h), in a forked child of the program; time is virtual. It fails when a check
 * fails, in whichever process, when the program ends, when the test ends with another reason than
 * normal or shutdown (as by a failed assert), when a process of tr_test_start crashes and nobody
 * expected it, when every process waits for nothing, or after a minute of real time. Then its
 * output is shown, and the command that runs that test under that seed again. The functions that
 * run tests return 0 or 1, so they fit into any framework, from a thread that runs no process; the
 * program must not have other threads then.
 *
 *     TROUPE_TEST_SEED=17     only that seed, with all output shown
 *     TROUPE_TEST_SEEDS=N     N seeds instead of what the program says
 *     TROUPE_TEST_ONLY=name   only the test of that name; the others pass without running
 *     TROUPE_TEST_FORK=0      in the program itself, for a debugger; a failed check aborts
 *
 * This header is not part of <troupe.h>. What it declares is process only unless it says otherwise.
 */
#ifndef TROUPE_TEST_H
#define TROUPE_TEST_H

#include "troupe.h"

TR_HEADER_BEGIN

/* int tr_test_run(body, seed), int tr_test_explore(body, n): the test `body` under one seed, or
   under the seeds 1 to n until one fails. 0 when it passed, 1 otherwise. Blocks; no process. */
int tr_test_run_named(const char *name, tr_process_fn body, uint64_t seed);
int tr_test_explore_named(const char *name, tr_process_fn body, uint64_t n);
#define tr_test_run(body, seed)  tr_test_run_named(#body, body, seed)
#define tr_test_explore(body, n) tr_test_explore_named(#body, body, n)

/* Fails the test unless the condition holds. */
#define tr_test_check(condition)                                                                   \
    ((condition) ? (void)0 : tr_test_fail(__FILE__, __LINE__, "not so: " #condition))

/* Fails the test: prints place and text. Any thread. */
TR_NORETURN void tr_test_fail(const char *file, int line, const char *text);

/*
 * tr_assert_receive(ms, pattern...): takes the first message that matches, as tr_on does; fails
 * when none comes within ms, and shows what is in the mailbox. What the pattern captures lives as
 * long as the process. Blocks. (ExUnit assert_receive)
 *
 * tr_refute_receive(ms, pattern...): fails when such a message comes within ms. Blocks.
 * (refute_receive)
 */
#define tr_assert_receive(ms, ...)                                                                 \
    do {                                                                                           \
        tr_term tr__kept = { 0 };                                                                  \
        tr_receive (tr__m) {                                                                       \
            tr_term tr__whole = tr__m.message;                                                     \
            tr_on (tr__m, __VA_ARGS__)                                                             \
                tr__kept = tr_keep(tr__whole);                                                     \
            tr_after (tr__m, ms)                                                                   \
                tr__test_missing(__FILE__, __LINE__, #__VA_ARGS__);                                \
        }                                                                                          \
        if (!tr_match(tr__kept, __VA_ARGS__))                                                      \
            tr__test_missing(__FILE__, __LINE__, #__VA_ARGS__);                                    \
    } while (0)

#define tr_refute_receive(ms, ...)                                                                 \
    do {                                                                                           \
        tr_receive (tr__m) {                                                                       \
            tr_term tr__whole = tr__m.message;                                                     \
            tr_on (tr__m, __VA_ARGS__)                                                             \
                tr__test_unwanted(__FILE__, __LINE__, tr__whole);                                  \
            tr_after (tr__m, ms) {                                                                 \
            }                                                                                      \
        }                                                                                          \
    } while (0)

/* tr_assert_down(ref, ms, pattern...): the process that the caller watches by `ref` ends within ms,
   with a reason that matches. Blocks. */
#define tr_assert_down(ref, ms, ...)                                                               \
    TR__TEST_REASON(tr__test_down(__FILE__, __LINE__, ref, ms), __VA_ARGS__)

/* tr_expect_exit(pid, ms, pattern...): the same for any process, watched or not. One of
   tr_test_start may have ended before. Blocks. */
#define tr_expect_exit(pid, ms, ...)                                                               \
    TR__TEST_REASON(tr__test_exit(__FILE__, __LINE__, pid, ms), __VA_ARGS__)

/* Lets ms of virtual time go by, and everything happen that happens in it: goes on when nothing can
   run any more. Blocks. */
void tr_test_advance(int64_t ms);

/*
 * tr_pid tr_test_start(fn, ...): starts a process as tr_proc_spawn does, for as long as the test
 * runs. When the test has ended it is told to end (shutdown), the newest first, and killed after
 * 5 s. (start_supervised!/2)
 *
 * tr_test_start_opt(fn, &opts, ...): with a name, a priority or a stack size; link and monitor
 * must not be set.
 */
tr_pid tr_test_start_args(tr_process_fn fn, const struct tr_spawn_opts *opts, const char *site,
                          const struct tr_arg *args, int n);
#define tr_test_start(fn, ...) tr_test_start_args(fn, NULL, TR__SITE(fn), TR_ARGS(__VA_ARGS__))
#define tr_test_start_opt(fn, opts, ...)                                                           \
    tr_test_start_args(fn, opts, TR__SITE(fn), TR_ARGS(__VA_ARGS__))

/*
 * The faults of troupe/replay.h. What cannot be injected fails the test with the cause.
 *
 * tr_test_crash(pid, nth, reason...): the process crashes at its nth receive from now.
 * tr_test_delay(from, to, ms): what `from` sends `to` arrives so much later.
 * tr_test_reorder(to, ms): what is sent to `to` arrives up to so much later, by a time for each.
 * tr_test_fail_alloc(nth): the nth allocation from now fails; needs a library built with TR_CHECKS.
 */
#define tr_test_crash(pid, nth, ...)                                                               \
    tr__test_ok(__FILE__, __LINE__, "tr_test_crash",                                               \
                tr_replay_crash_args(pid, nth, TR_ARGS(__VA_ARGS__)))
#define tr_test_delay(from, to, ms)                                                                \
    tr__test_ok(__FILE__, __LINE__, "tr_test_delay", tr_replay_delay(from, to, ms))
#define tr_test_reorder(to, ms)                                                                    \
    tr__test_ok(__FILE__, __LINE__, "tr_test_reorder", tr_replay_reorder(to, ms))
#define tr_test_fail_alloc(nth)                                                                    \
    tr__test_ok(__FILE__, __LINE__, "tr_test_fail_alloc", tr_replay_fail_alloc(nth))

/* --- private part --- */

#define TR__TEST_REASON(ended, ...)                                                                \
    do {                                                                                           \
        tr_term tr__reason = ended;                                                                \
        if (!tr_match(tr__reason, __VA_ARGS__))                                                    \
            tr__test_wrong_reason(__FILE__, __LINE__, tr__reason, #__VA_ARGS__);                   \
    } while (0)

TR_NORETURN void tr__test_missing(const char *file, int line, const char *pattern);
TR_NORETURN void tr__test_unwanted(const char *file, int line, tr_term message);
TR_NORETURN void tr__test_wrong_reason(const char *file, int line, tr_term reason,
                                       const char *pattern);
tr_term tr__test_down(const char *file, int line, tr_ref ref, int64_t ms);
tr_term tr__test_exit(const char *file, int line, tr_pid pid, int64_t ms);
void tr__test_ok(const char *file, int line, const char *call, tr_err err);

TR_HEADER_END

#endif
