/* SPDX-License-Identifier: MIT */
/* Tasks, streams and parallel loops under load, with crashes and kills at random. */

#include "load.h"

#include <stdatomic.h>

tr_atoms(boom, ok);

static void no_reports(void)
{
    CHECK(tr_log_remove_sink("default") != TR_EBUSY);
}

/* Sleeps, fails, or answers, as a number says. */
static tr_term work(tr_term arg)
{
    uint64_t seed;

    CHECK(tr_match(arg, &seed));
    switch (seed % 7) {
    case 0:
        tr_exit(a_boom, seed);
    case 1:
        tr_sleep(1);
        break;
    case 2:
        return tr_build(seed, "a result that needs a copy");
    case 3:
        tr_put(tr_build(a_ok), arg);
        break;
    default:
        break;
    }
    return arg;
}

static bool is_right(tr_err err, tr_term value, uint64_t seed)
{
    if (seed % 7 == 0)
        return err == TR_ECLOSED && tr_match(value, a_boom, seed);
    if (seed % 7 == 2)
        return err == TR_OK && tr_match(value, seed, tr_any());
    return err == TR_OK && tr_match(value, seed);
}

static uint64_t small(uint64_t *seed)
{
    return load_random(seed) >> 8;
}

TEST_PROC(tasks_end_in_all_ways)
{
    int64_t end = load_end_ms();
    uint64_t seed = 1;

    no_reports();
    tr_trap_exit(true);
    while (check_now_ms() < end) {
        tr_scope
        {
            struct tr_task tasks[20];
            struct tr_task_result results[20];
            uint64_t seeds[20];
            for (int i = 0; i < 20; i++) {
                seeds[i] = small(&seed);
                tasks[i] = tr_async(work, seeds[i]);
            }
            CHECK_INT(tr_task_yield_many(tasks, 20, TR_INFINITY, TR_TASK_LEAVE, results), TR_OK);
            for (int i = 0; i < 20; i++)
                CHECK(is_right(results[i].err, results[i].value, seeds[i]));
            struct tr_task late = tr_async(work, seeds[0]);
            tr_term value;
            tr_task_shutdown(late, TR_TASK_BRUTAL_KILL, &value);
            late = tr_async(work, seeds[1]);
            tr_task_ignore(late, &value);
        }
        /* A task ends a moment after its answer: each of the twenty is waited for. */
        int exits = 0;
        for (bool more = true; more;) {
            tr_receive (m) {
                tr_on (m, a_EXIT, tr_any(), tr_any())
                    exits++;
                tr_after (m, exits < 20 ? TR_INFINITY : 0)
                    more = false;
            }
        }
        CHECK_NO_MESSAGE();
    }
}

struct seeds {
    struct tr_iter iter;
    uint64_t seed;
    int left;
};

static bool next_seed(struct tr_iter *iter, tr_term *item)
{
    struct seeds *s = (struct seeds *)(void *)iter;

    if (s->left-- == 0)
        return false;
    *item = tr_build(small(&s->seed));
    return true;
}

static void stream_once(uint64_t *seed, bool unordered)
{
    struct seeds items = { .iter.next = next_seed, .seed = *seed, .left = 500 };
    int stop_at = load_below(seed, 1000), n = 0;
    uint64_t expected = *seed, input;

    items.seed = expected = load_random(seed);
    tr_async_stream (r, work, &items.iter, .nolink = true, .unordered = unordered,
                     .max_concurrency = 1 + load_below(seed, 6)) {
        CHECK(tr_match(r.input, &input));
        CHECK(unordered || input == small(&expected));
        CHECK(is_right(r.err, r.value, input));
        if (++n == stop_at)
            break;
    }
    CHECK_INT(n, stop_at > 0 && stop_at < 500 ? stop_at : 500);
    CHECK_NO_MESSAGE();
}

TEST_PROC(streams_give_each_result_once)
{
    int64_t end = load_end_ms();
    uint64_t seed = 2;

    no_reports();
    while (check_now_ms() < end)
        stream_once(&seed, load_below(&seed, 2));
    CHECK_WITHIN(patience(10000), tr_process_count() == 1);
}

static void streams_until_killed(tr_term arg)
{
    uint64_t seed;

    CHECK(tr_match(arg, &seed));
    for (;;)
        stream_once(&seed, load_below(&seed, 2));
}

static void count(size_t i, void *counts)
{
    atomic_fetch_add_explicit((atomic_int *)counts + i, 1, memory_order_relaxed);
}

static void loop_once(size_t n)
{
    static const size_t most = 3000;
    atomic_int counts[3000];

    CHECK(n <= most);
    for (size_t i = 0; i < n; i++)
        atomic_init(&counts[i], 0);
    tr_parallel_for(n, count, counts);
    for (size_t i = 0; i < n; i++)
        CHECK_INT(atomic_load(&counts[i]), 1);
}

static void loops_until_killed(tr_term unused)
{
    (void)unused;
    for (size_t n = 0;; n = (n + 77) % 3000)
        loop_once(n);
}

TEST_PROC(loops_run_each_index_once)
{
    int64_t end = load_end_ms();
    uint64_t seed = 3;

    while (check_now_ms() < end)
        loop_once((size_t)load_below(&seed, 3000));
}

/* Who uses streams and loops is killed at any moment; what they had started must be gone. */
TEST_PROC(killed_users_leave_nothing_behind)
{
    int64_t end = load_end_ms();
    uint64_t seed = 4;

    no_reports();
    while (check_now_ms() < end) {
        tr_ref refs[2];
        tr_pid pids[2] = { tr_spawn_monitor(streams_until_killed, &refs[0], small(&seed)),
                           tr_spawn_monitor(loops_until_killed, &refs[1]) };
        tr_sleep(load_below(&seed, 5));
        for (int i = 0; i < 2; i++)
            tr_exit_to(pids[i], a_kill);
        for (int i = 0; i < 2; i++) {
            tr_receive (m)
                tr_on (m, a_DOWN, refs[i], tr_any(), tr_any(), a_killed) {
                }
        }
        CHECK_WITHIN(patience(10000), tr_process_count() == 1);
    }
}
