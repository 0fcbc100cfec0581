/* SPDX-License-Identifier: MIT */
/* Processes spawned, ended and killed at random, with everything they hold. */

#include "load.h"

#include <stdatomic.h>
#include <stdio.h>
#include <unistd.h>

tr_atoms(oops, hello, key, value);

/*
 * What the processes of one round registered and what was closed. On a busy machine a process may
 * be killed between any two of its steps: one that is marked was registered, one that is not may
 * have been.
 */
enum { MOST = 1 << 20 };
static _Atomic(uint8_t) registered[MOST], closed[MOST];
static _Atomic(size_t) used;

static void close_one(void *arg)
{
    atomic_fetch_add((_Atomic(uint8_t) *)arg, 1);
}

static void register_one(void)
{
    size_t i = atomic_fetch_add(&used, 1);

    if (i >= MOST)
        return;
    tr_defer(close_one, (void *)&closed[i]);
    atomic_store(&registered[i], 1);
}

static void check_closed(void)
{
    size_t n = atomic_exchange(&used, 0);

    for (size_t i = 0; i < n && i < MOST; i++) {
        int registrations = atomic_exchange(&registered[i], 0),
            runs = atomic_exchange(&closed[i], 0);
        CHECK(runs <= 1 && runs >= registrations);
    }
}

static void wake_up(tr_term arg)
{
    (void)arg;
    tr_receive (m)
        tr_on (m, a_hello) {
        }
}

/* Takes hold of all kinds of things, then ends in one of the ways there are. */
static void live(tr_term arg)
{
    uint64_t seed;
    int depth;

    CHECK(tr_match(arg, &seed, &depth));
    if (load_below(&seed, 2))
        register_one();
    if (load_below(&seed, 2))
        memset(tr_alloc(500), 1, 500);
    if (load_below(&seed, 3) == 0)
        tr_put(tr_build(a_key), tr_build(a_value, tr_list(1, 2, 3), "some text"));
    for (int i = load_below(&seed, 4); i > 0 && depth > 0; i--) {
        uint64_t its_seed = load_random(&seed);
        tr_pid child = load_below(&seed, 3) ? tr_spawn(live, its_seed, depth - 1)
                                            : tr_spawn_link(live, its_seed, depth - 1);
        if (load_below(&seed, 3) == 0)
            tr_monitor(child);
        if (load_below(&seed, 3) == 0)
            tr_exit_to(child, load_below(&seed, 2) ? a_kill : a_oops);
        tr_send(child, a_hello, tr_list("text", 1.5, its_seed));
    }
    switch (load_below(&seed, 8)) {
    case 0:
        tr_exit(a_oops, tr_list(1, "two", 3.0));
    case 1:
        tr_exit_to(tr_self(), a_kill);
        CHECK(false);
        return;
    case 2:
        tr_sleep(load_below(&seed, 3));
        return;
    case 3:
        tr_yield();
        return;
    case 4:
        tr_send(tr_self(), a_hello);
        tr_hibernate(wake_up);
    case 5:
        tr_receive (m) {
            tr_on (m, a_hello, tr_any()) {
            }
            tr_after (m, load_below(&seed, 3)) {
            }
        }
        return;
    case 6:
        tr_error(a_oops);
    default:
        return;
    }
}

static int64_t resident_bytes(void)
{
    long pages = 0;
    FILE *file = fopen("/proc/self/statm", "r");

    CHECK(file && fscanf(file, "%*d %ld", &pages) == 1);
    fclose(file);
    return pages * sysconf(_SC_PAGESIZE);
}

TEST_PROC_REAL(stress_processes_come_and_go_and_leave_nothing)
{
    int64_t end = load_end_ms(), before = tr_process_count(), spawned = 0, first = 0;
    uint64_t seed = 2026;

    do {
        for (int i = 0; i < 2000; i++)
            tr_spawn(live, load_random(&seed), 3);
        spawned += 2000;
        CHECK_PROCESS_COUNT(before);
        check_closed();
        if (!first && spawned >= 20000)
            first = resident_bytes();
    } while (check_now_ms() < end);
    CHECK_NO_MESSAGE();
    if (first)
        CHECK(resident_bytes() < first + patience(64) * (1 << 20));
}

static void be_suspended(tr_term arg)
{
    int64_t n = 0;

    (void)arg;
    for (;;) {
        n++;
        tr_receive (m) {
            tr_on (m, a_hello) {
            }
            tr_after (m, n % 3 ? 0 : 1) {
            }
        }
    }
}

/* Suspends, asks, resumes and kills processes that others do the same to. */
static void meddle(tr_term arg)
{
    tr_pid boss, pids[4];
    tr_term list, item, value;
    uint64_t seed;
    int64_t end;

    CHECK(tr_match(arg, &boss, &list, &seed, &end));
    for (int i = 0; i < 4 && tr_list_next(&list, &item); i++)
        CHECK(tr_match(item, &pids[i]));
    while (check_now_ms() < end) {
        tr_pid pid = pids[load_below(&seed, 4)];
        tr_scope
        {
            switch (load_below(&seed, 5)) {
            case 0:
                if (tr_suspend(pid)) {
                    CHECK(tr_is_alive(pid));
                    CHECK(tr_resume(pid));
                }
                break;
            case 1:
                CHECK(tr_process_info(pid, a_messages, &value));
                break;
            case 2:
                tr_send(pid, a_hello);
                break;
            case 3:
                CHECK(tr_process_info(pid, a_links, &value));
                break;
            default:
                CHECK(tr_is_alive(pid));
            }
        }
    }
    tr_send(boss, a_done);
}

TEST_PROC_REAL(stress_suspending_and_asking_never_wedge)
{
    int64_t end = load_end_ms();
    tr_pid pids[4];

    for (int i = 0; i < 4; i++)
        pids[i] = tr_spawn(be_suspended);
    for (int i = 0; i < 12; i++)
        tr_spawn(meddle, tr_self(), tr_list(pids[0], pids[1], pids[2], pids[3]), (uint64_t)i + 3,
                 end);
    for (int i = 0; i < 12; i++) {
        tr_receive (m) {
            tr_on (m, a_done) {
            }
            tr_after (m, end - check_now_ms() + patience(15000))
                CHECK(false);
        }
    }
}

static void body_of_many_runs(tr_term args)
{
    uint64_t seed = (uint64_t)check_now_ms() | 1;

    (void)args;
    for (int i = 0; i < 50; i++)
        tr_spawn(live, load_random(&seed), 3);
}

TEST(stress_runtime_stops_in_the_middle_of_everything)
{
    int64_t end = load_end_ms();

    do {
        CHECK_INT(tr_main(0, NULL, body_of_many_runs), 0);
        check_closed();
    } while (check_now_ms() < end);
}
