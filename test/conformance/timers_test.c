/* SPDX-License-Identifier: MIT */
/* Timers, and the clock. Here time itself is tested, so here there is waiting for a time. */

#include "conformance/puppet.h"

#include <stdlib.h>

tr_atoms(tick, timeout, cancel_timer, name, nobody, oops, late, clock, hello);
tr_atom_as(a_false, "false");

/* Waits so long for a message; fails when one comes. */
#define CHECK_SILENCE(ms)                                                                          \
    do {                                                                                           \
        tr_term check_any;                                                                         \
        tr_receive (check_m) {                                                                     \
            tr_on (check_m, &check_any)                                                            \
                check_fail(__FILE__, __LINE__, "got %s", tr_inspect(check_any));                   \
            tr_after (check_m, ms) {                                                               \
            }                                                                                      \
        }                                                                                          \
    } while (0)

TEST_PROC(timer_delivers_once_and_never_early)
{
    FACT("TIMER-001", "send_after delivers exactly that message once, no earlier than the time");
    enum { N = 300 };
    int64_t start[N];
    int i = 0;

    for (int k = 0; k < N; k++) {
        start[k] = tr_monotonic_ns();
        tr_send_after(k * 7 % 100, tr_self(), a_tick, k, "and more");
    }
    for (int k = 0; k < N; k++) {
        tr_receive (m) {
            tr_on (m, a_tick, &i, "and more") {
                CHECK(tr_monotonic_ns() - start[i] >= (int64_t)(i * 7 % 100) * 1000000);
                CHECK(start[i] > 0);
                start[i] = 0;
            }
            tr_after (m, patience(5000))
                CHECK(false);
        }
    }
    CHECK_SILENCE(150);
}

TEST_PROC(start_timer_delivers_a_tuple_with_its_reference)
{
    FACT("TIMER-002", "start_timer delivers {timeout, Ref, Message} once");
    for (int i = 0; i < 100; i++) {
        tr_ref timer = tr_start_timer(i % 5, tr_self(), a_tick, i);
        CHECK_NEXT(a_timeout, timer, tr_tuple(a_tick, i));
    }
    CHECK_SILENCE(50);
}

TEST_PROC(timer_of_zero_fires_soon_but_not_within_the_call)
{
    FACT("TIMER-003", "a timer of 0 ms fires as soon as possible, after the call has given the "
                      "reference");
    for (int i = 0; i < check_rounds(2000); i++) {
        tr_ref timer = tr_start_timer(0, tr_self(), i);
        CHECK_NEXT(a_timeout, timer, i);
    }
}

static void start_for(tr_term arg)
{
    int64_t ms;
    tr_pid to;

    CHECK(tr_match(arg, &ms, &to));
    tr_send_after(ms, to, a_late);
}

static void repeat_for(tr_term arg)
{
    int64_t ms;
    tr_pid to;

    CHECK(tr_match(arg, &ms, &to));
    tr_send_interval(ms, to, a_late);
}

TEST_PROC(times_out_of_range_are_badarg)
{
    FACT("TIMER-004", "negative and absurdly large times are badarg and start nothing; 2^31 and "
                      "2^33 ms are accepted");
    int64_t left;

    CHECK_ENDS(tr_build(a_badarg, -1), start_for, -1, tr_self());
    CHECK_ENDS(tr_build(a_badarg, INT64_MIN), start_for, INT64_MIN, tr_self());
    CHECK_ENDS(tr_build(a_badarg, INT64_MAX), start_for, INT64_MAX, tr_self());
    CHECK_ENDS(tr_build(a_badarg, (INT64_C(1) << 43) + 1), start_for, (INT64_C(1) << 43) + 1,
               tr_self());
    CHECK_BADARG(start_for, TR_INFINITY, tr_self());
    CHECK_BADARG(repeat_for, 0, tr_self());
    CHECK_BADARG(repeat_for, -1, tr_self());
    for (int power = 31; power <= 43; power++) {
        tr_ref timer = tr_send_after(INT64_C(1) << power, tr_self(), a_late);
        CHECK(tr_read_timer(timer, &left));
        CHECK(left > (INT64_C(1) << power) - 10000 && left <= INT64_C(1) << power);
        CHECK(tr_cancel_timer(timer, NULL));
    }
    CHECK_NO_MESSAGE();
}

