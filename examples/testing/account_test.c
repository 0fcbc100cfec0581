/* SPDX-License-Identifier: MIT */
/* The test of doc/testing.md, with the bug that it finds there repaired. */
#include <stdio.h>
#include <troupe/test.h>

tr_atoms(get, deposit, balance, ok, crash);

/* An account keeps a sum. */
static void account(tr_term arg)
{
    int64_t sum = 0, amount;
    tr_pid from;

    (void)arg;
    for (;;) {
        tr_receive (m) {
            tr_on (m, a_get, &from)
                tr_send(from, a_balance, sum);
            tr_on (m, a_deposit, &from, &amount) {
                sum += amount;
                tr_send(from, a_ok);
            }
        }
    }
}

static void deposit(tr_pid to, int64_t amount)
{
    tr_send(to, a_deposit, tr_self(), amount);
    tr_receive (m)
        tr_on (m, a_ok) {
        }
}

static void client(tr_term arg)
{
    tr_pid to = { 0 }, boss = { 0 };

    tr_match(arg, &to, &boss);
    deposit(to, 10);
    tr_send(boss, a_ok);
}

static void two_deposits_add_up(tr_term arg)
{
    tr_pid to = tr_test_start(account);

    (void)arg;
    tr_test_start(client, to, tr_self());
    tr_test_start(client, to, tr_self());
    tr_assert_receive(1000, a_ok);
    tr_assert_receive(1000, a_ok);
    tr_send(to, a_get, tr_self());
    tr_assert_receive(1000, a_balance, 20);
    tr_refute_receive(1000, tr_any());
}

/* What arrives late, in whatever order, is counted all the same. */
static void late_deposits_add_up(tr_term arg)
{
    tr_pid to = tr_test_start(account);

    (void)arg;
    tr_test_reorder(to, 200);
    for (int i = 0; i < 5; i++)
        tr_test_start(client, to, tr_self());
    for (int i = 0; i < 5; i++)
        tr_assert_receive(1000, a_ok);
    tr_send(to, a_get, tr_self());
    tr_assert_receive(1000, a_balance, 50);
}

static void crash_is_seen_by_the_watcher(tr_term arg)
{
    tr_pid to = tr_test_start(account);
    tr_ref ref = tr_monitor(to);

    (void)arg;
    tr_test_advance(1);
    tr_test_crash(to, 1, a_crash);
    tr_test_start(client, to, tr_self());
    tr_assert_down(ref, 1000, a_crash);
    tr_expect_exit(to, 1000, a_crash);
}

int main(void)
{
    if (tr_test_explore(two_deposits_add_up, 1000) || tr_test_explore(late_deposits_add_up, 100) ||
        tr_test_explore(crash_is_seen_by_the_watcher, 100))
        return 1;
    puts("1200 seeds passed");
    return 0;
}
