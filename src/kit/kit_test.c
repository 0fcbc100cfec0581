/* SPDX-License-Identifier: MIT */
/* The test kit for users: what passes, what fails, and what a failure prints. */
#include "check.h"
#include "troupe/test.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

tr_atoms(get, count, increment, crash, oops, hello, one, two, three, ready, go, shutdown, normal,
         out_of_memory, named, noproc);

static char output[8192];

/* Runs a test of the kit and keeps what the program wrote to standard error meanwhile. */
static int seen(int (*run)(void))
{
    FILE *file = tmpfile();
    int saved = dup(STDERR_FILENO);

    CHECK(file && saved >= 0);
    fflush(NULL);
    dup2(fileno(file), STDERR_FILENO);
    int status = run();
    fflush(NULL);
    dup2(saved, STDERR_FILENO);
    close(saved);
    rewind(file);
    output[fread(output, 1, sizeof output - 1, file)] = '\0';
    fclose(file);
    return status;
}

#define CHECK_PASSES(run) CHECK_OUTCOME(run, 0, "")

/* The outcome of the test, and a text that its output holds. */
#define CHECK_FAILS(run, text) CHECK_OUTCOME(run, 1, text)
#define CHECK_OUTCOME(run, status, text)                                                           \
    do {                                                                                           \
        int check_status = seen(run);                                                              \
        if (check_status != (status) || !strstr(output, text))                                     \
            check_fail(__FILE__, __LINE__, "status %d, output: %s", check_status, output);         \
    } while (0)

/* A test of the kit: its body follows; run_name runs it under some seeds. */
#define KIT(name, seeds)                                                                           \
    static void name(tr_term arg);                                                                 \
    static int run_##name(void)                                                                    \
    {                                                                                              \
        return tr_test_explore(name, seeds);                                                       \
    }                                                                                              \
    static void name(__attribute__((unused)) tr_term arg)

static void counter(tr_term arg)
{
    int64_t total = 0, n;
    tr_pid from;

    tr_match(arg, &total);
    for (;;) {
        tr_receive (m) {
            tr_on (m, a_increment, &n)
                total += n;
            tr_on (m, a_get, &from)
                tr_send(from, a_count, total);
            tr_on (m, a_crash)
                tr_exit(a_oops, total);
        }
    }
}

KIT(counting, 50)
{
    tr_pid pid = tr_test_start(counter, 10);
    int64_t total = 0;

    tr_send(pid, a_increment, 5);
    tr_send(pid, a_get, tr_self());
    tr_assert_receive(100, a_count, &total);
    tr_test_check(total == 15);
    tr_refute_receive(1000, tr_any());
}

TEST(test_that_holds_under_all_seeds_passes)
{
    CHECK_PASSES(run_counting);
    CHECK_STR(output, "");
}

KIT(wrong_sum, 50)
{
    tr_test_check(1 + 1 == 3);
}

TEST(failed_check_shows_place_seed_and_command)
{
    CHECK_FAILS(run_wrong_sum, "kit_test.c:");
    CHECK(strstr(output, "not so: 1 + 1 == 3"));
    CHECK(strstr(output, "wrong_sum: failed under seed 1"));
    CHECK(strstr(output, "TROUPE_TEST_SEED=1 TROUPE_TEST_ONLY=wrong_sum"));
}

static void send_one(tr_term arg)
{
    tr_pid to = { 0 };
    tr_atom what = { 0 };

    tr_match(arg, &to, &what);
    tr_send(to, what);
}

/* The order of two senders is not promised. */
KIT(order_of_two_senders, 1000)
{
    tr_atom first;

    tr_test_start(send_one, tr_self(), a_one);
    tr_test_start(send_one, tr_self(), a_two);
    tr_assert_receive(100, &first);
    tr_test_check(first.w == a_one.w);
}

TEST(race_is_found_and_its_seed_fails_again)
{
    char *at, text[24];

    CHECK_FAILS(run_order_of_two_senders, "failed under seed ");
    at = strstr(output, "failed under seed ") + strlen("failed under seed ");
    snprintf(text, sizeof text, "%lu", strtoul(at, NULL, 10));
    setenv("TROUPE_TEST_SEED", text, 1);
    for (int i = 0; i < 10; i++)
        CHECK_FAILS(run_order_of_two_senders, "first.w == a_one.w");
    setenv("TROUPE_TEST_ONLY", "another", 1);
    CHECK_PASSES(run_order_of_two_senders);
}

KIT(nothing_comes, 5)
{
    tr_send(tr_self(), a_hello, 7);
    tr_assert_receive(1000, a_count, tr_any());
}

KIT(something_comes, 5)
{
    tr_send_after(500, tr_self(), a_hello, 7);
    tr_refute_receive(1000, a_hello, tr_any());
}