TEST_PROC(timers_due_at_once_all_arrive_promptly)
{
    FACT("TIMER-005", "hundreds of timers due at the same moment have all arrived within 200 ms");
    enum { N = 1000 };
    int64_t due = tr_monotonic_ms() + 300;

    for (int i = 0; i < N; i++)
        tr_timer_opt(due, tr_self(), (&(struct tr_timer_opts){ .absolute = true }), a_tick);
    CHECK(tr_monotonic_ms() < due);
    for (int i = 0; i < N; i++)
        CHECK_NEXT(a_tick);
    int64_t now = tr_monotonic_ms();
    CHECK(now >= due && now < due + patience(200));
}

TEST_PROC(absolute_time_is_a_point_on_the_clock)
{
    FACT("TIMER-006", "with an absolute time a timer fires at that point of the clock, at once "
                      "when it is past");
    struct tr_timer_opts absolute = { .absolute = true };

    for (int i = 0; i < 10; i++) {
        int64_t due = tr_monotonic_ms() + 20;
        tr_timer_opt(due, tr_self(), &absolute, a_tick);
        CHECK_NEXT(a_tick);
        CHECK(tr_monotonic_ms() >= due);
    }
    int64_t start = tr_monotonic_ms();
    tr_timer_opt(start - 1000, tr_self(), &absolute, a_tick);
    CHECK_NEXT(a_tick);
    tr_timer_opt(0, tr_self(), &absolute, a_tick);
    CHECK_NEXT(a_tick);
    CHECK(tr_monotonic_ms() - start < patience(500));
}

TEST_PROC(name_is_resolved_when_the_timer_fires)
{
    FACT("TIMER-007", "a timer may name its destination, which is looked up when it fires: nobody "
                      "there drops the message");
    for (int i = 0; i < 20; i++) {
        tr_pid early = tr_spawn(puppet), late = tr_spawn(puppet);
        CHECK_INT(tr_register(a_name, early), TR_OK);
        tr_send_after(20, a_name, a_tick);
        CHECK_INT(tr_unregister(a_name), TR_OK);
        CHECK_INT(tr_register(a_name, late), TR_OK);
        CHECK_WITHIN(patience(5000), tr_equal(INFO(late, a_message_queue_len), tr_build(1)));
        CHECK_INFO(early, a_message_queue_len, 0);
        CHECK_INT(tr_unregister(a_name), TR_OK);
    }
    tr_ref timer = tr_send_after(1, a_nobody, a_tick);
    CHECK_WITHIN(patience(5000), !tr_read_timer(timer, NULL));
    CHECK_INT(tr_register(a_name, tr_self()), TR_OK);
    tr_send_after(5, a_name, a_hello);
    CHECK_NEXT(a_hello);
}

TEST_PROC(timer_for_a_dead_process_does_nothing)
{
    FACT("TIMER-008", "a timer for a dead pid can be started, delivers nothing, and reads as "
                      "inactive");
    for (int i = 0; i < check_rounds(1000); i++) {
        tr_ref timer = tr_send_after(100000, dead_pid(), a_tick);
        CHECK(!tr_read_timer(timer, NULL));
        tr_cancel_timer(timer, NULL);
        tr_send_after(0, dead_pid(), a_tick);
    }
    CHECK_SILENCE(20);
}

