/* SPDX-License-Identifier: MIT */
/* The operations of the core, with each allocation in them failing in turn. */
#include "faults.h"

#include <stdio.h>

tr_atoms(EXIT, some_name, other_name, key, value, tag, ok, error, spawn_reply, go_on);

static char long_text[3000];

/* Something of every kind: bytes in the block, counted bytes, nesting, a map. */
static tr_term big_term(void)
{
    memset(long_text, 'x', sizeof long_text - 1);
    return tr_build(long_text, tr_list(1, 2.5, tr_tuple(a_key, "short")),
                    tr_map(a_key, long_text, a_value, tr_list(INT64_MAX, INT64_MIN)));
}

static void child(tr_term arg)
{
    (void)arg;
    tr_receive (m)
        tr_on (m, a_stop) {
        }
}

static void end_at_once(tr_term arg)
{
    (void)arg;
}

/* --- starting --- */

FAULT_TEST(spawn)
{
    arm();
    tr_spawn(end_at_once, 42);
    return true;
}

FAULT_TEST(spawn_with_a_big_argument)
{
    tr_term big = big_term();

    arm();
    tr_spawn(end_at_once, big);
    return true;
}

FAULT_TEST(spawn_link)
{
    arm();
    tr_send(tr_spawn_link(child), a_stop);
    return true;
}

FAULT_TEST(spawn_monitor)
{
    tr_ref ref;

    arm();
    tr_send(tr_spawn_monitor(child, &ref, "argument"), a_stop);
    return true;
}

FAULT_TEST(try_spawn_with_everything)
{
    tr_term big = big_term();
    tr_pid pid = { 0 };
    tr_ref ref = { 0 };
    int64_t before = tr_process_count();
    struct tr_spawn_opts opts = { .link = true,
                                  .monitor = &ref,
                                  .priority = TR_PRIORITY_HIGH,
                                  .stack_size = 1 << 17,
                                  .name = a_some_name,
                                  .monitor_tag = a_tag,
                                  .lineage = true,
                                  .callers = true,
                                  .monitor_alias = TR_ALIAS_DEMONITOR };

    arm();
    tr_err err = tr_try_spawn(&pid, child, &opts, big);
    if (!err) {
        tr_send(pid, a_stop);
        tr_receive_ref(m, ref) tr_on (m, a_tag, ref, a_process, pid, tr_any())
        {
        }
        return true;
    }
    CHECK_INT(err, TR_ENOMEM);
    CHECK(pid.w == 0 && ref.w == 0);
    CHECK_INT(tr_process_count(), before);
    CHECK(!tr_whereis(a_some_name, NULL));
    check_empty(tr_self(), a_links);
    check_empty(tr_self(), a_monitors);
    return false;
}

FAULT_TEST(spawn_request)
{
    tr_ref ref;
    bool started = false;

    arm();
    ref = tr_spawn_request(end_at_once, NULL, "argument");
    tr_receive (m) {
        tr_on (m, a_spawn_reply, ref, a_ok, tr_any())
            started = true;
        tr_on (m, a_spawn_reply, ref, a_error, tr_any()) {
        }
    }
    return started;
}

FAULT_TEST(hibernate_with_a_big_argument)
{
    tr_term big = big_term();

    arm();
    /* Goes on in a function of its own, so the rest of actor_body is done here. */
    now.done = true;
    tr_send(tr_self(), a_go_on);
    tr_hibernate(end_at_once, big);
}

/* Begins on a new stack while who sent to it waits; without one, later. */
static void sleeper(tr_term arg)
{
    tr_pid from;

    (void)arg;
    tr_receive (m)
        tr_on (m, a_go_on, &from)
            tr_send(from, a_ok);
}

static void sleep_first(tr_term arg)
{
    tr_pid parent;

    if (tr_match(arg, &parent))
        tr_send(parent, a_go_on);
    tr_hibernate(sleeper);
}

