/* SPDX-License-Identifier: MIT */
/* Flags, priority, group leader, yielding, suspending and hibernating. */

#include "conformance/puppet.h"

#include <stdatomic.h>
#include <stdlib.h>

tr_atoms(trap_exit, priority, low, high, max, nonsense, name, key, one, two, three, oops, shown,
         group_leader);
tr_atom_as(a_false, "false");
tr_atom_as(a_true, "true");

static tr_term order_trap_exit_value(tr_term arg)
{
    (void)arg;
    bool before = tr_trap_exit(true);
    tr_trap_exit(before);
    return tr_build(before);
}

static void wait_for_go(tr_term arg)
{
    (void)arg;
    tr_receive (m)
        tr_on (m, a_go) {
        }
}

static void run_nothing(void *unused)
{
    (void)unused;
}

/* True when the footprint is another one than before, which it becomes. */
static bool changed(uint64_t *before)
{
    uint64_t now = tr_footprint();
    bool other = now != *before;

    *before = now;
    return other;
}

TEST_PROC(footprint_changes_with_what_is_held)
{
    tr_pid pid = tr_spawn(wait_for_go);
    uint64_t before = tr_footprint(), first = before;

    tr_scope
    {
        tr_build("something that is dropped", tr_list(1, 2, 3));
    }
    CHECK(!changed(&before));
    tr_ref ref = tr_monitor(pid);
    CHECK(changed(&before));
    tr_demonitor(ref);
    CHECK_INT(tr_footprint(), first);
    void *memory = tr_alloc(10);
    CHECK(changed(&before));
    tr_free(memory);
    tr_defer(run_nothing, NULL);
    CHECK(changed(&before));
    tr_defer_cancel(run_nothing, NULL);
    CHECK_INT(tr_footprint(), first);
    before = first;
    tr_send(tr_self(), 1);
    CHECK(changed(&before));
    tr_term kept = tr_keep(tr_build("kept", 1));
    CHECK(changed(&before));
    tr_release(kept);
    tr_trap_exit(true);
    CHECK(changed(&before));
    tr_put(tr_build(a_go), tr_build(1));
    CHECK(changed(&before));
    tr_set_label(tr_build(1));
    CHECK(changed(&before));
    tr_set_priority(TR_PRIORITY_HIGH);
    CHECK(changed(&before));
    CHECK_INT(tr_register(a_go, tr_self()), TR_OK);
    CHECK(changed(&before));
    CHECK(!changed(&before));
}

TEST_PROC(trap_exit_gives_the_value_before_and_is_not_inherited)
{
    FACT("PROC-026", "setting trap_exit gives the old setting; a new process starts with false, "
                     "whatever its parent has");
    CHECK(!tr_trap_exit(true));
    CHECK(tr_trap_exit(true));
    CHECK(!tr_equal(ORDER(tr_spawn(puppet), order_trap_exit_value), tr_build(a_true)));
    CHECK(!tr_equal(ORDER(tr_spawn_link(puppet), order_trap_exit_value), tr_build(a_true)));
    CHECK(tr_trap_exit(false));
    CHECK(!tr_trap_exit(false));
}

static tr_pid told;

/* Runs while the process that was refused ends: its flags are as they were. */
static void tell_flags(void *arg)
{
    bool trap = tr_trap_exit(false);
    enum tr_priority priority = tr_set_priority(TR_PRIORITY_NORMAL);

    (void)arg;
    tr_send(told, a_shown, trap, (int)priority);
}

static void set_flag(tr_term arg)
{
    tr_atom flag;
    tr_term value;

    CHECK(tr_match(arg, &flag, &value));
    tr_trap_exit(true);
    tr_set_priority(TR_PRIORITY_HIGH);
    tr_defer(tell_flags, NULL);
    tr_process_flag(flag, value);
}

TEST_PROC(unknown_flag_or_value_is_badarg_and_changes_nothing)
{
    FACT("PROC-027", "an unknown flag, or a value of the wrong kind, is badarg and changes "
                     "nothing");
    bool trapping = true;

    told = tr_self();
    CHECK_BADARG(set_flag, a_nonsense, 1);
    CHECK_BADARG(set_flag, a_trap_exit, 1);
    CHECK_BADARG(set_flag, a_trap_exit, a_nonsense);
    CHECK_BADARG(set_flag, a_priority, a_nonsense);
    CHECK_BADARG(set_flag, a_priority, "high");
    for (int i = 0; i < 5; i++)
        CHECK_NEXT(a_shown, trapping, (int)TR_PRIORITY_HIGH);
}

