/* SPDX-License-Identifier: MIT */
/*
 * A process that waits changes to the next one itself, and that puts it to sleep: what comes in
 * between must not be lost, and who cannot run then is left to the worker.
 */
#include "check_proc.h"

tr_atoms(DOWN, process, ping, pong, go_on, stop, kill, killed, normal);

enum { ROUNDS = 1000 };

/* False when it is to stop instead. */
static bool answer_one(void)
{
    tr_receive (m) {
        tr_pid from;
        int n;
        tr_on (m, a_ping, &from, &n)
            tr_send(from, a_pong, n);
        tr_on (m, a_stop)
            return false;
    }
    return true;
}

/* --- hibernated after each message --- */

static void doze(tr_term arg);

static void answer(tr_term arg)
{
    (void)arg;
    if (answer_one())
        doze(tr_nil());
}

static void doze(tr_term arg)
{
    (void)arg;
    tr_hibernate(answer);
}

static void expect_pong(int n)
{
    tr_receive (m)
        tr_on (m, a_pong, n)
            continue;
}

/* True when none comes for a while. */
static bool no_pong(int n)
{
    bool none = false;

    tr_receive (m) {
        tr_on (m, a_pong, n)
            continue;
        tr_after (m, 1)
            none = true;
    }
    return none;
}

static void ask(tr_pid to, int n)
{
    tr_send(to, a_ping, tr_self(), n);
    expect_pong(n);
}

static void expect_down(tr_ref ref, tr_atom reason)
{
    tr_receive (m)
        tr_on (m, a_DOWN, ref, a_process, tr_any(), reason)
            continue;
}

TEST_PROC(who_hibernates_after_each_message_answers_each)
{
    tr_ref ref;
    tr_pid pid = tr_spawn_monitor(doze, &ref);

    for (int i = 0; i < ROUNDS; i++)
        ask(pid, i);
    tr_send(pid, a_stop);
    expect_down(ref, a_normal);
}

/* Its mailbox is not empty when it hibernates, so it goes on at once. */
TEST_PROC(what_came_before_hibernation_is_answered_too)
{
    tr_ref ref;
    tr_pid pid = tr_spawn_monitor(doze, &ref);

    for (int i = 0; i < ROUNDS; i++)
        tr_send(pid, a_ping, tr_self(), i);
    for (int i = 0; i < ROUNDS; i++)
        expect_pong(i);
    tr_send(pid, a_stop);
    expect_down(ref, a_normal);
}

TEST_PROC(who_is_killed_in_hibernation_does_not_begin)
{
    for (int i = 0; i < ROUNDS / 10; i++) {
        tr_ref ref;
        tr_pid pid = tr_spawn_monitor(doze, &ref);
        ask(pid, i);
        tr_exit_to(pid, a_kill);
        expect_down(ref, a_killed);
    }
}

TEST_PROC(who_is_suspended_in_hibernation_begins_when_it_may)
{
    tr_ref ref;
    tr_pid pid = tr_spawn_monitor(doze, &ref);

    ask(pid, 0);
    CHECK(tr_suspend(pid));
    tr_send(pid, a_ping, tr_self(), 1);
    CHECK(no_pong(1));
    CHECK(tr_resume(pid));
    expect_pong(1);
    tr_send(pid, a_stop);
    expect_down(ref, a_normal);
}

/* --- awake --- */

static void echo(tr_term arg)
{
    (void)arg;
    while (answer_one())
        continue;
}

/* Answers when it is told to. */
static void late_echo(tr_term arg)
{
    tr_pid from = { 0 };
    int n = 0;

    (void)arg;
    tr_receive (m)
        tr_on (m, a_ping, &from, &n)
            continue;
    tr_receive (m)
        tr_on (m, a_go_on)
            continue;
    tr_send(from, a_pong, n);
}

TEST_PROC(a_wait_that_ends_in_time_is_not_lost)
{
    tr_ref ref;
    tr_pid pid = tr_spawn_monitor(late_echo, &ref);

    tr_send(pid, a_ping, tr_self(), 7);
    CHECK(no_pong(7));
    tr_send(pid, a_go_on);
    expect_pong(7);
    expect_down(ref, a_normal);
}

/* Each waits for the next while all the others wait too. */
TEST_PROC(many_conversations_at_a_time_lose_nothing)
{
    enum { PEERS = 50 };
    tr_pid pids[PEERS];
    tr_ref refs[PEERS];

    for (int i = 0; i < PEERS; i++)
        pids[i] = tr_spawn_monitor(i % 2 ? echo : doze, &refs[i]);
    for (int n = 0; n < ROUNDS / 10; n++) {
        for (int i = 0; i < PEERS; i++)
            tr_send(pids[i], a_ping, tr_self(), i);
        for (int i = 0; i < PEERS; i++)
            ask(pids[(i * 7) % PEERS], ROUNDS + i);
        for (int i = 0; i < PEERS; i++)
            expect_pong(i);
    }
    for (int i = 0; i < PEERS; i++) {
        tr_send(pids[i], a_stop);
        expect_down(refs[i], a_normal);
    }
}
