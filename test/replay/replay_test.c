/* SPDX-License-Identifier: MIT */
/* What a replayed run promises: the same again under the same seed, virtual time, and a word about
   everything that breaks it. */
#include "check_proc.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

tr_atoms(go, one, two, hello, low, high);

static char output[65536];

/* Runs the program as a process of the system, under a seed; keeps all it prints. */
static void run_program(int seed)
{
    char command[1024];

    snprintf(command, sizeof command, "TROUPE_REPLAY=%d TROUPE_REPLAY_DIGEST=1 %s 2>&1", seed,
             PROGRAM);
    FILE *pipe = popen(command, "r");
    CHECK(pipe);
    size_t n = fread(output, 1, sizeof output - 1, pipe);
    output[n] = '\0';
    if (pclose(pipe) != 0)
        SKIP(output);
}

static uint64_t digest(void)
{
    const char *at = strstr(output, "digest ");

    CHECK(at);
    return strtoull(at + strlen("digest "), NULL, 16);
}

TEST(same_seed_gives_the_same_run_in_each_process_of_the_system)
{
    static char first[sizeof output];

    for (int seed = 1; seed <= 5; seed++) {
        run_program(seed);
        memcpy(first, output, sizeof first);
        for (int i = 0; i < 20; i++) {
            run_program(seed);
            CHECK_STR(output, first);
        }
    }
}

TEST(different_seeds_give_different_runs)
{
    enum { N = 20 };
    uint64_t seen[N];

    for (int i = 0; i < N; i++) {
        run_program(i);
        seen[i] = digest();
        for (int k = 0; k < i; k++)
            CHECK(seen[k] != seen[i]);
    }
}

/* Runs a body under a seed and keeps what is written to standard error. */
static int replay(uint64_t seed, tr_process_fn body)
{
    FILE *file = tmpfile();
    int saved = dup(STDERR_FILENO);

    CHECK(file && saved >= 0);
    dup2(fileno(file), STDERR_FILENO);
    tr_replay(seed);
    int status = tr_main(0, NULL, body);
    fflush(stderr);
    dup2(saved, STDERR_FILENO);
    close(saved);
    rewind(file);
    output[fread(output, 1, sizeof output - 1, file)] = '\0';
    fclose(file);
    return status;
}

static void a_long_sleep(tr_term arg)
{
    const int64_t year = INT64_C(365) * 24 * 3600 * 1000;
    int64_t start = tr_monotonic_ms();

    (void)arg;
    CHECK(tr_replaying());
    tr_sleep(year);
    CHECK(tr_monotonic_ms() - start >= year);
    CHECK(tr_monotonic_ms() - start < year + 10);
}

TEST(time_jumps_when_nothing_can_run)
{
    int64_t start = check_now_ms();

    CHECK_INT(replay(1, a_long_sleep), 0);
    CHECK(check_now_ms() - start < 10000);
    CHECK(!tr_replaying());
    CHECK(tr_monotonic_ms() - start < 10000);
}

static void wait_by_looking(tr_term arg)
{
    int64_t start = tr_monotonic_ns();

    (void)arg;
    while (tr_monotonic_ns() - start < 10000000)
        ;
}

TEST(loop_that_looks_at_the_clock_ends)
{
    CHECK_INT(replay(1, wait_by_looking), 0);
    CHECK_STR(output, "");
}

static void wait_for_nothing(tr_term arg)
{
    (void)arg;
    tr_receive (m)
        tr_on (m, a_go) {
        }
}

TEST(standstill_is_told_and_ends_the_run)
{
    CHECK_INT(replay(1, wait_for_nothing), 1);
    CHECK(strstr(output, "every process waits, and no timer is set"));
    CHECK(strstr(output, "<0."));
    CHECK(tr_replay_broken() == NULL);
}

static tr_pid receiver;

static void *send_from_outside(void *arg)
{
    (void)arg;
    tr_send(receiver, a_hello);
    return NULL;
}

static void hear_from_outside(tr_term arg)
{
    pthread_t thread;

    (void)arg;
    receiver = tr_self();
    CHECK(pthread_create(&thread, NULL, send_from_outside, NULL) == 0);
    tr_receive (m)
        tr_on (m, a_hello) {
        }
    pthread_join(thread, NULL);
    tr_sleep(5);
}

TEST(thread_of_the_program_breaks_the_replay_by_name)
{
    CHECK_INT(replay(1, hear_from_outside), 0);
    CHECK(strstr(output, "replay: tr_send makes this run depend on the outside"));
    CHECK_STR(tr_replay_broken(), "tr_send");
}

static void sleep_really(tr_term arg)
{
    tr_pid boss;

    CHECK(tr_match(arg, &boss));
    tr_blocking_begin();
    usleep(20000);
    tr_blocking_end();
    tr_send(boss, a_one);
}

static void block(tr_term arg)
{
    (void)arg;
    for (int i = 0; i < 3; i++)
        tr_spawn(sleep_really, tr_self());
    for (int i = 0; i < 3; i++)
        tr_receive (m)
            tr_on (m, a_one) {
            }
}