FAULT_TEST(wake_who_hibernates)
{
    tr_pid pid = tr_spawn_link(sleep_first, tr_self());

    tr_receive (m)
        tr_on (m, a_go_on)
            continue;
    arm();
    tr_send(pid, a_go_on, tr_self());
    tr_receive (m)
        tr_on (m, a_ok)
            continue;
    return true;
}

/* --- sending --- */

FAULT_TEST(send)
{
    arm();
    tr_send(peer, a_key, 1);
    tr_send(peer, a_key, 1, 2, 3, 4, 5);
    return true;
}

FAULT_TEST(send_a_big_term)
{
    tr_term big = big_term();

    arm();
    tr_send(peer, a_key, big, "and more", 2.5);
    return true;
}

FAULT_TEST(send_what_is_built_in_place)
{
    arm();
    tr_send(peer, long_text, tr_list(1, 2, 3), tr_map(1, 2, 3, 4));
    return true;
}

FAULT_TEST(try_send)
{
    tr_term big = big_term();

    arm();
    tr_err err = tr_try_send(peer, a_key, big);
    CHECK(err == TR_OK || err == TR_ENOMEM);
    return err == TR_OK;
}

FAULT_TEST(send_and_receive)
{
    int64_t n = 0;

    arm();
    for (int i = 0; i < 20; i++)
        tr_send(tr_self(), a_key, long_text, i);
    while (n < 19) {
        tr_receive (m) {
            const char *text;
            tr_on (m, a_key, &text, &n)
                tr_build(tr_list(text, text), n);
        }
    }
    return true;
}

/* --- ties --- */

FAULT_TEST(link)
{
    arm();
    tr_link(peer);
    return true;
}

FAULT_TEST(link_and_unlink)
{
    arm();
    tr_link(peer);
    tr_unlink(peer);
    tr_link(peer);
    tr_unlink(peer);
    return true;
}

FAULT_TEST(end_what_is_linked)
{
    tr_pid pid = tr_spawn_link(child);
    tr_term reason;
    tr_ref ref;

    tr_trap_exit(true);
    arm();
    ref = tr_end_watched(pid, a_stop);
    tr_receive_ref(m, ref) tr_on (m, tr_any(), ref, a_process, pid, tr_any())
    {
    }
    CHECK(!tr_unlink_flush(pid, ref, &reason));
    return true;
}

FAULT_TEST(flush_a_big_exit)
{
    tr_term big = big_term(), reason;
    tr_pid pid = tr_spawn_link(child);

    tr_trap_exit(true);
    tr_exit_to(pid, big);
    while (tr_is_alive(pid) || tr_mailbox_length() == 0)
        tr_yield();
    arm();
    return tr_unlink_flush(pid, (tr_ref){ 0 }, &reason);
}

FAULT_TEST(link_with_many)
{
    tr_pid pids[12];

    arm();
    for (int i = 0; i < 12; i++)
        pids[i] = tr_spawn(child);
    for (int i = 0; i < 12; i++)
        tr_link(pids[i]);
    for (int i = 0; i < 12; i++)
        tr_send(pids[i], a_stop);
    return true;
}

FAULT_TEST(link_with_the_dead)
{
    tr_pid dead = tr_spawn(end_at_once);

    while (tr_is_alive(dead))
        tr_yield();
    tr_trap_exit(true);
    arm();
    tr_link(dead);
    return true;
}

FAULT_TEST(monitor)
{
    arm();
    tr_monitor(peer);
    return true;
}

FAULT_TEST(monitor_a_name_that_nobody_holds)
{
    arm();
    tr_ref ref = tr_monitor(a_other_name);
    tr_receive_ref(m, ref) tr_on (m, a_DOWN, ref, a_process, tr_any(), tr_any())
    {
    }
    return true;
}

FAULT_TEST(monitor_and_demonitor)
{
    arm();
    CHECK(tr_demonitor(tr_monitor(peer)));
    CHECK(tr_demonitor_flush(tr_monitor_opt(peer, .tag = a_tag)));
    CHECK(tr_demonitor(tr_monitor_opt(peer, .alias = TR_ALIAS_EXPLICIT_UNALIAS)));
    return true;
}