TEST(messages_that_miss_or_should_not_come_are_shown)
{
    CHECK_FAILS(run_nothing_comes, "the mailbox holds: [{hello,7}]");
    CHECK_FAILS(run_something_comes, "should not: {hello,7}");
}

KIT(expected_ends, 50)
{
    tr_pid pid = tr_test_start(counter, 1), other = tr_test_start(counter, 2);
    tr_ref ref = tr_monitor(other);
    int64_t total = 0;
    tr_pid mine = tr_spawn(counter, 3);

    tr_send(pid, a_crash);
    tr_send(other, a_crash);
    tr_assert_down(ref, 100, a_oops, 2);
    tr_expect_exit(pid, 100, a_oops, &total);
    tr_test_check(total == 1);
    tr_expect_exit(other, 100, a_oops, 2);
    tr_exit_to(mine, a_shutdown);
    tr_expect_exit(mine, 100, tr_any());
}

KIT(wrong_reason, 5)
{
    tr_pid pid = tr_test_start(counter, 1);

    tr_send(pid, a_crash);
    tr_expect_exit(pid, 100, a_normal);
}

KIT(no_end, 5)
{
    tr_expect_exit(tr_test_start(counter, 1), 100, a_normal);
}

KIT(no_down, 5)
{
    tr_assert_down(tr_monitor(tr_test_start(counter, 1)), 100, a_normal);
}

TEST(ends_are_expected_with_their_reasons)
{
    CHECK_PASSES(run_expected_ends);
    CHECK_FAILS(run_wrong_reason, "does not match a_normal: {oops,1}");
    CHECK_FAILS(run_no_end, "the process has not ended");
    CHECK_FAILS(run_no_down, "the process has not ended");
}

KIT(crash_that_nobody_expects, 20)
{
    tr_send(tr_test_start(counter, 1), a_crash);
    tr_test_advance(1);
}

KIT(crash_of_the_test, 20)
{
    tr_exit(a_oops);
}

TEST(unexpected_crashes_fail_the_test)
{
    CHECK_FAILS(run_crash_that_nobody_expects, "ended with reason {oops,1}");
    CHECK(strstr(output, "counter"));
    CHECK_FAILS(run_crash_of_the_test, "the test ended with reason oops");
}

KIT(waits_for_ever, 5)
{
    tr_receive (m)
        tr_on (m, a_hello) {
        }
}

TEST(standstill_fails_the_test)
{
    CHECK_FAILS(run_waits_for_ever, "every process waits, and no timer is set");
    CHECK(strstr(output, "body"));
}

KIT(program_ends, 5)
{
    _exit(3);
}

KIT(program_ends_well, 5)
{
    _exit(0);
}

KIT(failed_assert, 5)
{
    assert(1 + 1 == 3);
}

TEST(end_of_the_program_fails_the_test)
{
    CHECK_FAILS(run_program_ends, "failed under seed 1");
    CHECK_FAILS(run_program_ends_well, "ended before the test did");
    CHECK_FAILS(run_failed_assert, "1 + 1 == 3");
}

static int order[3], norder;

static void note_end(void *arg)
{
    order[norder++] = (int)(intptr_t)arg;
    tr_test_check(norder < 3 || (order[0] == 3 && order[1] == 2 && order[2] == 1));
}

static void note_its_end(tr_term arg)
{
    int64_t n = 0;

    tr_match(arg, &n);
    tr_defer(note_end, (void *)(intptr_t)n);
    tr_sleep(TR_INFINITY);
}

static void never_ends(tr_term arg)
{
    (void)arg;
    tr_trap_exit(true);
    tr_sleep(TR_INFINITY);
}

KIT(started_processes, 50)
{
    tr_pid pid;

    tr_test_start(never_ends);
    for (int i = 1; i <= 3; i++)
        tr_test_start(note_its_end, i);
    pid = tr_test_start_opt(counter, &(struct tr_spawn_opts){ .name = a_named }, 5);
    tr_send(a_named, a_get, tr_self());
    tr_assert_receive(100, a_count, 5);
    tr_test_check(tr_is_alive(pid));
    tr_test_advance(10);
}

KIT(name_taken, 1)
{
    const struct tr_spawn_opts opts = { .name = a_named };

    tr_test_start_opt(counter, &opts, 5);
    tr_test_start_opt(counter, &opts, 5);
}

TEST(started_processes_end_with_the_test_newest_first)
{
    CHECK_PASSES(run_started_processes);
    CHECK_FAILS(run_name_taken, "name already taken");
}

static void ticks(tr_term arg)
{
    tr_pid to = { 0 };

    tr_match(arg, &to);
    for (int i = 1;; i++) {
        tr_sleep(1000);
        tr_send(to, a_count, i);
    }
}