TEST_PROC(cancelled_timer_never_delivers)
{
    FACT("TIMER-010", "cancel gives the ms that were left, and then the message never comes");
    int64_t left = -1;

    tr_ref timer = tr_send_after(100000, tr_self(), a_late);
    CHECK(tr_cancel_timer(timer, &left));
    CHECK(left > 90000 && left <= 100000);

    for (int i = 0; i < check_rounds(20000); i++) {
        timer = tr_send_after(i % 3, tr_self(), a_late);
        if (i % 64 == 0)
            tr_sleep(1);
        if (tr_cancel_timer(timer, &left)) {
            CHECK(left >= 0 && left <= i % 3);
            CHECK_NO_MESSAGE();
        } else {
            CHECK_NEXT(a_late);
        }
    }
    CHECK_SILENCE(20);
}

TEST_PROC(timer_that_is_over_cannot_be_cancelled_or_read)
{
    int64_t left = -7;
    tr_ref timer = tr_send_after(0, tr_self(), a_tick);

    CHECK_NEXT(a_tick);
    CHECK(!tr_cancel_timer(timer, &left));
    CHECK(!tr_read_timer(timer, &left));
    CHECK(!tr_cancel_timer(tr_make_ref(), &left));
    CHECK(!tr_read_timer(tr_make_ref(), &left));
    CHECK(!tr_cancel_timer(tr_alias(), &left));
    timer = tr_send_after(1000, tr_self(), a_tick);
    CHECK(tr_cancel_timer(timer, NULL));
    CHECK(!tr_cancel_timer(timer, &left));
    CHECK(!tr_read_timer(timer, &left));
    CHECK_INT(left, -7);
}

static tr_term order_cancel(tr_term arg)
{
    tr_ref timer;
    int64_t left = -1;

    CHECK(tr_match(arg, &timer));
    bool done = tr_cancel_timer(timer, &left);
    return tr_build(done, left);
}

static tr_term order_read(tr_term arg)
{
    tr_ref timer;
    int64_t left = -1;

    CHECK(tr_match(arg, &timer));
    bool done = tr_read_timer(timer, &left);
    return tr_build(done, left);
}

TEST_PROC(any_process_may_cancel_or_read_a_timer)
{
    FACT("TIMER-012", "whoever holds the reference may read or cancel a timer");
    tr_pid p = tr_spawn(puppet);
    bool done = false;
    int64_t left = 0;

    for (int i = 0; i < check_rounds(1000); i++) {
        tr_ref timer = tr_send_after(100000, i % 2 ? tr_self() : p, a_late);
        CHECK(tr_match(ORDER(p, order_read, timer), &done, &left));
        CHECK(done && left > 90000);
        CHECK(tr_match(ORDER(p, order_cancel, timer), &done, &left));
        CHECK(done && left > 90000);
        CHECK(!tr_cancel_timer(timer, NULL));
    }
    CHECK_NO_MESSAGE();
    CHECK_INFO(p, a_message_queue_len, 0);
}

TEST_PROC(asynchronous_cancel_answers_by_message)
{
    FACT("TIMER-013", "asynchronous cancel returns at once and {cancel_timer, Ref, MsLeft or "
                      "false} comes later");
    int64_t left = 0;

    for (int i = 0; i < check_rounds(1000); i++) {
        tr_ref timer = tr_send_after(100000, tr_self(), a_late);
        tr_cancel_timer_async(timer);
        tr_receive (m) {
            tr_on (m, a_cancel_timer, timer, &left)
                CHECK(left > 90000 && left <= 100000);
            tr_after (m, patience(5000))
                CHECK(false);
        }
        tr_cancel_timer_async(timer);
        CHECK_NEXT(a_cancel_timer, timer, a_false);
    }
    CHECK_NO_MESSAGE();
}

TEST_PROC(far_timer_counts_down_like_a_near_one)
{
    FACT("TIMER-014", "of a timer 2^31 ms ahead, 200 ms later 200 ms less are left, and not much "
                      "less than that");
    int64_t all = INT64_C(1) << 31, left = 0;
    tr_ref timer = tr_send_after(all, tr_self(), a_late);

    tr_sleep(200);
    CHECK(tr_read_timer(timer, &left));
    CHECK(left <= all - 200 && left > all - 200 - patience(2000));
    CHECK(tr_cancel_timer(timer, &left));
    CHECK(left <= all - 200 && left > all - 200 - patience(2000));
}

