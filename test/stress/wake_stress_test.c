/* SPDX-License-Identifier: MIT */
/* Wake-ups: a message to a process that is just falling asleep always wakes it. */

#include "load.h"

tr_atoms(ping, pong, token);

static void answer(tr_term arg)
{
    tr_pid from;
    uint64_t seed;
    int64_t n;

    CHECK(tr_match(arg, &seed));
    for (;;) {
        tr_receive (m)
            tr_on (m, a_ping, &from, &n)
                tr_send(from, a_pong, n);
        if (load_below(&seed, 8) == 0)
            tr_yield();
    }
}

static void ask(tr_term arg)
{
    tr_pid boss;
    uint64_t seed;
    int64_t end, n = 0;

    CHECK(tr_match(arg, &boss, &seed, &end));
    tr_pid partner = tr_spawn_link(answer, load_random(&seed));
    do {
        tr_send(partner, a_ping, tr_self(), n);
        if (load_below(&seed, 8) == 0)
            tr_yield();
        tr_receive (m) {
            tr_on (m, a_pong, n) {
            }
            tr_after (m, patience(10000))
                check_fail(__FILE__, __LINE__, "a wake-up was lost at %" PRId64, n);
        }
        n++;
    } while (n % 1024 || check_now_ms() < end);
    tr_send(boss, a_done, n);
    tr_exit(a_shutdown);
}

static void stress_pairs(int pairs)
{
    int64_t end = load_end_ms(), before = tr_process_count(), n = 0, sum = 0;

    for (int i = 0; i < pairs; i++)
        tr_spawn(ask, tr_self(), (uint64_t)i * 977 + 13, end);
    for (int i = 0; i < pairs; i++) {
        tr_receive (m) {
            tr_on (m, a_done, &n)
                sum += n;
            tr_after (m, end - check_now_ms() + patience(30000))
                CHECK(false);
        }
    }
    CHECK(sum >= pairs * 1024);
    CHECK_PROCESS_COUNT(before);
}

/* All workers are asleep most of the time, so each message must wake one. */
TEST_PROC_REAL(stress_one_pair_never_loses_a_wake_up)
{
    stress_pairs(1);
}

TEST_PROC_REAL(stress_few_pairs_never_lose_a_wake_up)
{
    stress_pairs(5);
}

TEST_PROC_REAL(stress_many_pairs_never_lose_a_wake_up)
{
    stress_pairs(200);
}

static void pass_on(tr_term arg)
{
    tr_pid next = { 0 };
    int64_t n;

    (void)arg;
    tr_receive (m)
        tr_on (m, a_go, &next) {
        }
    for (;;)
        tr_receive (m)
            tr_on (m, a_token, &n)
                tr_send(next, a_token, n + 1);
}

TEST_PROC_REAL(stress_tokens_go_round_a_ring_for_ever)
{
    enum { RING = 100, TOKENS = 10 };
    int64_t end = load_end_ms(), n = 0, rounds = 0;
    tr_pid first = tr_self(), next = first;

    for (int i = 0; i < RING; i++) {
        tr_pid pid = tr_spawn(pass_on);
        tr_send(pid, a_go, next);
        next = pid;
    }
    for (int i = 0; i < TOKENS; i++)
        tr_send(next, a_token, (int64_t)0);
    while (check_now_ms() < end) {
        tr_receive (m) {
            tr_on (m, a_token, &n) {
                CHECK_INT(n % RING, 0);
                rounds++;
                tr_send(next, a_token, n);
            }
            tr_after (m, patience(10000))
                CHECK(false);
        }
    }
    CHECK(rounds > 0);
}

static void sleep_a_little(tr_term arg)
{
    tr_pid boss;
    uint64_t seed;
    int64_t end;

    CHECK(tr_match(arg, &boss, &seed, &end));
    while (check_now_ms() < end) {
        int64_t ms = load_below(&seed, 3), start = tr_monotonic_ns();
        tr_sleep(ms);
        CHECK(tr_monotonic_ns() - start >= ms * 1000000);
    }
    tr_send(boss, a_done, (int64_t)1);
}

/* Sleepers, whose timers are the only thing that wakes anybody. */
TEST_PROC_REAL(stress_sleepers_always_wake)
{
    enum { SLEEPERS = 50 };
    int64_t end = load_end_ms();

    for (int i = 0; i < SLEEPERS; i++)
        tr_spawn(sleep_a_little, tr_self(), (uint64_t)i + 21, end);
    for (int i = 0; i < SLEEPERS; i++) {
        tr_receive (m) {
            tr_on (m, a_done, tr_any()) {
            }
            tr_after (m, end - check_now_ms() + patience(10000))
                CHECK(false);
        }
    }
}