TEST_PROC(flags_by_name_give_the_value_before)
{
    CHECK_TERM(tr_process_flag(a_trap_exit, tr_build(a_true)), tr_build(a_false));
    CHECK_TERM(tr_process_flag(a_trap_exit, tr_build(a_false)), tr_build(a_true));
    CHECK_TERM(tr_process_flag(a_priority, tr_build(a_low)), tr_build(a_normal));
    CHECK_TERM(tr_process_flag(a_priority, tr_build(a_normal)), tr_build(a_low));
}

TEST_PROC(priority_is_normal_unless_asked_otherwise)
{
    FACT("PROC-028", "priorities are low, normal, high and max; normal is the default; setting it "
                     "gives the old one");
    static const enum tr_priority all[] = { TR_PRIORITY_LOW, TR_PRIORITY_NORMAL, TR_PRIORITY_HIGH,
                                            TR_PRIORITY_MAX };
    const tr_atom names[] = { a_low, a_normal, a_high, a_max };

    CHECK_INFO(tr_spawn(puppet), a_priority, a_normal);
    for (int i = 0; i < 4; i++) {
        struct tr_spawn_opts opts = { .priority = all[i] };
        tr_pid pid = tr_spawn_opt(puppet, &opts);
        CHECK_INFO(pid, a_priority, names[i]);
        CHECK_TERM(ORDER(pid, tr_copy, i), tr_build(i));
    }
    CHECK_INT(tr_set_priority(TR_PRIORITY_MAX), TR_PRIORITY_NORMAL);
    CHECK_INT(tr_set_priority(TR_PRIORITY_LOW), TR_PRIORITY_MAX);
    CHECK_INFO(tr_self(), a_priority, a_low);
    CHECK_INT(tr_set_priority(TR_PRIORITY_NORMAL), TR_PRIORITY_LOW);
    CHECK_INFO(tr_spawn(puppet), a_priority, a_normal);
}

static void report_rank(tr_term arg)
{
    tr_pid to;
    int rank;

    CHECK(tr_match(arg, &to, &rank));
    tr_send(to, rank);
}

/* On one scheduler: those of higher priority are served first, whatever the order of spawning. */
static void body_ranks(tr_term args)
{
    static const enum tr_priority ranks[] = { TR_PRIORITY_LOW, TR_PRIORITY_NORMAL, TR_PRIORITY_HIGH,
                                              TR_PRIORITY_MAX };

    (void)args;
    tr_set_priority(TR_PRIORITY_MAX); /* so that no other one runs before all are there */
    for (int round = 0; round < 100; round++) {
        int last = 3, rank = 0;
        for (int i = 0; i < 4; i++)
            tr_spawn_opt(report_rank, (&(struct tr_spawn_opts){ .priority = ranks[i] }), tr_self(),
                         i);
        for (int i = 0; i < 4; i++) {
            tr_receive (m)
                tr_on (m, &rank) {
                }
            CHECK(rank >= 2 ? rank <= last : true);
            last = rank;
        }
    }
}

TEST(higher_priorities_run_first)
{
    check_pause = check_pause_process;
    setenv("TROUPE_SCHEDULERS", "1", 1);
    CHECK_INT(tr_main(0, NULL, body_ranks), 0);
}

static atomic_int turns;

static void count_turns(tr_term arg)
{
    (void)arg;
    for (;;) {
        atomic_fetch_add(&turns, 1);
        tr_yield();
    }
}

static atomic_int low_turns;

static void count_low_turns(tr_term arg)
{
    (void)arg;
    for (;;) {
        atomic_fetch_add(&low_turns, 1);
        tr_yield();
    }
}

/* On one scheduler, with others of normal priority that always want to run. */
static void body_low(tr_term args)
{
    struct tr_spawn_opts low = { .priority = TR_PRIORITY_LOW };

    (void)args;
    for (int i = 0; i < 10; i++)
        tr_spawn(count_turns);
    tr_spawn_opt(count_low_turns, &low);
    CHECK_WITHIN(patience(10000), atomic_load(&low_turns) > 1000);
    CHECK(atomic_load(&turns) > 2 * atomic_load(&low_turns));
}

