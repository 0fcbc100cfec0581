/* SPDX-License-Identifier: MIT */
/* Exit signals sent to processes, whether a process is alive, and what its end cleans up. */

#include "conformance/puppet.h"

#include <stdatomic.h>

tr_atoms(oops, one, two, hello, ending, heir, late, boss);

TEST_PROC(exit_signal_to_nobody_is_no_error)
{
    FACT("PROC-012", "an exit signal to a pid that is dead or never was returns at once and does "
                     "nothing");
    tr_pid dead = dead_pid();

    for (int i = 0; i < check_rounds(10000); i++) {
        tr_exit_to(dead, a_kill);
        tr_exit_to(never_pid(), a_oops, i);
    }
    CHECK_NO_MESSAGE();
}

static void spin(tr_term arg)
{
    (void)arg;
    for (;;)
        tr_yield();
}

static void wait_for_nothing(tr_term arg)
{
    (void)arg;
    tr_receive (m)
        tr_on (m, a_late) {
        }
}

static void hibernate_at_once(tr_term arg)
{
    (void)arg;
    tr_hibernate(wait_for_nothing);
}

/* Whatever a process is doing, a signal finds it. */
static const tr_process_fn victims[] = { idle, spin, wait_for_nothing, hibernate_at_once };

enum { NVICTIMS = sizeof victims / sizeof *victims };

TEST_PROC(exit_signal_ends_a_process_that_does_not_trap)
{
    FACT("PROC-013", "exit(Pid, Reason) ends a process that does not trap exits, with that reason, "
                     "whatever it is doing");
    tr_ref ref;

    for (int i = 0; i < check_rounds(2000); i++) {
        tr_pid pid = tr_spawn_monitor(victims[i % NVICTIMS], &ref);
        if (i % 2)
            tr_yield();
        tr_exit_to(pid, a_oops, tr_list(i, "why"));
        CHECK_NEXT(a_DOWN, ref, a_process, pid, tr_tuple(a_oops, tr_list(i, "why")));
    }
    tr_pid pid = tr_spawn_monitor(idle, &ref);
    tr_exit_to(pid, a_killed);
    CHECK_NEXT(a_DOWN, ref, a_process, pid, a_killed);
    pid = tr_spawn_monitor(idle, &ref);
    CHECK(tr_suspend(pid));
    tr_exit_to(pid, a_shutdown);
    CHECK_NEXT(a_DOWN, ref, a_process, pid, a_shutdown);
}

TEST_PROC(exit_signal_normal_from_another_does_nothing)
{
    FACT("PROC-014", "exit(Pid, normal) by another process does nothing to one that does not trap "
                     "exits: it lives and gets no message");
    tr_pid pid = tr_spawn(puppet);

    for (int i = 0; i < check_rounds(10000); i++)
        tr_exit_to(pid, a_normal);
    CHECK(tr_is_alive(pid));
    CHECK_INFO(pid, a_message_queue_len, 0);
    CHECK_TERM(ORDER(pid, tr_copy, 5), tr_build(5));
}

static void exit_self_normal(tr_term arg)
{
    (void)arg;
    tr_exit_to(tr_self(), a_normal);
    tr_sleep(TR_INFINITY);
}

TEST_PROC(exit_signal_normal_to_oneself_ends)
{
    CHECK_ENDS(tr_build(a_normal), exit_self_normal);
}

TEST_PROC(exit_signal_to_a_trapping_process_is_a_message)
{
    tr_pid pid = tr_spawn(puppet);

    ORDER(pid, order_trap_exit, 1);
    tr_exit_to(pid, a_oops, 1);
    tr_exit_to(pid, a_normal);
    CHECK_INFO(pid, a_messages,
               tr_list(tr_tuple(a_EXIT, tr_self(), tr_tuple(a_oops, 1)),
                       tr_tuple(a_EXIT, tr_self(), a_normal)));
    tr_exit_to(tr_self(), a_normal);
}

