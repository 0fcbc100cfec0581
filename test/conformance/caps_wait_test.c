/* SPDX-License-Identifier: MIT */
/* Caps on the mailbox: senders that wait, who never waits, and what is never held up. */
#include "conformance/caps.h"

#include <pthread.h>

tr_atoms(next, system, tick, max_mailbox, messages_dropped, senders_waiting, answer);

static void send_items(tr_term arg)
{
    tr_pid to, boss;
    int from, n;

    CHECK(tr_match(arg, &to, &boss, &from, &n));
    for (int i = 0; i < n; i++)
        tr_send(to, a_item, from + i);
    tr_send(boss, a_done, from);
}

TEST_PROC(end_of_the_receiver_lets_all_senders_go_on)
{
    enum { SENDERS = 5, EACH = 1000 };
    tr_pid pid = spawn_holder(TR_MAILBOX_WAIT);

    for (int i = 0; i < SENDERS; i++)
        tr_spawn(send_items, pid, tr_self(), i * EACH, EACH);
    CHECK_WITHIN(patience(10000), number_of(pid, a_senders_waiting) == SENDERS);
    CHECK_INT(number_of(pid, a_message_queue_len), MAX);
    CHECK_INT(number_of(pid, a_messages_dropped), 0);
    tr_exit_to(pid, a_kill);
    for (int i = 0; i < SENDERS; i++) {
        tr_receive (m) {
            tr_on (m, a_done, tr_any()) {
            }
            tr_after (m, patience(10000))
                CHECK(false);
        }
    }
}

static void take_in_turn(tr_term arg)
{
    enum { SENDERS = 5, EACH = 1000 };
    int next[SENDERS] = { 0 };

    (void)arg;
    for (int i = 0; i < SENDERS * EACH; i++) {
        int n = -1;
        tr_receive (m) {
            tr_on (m, a_item, &n) {
            }
            tr_after (m, patience(10000))
                CHECK(false);
        }
        CHECK_INT(n % EACH, next[n / EACH]);
        next[n / EACH]++;
        CHECK(tr_mailbox_length() <= MAX);
    }
}

TEST_PROC(senders_that_waited_go_on_in_order)
{
    tr_ref ref;
    const struct tr_spawn_opts opts = { .monitor = &ref, .max_mailbox = MAX };
    tr_pid pid = tr_spawn_opt(take_in_turn, &opts);

    for (int i = 0; i < 5; i++)
        tr_spawn(send_items, pid, tr_self(), i * 1000, 1000);
    CHECK_TERM(DOWN_REASON(ref), tr_build(a_normal));
}

TEST_PROC(first_sender_that_waits_is_let_in_first)
{
    tr_pid pid = spawn_holder(TR_MAILBOX_WAIT);

    for (int i = 0; i < MAX; i++)
        tr_send(pid, a_item, i);
    for (int i = 0; i < 20; i++) {
        tr_spawn(send_items, pid, tr_self(), MAX + i, 1);
        CHECK_WITHIN(patience(10000), number_of(pid, a_senders_waiting) == i + 1);
    }
    let_go(pid);
    for (int i = 0; i < MAX + 20; i++) {
        tr_receive (m) {
            tr_on (m, a_got, tr_tuple(a_item, i)) {
            }
            tr_after (m, patience(10000))
                CHECK(false);
        }
    }
}

TEST_PROC(sender_that_waits_can_be_killed)
{
    tr_pid pid = spawn_holder(TR_MAILBOX_WAIT);
    tr_pid senders[5];

    for (int i = 0; i < MAX; i++)
        tr_send(pid, a_item, i);
    for (int i = 0; i < 5; i++) {
        senders[i] = tr_spawn(send_items, pid, tr_self(), MAX + i, 1);
        CHECK_WITHIN(patience(10000), number_of(pid, a_senders_waiting) == i + 1);
    }
    for (int i = 0; i < 5; i += 2) {
        tr_ref ref = tr_monitor(senders[i]);
        tr_exit_to(senders[i], i == 2 ? a_oops : a_kill);
        CHECK_TERM(DOWN_REASON(ref), tr_build(i == 2 ? a_oops : a_killed));
    }
    CHECK_INT(number_of(pid, a_senders_waiting), 2);
    let_go(pid);
    expect_items(0, MAX - 1);
    expect_items(MAX + 1, MAX + 1);
    expect_items(MAX + 3, MAX + 3);
}