TEST(blocking_breaks_the_replay_once_and_the_run_goes_on)
{
    CHECK_INT(replay(1, block), 0);
    const char *told = "tr_blocking_begin makes this run depend";
    char *first = strstr(output, told);
    CHECK(first && !strstr(first + strlen(told), "makes this run"));
}

static uint64_t numbers[10];

static void draw(tr_term arg)
{
    (void)arg;
    for (int i = 0; i < 10; i++)
        numbers[i] = tr_random(0);
    for (int i = 0; i < 1000; i++)
        CHECK(tr_random(6) < 6);
}

TEST(random_numbers_come_from_the_seed_in_a_replay_only)
{
    uint64_t before[10];

    CHECK_INT(replay(5, draw), 0);
    memcpy(before, numbers, sizeof before);
    CHECK_INT(replay(5, draw), 0);
    CHECK(memcmp(before, numbers, sizeof before) == 0);
    CHECK_INT(replay(6, draw), 0);
    CHECK(memcmp(before, numbers, sizeof before) != 0);
    CHECK_INT(tr_main(0, NULL, draw), 0);
    memcpy(before, numbers, sizeof before);
    CHECK_INT(tr_main(0, NULL, draw), 0);
    CHECK(memcmp(before, numbers, sizeof before) != 0);
}

static bool one_first, two_first;

static void tie(tr_term arg)
{
    tr_atom first;

    (void)arg;
    tr_send_after(3, tr_self(), a_one);
    tr_send_after(3, tr_self(), a_two);
    tr_receive (m)
        tr_on (m, &first) {
            one_first |= first.w == a_one.w;
            two_first |= first.w == a_two.w;
        }
}

TEST(order_of_timers_due_at_once_is_drawn)
{
    for (uint64_t seed = 1; seed <= 50; seed++)
        CHECK_INT(replay(seed, tie), 0);
    CHECK(one_first && two_first);
}

static void say(tr_term arg)
{
    tr_pid to;
    tr_atom what;

    CHECK(tr_match(arg, &to, &what));
    tr_send(to, what);
}

/* Both can run before the caller's next turn, if it goes on last. */
static void start_two(tr_term arg)
{
    const struct tr_spawn_opts high_first = { .priority = TR_PRIORITY_HIGH };
    tr_atom first;

    (void)arg;
    tr_set_priority(TR_PRIORITY_MAX);
    tr_spawn(say, tr_self(), a_low);
    tr_spawn_opt(say, &high_first, tr_self(), a_high);
    tr_receive (m)
        tr_on (m, &first)
            CHECK(first.w == a_high.w);
}

TEST(priorities_hold)
{
    for (uint64_t seed = 1; seed <= 50; seed++)
        CHECK_INT(replay(seed, start_two), 0);
}

static void inject_nothing(tr_term arg)
{
    (void)arg;
    CHECK_INT(tr_replay_crash(tr_self(), 1, a_go), TR_ENOTSUP);
    CHECK_INT(tr_replay_delay(tr_self(), tr_self(), 1), TR_ENOTSUP);
    CHECK_INT(tr_replay_reorder(tr_self(), 1), TR_ENOTSUP);
    CHECK_INT(tr_replay_fail_alloc(1), TR_ENOTSUP);
    tr_replay_settle();
}

static void inject_wrongly(tr_term arg)
{
    tr_pid nobody = { 0 };

    (void)arg;
    CHECK_INT(tr_replay_crash(tr_self(), 0, a_go), TR_EINVAL);
    CHECK_INT(tr_replay_crash(nobody, 1, a_go), TR_ENOPROC);
    CHECK_INT(tr_replay_delay(tr_self(), nobody, 1), TR_ENOPROC);
    CHECK_INT(tr_replay_delay(nobody, tr_self(), -1), TR_EINVAL);
    for (int i = 0; i < 16; i++) {
        CHECK_INT(tr_replay_crash(tr_self(), 1000, a_go, "a reason"), TR_OK);
        CHECK_INT(tr_replay_reorder(tr_self(), 1), TR_OK);
    }
    CHECK_INT(tr_replay_crash(tr_self(), 1, a_go), TR_ELIMIT);
    CHECK_INT(tr_replay_reorder(tr_self(), 1), TR_ELIMIT);
}

TEST(faults_that_cannot_be_injected_are_refused)
{
    CHECK_INT(tr_main(0, NULL, inject_nothing), 0);
    CHECK_INT(replay(1, inject_wrongly), 0);
}

TEST(seed_of_the_environment_must_be_a_number)
{
    setenv("TROUPE_REPLAY", "seven", 1);
    CHECK_INT(tr_main(0, NULL, draw), 0);
    CHECK(!tr_replaying());
    setenv("TROUPE_REPLAY", "0x10", 1);
    CHECK_INT(tr_main(0, NULL, draw), 0);
    CHECK_INT(tr_replay_seed(), 16);
}
