/* SPDX-License-Identifier: MIT */
/* Job queues: order, limits, and what becomes of jobs that fail. */
#include "kit/queue_check.h"

tr_atoms(error, bad_option, name, run, workers, capacity, max_attempts, max_dead, timeout_ms,
         backoff, normal, killed);

#define START(...) (be_boss(), started(&(const struct tr_queue){ .run = work, __VA_ARGS__ }))

#define CHECK_STATUS(queue, nwaiting, npaused, nrunning, ndone, ndead)                             \
    do {                                                                                           \
        struct tr_queue_status s_ = tr_queue_status(queue);                                        \
        CHECK_INT(s_.waiting, nwaiting);                                                           \
        CHECK_INT(s_.paused, npaused);                                                             \
        CHECK_INT(s_.running, nrunning);                                                           \
        CHECK_INT(s_.done, ndone);                                                                 \
        CHECK_INT(s_.dead, ndead);                                                                 \
    } while (0)

TEST_PROC(jobs_run_in_the_order_in_which_they_were_pushed)
{
    tr_pid queue = START(.workers = 1);

    for (int i = 0; i < 20; i++)
        CHECK_INT(tr_queue_push(queue, a_fine, i), TR_OK);
    for (int i = 0; i < 20; i++)
        runs(i);
    CHECK_WITHIN(10000, tr_queue_status(queue).done == 20);
    CHECK_STATUS(queue, 0, 0, 0, 20, 0);
}

TEST_PROC(queue_runs_so_many_at_once_and_holds_so_many)
{
    tr_pid queue = START(.workers = 2, .capacity = 3);

    for (int i = 0; i < 5; i++)
        CHECK_INT(tr_queue_push(queue, a_hang, i), TR_OK);
    CHECK_INT(tr_queue_push(queue, a_hang, 5), TR_EBUSY);
    CHECK_STATUS(queue, 3, 0, 2, 0, 0);
    tr_pid first = { 0 };
    tr_receive (m)
        tr_on (m, a_ran, 0, &first) {
        }
    runs(1);
    tr_send(first, a_go);
    runs(2);
    CHECK_INT(tr_queue_push(queue, a_hang, 6), TR_OK);
    CHECK_STATUS(queue, 3, 0, 2, 1, 0);
}

TEST_PROC_VIRTUAL(job_that_fails_is_tried_again_later_and_later)
{
    tr_pid queue =
        START(.max_attempts = 4, .backoff = { .first_ms = 20, .max_ms = 40, .jitter_percent = 50 });
    int64_t before = tr_monotonic_ms();

    CHECK_INT(tr_queue_push(queue, a_boom, 7), TR_OK);
    CHECK_INT(tr_queue_push(queue, a_fine, 8), TR_OK);
    runs(7);
    runs(8);
    runs(7);
    runs(7);
    runs(7);
    /* 20, 40 and 40 ms, of which up to a half is left out. */
    CHECK(tr_monotonic_ms() - before >= 50);
    CHECK_WITHIN(10000, tr_queue_status(queue).dead == 1);
    CHECK_STATUS(queue, 0, 0, 0, 1, 1);
    CHECK_TERM(tr_queue_take_dead(queue),
               tr_build(tr_list(tr_tuple(tr_tuple(a_boom, 7), tr_tuple(a_boom, 7)))));
    CHECK_STATUS(queue, 0, 0, 0, 1, 0);
    CHECK(tr_is_nil(tr_queue_take_dead(queue)));
}

TEST_PROC_VIRTUAL(job_that_takes_too_long_is_killed)
{
    tr_pid queue = START(.max_attempts = 1, .timeout_ms = 30);

    CHECK_INT(tr_queue_push(queue, a_hang, 1), TR_OK);
    runs(1);
    CHECK_WITHIN(10000, tr_queue_status(queue).dead == 1);
    CHECK_TERM(tr_queue_take_dead(queue),
               tr_build(tr_list(tr_tuple(tr_tuple(a_hang, 1), a_killed))));
    CHECK_INT(tr_queue_push(queue, a_fine, 2), TR_OK);
    runs(2);
}

TEST_PROC(dead_jobs_are_kept_up_to_a_limit)
{
    tr_pid queue = START(.max_attempts = 1, .max_dead = 2);

    for (int i = 0; i < 5; i++) {
        CHECK_INT(tr_queue_push(queue, a_boom, i), TR_OK);
        runs(i);
    }
    CHECK_WITHIN(10000, tr_queue_status(queue).dropped == 3);
    CHECK_STATUS(queue, 0, 0, 0, 0, 2);
    CHECK_TERM(tr_queue_take_dead(queue),
               tr_build(tr_list(tr_tuple(tr_tuple(a_boom, 3), tr_tuple(a_boom, 3)),
                                tr_tuple(tr_tuple(a_boom, 4), tr_tuple(a_boom, 4)))));
    CHECK_STATUS(queue, 0, 0, 0, 0, 0);
    CHECK_INT(tr_queue_status(queue).dropped, 3);
}

/* Whatever is killed when: each job is done or dead in the end, and ran at least once. */
TEST_PROC(no_job_is_lost)
{
    enum { N = 40 };
    tr_pid queue = START(.workers = 4, .backoff = { .first_ms = 1, .max_ms = 2 }), pid;
    bool ran[N] = { false };
    int64_t n;

    for (int i = 0; i < N; i++)
        CHECK_INT(tr_queue_push(queue, tr_random(4) ? a_fine : a_boom, i), TR_OK);
    for (;;) {
        bool quiet = false;
        tr_receive (m) {
            tr_on (m, a_ran, &n, &pid) {
                ran[n] = true;
                if (tr_random(3) == 0)
                    tr_exit_to(pid, tr_intern("kill"));
            }
            tr_after (m, 20)
                quiet = true;
        }
        struct tr_queue_status s = tr_queue_status(queue);
        if (quiet && s.done + s.dead == N)
            break;
    }
    for (int i = 0; i < N; i++)
        CHECK(ran[i]);
    CHECK_STATUS(queue, 0, 0, 0, N - tr_queue_status(queue).dead, tr_queue_status(queue).dead);
}

TEST_PROC(end_of_the_queue_is_the_end_of_what_runs)
{
    tr_pid queue = START(.name = NULL);

    CHECK_INT(tr_queue_push(queue, a_hang, 1), TR_OK);
    tr_pid job = runs(1);
    tr_stop(queue, a_normal, TR_INFINITY);
    CHECK(!tr_is_alive(job));
    CHECK_INT(tr_queue_push(queue, a_fine, 2), TR_ENOPROC);
}

#define CHECK_BAD(option, ...)                                                                     \
    CHECK_TERM(tr_queue_start_link(&(const struct tr_queue){ __VA_ARGS__ }),                       \
               tr_build(a_error, tr_tuple(a_bad_option, option)))

TEST_PROC(bad_options_are_named)
{
    CHECK_BAD(a_run, .workers = 1);
    CHECK_BAD(a_name, .run = work, .name = "\xff");
    CHECK_BAD(a_workers, .run = work, .workers = -1);
    CHECK_BAD(a_capacity, .run = work, .capacity = -1);
    CHECK_BAD(a_max_attempts, .run = work, .max_attempts = -1);
    CHECK_BAD(a_max_dead, .run = work, .max_dead = -1);
    CHECK_BAD(a_timeout_ms, .run = work, .timeout_ms = -1);
    CHECK_BAD(a_backoff, .run = work, .backoff = { .first_ms = -1 });
    CHECK_BAD(a_backoff, .run = work, .backoff = { .jitter_percent = 101 });
}