TEST_PROC(interval_timer_repeats_without_drift_until_cancelled)
{
    FACT("TIMER-015 TIMER-016", "an interval timer delivers every T ms until cancelled, the nth "
                                "near start + n*T and never before; afterwards at most what was "
                                "in the mailbox already");
    enum { EVERY = 20, N = 40 };
    int64_t start = tr_monotonic_ms();
    tr_ref timer = tr_send_interval(EVERY, tr_self(), a_tick);

    for (int n = 1; n <= N; n++) {
        CHECK_NEXT(a_tick);
        CHECK(tr_monotonic_ms() >= start + n * EVERY);
    }
    CHECK(tr_monotonic_ms() < start + (N + 1) * EVERY + patience(200));
    CHECK(tr_cancel_timer(timer, NULL));
    tr_receive (m) {
        tr_on (m, a_tick) {
        }
        tr_after (m, 0) {
        }
    }
    CHECK_SILENCE(100);
    CHECK(!tr_cancel_timer(timer, NULL));
}

TEST_PROC(interval_timer_ends_with_its_process)
{
    tr_ref ref, timers[100];
    tr_pid p = tr_spawn_monitor(puppet, &ref);

    for (int i = 0; i < 100; i++)
        timers[i] = tr_send_interval(1, p, a_tick);
    CHECK_WITHIN(patience(5000), !tr_equal(INFO(p, a_message_queue_len), tr_build(0)));
    tr_exit_to(p, a_kill);
    CHECK_TERM(DOWN_REASON(ref), tr_build(a_killed));
    for (int i = 0; i < 100; i++)
        CHECK_WITHIN(patience(5000), !tr_read_timer(timers[i], NULL));
}

TEST_PROC(exit_and_kill_can_be_sent_later)
{
    FACT("TIMER-017", "exit_after and kill_after send an exit signal with the reason, or kill, to "
                      "a pid or name when due");
    for (int i = 0; i < 20; i++) {
        tr_ref ref;
        tr_pid p = tr_spawn_monitor(idle, &ref);
        int64_t start = tr_monotonic_ms();
        if (i % 2)
            CHECK_INT(tr_register(a_name, p), TR_OK);
        if (i % 4 == 0)
            tr_exit_after(20, p, a_oops, i);
        else if (i % 4 == 1)
            tr_exit_after(20, a_name, a_oops, i);
        else if (i % 4 == 2)
            tr_kill_after(20, p);
        else
            tr_kill_after(20, a_name);
        tr_term reason = DOWN_REASON(ref);
        CHECK(tr_monotonic_ms() >= start + 20);
        CHECK_TERM(reason, i % 4 < 2 ? tr_build(a_oops, i) : tr_build(a_killed));
    }
    tr_trap_exit(true);
    tr_exit_after(5, tr_self(), a_oops);
    CHECK_NEXT(a_EXIT, tr_self(), a_oops);
    tr_ref timer = tr_exit_after(100000, tr_self(), a_oops);
    CHECK(tr_cancel_timer(timer, NULL));
    CHECK_SILENCE(20);
}

TEST_PROC(cancelling_timers_never_hits_another_one)
{
    FACT("TIMER-019", "cancelling one-shot timers, also twice and after many references, never "
                      "cancels an interval timer");
    enum { N = 1000 };
    tr_ref interval = tr_send_interval(10, tr_self(), a_tick);
    tr_ref *refs = tr_alloc((size_t)N * sizeof(tr_ref));

    for (int round = 0; round < 20; round++) {
        for (int i = 0; i < N; i++) {
            refs[i] = tr_send_after(i % 2 ? 0 : 100000, tr_self(), a_late);
            tr_make_ref();
        }
        for (int k = 0; k < 2; k++)
            for (int i = 0; i < N; i++)
                tr_cancel_timer(refs[i], NULL);
        tr_receive (m)
            tr_on (m, a_tick) {
            }
    }
    CHECK(tr_read_timer(interval, NULL));
    CHECK(tr_cancel_timer(interval, NULL));
}