FAULT_TEST(alias)
{
    arm();
    tr_ref alias = tr_alias();
    tr_send(alias, a_key, 1);
    CHECK(tr_unalias(alias));
    return true;
}

/* --- the end --- */

/* Those who are told get the reason, or out_of_memory in its place. */
static void end_with_big_term(tr_term arg)
{
    (void)arg;
    tr_receive (m)
        tr_on (m, a_stop)
            tr_exit(big_term());
}

FAULT_TEST(exit_with_a_big_reason)
{
    tr_trap_exit(true);
    tr_pid pid = tr_spawn_link(end_with_big_term);
    tr_ref ref = tr_monitor(pid);
    tr_term big = big_term();

    tr_send(pid, a_stop);
    arm();
    for (int i = 0; i < 2; i++) {
        tr_receive (m) {
            tr_term reason;
            tr_on (m, a_DOWN, ref, a_process, pid, &reason)
                CHECK(tr_equal(reason, big) || tr_match(reason, a_out_of_memory));
            tr_on (m, a_EXIT, pid, &reason)
                CHECK(tr_equal(reason, big) || tr_match(reason, a_out_of_memory));
        }
    }
    return true;
}

FAULT_TEST(exit_signal)
{
    tr_pid pid = tr_spawn(child);

    arm();
    tr_exit_to(pid, a_kill);
    return true;
}

/* --- names --- */

FAULT_TEST(register_and_unregister)
{
    /* Far from all other atoms, so that the table needs another chunk. */
    static int round;
    char name[32];

    for (int i = 0; i < 5000; i++) {
        snprintf(name, sizeof name, "far_%d_%d", round, i);
        tr_intern(name);
    }
    round++;
    tr_atom far = tr_intern(name);
    arm();
    tr_err err = tr_register(far, tr_self());
    if (err) {
        CHECK_INT(err, TR_ENOMEM);
        CHECK(!tr_whereis(far, NULL));
        return false;
    }
    CHECK_INT(tr_unregister(far), TR_OK);
    return true;
}

FAULT_TEST(registered)
{
    CHECK_INT(tr_register(a_some_name, tr_self()), TR_OK);
    arm();
    tr_registered();
    return true;
}

/* --- timers --- */

FAULT_TEST(send_after)
{
    arm();
    tr_ref timer = tr_send_after(100000, tr_self(), long_text, 1);
    CHECK(tr_cancel_timer(timer, NULL));
    return true;
}

FAULT_TEST(many_timers)
{
    arm();
    for (int i = 0; i < 200; i++)
        tr_send_after(100000, tr_self(), i);
    return true;
}

FAULT_TEST(timers_that_fire)
{
    arm();
    tr_ref timer = tr_start_timer(1, tr_self(), "text");
    tr_receive (m)
        tr_on (m, tr_any(), timer, "text") {
        }
    return true;
}

/* A tick that finds no memory is lost, and the next one comes. */
FAULT_TEST(send_interval)
{
    arm();
    tr_ref timer = tr_send_interval(1, tr_self(), "tick");
    for (int i = 0; i < 3; i++)
        tr_receive (m)
            tr_on (m, "tick") {
            }
    tr_cancel_timer(timer, NULL);
    return true;
}

FAULT_TEST(cancel_timer_async)
{
    tr_ref timer = tr_send_after(100000, tr_self(), 1);

    arm();
    tr_cancel_timer_async(timer);
    return true;
}

FAULT_TEST(exit_after)
{
    tr_pid pid = tr_spawn(child);

    arm();
    tr_send(pid, a_stop);
    tr_kill_after(1, pid);
    return true;
}

FAULT_TEST(sleep)
{
    arm();
    tr_sleep(1);
    return true;
}

/* --- memory and clean-up --- */

static int nrun;

static void count_run(void *arg)
{
    (void)arg;
    nrun++;
}

FAULT_TEST(alloc_and_defer)
{
    arm();
    char *p = tr_alloc(100);
    tr_defer(count_run, p);
    tr_alloc(0);
    tr_free(p);
    CHECK(tr_defer_cancel(count_run, p));
    return true;
}