static void trap_and(tr_term arg)
{
    uint64_t fn;
    tr_pid to;

    CHECK(tr_match(arg, &fn, &to));
    tr_trap_exit(true);
    tr_send(to, a_ready);
    ((tr_process_fn)(uintptr_t)fn)(tr_nil());
}

static void trap_link_and_tell(tr_term arg)
{
    tr_pid victim, to;
    tr_term reason;

    CHECK(tr_match(arg, &victim, &to));
    tr_trap_exit(true);
    tr_link(victim);
    tr_send(to, a_ready);
    tr_receive (m)
        tr_on (m, a_EXIT, victim, &reason)
            tr_send(to, a_EXIT, reason);
}

TEST_PROC(kill_ends_even_those_that_trap_exits)
{
    FACT("PROC-015", "exit(Pid, kill) ends a process that traps exits too; everyone sees killed");
    for (int i = 0; i < check_rounds(1000); i++) {
        tr_ref ref;
        uint64_t fn = (uint64_t)(uintptr_t)victims[i % NVICTIMS];
        tr_pid pid = tr_spawn_monitor(trap_and, &ref, fn, tr_self());
        CHECK_NEXT(a_ready);
        tr_spawn(trap_link_and_tell, pid, tr_self());
        CHECK_NEXT(a_ready);
        tr_exit_to(pid, a_kill);
        CHECK_TERM(DOWN_REASON(ref), tr_build(a_killed));
        CHECK_NEXT(a_EXIT, a_killed);
    }
}

static void exit_with_kill(tr_term arg)
{
    (void)arg;
    tr_exit(a_kill);
}

TEST_PROC(kill_as_the_reason_of_a_link_can_be_trapped)
{
    tr_trap_exit(true);
    tr_pid pid = tr_spawn_link(exit_with_kill);
    CHECK_TERM(EXIT_REASON(pid), tr_build(a_kill));
}

static atomic_int ones, twos;

static void count_messages(tr_term arg)
{
    (void)arg;
    for (;;) {
        tr_receive (m) {
            tr_on (m, a_one)
                atomic_fetch_add(&ones, 1);
            tr_on (m, a_two)
                atomic_fetch_add(&twos, 1);
        }
    }
}

static void send_exit_send(tr_term arg)
{
    int rounds;
    tr_pid boss;

    CHECK(tr_match(arg, &rounds, &boss));
    for (int i = 0; i < rounds; i++) {
        tr_ref ref;
        tr_pid pid = tr_spawn_monitor(count_messages, &ref);
        if (i % 2)
            tr_yield();
        tr_send(pid, a_one);
        tr_exit_to(pid, a_oops, i);
        tr_send(pid, a_two);
        CHECK_TERM(DOWN_REASON(ref), tr_build(a_oops, i));
    }
    tr_send(boss, a_done);
}

TEST_PROC(nothing_sent_after_an_exit_signal_is_handled)
{
    FACT("PROC-016", "of a message, an exit signal and a message sent in that order, the last is "
                     "never handled");
    for (int i = 0; i < 8; i++)
        tr_spawn(send_exit_send, check_rounds(5000), tr_self());
    for (int i = 0; i < 8; i++)
        CHECK_NEXT(a_done);
    CHECK_INT(atomic_load(&twos), 0);
    CHECK(atomic_load(&ones) <= 40000);
}

static atomic_bool may_end;
static tr_pid boss;

static void linger(void *arg)
{
    (void)arg;
    tr_send(boss, a_ending);
    while (!atomic_load(&may_end))
        tr_yield();
}

static void linger_at_end(tr_term arg)
{
    (void)arg;
    tr_defer(linger, NULL);
}

static bool is_listed(tr_pid pid)
{
    tr_term list = tr_processes(), item;

    while (tr_list_next(&list, &item))
        if (tr_equal(item, tr_build(pid)))
            return true;
    return false;
}

