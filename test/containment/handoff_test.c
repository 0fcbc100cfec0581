/* SPDX-License-Identifier: MIT */
/* Processes that block their thread, or never return to the library, and the others beside them. */
#include "check_proc.h"

#include <stdatomic.h>
#include <unistd.h>

tr_atoms(ping, pong, done);

static int channel[2];
static atomic_bool go_on;

static void blocks_unannounced(tr_term arg)
{
    tr_pid boss;
    char c;

    CHECK(tr_match(arg, &boss));
    CHECK(read(channel[0], &c, 1) == 1);
    tr_send(boss, a_done);
}

static void blocks_announced(tr_term arg)
{
    tr_pid boss;
    char c;

    CHECK(tr_match(arg, &boss));
    tr_blocking_begin();
    CHECK(read(channel[0], &c, 1) == 1);
    tr_blocking_end();
    tr_send(boss, a_done);
}

static void loops(tr_term arg)
{
    tr_pid boss;

    CHECK(tr_match(arg, &boss));
    while (atomic_load_explicit(&go_on, memory_order_relaxed))
        ;
    tr_send(boss, a_done);
}

static void answers(tr_term arg)
{
    (void)arg;
    for (;;) {
        tr_pid from;

        tr_receive (m)
            tr_on (m, a_ping, &from)
                tr_send(from, a_pong, tr_self());
    }
}

/* Asks a hundred processes, again and again, and expects all answers each time. */
static void ask_all(int rounds)
{
    tr_pid others[100];

    for (int i = 0; i < 100; i++)
        others[i] = tr_spawn(answers);
    for (int r = 0; r < rounds; r++) {
        for (int i = 0; i < 100; i++)
            tr_send(others[i], a_ping, tr_self());
        for (int i = 0; i < 100; i++) {
            tr_receive (m)
                tr_on (m, a_pong, others[i]) {
                }
        }
        tr_sleep(1);
    }
}

static void await_done(int n)
{
    for (int i = 0; i < n; i++) {
        tr_receive (m)
            tr_on (m, a_done) {
            }
    }
}

static void release_readers(int n)
{
    for (int i = 0; i < n; i++)
        CHECK(write(channel[1], "x", 1) == 1);
    await_done(n);
}

TEST_PROC_REAL(others_go_on_beside_processes_blocked_in_system_calls)
{
    int n = 4 * tr_schedulers_online();

    CHECK(pipe(channel) == 0);
    for (int i = 0; i < n; i++)
        tr_spawn(blocks_unannounced, tr_self());
    ask_all(50);
    release_readers(n);
}

TEST_PROC_REAL(announced_blocking_gives_the_worker_away_at_once)
{
    int n = 4 * tr_schedulers_online();

    CHECK(pipe(channel) == 0);
    for (int round = 0; round < 20; round++) {
        for (int i = 0; i < n; i++)
            tr_spawn(blocks_announced, tr_self());
        ask_all(1);
        release_readers(n);
    }
}

TEST_PROC_REAL(others_go_on_beside_endless_loops)
{
    int n = 4 * tr_schedulers_online();

    atomic_store(&go_on, true);
    for (int i = 0; i < n; i++)
        tr_spawn(loops, tr_self());
    ask_all(50);
    atomic_store(&go_on, false);
    await_done(n);
}

/* Many short stretches, so that taking the worker meets entering the library at every moment. */
static void computes_in_stretches(tr_term arg)
{
    tr_pid boss;
    int us;

    CHECK(tr_match(arg, &boss, &us));
    for (int i = 0; i < 200; i++) {
        int64_t end = tr_monotonic_ns() + us * 1000;
        while (tr_monotonic_ns() < end)
            ;
        tr_send(boss, a_ping, i);
        tr_yield();
    }
    tr_send(boss, a_done);
}

TEST_PROC_REAL(taking_a_worker_meets_its_process_at_every_moment)
{
    enum { ACTORS = 8, MESSAGES = 200 };
    int n;

    for (int i = 0; i < ACTORS; i++)
        tr_spawn(computes_in_stretches, tr_self(), 500 + 400 * i);
    for (int i = 0; i < ACTORS * MESSAGES; i++) {
        tr_receive (m)
            tr_on (m, a_ping, &n) {
            }
    }
    await_done(ACTORS);
}

TEST_PROC_REAL(thread_that_was_given_away_takes_part_again)
{
    int n = tr_schedulers_online();

    CHECK(pipe(channel) == 0);
    /* More rounds than threads may exist: they must be used again. */
    for (int round = 0; round < 200; round++) {
        for (int i = 0; i < n; i++)
            tr_spawn(blocks_announced, tr_self());
        release_readers(n);
    }
}
