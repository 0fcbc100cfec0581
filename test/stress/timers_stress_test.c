/* SPDX-License-Identifier: MIT */
/* Timers against cancel, and against the end of those they are for. */

#include "load.h"

tr_atoms(tick, timer, oops);

enum { ACTORS = 16, TIMERS = 64 };

/* Starts timers and cancels them while they fire: each either delivers once or was cancelled. */
static void start_and_cancel(tr_term arg)
{
    tr_pid boss;
    uint64_t seed;
    int64_t end, left, k;

    CHECK(tr_match(arg, &boss, &seed, &end));
    while (check_now_ms() < end) {
        tr_ref refs[TIMERS];
        bool due[TIMERS];
        int expected = 0;
        for (int i = 0; i < TIMERS; i++)
            refs[i] = tr_send_after(load_below(&seed, 4), tr_self(), a_tick, (int64_t)i);
        if (load_below(&seed, 2))
            tr_sleep(load_below(&seed, 4));
        for (int i = 0; i < TIMERS; i++) {
            due[i] = !tr_cancel_timer(refs[i], &left);
            expected += due[i];
        }
        for (int i = 0; i < expected; i++) {
            tr_receive (m) {
                tr_on (m, a_tick, &k) {
                    CHECK(due[k]);
                    due[k] = false;
                }
                tr_after (m, patience(10000))
                    CHECK(false);
            }
        }
        CHECK_NO_MESSAGE();
    }
    tr_send(boss, a_done);
}

static void wait_for(int n, int64_t end)
{
    for (int i = 0; i < n; i++) {
        tr_receive (m) {
            tr_on (m, a_done) {
            }
            tr_after (m, end - check_now_ms() + patience(15000))
                CHECK(false);
        }
    }
}

TEST_PROC_REAL(stress_timer_delivers_once_or_was_cancelled)
{
    FACT("TIMER-010", "under load too a timer either was cancelled in time and delivers nothing, "
                      "or delivers once");
    int64_t end = load_end_ms(), before = tr_process_count();

    for (int i = 0; i < ACTORS; i++)
        tr_spawn(start_and_cancel, tr_self(), (uint64_t)i + 31, end);
    wait_for(ACTORS, end);
    CHECK_PROCESS_COUNT(before);
}

/* Hands its timers to another one, who cancels them while they fire. */
static void cancel_for_others(tr_term arg)
{
    tr_ref ref;
    tr_pid owner;
    int64_t left;

    (void)arg;
    for (;;) {
        tr_receive (m)
            tr_on (m, a_timer, &owner, &ref)
                tr_send(owner, a_timer, tr_cancel_timer(ref, &left));
    }
}

static void let_others_cancel(tr_term arg)
{
    tr_pid boss, canceller;
    uint64_t seed;
    int64_t end;
    bool cancelled = false;

    CHECK(tr_match(arg, &boss, &canceller, &seed, &end));
    while (check_now_ms() < end) {
        int64_t ms = load_below(&seed, 3);
        tr_ref ref = tr_start_timer(ms, tr_self(), a_tick);
        tr_send(canceller, a_timer, tr_self(), ref);
        tr_receive (m)
            tr_on (m, a_timer, &cancelled) {
            }
        tr_receive (m) {
            tr_on (m, tr_any(), ref, a_tick)
                CHECK(!cancelled);
            tr_after (m, cancelled ? 0 : patience(10000))
                CHECK(cancelled);
        }
        CHECK_NO_MESSAGE();
    }
    tr_send(boss, a_done);
}

TEST_PROC_REAL(stress_timer_may_be_cancelled_by_another_process)
{
    int64_t end = load_end_ms();
    tr_pid canceller = tr_spawn(cancel_for_others);

    for (int i = 0; i < ACTORS; i++)
        tr_spawn(let_others_cancel, tr_self(), canceller, (uint64_t)i + 7, end);
    wait_for(ACTORS, end);
}

/* Ends with timers pending, firing and cancelled, its own and those others started for it. */
static void die_with_timers(tr_term arg)
{
    uint64_t seed;
    tr_pid other;

    CHECK(tr_match(arg, &seed, &other));
    for (int i = 0; i < 20; i++) {
        tr_ref ref = tr_send_after(load_below(&seed, 3), i % 2 ? tr_self() : other, a_tick);
        if (load_below(&seed, 4) == 0)
            tr_send_interval(1, tr_self(), a_tick);
        if (load_below(&seed, 3) == 0)
            tr_cancel_timer(ref, NULL);
        if (load_below(&seed, 10) == 0)
            tr_exit_after(load_below(&seed, 2), tr_self(), a_oops);
    }
    if (load_below(&seed, 2))
        tr_sleep(load_below(&seed, 3));
    if (load_below(&seed, 2))
        tr_receive (m) {
            tr_on (m, a_oops) {
            }
            tr_after (m, load_below(&seed, 3)) {
            }
        }
}

TEST_PROC_REAL(stress_processes_end_with_timers_in_every_state)
{
    int64_t end = load_end_ms(), before = tr_process_count();
    uint64_t seed = 4711;

    do {
        tr_pid last = tr_spawn(puppet_nothing);
        for (int i = 0; i < 500; i++)
            last = tr_spawn(die_with_timers, load_random(&seed), last);
        CHECK_PROCESS_COUNT(before);
    } while (check_now_ms() < end);
    CHECK_NO_MESSAGE();
}