TEST_PROC(sender_that_waits_answers_questions_and_can_be_suspended)
{
    tr_pid pid = spawn_holder(TR_MAILBOX_WAIT);

    for (int i = 0; i < MAX; i++)
        tr_send(pid, a_item, i);
    tr_pid sender = tr_spawn(send_items, pid, tr_self(), MAX, 2);
    CHECK_WITHIN(patience(10000), number_of(pid, a_senders_waiting) == 1);
    CHECK_INT(number_of(sender, a_message_queue_len), 0);
    CHECK(tr_suspend(sender));
    let_go(pid);
    expect_items(0, MAX);
    expect_done();
    CHECK_INT(number_of(pid, a_message_queue_len), 0);
    CHECK(tr_resume(sender));
    CHECK_WITHIN(patience(10000), !tr_is_alive(sender));
    CHECK_INT(number_of(pid, a_message_queue_len), 1);
}

TEST_PROC(try_send_is_told_instead_of_waiting)
{
    tr_pid pid = spawn_holder(TR_MAILBOX_WAIT);

    for (int i = 0; i < MAX; i++)
        CHECK_INT(tr_try_send(pid, a_item, i), TR_OK);
    CHECK_INT(tr_try_send(pid, a_item, MAX), TR_EBUSY);
    CHECK_INT(number_of(pid, a_messages_dropped), 0);
    CHECK_INT(number_of(pid, a_senders_waiting), 0);
}

static void send_to_itself(tr_term arg)
{
    (void)arg;
    for (int i = 0; i < 3 * MAX; i++)
        tr_send(tr_self(), a_item, i);
    CHECK_INT((int64_t)tr_mailbox_length(), 3 * MAX);
}

TEST_PROC(process_never_waits_on_its_own_mailbox)
{
    tr_ref ref;
    const struct tr_spawn_opts opts = { .monitor = &ref, .max_mailbox = MAX };

    tr_spawn_opt(send_to_itself, &opts);
    CHECK_TERM(DOWN_REASON(ref), tr_build(a_normal));
}

static void *send_from_outside(void *arg)
{
    tr_pid *pid = arg;

    for (int i = 0; i < 3 * MAX; i++)
        tr_send(*pid, a_item, i);
    CHECK_INT(tr_try_send(*pid, a_item, 0), TR_EBUSY);
    return NULL;
}

TEST_PROC_REAL(thread_outside_never_waits)
{
    tr_pid pid = spawn_holder(TR_MAILBOX_WAIT);
    pthread_t thread;

    CHECK(pthread_create(&thread, NULL, send_from_outside, &pid) == 0);
    CHECK(pthread_join(thread, NULL) == 0);
    CHECK_INT(number_of(pid, a_message_queue_len), 3 * MAX);
}

static void send_at_the_end(void *arg)
{
    for (int i = 0; i < 2 * MAX; i++)
        tr_send(*(tr_pid *)arg, a_item, i);
}

static void end_and_send(tr_term arg)
{
    tr_pid *to = tr_alloc(sizeof *to);

    CHECK(tr_match(arg, to));
    tr_defer(send_at_the_end, to);
}

TEST_PROC(clean_up_never_waits)
{
    tr_pid pid = spawn_holder(TR_MAILBOX_WAIT);
    tr_ref ref;

    tr_spawn_monitor(end_and_send, &ref, pid);
    CHECK_TERM(DOWN_REASON(ref), tr_build(a_normal));
    CHECK_INT(number_of(pid, a_message_queue_len), 2 * MAX);
}

static void fill_with_links(tr_term arg)
{
    tr_pid to, dead = tr_spawn(idle);
    int policy;

    CHECK(tr_match(arg, &to, &policy));
    tr_trap_exit(true);
    tr_pid linked = tr_spawn_link(idle);
    tr_ref ref = tr_monitor(dead);
    tr_ref alias = tr_alias();
    tr_ref mine = tr_make_ref();
    tr_send(to, a_ready, tr_self(), alias, mine);
    tr_receive (m)
        tr_on (m, a_go, tr_any(), tr_any()) {
        }
    /* The mailbox is full and stays so. */
    tr_exit_to(linked, a_kill);
    tr_exit_to(dead, a_kill);
    tr_send_after(1, tr_self(), a_tick);
    tr_receive (m)
        tr_on (m, a_EXIT, linked, a_killed) {
        }
    tr_receive (m)
        tr_on (m, a_DOWN, ref, a_process, dead, a_killed) {
        }
    tr_receive (m)
        tr_on (m, a_tick) {
        }
    tr_receive (m)
        tr_on (m, alias, a_answer) {
        }
    tr_receive (m)
        tr_on (m, a_system, to, a_item) {
        }
    tr_link(to);
    tr_unlink(to);
    if (policy != TR_MAILBOX_DROP_OLDEST)
        CHECK_INT(number_of(tr_self(), a_message_queue_len), MAX + 2);
    tr_send(to, a_done, (int64_t)tr_mailbox_length());
}

