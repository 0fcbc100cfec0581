/* SPDX-License-Identifier: MIT */
/* Cron: what is started when, by a clock that the tests turn, in virtual time. */
#include "check.h"
#include "troupe/kit/cron.h"
#include "troupe/test.h"

tr_atoms(ok, error, bad_option, bad_job, name, max_late_ms, id, schedule, zone, run, arg, never,
         none, not_found, running, cron, ran, boss, first, second, shutdown, normal);

/* A test of the kit for users, under some seeds: the time in it is virtual. */
#define VIRTUAL(name)                                                                              \
    static void name##_body(tr_term arg);                                                          \
    TEST(name)                                                                                     \
    {                                                                                              \
        CHECK_INT(tr_test_explore(name##_body, 10), 0);                                            \
    }                                                                                              \
    static void name##_body(__attribute__((unused)) tr_term arg)

/* 2026-03-29 00:00:00 UTC, an hour before clocks in Berlin are set forward. */
#define NIGHT INT64_C(1774742400)

static int64_t began_ms; /* the time of tr_monotonic_ms that is NIGHT */
static int64_t ahead_ms; /* so far was the clock set forward */

static int64_t clock_ms(void)
{
    return NIGHT * 1000 + tr_monotonic_ms() - began_ms + ahead_ms;
}

/* Tells the test that it ran, and when. */
static tr_term tell(tr_term what)
{
    tr_send(a_boss, a_ran, what, clock_ms() / 1000 - NIGHT);
    return tr_nil();
}

static tr_term tell_slowly(tr_term what)
{
    tell(what);
    tr_sleep(150000);
    return tr_nil();
}

static tr_term crashes(tr_term what)
{
    tell(what);
    tr_exit(what);
}

/* The clock begins, and this process hears of the runs. */
static void prepare(void)
{
    began_ms = tr_monotonic_ms();
    ahead_ms = 0;
    tr_log_set_level(TR_LOG_EMERGENCY);
    if (!tr_whereis(a_boss, NULL))
        tr_test_check(tr_register(a_boss, tr_self()) == TR_OK);
}

#define START(...)                                                                                 \
    (prepare(), tr_cron_start_link(&(const struct tr_cron){ .clock_ms = clock_ms, __VA_ARGS__ }))

/* With one job. */
static tr_pid started(const char *schedule, tr_task_fn run, bool no_overlap)
{
    const struct tr_cron_job jobs[] = { { .id = "first",
                                          .schedule = schedule,
                                          .run = run,
                                          .arg = "first",
                                          .no_overlap = no_overlap },
                                        { .id = NULL } };
    tr_pid pid = { 0 };

    tr_test_check(tr_match(START(.jobs = jobs), a_ok, &pid));
    return pid;
}

/* The job runs, so many seconds after the night began. */
#define RUNS_AT(what, second)                                                                      \
    do {                                                                                           \
        int64_t at_ = 0;                                                                           \
        tr_assert_receive(100000000, a_ran, what, &at_);                                           \
        if (at_ != (second))                                                                       \
            tr_test_fail(__FILE__, __LINE__, tr_inspect(tr_build(what, at_)));                     \
    } while (0)

#define RUNS_NOT(ms) tr_refute_receive(ms, a_ran, tr_any(), tr_any())

VIRTUAL(job_runs_when_it_is_due)
{
    started("*/2 * * * *", tell, false);
    RUNS_AT(a_first, 120);
    RUNS_AT(a_first, 240);
    RUNS_AT(a_first, 360);
}

VIRTUAL(job_of_every_second_runs_every_second)
{
    started("* * * * * *", tell, false);
    for (int i = 1; i < 100; i++)
        RUNS_AT(a_first, i);
}

VIRTUAL(job_runs_by_the_clock_of_its_zone)
{
    struct tr_zone *zone;

    if (tr_zone_open(&zone, "Europe/Berlin"))
        return; /* there are no zone files */
    tr_zone_close(zone);
    tr_pid pid = started("0 0 1 1 *", tell, false);

    tr_test_check(
        tr_equal(tr_cron_add(pid, (&(const struct tr_cron_job){ .id = "second",
                                                                .schedule = "30 2 * * *",
                                                                .run = tell,
                                                                .arg = "second",
                                                                .zone = "Europe/Berlin" })),
                 tr_build(a_ok)));
    RUNS_AT(a_second, 3600);
    RUNS_AT(a_second, 86400 + 1800);
}

VIRTUAL(runs_overlap_unless_told_not_to)
{
    tr_pid pid = started("* * * * *", tell_slowly, false);

    tr_assert_receive(200000, a_ran, a_first, 60);
    RUNS_AT(a_first, 120);
    RUNS_AT(a_first, 180);
    tr_stop(pid, a_normal, TR_INFINITY);
    started("* * * * *", tell_slowly, true);
    RUNS_AT(a_first, 60);
    RUNS_AT(a_first, 240);
    RUNS_AT(a_first, 420);
}

VIRTUAL(job_that_fails_runs_again)
{
    started("* * * * *", crashes, true);
    RUNS_AT(a_first, 60);
    RUNS_AT(a_first, 120);
}

VIRTUAL(clock_set_forward_makes_no_burst)
{
    tr_pid pid = started("* * * * *", tell, false);
    int64_t nruns = -1, nskipped = -1;

    RUNS_AT(a_first, 60);
    ahead_ms = 7200000;
    /* At the next look the last minute that has passed is at most a minute ago. */
    tr_assert_receive(30001, a_ran, a_first, tr_any());
    tr_test_check(
        tr_match(tr_cron_jobs(pid), tr_list(tr_tuple(a_first, tr_any(), &nruns, &nskipped))));
    tr_test_check(nruns == 2 && nskipped == 1);
    RUNS_NOT(20000);
}

VIRTUAL(run_that_would_be_too_late_is_left_out)
{
    started("30 0 * * *", tell, false);
    ahead_ms = 7200000;
    RUNS_NOT(3600000);
    ahead_ms = 22 * INT64_C(3600000) + 1800000;
    RUNS_NOT(3600000 - 30000);
    RUNS_AT(a_first, 86400 + 1800);
}

VIRTUAL(clock_set_back_a_little_runs_nothing_twice)
{
    started("* * * * *", tell, false);
    RUNS_AT(a_first, 60);
    RUNS_AT(a_first, 120);
    ahead_ms = -100000;
    RUNS_AT(a_first, 180);
    tr_test_check(tr_monotonic_ms() - began_ms >= 280000);
}

VIRTUAL(clock_set_back_far_is_followed)
{
    int64_t at = 0;

    started("* * * * *", tell, false);
    RUNS_AT(a_first, 60);
    ahead_ms = -86400000;
    tr_assert_receive(91000, a_ran, a_first, &at);
    tr_test_check(at < 0);
}

VIRTUAL(jobs_come_and_go)
{
    tr_pid pid = started("0 12 * * *", tell_slowly, true);

    tr_test_check(
        tr_equal(tr_cron_jobs(pid), tr_build(tr_list(tr_tuple(a_first, NIGHT + 43200, 0, 0)))));
    tr_test_check(tr_equal(tr_cron_run(pid, "first"), tr_build(a_ok)));
    tr_assert_receive(1000, a_ran, a_first, tr_any());
    tr_test_check(tr_equal(tr_cron_run(pid, "first"), tr_build(a_error, a_running)));
    tr_test_check(tr_equal(tr_cron_remove(pid, "first"), tr_build(a_ok)));
    tr_test_check(tr_equal(tr_cron_remove(pid, "first"), tr_build(a_error, a_not_found)));
    tr_test_check(tr_equal(tr_cron_run(pid, "first"), tr_build(a_error, a_not_found)));
    tr_test_check(tr_is_nil(tr_cron_jobs(pid)));
    RUNS_NOT(100000000);
}

static tr_term refused(tr_pid pid, const struct tr_cron_job *job)
{
    tr_term what = tr_nil();

    tr_test_check(tr_match(tr_cron_add(pid, job), a_error, tr_tuple(a_bad_job, tr_any(), &what)));
    return what;
}

#define REFUSED(pid, what, ...)                                                                    \
    tr_test_check(                                                                                 \
        tr_equal(refused(pid, &(const struct tr_cron_job){ __VA_ARGS__ }), tr_build(what)))

VIRTUAL(bad_jobs_and_options_are_named)
{
    tr_pid pid = started("0 12 * * *", tell, false);

    REFUSED(pid, a_id, .schedule = "* * * * *", .run = tell);
    REFUSED(pid, a_id, .id = "first", .schedule = "* * * * *", .run = tell);
    REFUSED(pid, a_run, .id = "x", .schedule = "* * * * *");
    REFUSED(pid, a_zone, .id = "x", .schedule = "* * * * *", .run = tell, .zone = "Mars/Crater");
    REFUSED(pid, a_arg, .id = "x", .schedule = "* * * * *", .run = tell, .arg = "{");
    REFUSED(pid, tr_tuple(a_schedule, a_never), .id = "x", .schedule = "0 0 30 2 *", .run = tell);
    REFUSED(pid, tr_tuple(a_schedule, 2, "out of range"), .id = "x", .schedule = "0 99 * * *",
            .run = tell);
    REFUSED(pid, tr_tuple(a_schedule, 0, "fewer than five fields"), .id = "x", .run = tell);

    tr_test_check(tr_equal(START(.max_late_ms = -5),
                           tr_build(a_error, tr_tuple(a_bad_option, a_max_late_ms))));
    tr_test_check(
        tr_equal(START(.name = "\xff"), tr_build(a_error, tr_tuple(a_bad_option, a_name))));
    tr_test_check(tr_equal(
        START(.name = "cron", .jobs = TR_CRON_JOBS({ .id = "x", .schedule = "", .run = tell })),
        tr_build(a_error,
                 tr_tuple(a_bad_job, "x", tr_tuple(a_schedule, 0, "fewer than five fields")))));
    tr_test_check(!tr_whereis(a_cron, NULL));
}

VIRTUAL(cron_is_a_child_of_a_supervisor_and_takes_its_jobs_along)
{
    const struct tr_cron one = {
        .name = "cron",
        .jobs = TR_CRON_JOBS(
            { .id = "first", .schedule = "* * * * *", .run = tell_slowly, .arg = "first" })
    };
    const struct tr_supervisor app = {
        .children = TR_CHILDREN({ .start = tr_cron_child, .id = "cron", .arg_pointer = &one })
    };
    tr_pid pid;

    prepare();
    tr_trap_exit(true);
    tr_test_check(tr_match(tr_supervisor_start_link(&app, NULL), a_ok, &pid));
    tr_assert_receive(61000, a_ran, a_first, tr_any());
    int64_t before = tr_process_count();
    tr_stop(pid, a_shutdown, TR_INFINITY);
    tr_test_check(tr_process_count() <= before - 4);
}