TEST(low_priority_is_served_less_but_not_starved)
{
    check_pause = check_pause_process;
    setenv("TROUPE_SCHEDULERS", "1", 1);
    CHECK_INT(tr_main(0, NULL, body_low), 0);
}

static tr_term order_leader(tr_term arg)
{
    (void)arg;
    return tr_build(tr_group_leader());
}

static tr_term order_child(tr_term arg)
{
    (void)arg;
    return tr_build(tr_spawn(puppet));
}

TEST_PROC(group_leader_is_inherited_and_can_be_set)
{
    FACT("PROC-029", "a process has its parent's group leader; set for another one it reads back "
                     "as set");
    tr_pid p = tr_spawn(puppet), leader = tr_spawn(puppet), child;

    CHECK_TERM(ORDER(p, order_leader), tr_build(tr_group_leader()));
    CHECK(tr_set_group_leader(p, leader));
    CHECK_TERM(ORDER(p, order_leader), tr_build(leader));
    CHECK_INFO(p, a_group_leader, leader);
    CHECK(tr_match(ORDER(p, order_child), &child));
    CHECK_TERM(ORDER(child, order_leader), tr_build(leader));
    CHECK(!tr_set_group_leader(dead_pid(), leader));
}

/* On one scheduler: each of the others gets its turn before the caller goes on. */
static void body_yields(tr_term args)
{
    (void)args;
    for (int i = 0; i < 10; i++)
        tr_spawn(count_turns);
    tr_yield();
    for (int i = 0; i < 1000; i++) {
        int before = atomic_load(&turns);
        for (int j = 0; j < 10; j++)
            tr_yield();
        int passed = atomic_load(&turns) - before;
        CHECK(passed >= 50 && passed <= 200);
    }
}

TEST(yield_lets_others_run)
{
    FACT("PROC-030", "yielding lets the other runnable processes of the same priority run");
    check_pause = check_pause_process;
    setenv("TROUPE_SCHEDULERS", "1", 1);
    CHECK_INT(tr_main(0, NULL, body_yields), 0);
}

static void count_and_answer(tr_term arg)
{
    _Atomic(int64_t) *counter;
    uint64_t address;
    tr_pid to;
    int n;

    CHECK(tr_match(arg, &address, &to));
    counter = (_Atomic(int64_t) *)(uintptr_t)address;
    for (;;) {
        atomic_fetch_add(counter, 1);
        tr_receive (m) {
            tr_on (m, a_one, &n)
                tr_send(to, a_two, n);
            tr_after (m, 0) {
            }
        }
        tr_yield();
    }
}

TEST_PROC(suspended_process_stands_still_and_keeps_its_messages)
{
    FACT("PROC-031", "a suspended process does not run but is sent messages; resumed, it sees them "
                     "in order");
    static _Atomic(int64_t) counter;
    tr_pid pid = tr_spawn(count_and_answer, (uint64_t)(uintptr_t)&counter, tr_self());

    for (int round = 0; round < 200; round++) {
        CHECK(tr_suspend(pid));
        int64_t before = atomic_load(&counter);
        for (int i = 0; i < 10; i++)
            tr_send(pid, a_one, i);
        for (int i = 0; i < 20; i++)
            tr_yield();
        CHECK_INFO(pid, a_message_queue_len, 10);
        CHECK_INT(atomic_load(&counter), before);
        CHECK_NO_MESSAGE();
        CHECK(tr_resume(pid));
        for (int i = 0; i < 10; i++)
            CHECK_NEXT(a_two, i);
    }
}

static void exit_when_told(tr_term arg)
{
    (void)arg;
    tr_receive (m)
        tr_on (m, a_go)
            tr_exit(a_done);
}