static void check_never_held_up(enum tr_mailbox_policy policy)
{
    const struct tr_spawn_opts opts = { .max_mailbox = MAX, .mailbox_policy = policy };
    tr_pid pid = tr_spawn_opt(fill_with_links, &opts, tr_self(), (int)policy);
    tr_ref alias, mine, watch = tr_monitor(pid);

    tr_receive (m)
        tr_on (m, a_ready, pid, &alias, &mine) {
        }
    for (int i = 0; i < MAX; i++)
        CHECK_INT(tr_try_send(pid, a_item, i), TR_OK);
    if (policy != TR_MAILBOX_DROP_OLDEST && policy != TR_MAILBOX_EXIT)
        CHECK_INT(tr_try_send(pid, a_item, MAX), TR_EBUSY);
    /* Each of these is let in. */
    CHECK_INT(tr_try_send(alias, alias, a_answer), TR_OK);
    CHECK_INT(tr_try_send(pid, a_system, tr_self(), a_item), TR_OK);
    CHECK_INT(tr_try_send(pid, mine, a_go), TR_OK);
    CHECK_INT(number_of(pid, a_max_mailbox), MAX);
    tr_ref other = tr_monitor(pid);
    CHECK(tr_demonitor(other));
    tr_exit_to(pid, a_normal);
    tr_send(alias, a_go, 1, 2);
    tr_receive (m) {
        tr_on (m, a_done, tr_any()) {
        }
        tr_after (m, patience(10000))
            CHECK(false);
    }
    CHECK_TERM(DOWN_REASON(watch), tr_build(a_normal));
}

TEST_PROC(signals_answers_and_system_messages_are_never_held_up)
{
    check_never_held_up(TR_MAILBOX_WAIT);
    check_never_held_up(TR_MAILBOX_DROP_NEWEST);
    check_never_held_up(TR_MAILBOX_DROP_OLDEST);
    check_never_held_up(TR_MAILBOX_EXIT);
}

TEST_PROC(exit_signals_and_messages_keep_their_order_in_a_capped_mailbox)
{
    tr_pid pid = spawn_holder(TR_MAILBOX_WAIT);

    for (int i = 0; i < MAX; i++) {
        tr_send(pid, a_item, i);
        tr_exit_to(pid, a_next, i);
    }
    let_go(pid);
    for (int i = 0; i < MAX; i++) {
        expect_items(i, i);
        tr_receive (m) {
            tr_term what;
            tr_on (m, a_got, &what)
                CHECK_TERM(what, tr_build(a_EXIT, tr_self(), tr_tuple(a_next, i)));
        }
    }
}

static void change_caps(tr_term arg)
{
    tr_pid to;

    CHECK(tr_match(arg, &to));
    CHECK_INT(tr_set_max_mailbox(1, TR_MAILBOX_WAIT), 0);
    tr_send(to, a_ready);
    tr_receive (m)
        tr_on (m, a_next) {
        }
    CHECK_WITHIN(patience(10000), number_of(tr_self(), a_senders_waiting) == 1);
    CHECK_INT(tr_set_max_mailbox(0, TR_MAILBOX_WAIT), 1);
    for (int i = 0; i < 500; i++) {
        int n = -1;
        if (i % 50 == 0)
            tr_set_max_mailbox(i % 100 ? 0 : 2, TR_MAILBOX_WAIT);
        tr_receive (m)
            tr_on (m, a_item, &n) {
            }
        CHECK_INT(n, i);
    }
    CHECK_INT(tr_set_max_memory(1 << 20), 0);
    CHECK_INT(tr_set_max_memory(0), 1 << 20);
    CHECK_INT((int64_t)tr_set_max_reductions(1 << 30), 0);
    CHECK_INT((int64_t)tr_set_max_reductions(0), 1 << 30);
}

TEST_PROC(caps_can_be_changed_while_senders_wait)
{
    tr_ref ref;
    tr_pid pid = tr_spawn_monitor(change_caps, &ref, tr_self());

    tr_receive (m)
        tr_on (m, a_ready) {
        }
    tr_send(pid, a_next);
    tr_spawn(send_items, pid, tr_self(), 0, 500);
    CHECK_TERM(DOWN_REASON(ref), tr_build(a_normal));
}
