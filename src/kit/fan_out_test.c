/* SPDX-License-Identifier: MIT */
/* Fan-out: the pace, the order of the results, and the failures among them. */
#include "check_proc.h"
#include "troupe/kit/fan_out.h"

tr_atoms(ok, boom, begun, workers);

static tr_pid boss;
static int running, most;

static tr_term fan_out(tr_task_fn fn, int64_t first, int64_t last, struct tr_fan_out_opts opts)
{
    struct tr_iter items = tr_iter_range(first, last);
    tr_term results = { 0 };

    CHECK_INT(tr_fan_out(&results, fn, &items, &opts, NULL), TR_OK);
    return results;
}

static tr_term fails_at_3(tr_term item)
{
    int64_t n = 0;

    CHECK(tr_match(item, &n));
    if (n == 3)
        tr_exit(a_boom, n);
    return tr_build(10 * n);
}

TEST_PROC(results_come_in_order_and_errors_are_kept)
{
    tr_term results = fan_out(fails_at_3, 1, 4, (struct tr_fan_out_opts){ .max_concurrency = 3 });

    CHECK_STR(tr_inspect(results), "[{ok,10},{ok,20},{exit,{boom,3}},{ok,40}]");
    results = fan_out(fails_at_3, 2, 3, (struct tr_fan_out_opts){ .rate = 10 });
    CHECK_STR(tr_inspect(results), "[{ok,20},{exit,{boom,3}}]");
}

TEST_PROC(many_results_outgrow_the_first_room)
{
    tr_term item, results = fan_out(fails_at_3, 4, 303, (struct tr_fan_out_opts){ .rate = 0 });
    int64_t n = 4, value;

    for (; tr_list_next(&results, &item); n++)
        CHECK(tr_match(item, a_ok, &value) && value == 10 * n);
    CHECK_INT(n, 304);
}

TEST_PROC(no_items_no_results)
{
    CHECK_STR(tr_inspect(fan_out(fails_at_3, 1, 0, (struct tr_fan_out_opts){ .rate = 1 })), "[]");
}

static tr_term sleeps(tr_term item)
{
    int64_t ms = 0;

    CHECK(tr_match(item, &ms));
    tr_sleep(ms);
    return item;
}

TEST_PROC_VIRTUAL(a_late_item_is_killed_and_the_others_go_on)
{
    struct tr_iter items = tr_iter_list(tr_build(tr_list(0, 500, 10)));
    tr_term results = { 0 };

    CHECK_INT(tr_fan_out(&results, sleeps, &items,
                         &(const struct tr_fan_out_opts){ .max_concurrency = 3, .timeout_ms = 100 },
                         NULL),
              TR_OK);
    CHECK_STR(tr_inspect(results), "[{ok,0},{exit,timeout},{ok,10}]");
}

static tr_term tells_when(tr_term item)
{
    tr_send(boss, a_begun, item, tr_monotonic_ms());
    return item;
}

TEST_PROC_VIRTUAL(items_begin_at_the_pace)
{
    int64_t start = tr_monotonic_ms(), at;

    boss = tr_self();
    fan_out(tells_when, 0, 5, (struct tr_fan_out_opts){ .max_concurrency = 6, .rate = 10 });
    CHECK(tr_monotonic_ms() - start >= 500);
    for (int i = 0; i < 6; i++)
        tr_receive (m) {
            tr_on (m, a_begun, i, &at)
                CHECK(at - start >= 100 * i);
            tr_after (m, 1000)
                FAIL("an item has not begun");
        }
}

static tr_term counted(tr_term item)
{
    running++;
    most = running > most ? running : most;
    tr_sleep(250);
    running--;
    return item;
}

TEST_PROC_VIRTUAL(what_a_slow_task_has_held_up_is_not_made_up_for)
{
    int64_t start = tr_monotonic_ms();

    /* One at a time, 250 ms each: the pace of 100 ms never has to wait. */
    fan_out(counted, 1, 4,
            (struct tr_fan_out_opts){ .max_concurrency = 1, .rate = 1, .per_ms = 100 });
    CHECK(tr_monotonic_ms() - start >= 1000);
    CHECK_INT(most, 1);
    most = 0;
    fan_out(counted, 1, 6,
            (struct tr_fan_out_opts){ .max_concurrency = 2, .rate = 1, .per_ms = 100 });
    CHECK_INT(most, 2);
}

TEST_PROC_VIRTUAL(the_steps_of_a_paced_iterator_are_not_bunched)
{
    struct tr_iter items = tr_iter_range(1, 10);
    struct tr_paced paced;
    tr_term item;

    CHECK_INT(tr_paced_init(&paced, &items, 10, 1000), TR_OK);
    CHECK(tr_iter_next(&paced.iter, &item));
    tr_sleep(1000);
    CHECK(tr_iter_next(&paced.iter, &item));
    int64_t at = tr_monotonic_ms();
    CHECK(tr_iter_next(&paced.iter, &item));
    CHECK(tr_monotonic_ms() - at >= 99);
}

TEST_PROC_VIRTUAL(a_fast_pace_is_kept_though_sleep_counts_milliseconds)
{
    struct tr_iter items = tr_iter_range(1, 101);
    struct tr_paced paced;
    tr_term item;
    int64_t start = tr_monotonic_ms();

    CHECK_INT(tr_paced_init(&paced, &items, 4000, 1000), TR_OK);
    while (tr_iter_next(&paced.iter, &item))
        ;
    CHECK(tr_monotonic_ms() - start >= 24);
}

TEST_PROC(bad_options_are_refused_by_name)
{
    struct tr_iter items = tr_iter_range(1, 2);
    struct tr_paced paced;
    tr_term results = { 0 };
    const char *bad = NULL;
    const struct {
        struct tr_fan_out_opts opts;
        const char *name;
    } cases[] = { { { .max_concurrency = -1 }, "max_concurrency" },
                  { { .rate = -1 }, "rate" },
                  { { .rate = 1000001 }, "rate" },
                  { { .rate = 1, .per_ms = -1 }, "per_ms" },
                  { { .per_ms = 5 }, "per_ms" },
                  { { .timeout_ms = -7 }, "timeout_ms" } };

    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        CHECK_INT(tr_fan_out(&results, sleeps, &items, &cases[i].opts, &bad), TR_EINVAL);
        CHECK_STR(bad, cases[i].name);
        CHECK_INT(tr_fan_out(&results, sleeps, &items, &cases[i].opts, NULL), TR_EINVAL);
    }
    CHECK_INT(tr_fan_out(&results, NULL, &items, NULL, &bad), TR_EINVAL);
    CHECK_STR(bad, "fn");
    CHECK(results.w == 0);
    CHECK_INT(tr_paced_init(&paced, &items, 0, 1000), TR_EINVAL);
    CHECK_INT(tr_paced_init(&paced, &items, 1, 0), TR_EINVAL);
    CHECK_INT(tr_fan_out(&results, sleeps, &items, NULL, NULL), TR_OK);
    CHECK_STR(tr_inspect(results), "[{ok,1},{ok,2}]");
}

TEST_PROC(tasks_can_be_children_of_a_supervisor)
{
    CHECK(tr_match(tr_task_supervisor_start_link(TR_TASK_SUPERVISOR_OPTS(.name = a_workers)), a_ok,
                   tr_any()));
    tr_term results =
        fan_out(fails_at_3, 3, 4,
                (struct tr_fan_out_opts){ .supervisor = tr_build(a_workers), .rate = 50 });
    CHECK_STR(tr_inspect(results), "[{exit,{boom,3}},{ok,40}]");
}
