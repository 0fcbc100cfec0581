/* SPDX-License-Identifier: MIT */
/* Tickers: the grid, what a slow function does to it, pause and resume. */
#include "check_proc.h"
#include "troupe/kit/ticker.h"

tr_atoms(ok, error, bad_option, name, every_ms, fn, to, jitter_percent, late, ticked, clock, boom,
         already_started, EXIT, kill);

static tr_pid boss;
static int64_t slow_ms; /* how long the next tick takes */

/* Tells when it ran. */
static void report(tr_term arg)
{
    int64_t ms = slow_ms;

    tr_send(boss, a_ticked, tr_monotonic_ms(), arg);
    slow_ms = 0;
    tr_sleep(ms);
}

static void fails(tr_term arg)
{
    (void)arg;
    tr_exit(a_boom);
}

/* Milliseconds from `start` to the next tick. */
static int64_t next_tick(int64_t start)
{
    int64_t at = 0;

    tr_receive (m) {
        tr_on (m, a_ticked, &at, tr_any())
            (void)0;
        tr_after (m, 5000)
            FAIL("no tick");
    }
    return at - start;
}

static tr_pid started(const struct tr_ticker *ticker)
{
    tr_pid pid = { 0 };
    tr_term result = tr_ticker_start_link(ticker);

    if (!tr_match(result, a_ok, &pid))
        check_fail(__FILE__, __LINE__, "%s", tr_inspect(result));
    return pid;
}

/* Each call takes a little of virtual time, too. */
static void check_at(int64_t at, int64_t due)
{
    if (at < due || at >= due + 90)
        check_fail(__FILE__, __LINE__, "tick at %ld ms, due at %ld", (long)at, (long)due);
}

TEST_PROC_VIRTUAL(ticks_do_not_drift)
{
    int64_t start = tr_monotonic_ms();

    boss = tr_self();
    tr_pid pid = started(&(const struct tr_ticker){ .every_ms = 100, .fn = report });
    for (int i = 1; i <= 8; i++) {
        slow_ms = 5;
        check_at(next_tick(start), 100 * i);
    }
    CHECK_INT(tr_ticker_status(pid).skipped, 0);
    CHECK(tr_ticker_status(pid).ticks >= 8);
}

TEST_PROC_VIRTUAL(a_slow_function_skips_what_it_missed)
{
    int64_t start = tr_monotonic_ms();

    boss = tr_self();
    slow_ms = 250;
    tr_pid pid = started(&(const struct tr_ticker){ .every_ms = 100, .fn = report });
    check_at(next_tick(start), 100);
    check_at(next_tick(start), 400);
    CHECK_INT(tr_ticker_status(pid).skipped, 2);
}

TEST_PROC_VIRTUAL(or_runs_late_once)
{
    int64_t start = tr_monotonic_ms();

    boss = tr_self();
    slow_ms = 250;
    tr_pid pid =
        started(&(const struct tr_ticker){ .every_ms = 100, .fn = report, .late = TR_TICKER_ONCE });
    check_at(next_tick(start), 100);
    check_at(next_tick(start), 350);
    check_at(next_tick(start), 400);
    CHECK_INT(tr_ticker_status(pid).skipped, 1);
}

TEST_PROC_VIRTUAL(a_message_instead_of_a_function)
{
    started(&(const struct tr_ticker){
        .every_ms = 10, .to = tr_build(tr_self()), .arg = tr_build(a_ticked, 1, 2) });
    next_tick(0);
    next_tick(0);
}

TEST_PROC_VIRTUAL(a_name_that_nobody_holds_does_not_end_the_ticker)
{
    tr_pid pid = started(&(const struct tr_ticker){
        .every_ms = 10, .to = tr_build(a_late), .arg = tr_build(a_ticked, 1, 2) });

    tr_sleep(25);
    CHECK(tr_is_alive(pid));
    CHECK_INT(tr_register(a_late, tr_self()), TR_OK);
    next_tick(0);
}