KIT(time_goes_by, 50)
{
    int64_t start = tr_monotonic_ms();

    tr_test_start(ticks, tr_self());
    tr_test_advance(10500);
    tr_test_check(tr_mailbox_length() == 10);
    tr_test_advance(3600 * 1000);
    tr_test_check(tr_monotonic_ms() - start >= 3600 * 1000);
    tr_test_check(tr_mailbox_length() > 3500);
}

TEST(time_is_virtual_and_can_be_advanced)
{
    CHECK_PASSES(run_time_goes_by);
}

KIT(crash_at_a_receive, 50)
{
    tr_pid pid = tr_test_start(counter, 0);

    tr_test_advance(1);
    tr_test_crash(pid, 3, a_oops, "injected");
    for (int i = 0; i < 5; i++)
        tr_send(pid, a_increment, 1);
    tr_send(pid, a_get, tr_self());
    tr_expect_exit(pid, 100, a_oops, "injected");
    tr_refute_receive(100, tr_any());
}

KIT(crash_of_the_dead, 1)
{
    tr_pid pid = tr_test_start(counter, 0);

    tr_exit_to(pid, a_shutdown);
    tr_test_advance(1);
    tr_test_crash(pid, 1, a_oops);
}

TEST(crash_is_injected_at_a_receive)
{
    CHECK_PASSES(run_crash_at_a_receive);
    CHECK_FAILS(run_crash_of_the_dead, "no such process");
}

static void send_three(tr_term arg)
{
    tr_pid to = { 0 };

    tr_match(arg, &to);
    for (int i = 1; i <= 3; i++)
        tr_send(to, a_one, i);
    tr_receive (m)
        tr_on (m, a_go) {
        }
}

KIT(late_messages, 100)
{
    tr_pid from = tr_test_start(send_three, tr_self());
    int64_t start = tr_monotonic_ms();

    tr_test_delay(from, tr_self(), 500);
    tr_test_start(send_one, tr_self(), a_two);
    tr_assert_receive(100, a_two);
    for (int i = 1; i <= 3; i++)
        tr_assert_receive(600, a_one, i);
    tr_test_check(tr_monotonic_ms() - start < 1100);
    tr_send(from, a_go);
}

/* Whether each of the two orders came up. */
KIT(drawn_order, 1)
{
    bool one_first = false, two_first = false;
    tr_atom first, second;

    tr_test_reorder(tr_self(), 50);
    for (int i = 0; i < 100; i++) {
        tr_test_start(send_one, tr_self(), a_one);
        tr_test_advance(5);
        tr_test_start(send_one, tr_self(), a_two);
        tr_assert_receive(200, &first);
        tr_assert_receive(200, &second);
        one_first |= first.w == a_one.w;
        two_first |= first.w == a_two.w;
    }
    tr_test_check(one_first && two_first);
}

KIT(order_of_one_sender, 100)
{
    tr_pid from = tr_test_start(send_three, tr_self());

    tr_test_reorder(tr_self(), 50);
    for (int64_t i = 1, n; i <= 3; i++) {
        tr_assert_receive(200, a_one, &n);
        tr_test_check(n == i);
    }
    tr_send(from, a_go);
}

TEST(delivery_is_delayed_and_reordered_where_no_order_is_promised)
{
    CHECK_PASSES(run_late_messages);
    CHECK_PASSES(run_drawn_order);
    CHECK_PASSES(run_order_of_one_sender);
}

static void builds(tr_term arg)
{
    tr_pid to = { 0 };

    tr_match(arg, &to);
    tr_send(to, a_ready);
    tr_receive (m)
        tr_on (m, a_go) {
        }
    for (int i = 0; i < 100; i++)
        tr_release(tr_keep(tr_build(a_hello, "a text of more than a word", i)));
}

KIT(no_memory, 20)
{
    tr_pid pid = tr_test_start(builds, tr_self());

    tr_assert_receive(100, a_ready);
    tr_test_fail_alloc(20);
    tr_send(pid, a_go);
    tr_expect_exit(pid, 1000, a_out_of_memory);
}

TEST(allocation_fails_where_the_build_can)
{
#ifdef TR_FAULTS
    CHECK_PASSES(run_no_memory);
#else
    CHECK_FAILS(run_no_memory, "built without injected failures");
#endif
}

static int run_counting_once(void)
{
    return tr_test_run(counting, 7);
}

TEST(single_seed_and_number_of_seeds_can_be_chosen)
{
    CHECK_PASSES(run_counting_once);
    setenv("TROUPE_TEST_SEEDS", "3", 1);
    CHECK_PASSES(run_counting);
    setenv("TROUPE_TEST_FORK", "0", 1);
    CHECK_PASSES(run_counting_once);
}