TEST_PROC(process_is_alive_until_it_begins_to_end)
{
    FACT("PROC-017", "a process is alive while it runs, waits, is suspended or hibernates, and not "
                     "once it has begun to end");
    for (int i = 0; i < NVICTIMS; i++) {
        tr_pid pid = tr_spawn(victims[i]);
        for (int j = 0; j < 100; j++)
            CHECK(tr_is_alive(pid));
        CHECK(tr_suspend(pid));
        CHECK(tr_is_alive(pid));
        CHECK(is_listed(pid));
        tr_exit_to(pid, a_kill);
        CHECK(!tr_is_alive(pid));
    }
    CHECK(tr_is_alive(tr_self()));
    CHECK(!tr_is_alive(never_pid()));

    boss = tr_self();
    tr_ref ref;
    tr_pid pid = tr_spawn_monitor(linger_at_end, &ref);
    CHECK_NEXT(a_ending);
    CHECK(!tr_is_alive(pid));
    CHECK(!is_listed(pid));
    CHECK_NO_MESSAGE();
    atomic_store(&may_end, true);
    CHECK_NEXT(a_DOWN, ref, a_process, pid, a_normal);
}

TEST_PROC(is_alive_sees_signals_sent_before)
{
    for (int i = 0; i < check_rounds(10000); i++) {
        tr_pid pid = tr_spawn(victims[i % NVICTIMS]);
        tr_exit_to(pid, a_oops);
        CHECK(!tr_is_alive(pid));
    }
}

/* Has a name, monitors and links, a timer on its way to it, and waits. */
static void have_everything(tr_term arg)
{
    tr_pid watched, linked, to;

    CHECK(tr_match(arg, &watched, &linked, &to));
    CHECK_INT(tr_register(a_heir, tr_self()), TR_OK);
    tr_monitor(watched);
    tr_link(linked);
    tr_send(to, a_ready, tr_send_after(3600000, tr_self(), a_late));
    tr_sleep(TR_INFINITY);
}

static atomic_bool killed_already;

/* Making a reference takes the signals that have arrived, the kill among them. */
static void take_kill_then_wait(tr_term arg)
{
    bool in_receive;

    CHECK(tr_match(arg, &in_receive));
    while (!atomic_load(&killed_already))
        ;
    tr_make_ref();
    if (!in_receive)
        tr_sleep(TR_INFINITY);
    tr_receive (m)
        tr_on (m, a_go) {
        }
}

TEST_PROC_REAL(kill_taken_by_a_call_that_does_not_wait_ends_the_next_wait)
{
    for (int i = 0; i < 20; i++) {
        tr_ref ref;
        atomic_store(&killed_already, false);
        tr_pid pid = tr_spawn_monitor(take_kill_then_wait, &ref, (bool)(i % 2));
        tr_exit_to(pid, a_kill);
        atomic_store(&killed_already, true);
        CHECK_TERM(DOWN_REASON(ref), tr_build(a_killed));
    }
}

TEST_PROC(end_of_a_process_frees_all_it_held)
{
    FACT("PROC-033", "the end of a process frees its name, removes its monitors, cancels timers to "
                     "it and tells links and watchers");
    tr_pid watched = tr_spawn(puppet), linked = tr_spawn(puppet);
    tr_ref ref, timer = { 0 };

    ORDER(linked, order_trap_exit, 1);
    for (int i = 0; i < check_rounds(1000); i++) {
        tr_pid pid = tr_spawn_monitor(have_everything, &ref, watched, linked, tr_self());
        tr_receive (m)
            tr_on (m, a_ready, &timer) {
            }
        CHECK_INFO(watched, a_monitored_by, tr_list(pid));
        CHECK(tr_read_timer(timer, NULL));
        tr_exit_to(pid, a_shutdown);
        CHECK_NEXT(a_DOWN, ref, a_process, pid, a_shutdown);

        CHECK(!tr_whereis(a_heir, NULL));
        CHECK_WITHIN(patience(5000), tr_is_nil(INFO(watched, a_monitored_by)));
        CHECK_WITHIN(patience(5000), tr_is_nil(INFO(linked, a_links)));
        CHECK_WITHIN(patience(5000), !tr_read_timer(timer, NULL));
        CHECK_INFO(linked, a_message_queue_len, i + 1);
    }
    CHECK_INFO(watched, a_message_queue_len, 0);
}