static void defer_count(void *arg)
{
    tr_defer(count_run, arg);
}

FAULT_TEST(what_cannot_be_deferred_is_done_at_once)
{
    tr_term reason;

    nrun = 0;
    arm();
    bool failed = tr_catch(defer_count, NULL, &reason);
    CHECK_INT(nrun, failed);
    CHECK_INT(tr_defer_cancel(count_run, NULL), !failed);
    if (failed)
        CHECK_TERM(reason, tr_build(a_out_of_memory));
    return !failed;
}

/* --- dictionary and what goes with it --- */

FAULT_TEST(dictionary)
{
    tr_term big = big_term();

    arm();
    for (int i = 0; i < 40; i++)
        tr_put(tr_build(i), i % 10 ? tr_build(i) : big);
    tr_put(tr_build(1), big);
    CHECK_TERM(tr_get(tr_build(10)), big);
    CHECK_TERM(tr_erase(tr_build(20)), big);
    tr_get_keys();
    tr_get_keys_of(big);
    return true;
}

FAULT_TEST(labels)
{
    tr_term big = big_term();

    arm();
    for (int i = 0; i < 2; i++) {
        tr_set_label(big);
        tr_set_ancestors(tr_build(tr_list(peer)));
        tr_set_initial_call(big);
    }
    return true;
}

/* --- looking at others --- */

static const char *const items[] = {
    "registered_name", "links",      "monitors",
    "monitored_by",    "messages",   "message_queue_len",
    "status",          "stack_size", "heap_size",
    "total_heap_size", "memory",     "reductions",
    "trap_exit",       "priority",   "group_leader",
    "dictionary",      "label",      "initial_call",
    "parent",          "ancestors",
};

FAULT_TEST(process_info_of_oneself)
{
    tr_term value;

    tr_put(tr_build(a_key), big_term());
    tr_send(tr_self(), big_term());
    tr_monitor(peer);
    arm();
    for (size_t i = 0; i < sizeof items / sizeof *items; i++)
        CHECK(tr_process_info(tr_self(), tr_intern(items[i]), &value));
    return true;
}

FAULT_TEST(process_info_of_another)
{
    tr_term value;
    tr_term list = tr_nil();

    for (size_t i = 0; i < sizeof items / sizeof *items; i++)
        list = tr_list_push(list, tr_build(tr_intern(items[i])));
    arm();
    CHECK(tr_process_info_list(peer, list, &value));
    return true;
}

FAULT_TEST(processes)
{
    arm();
    tr_processes();
    return true;
}

FAULT_TEST(is_alive)
{
    tr_pid pid = tr_spawn(child);

    tr_send(pid, a_key);
    arm();
    CHECK(tr_is_alive(pid));
    tr_send(pid, a_stop);
    return true;
}

FAULT_TEST(group_leader)
{
    tr_pid pid = tr_spawn(child);

    arm();
    CHECK(tr_set_group_leader(pid, tr_self()));
    CHECK(tr_set_group_leader(tr_self(), peer));
    tr_spawn(end_at_once);
    tr_send(pid, a_stop);
    return true;
}

FAULT_TEST(suspend_and_resume)
{
    tr_pid pid = tr_spawn(child);

    arm();
    CHECK(tr_suspend(pid));
    CHECK(tr_resume(pid));
    tr_send(pid, a_stop);
    return true;
}

static void sleep_without_a_stack(tr_term arg)
{
    (void)arg;
    tr_hibernate(child);
}

FAULT_TEST(process_info_of_a_hibernated_one)
{
    tr_pid pid = tr_spawn(sleep_without_a_stack);
    tr_term value;

    tr_yield();
    arm();
    for (size_t i = 0; i < sizeof items / sizeof *items; i++)
        CHECK(tr_process_info(pid, tr_intern(items[i]), &value));
    CHECK(tr_set_group_leader(pid, tr_self()));
    tr_send(pid, a_stop);
    return true;
}