static void pass_clock_on(tr_term arg)
{
    int64_t then;
    tr_pid next;

    (void)arg;
    for (;;) {
        tr_receive (m) {
            tr_on (m, a_clock, &next, &then) {
                int64_t now = tr_monotonic_ns();
                CHECK(now >= then);
                tr_send(next, a_clock, tr_self(), tr_monotonic_ns());
            }
        }
    }
}

TEST_PROC(clock_never_goes_backwards_for_anyone)
{
    FACT("TIMER-020", "the monotonic clock never goes backwards, whoever reads it, wherever");
    enum { PAIRS = 4 };
    tr_pid pids[PAIRS], from;
    int64_t then = 0;

    for (int i = 0; i < PAIRS; i++) {
        pids[i] = tr_spawn(pass_clock_on);
        tr_send(pids[i], a_clock, tr_self(), tr_monotonic_ns());
    }
    for (int i = 0; i < check_rounds(20000); i++) {
        tr_receive (m) {
            tr_on (m, a_clock, &from, &then) {
                CHECK(tr_monotonic_ns() >= then);
                tr_send(pids[i % PAIRS], a_clock, tr_self(), tr_monotonic_ns());
            }
        }
    }
    int64_t ms = tr_monotonic_ms();
    CHECK(tr_monotonic_ns() / 1000000 >= ms);
}

TEST_PROC(a_million_timers_can_be_pending)
{
    const int n = check_rounds(1000000);
    tr_ref *refs = tr_alloc((size_t)n * sizeof *refs);
    int64_t cancelled = 0;

    for (int i = 0; i < n; i++)
        refs[i] = tr_send_after(100000 + i % 100000, tr_self(), a_late);
    for (int i = 0; i < n; i += 2)
        cancelled += tr_cancel_timer(refs[i], NULL);
    CHECK_INT(cancelled, n / 2);
    for (int i = 1; i < n; i += 1000)
        CHECK(tr_read_timer(refs[i], NULL));
    CHECK_NO_MESSAGE();
}

TEST_PROC(sleeping_takes_as_long_as_asked)
{
    for (int ms = 1; ms < 50; ms += 7) {
        int64_t start = tr_monotonic_ns();
        tr_sleep(ms);
        CHECK(tr_monotonic_ns() - start >= (int64_t)ms * 1000000);
    }
}

/* Deadlines do not come from tr_monotonic_ns, once the program has run for some time, but are held
   against it: by timers, by what is left of them, and by receives. */
TEST_PROC_REAL(no_deadline_is_early_after_a_while)
{
    int64_t end = tr_monotonic_ns() + 400 * INT64_C(1000000), left = 0;

    for (int ms = 1; tr_monotonic_ns() < end; ms = ms % 3 + 1) {
        int64_t start = tr_monotonic_ns();
        tr_ref far = tr_send_after(1000, tr_self(), a_tick);
        tr_send_after(ms, tr_self(), a_tick);
        tr_receive (m) {
            tr_on (m, a_tick) {
                CHECK(tr_monotonic_ns() - start >= (int64_t)ms * 1000000);
            }
            tr_after (m, patience(5000))
                CHECK(false);
        }
        CHECK(tr_cancel_timer(far, &left) && left <= 1000);
        start = tr_monotonic_ns();
        tr_receive (m)
            tr_after (m, ms)
                CHECK(tr_monotonic_ns() - start >= (int64_t)ms * 1000000);
    }
}

/* What is left right after the start is what was asked for, never a millisecond more. */
TEST_PROC(what_is_left_is_never_more_than_there_was)
{
    int64_t left;

    for (int i = 0; i < 2000; i++) {
        tr_ref timer = tr_send_after(100000, tr_self(), a_tick);
        CHECK(tr_read_timer(timer, &left) && left <= 100000);
        CHECK(tr_cancel_timer(timer, &left) && left <= 100000);
    }
}
