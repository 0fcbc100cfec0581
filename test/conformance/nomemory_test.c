/* SPDX-License-Identifier: MIT */
/*
 * Every allocation of every call fails once: each time the call either manages without, says
 * TR_ENOMEM, or ends its caller with out_of_memory; and everything else is as it was.
 */

#include "conformance/puppet.h"

#include "base/fault.h"

#include <stdlib.h>

tr_atoms(out_of_memory, name, other, key, value, hit, label, tick);

static tr_pid target;
static const char long_text[] = "a text of more than sixty-four bytes, which is counted and shared "
                                "rather than copied";

/* Each may end the process with out_of_memory. */

static void do_spawn(void)
{
    tr_spawn(puppet_nothing, "some argument", long_text, 1.5);
}

static void do_spawn_link(void)
{
    tr_spawn_link(puppet_nothing, 1, 2, 3);
}

static void do_spawn_monitor(void)
{
    tr_ref ref;

    tr_spawn_monitor(puppet_nothing, &ref, 1, 2, 3);
    tr_release(DOWN_REASON(ref));
}

static void do_try_spawn(void)
{
    tr_ref ref = { 7 };
    tr_pid pid = { 7 };
    struct tr_spawn_opts opts = { .link = true, .monitor = &ref, .name = a_name };

    tr_trap_exit(true);
    tr_err err = tr_try_spawn(&pid, idle, &opts, long_text, 2);
    if (!err) {
        CHECK(tr_whereis(a_name, NULL));
        tr_exit_to(pid, a_kill);
        tr_release(DOWN_REASON(ref));
        return;
    }
    CHECK_INT(err, TR_ENOMEM);
    CHECK(pid.w == 7 && ref.w == 7);
    CHECK(!tr_whereis(a_name, NULL));
    CHECK_INFO(tr_self(), a_links, tr_list());
    CHECK_INFO(tr_self(), a_monitors, tr_list());
    CHECK_NO_MESSAGE();
}

static void do_send(void)
{
    tr_send(target, a_value, long_text, tr_list(1, 2.5, tr_map(a_key, long_text)));
}

static void do_send_small(void)
{
    tr_send(target, a_value, 5);
}

static void do_try_send(void)
{
    tr_err err = tr_try_send(target, a_value, long_text, tr_list(1, 2));

    CHECK(err == TR_OK || err == TR_ENOMEM);
}

static void do_exit_to(void)
{
    tr_exit_to(target, a_value, long_text);
}

static void do_exit(void)
{
    tr_exit(a_out_of_memory);
}

static void do_link(void)
{
    tr_link(target);
    tr_unlink(target);
}

static void do_monitor(void)
{
    tr_demonitor(tr_monitor(target));
    tr_demonitor(tr_monitor(a_other));
    tr_demonitor(tr_monitor_opt(target, .alias = TR_ALIAS_EXPLICIT_UNALIAS));
}

static void do_alias(void)
{
    tr_ref alias = tr_alias();

    tr_send(alias, a_value);
    tr_unalias(alias);
}

static void do_register(void)
{
    tr_err err = tr_register(a_name, tr_self());

    CHECK(err == TR_OK || err == TR_ENOMEM);
    CHECK(tr_whereis(a_name, NULL) == (err == TR_OK));
}

static void do_timers(void)
{
    tr_ref timer = tr_send_after(100000, tr_self(), a_tick, long_text);

    CHECK(tr_cancel_timer(timer, NULL));
    tr_start_timer(0, target, a_tick, long_text);
    timer = tr_send_interval(100000, target, a_tick, 1);
    CHECK(tr_cancel_timer(timer, NULL));
    tr_cancel_timer_async(timer);
}

static void do_memory(void)
{
    memset(tr_alloc(1000), 1, 1000);
    tr_free(tr_alloc(10));
    tr_defer(free, NULL);
}

static void do_dictionary(void)
{
    for (int i = 0; i < 20; i++)
        tr_put(tr_build(a_key, i), tr_build(a_value, i, long_text));
    tr_put(tr_build(a_key, 1), tr_build(1));
    tr_erase(tr_build(a_key, 2));
    tr_set_label(tr_build(a_label, long_text));
}

static void do_info(void)
{
    tr_term value;

    CHECK(tr_process_info(target, a_links, &value));
    CHECK(tr_process_info(target, a_messages, &value));
    CHECK(tr_is_alive(target));
    tr_processes();
    tr_registered();
}

static void do_spawn_request(void)
{
    tr_spawn_request(puppet_nothing, NULL, long_text);
}

static void (*const calls[])(void) = {
    do_spawn,    do_spawn_link, do_spawn_monitor, do_try_spawn,  do_send,    do_send_small,
    do_try_send, do_exit_to,    do_exit,          do_link,       do_monitor, do_alias,
    do_register, do_timers,     do_memory,        do_dictionary, do_info,    do_spawn_request,
};

static void run_call(tr_term arg)
{
    tr_pid to;
    int index;
    int64_t nth;

    CHECK(tr_match(arg, &to, &index, &nth));
    tr_scope
    {
        tr_build(a_value, long_text); /* the heap has its first block, as in any real program */
    }
    tr__fault_arm(nth);
    calls[index]();
    bool hit = tr__fault_count() >= nth;
    tr__fault_arm(0);
    tr_send(to, a_hit, hit);
}

/* False when the call made fewer allocations than that. */
static bool fail_nth(int index, int64_t nth)
{
    bool hit = true;
    tr_ref ref;
    int64_t before = tr_process_count();

    tr_spawn_monitor(run_call, &ref, tr_self(), index, nth);
    tr_term reason = DOWN_REASON(ref);
    tr__fault_arm(0);
    if (tr_match(reason, a_normal)) {
        tr_receive (m)
            tr_on (m, a_hit, &hit) {
            }
    } else {
        CHECK_TERM(reason, tr_build(a_out_of_memory));
    }
    CHECK_WITHIN(patience(5000), tr_process_count() == before);
    return hit && calls[index] != do_exit;
}

static void body_without_memory(tr_term args)
{
    tr_ref ref;

    (void)args;
    target = tr_spawn_monitor(puppet, &ref);
    ORDER(target, order_trap_exit, 1);
    CHECK_INT(tr_register(a_other, target), TR_OK);
    for (int i = 0; i < (int)(sizeof calls / sizeof *calls); i++) {
        int64_t nth = 1;
        while (fail_nth(i, nth))
            nth++;
        CHECK(nth < 500);
        CHECK_WITHIN(patience(5000), tr_is_nil(INFO(target, a_links)));
        CHECK_INFO(target, a_monitored_by, tr_list(tr_self()));
        CHECK(!tr_whereis(a_name, NULL));
        CHECK_NO_MESSAGE();
    }
}

TEST(no_call_is_half_done_without_memory)
{
#ifndef TR_FAULTS
    SKIP("this build injects no failures");
#endif
    check_pause = check_pause_process;
    setenv("TROUPE_SCHEDULERS", "1", 1);
    CHECK_INT(tr_main(0, NULL, body_without_memory), 0);
}