TEST_PROC(suspensions_are_counted)
{
    tr_ref ref;
    tr_pid pid = tr_spawn_monitor(exit_when_told, &ref);

    CHECK(tr_suspend(pid));
    CHECK(tr_suspend(pid));
    tr_send(pid, a_go);
    CHECK(tr_resume(pid));
    CHECK_INFO(pid, a_message_queue_len, 1);
    CHECK_NO_MESSAGE();
    CHECK(tr_resume(pid));
    CHECK_TERM(DOWN_REASON(ref), tr_build(a_done));

    CHECK(!tr_suspend(pid));
    CHECK(!tr_resume(pid));
    CHECK(!tr_suspend(tr_self()));
}

TEST_PROC(suspensions_may_be_many)
{
    tr_ref ref;
    tr_pid pid = tr_spawn_monitor(exit_when_told, &ref);

    for (int i = 0; i < 1000; i++)
        CHECK(tr_suspend(pid));
    tr_send(pid, a_go);
    for (int i = 0; i < 999; i++)
        CHECK(tr_resume(pid));
    CHECK_INFO(pid, a_message_queue_len, 1);
    CHECK_NO_MESSAGE();
    CHECK(tr_resume(pid));
    CHECK_TERM(DOWN_REASON(ref), tr_build(a_done));
}

/* What a process that went on after hibernation still has. */
static void awake(tr_term arg)
{
    tr_pid to, watched;

    CHECK(tr_match(arg, &to, &watched));
    CHECK_TERM(tr_get(tr_build(a_key)), tr_build(a_one, "value"));
    CHECK_INFO(tr_self(), a_links, tr_list(watched));
    CHECK_INFO(tr_self(), a_monitors, tr_list(tr_tuple(a_process, watched)));
    CHECK(tr_whereis(a_name, NULL));
    tr_receive (m)
        tr_on (m, a_one)
            tr_send(to, a_one);
    tr_receive (m)
        tr_on (m, a_two)
            tr_send(to, a_two);
    tr_hibernate(awake, to, watched);
}

static void fall_asleep(tr_term arg)
{
    tr_pid watched;

    CHECK(tr_match(arg, tr_any(), &watched));
    tr_put(tr_build(a_key), tr_build(a_one, "value"));
    tr_link(watched);
    tr_monitor(watched);
    tr_hibernate(awake, arg);
}

TEST_PROC(hibernation_keeps_all_but_the_stack)
{
    FACT("PROC-032", "hibernation drops the stack and keeps mailbox, dictionary, links, monitors "
                     "and name; it ends in the given function when a message is there, which is "
                     "still in the mailbox");
    tr_pid watched = tr_spawn(puppet);
    struct tr_spawn_opts named = { .name = a_name };
    tr_pid pid = tr_spawn_opt(fall_asleep, &named, tr_self(), watched);

    /* With both messages there before, with one, and with none. */
    for (int i = 0; i < check_rounds(1000); i++) {
        tr_send(pid, a_one);
        if (i % 3 == 1)
            CHECK_NEXT(a_one);
        tr_send(pid, a_two);
        if (i % 3 != 1)
            CHECK_NEXT(a_one);
        CHECK_NEXT(a_two);
        if (i % 3 == 2)
            CHECK_WITHIN(patience(5000), tr_is_alive(pid));
    }
    tr_ref ref = tr_monitor(pid);
    tr_exit_to(pid, a_oops);
    CHECK_TERM(DOWN_REASON(ref), tr_build(a_oops));
}

static void run_forever(tr_term arg)
{
    (void)arg;
    tr_hibernate(exit_when_told);
}

TEST_PROC(hibernating_process_can_be_asked_and_suspended)
{
    tr_ref ref;
    tr_pid pid = tr_spawn_monitor(run_forever, &ref);

    for (int i = 0; i < 100; i++) {
        CHECK_INFO(pid, a_message_queue_len, 0);
        CHECK(tr_is_alive(pid));
    }
    CHECK(tr_suspend(pid));
    tr_send(pid, a_go);
    CHECK_INFO(pid, a_message_queue_len, 1);
    CHECK_NO_MESSAGE();
    CHECK(tr_resume(pid));
    CHECK_TERM(DOWN_REASON(ref), tr_build(a_done));
}

static void hibernate_nowhere(tr_term arg)
{
    (void)arg;
    tr_hibernate(NULL);
}

TEST_PROC(hibernating_into_no_function_is_badarg)
{
    CHECK_BADARG(hibernate_nowhere);
}