TEST_PROC_VIRTUAL(jitter_is_a_share_and_does_not_add_up)
{
    int64_t start = tr_monotonic_ms(), at;
    int nlater = 0;

    boss = tr_self();
    tr_pid pid =
        started(&(const struct tr_ticker){ .every_ms = 100, .fn = report, .jitter_percent = 50 });
    for (int i = 1; i <= 8; i++) {
        at = next_tick(start);
        CHECK(at >= 100 * i && at < 100 * i + 140);
        nlater += at > 100 * i + 3;
    }
    CHECK(nlater > 0);
    CHECK_INT(tr_ticker_status(pid).skipped, 0);
}

TEST_PROC_VIRTUAL(pause_and_resume)
{
    boss = tr_self();
    tr_pid pid =
        started(&(const struct tr_ticker){ .every_ms = 100, .fn = report, .paused = true });
    CHECK(tr_ticker_status(pid).paused);
    tr_sleep(250);
    CHECK_INT(tr_ticker_status(pid).ticks, 0);
    int64_t start = tr_monotonic_ms();
    tr_ticker_resume(pid);
    tr_ticker_resume(pid);
    check_at(next_tick(start), 100);
    tr_ticker_pause(pid);
    tr_ticker_pause(pid);
    struct tr_ticker_status before = tr_ticker_status(pid);
    tr_sleep(250);
    CHECK_INT(tr_ticker_status(pid).ticks, before.ticks);
    CHECK(before.paused && before.skipped == 0);
}

TEST_PROC(a_function_that_fails_ends_the_ticker)
{
    tr_term reason;

    tr_trap_exit(true);
    tr_pid pid = started(&(const struct tr_ticker){ .every_ms = 1, .fn = fails });
    tr_receive (m) {
        tr_on (m, a_EXIT, pid, &reason)
            CHECK(tr_match(reason, a_boom));
        tr_after (m, 5000)
            FAIL("it lives");
    }
}

TEST_PROC(under_a_supervisor_it_is_started_again)
{
    static const struct tr_ticker clock_ticker = { .name = "clock", .every_ms = 20, .fn = report };
    tr_pid first, second;

    boss = tr_self();
    CHECK(tr_match(
        tr_supervisor_start_link(
            &(const struct tr_supervisor){
                .children = TR_CHILDREN(
                    { .start = tr_ticker_child, .arg_pointer = &clock_ticker, .id = "clock" }) },
            NULL),
        a_ok, tr_any()));
    next_tick(0);
    CHECK(tr_whereis(a_clock, &first));
    tr_exit_to(first, a_kill);
    CHECK_WITHIN(5000, tr_whereis(a_clock, &second) && second.w != first.w);
    int64_t start = tr_monotonic_ms();
    while (next_tick(start) < 0)
        ;
    CHECK(tr_match(tr_ticker_start_link(&clock_ticker), a_error,
                   tr_tuple(a_already_started, second)));
}

TEST_PROC(bad_options_are_refused_by_name)
{
    const struct {
        struct tr_ticker ticker;
        tr_atom option;
    } cases[] = {
        { { .name = "\xff", .every_ms = 1, .fn = report }, a_name },
        { { .fn = report }, a_every_ms },
        { { .fn = report, .every_ms = -1 }, a_every_ms },
        { { .fn = report, .every_ms = (INT64_C(1) << 31) + 1 }, a_every_ms },
        { { .every_ms = 1 }, a_fn },
        { { .every_ms = 1, .fn = report, .to = tr_build(tr_self()) }, a_fn },
        { { .every_ms = 1, .to = tr_build(5) }, a_to },
        { { .every_ms = 1, .fn = report, .jitter_percent = 101 }, a_jitter_percent },
        { { .every_ms = 1, .fn = report, .jitter_percent = -1 }, a_jitter_percent },
        { { .every_ms = 1, .fn = report, .late = (enum tr_ticker_late)7 }, a_late },
    };

    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
        CHECK(tr_match(tr_ticker_start_link(&cases[i].ticker), a_error,
                       tr_tuple(a_bad_option, cases[i].option)));
}
