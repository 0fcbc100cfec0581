/* SPDX-License-Identifier: MIT */
/* Aliases: references that can be sent to. */

#include "conformance/puppet.h"

tr_atoms(hello, via, number);

static tr_term order_send(tr_term arg)
{
    tr_term to, what;

    CHECK(tr_match(arg, &to, &what));
    tr_send(to, what);
    return tr_nil();
}

static tr_term order_unalias(tr_term arg)
{
    tr_ref alias;

    CHECK(tr_match(arg, &alias));
    return tr_build(tr_unalias(alias));
}

TEST_PROC(alias_is_a_destination)
{
    FACT("MSG-017", "what is sent to an alias arrives at the process that made it");
    tr_ref alias = tr_alias(), other = tr_alias();
    tr_pid p = tr_spawn(puppet);

    CHECK(alias.w != other.w);
    tr_send(alias, a_hello, 1);
    CHECK_NEXT(a_hello, 1);
    for (int i = 0; i < check_rounds(1000); i++) {
        ORDER(p, order_send, i % 2 ? alias : other, tr_tuple(a_number, i));
        CHECK_NEXT(a_number, i);
    }
    CHECK_INT(tr_try_send(alias, a_hello), TR_OK);
    CHECK_NEXT(a_hello);
}

TEST_PROC(unalias_stops_delivery)
{
    FACT("MSG-018", "unalias gives true for an active alias, else false; afterwards what is sent "
                    "to it is dropped");
    for (int i = 0; i < check_rounds(1000); i++) {
        tr_ref alias = tr_alias();
        tr_send(alias, a_hello, i);
        CHECK(tr_unalias(alias));
        CHECK(!tr_unalias(alias));
        tr_send(alias, a_via, i);
        CHECK_INT(tr_try_send(alias, a_via, i), TR_OK);
        CHECK_NEXT(a_hello, i);
        CHECK_NO_MESSAGE();
    }
    CHECK(!tr_unalias(tr_make_ref()));
    tr_send(tr_make_ref(), a_hello);
    CHECK_NO_MESSAGE();
}

TEST_PROC(only_the_owner_ends_an_alias)
{
    FACT("MSG-019", "unalias by another process does not affect an alias");
    tr_ref alias = tr_alias();
    tr_pid p = tr_spawn(puppet);
    bool no = false;

    CHECK_TERM(ORDER(p, order_unalias, alias), tr_build(no));
    tr_send(alias, a_hello);
    CHECK_NEXT(a_hello);
    CHECK(tr_unalias(alias));
}

TEST_PROC(monitor_that_is_an_alias_stays_one_until_unalias)
{
    FACT("MSG-020", "a monitor with alias explicit_unalias is an alias that outlives 'DOWN' and "
                    "demonitor, until unalias");
    for (int i = 0; i < 500; i++) {
        tr_pid p = tr_spawn(puppet);
        tr_ref ref = tr_monitor_opt(p, .alias = TR_ALIAS_EXPLICIT_UNALIAS);
        tr_send(ref, a_hello, 1);
        CHECK_NEXT(a_hello, 1);
        if (i % 2) {
            CHECK(tr_demonitor(ref));
            CHECK_INFO(p, a_monitored_by, tr_list());
        } else {
            tr_exit_to(p, a_kill);
            CHECK_NEXT(a_DOWN, ref, a_process, p, a_killed);
        }
        CHECK(!tr_demonitor(ref));
        tr_send(ref, a_hello, 2);
        CHECK_NEXT(a_hello, 2);
        CHECK(tr_unalias(ref));
        tr_send(ref, a_hello, 3);
        CHECK(!tr_unalias(ref));
        CHECK_NO_MESSAGE();
        tr_exit_to(p, a_kill);
    }
    CHECK_INFO(tr_self(), a_monitors, tr_list());
}

TEST_PROC(unalias_keeps_the_monitor)
{
    tr_pid p = tr_spawn(puppet);
    tr_ref ref = tr_monitor_opt(p, .alias = TR_ALIAS_EXPLICIT_UNALIAS);

    CHECK(tr_unalias(ref));
    tr_send(ref, a_hello);
    tr_exit_to(p, a_kill);
    CHECK_NEXT(a_DOWN, ref, a_process, p, a_killed);
    CHECK_NO_MESSAGE();
}

TEST_PROC(alias_until_demonitor_ends_with_its_monitor)
{
    tr_pid p = tr_spawn(puppet);
    tr_ref ref = tr_monitor_opt(p, .alias = TR_ALIAS_DEMONITOR);

    tr_send(ref, a_hello);
    CHECK_NEXT(a_hello);
    tr_send(ref, a_hello, 2);
    CHECK_NEXT(a_hello, 2);
    CHECK(tr_demonitor(ref));
    tr_send(ref, a_hello);
    CHECK(!tr_unalias(ref));
    CHECK_NO_MESSAGE();

    ref = tr_monitor_opt(p, .alias = TR_ALIAS_DEMONITOR);
    tr_exit_to(p, a_kill);
    CHECK_NEXT(a_DOWN, ref, a_process, p, a_killed);
    tr_send(ref, a_hello);
    CHECK_NO_MESSAGE();
}

TEST_PROC(alias_until_reply_that_was_ended_keeps_its_monitor)
{
    tr_pid p = tr_spawn(puppet);
    tr_ref ref = tr_monitor_opt(p, .alias = TR_ALIAS_REPLY_DEMONITOR, .tag = a_order);

    CHECK(tr_unalias(ref));
    for (int i = 0; i < 3; i++)
        ORDER(p, order_send, ref, a_hello);
    CHECK_INFO(p, a_monitored_by, tr_list(tr_self()));
    CHECK_NO_MESSAGE();
    tr_exit_to(p, a_kill);
    CHECK_NEXT(a_order, ref, a_process, p, a_killed);
    CHECK_NO_MESSAGE();
}

TEST_PROC(alias_until_reply_ends_with_the_first_message)
{
    tr_pid p = tr_spawn(puppet);

    for (int i = 0; i < check_rounds(1000); i++) {
        tr_ref ref = tr_monitor_opt(p, .alias = TR_ALIAS_REPLY_DEMONITOR);
        ORDER(p, order_send, ref, tr_tuple(a_number, i));
        CHECK_NEXT(a_number, i);
        ORDER(p, order_send, ref, a_via);
        CHECK_NO_MESSAGE();
        CHECK_INFO(p, a_monitored_by, tr_list());
        CHECK(!tr_demonitor(ref));
        CHECK(!tr_unalias(ref));
    }
    tr_ref ref = tr_monitor_opt(p, .alias = TR_ALIAS_REPLY_DEMONITOR);
    tr_send(ref, a_hello);
    end(p);
    CHECK_NEXT(a_hello);
    CHECK_NO_MESSAGE();
}

TEST_PROC(alias_may_be_handed_on)
{
    FACT("MSG-021", "a process that was handed an alias may hand it on; what a third one sends "
                    "through it arrives");
    tr_pid p = tr_spawn(puppet), q = tr_spawn(puppet);
    tr_ref alias = tr_alias();

    for (int i = 0; i < check_rounds(1000); i++) {
        ORDER(p, order_send, q, tr_tuple(a_via, alias));
        ORDER(q, order_send, alias, tr_tuple(a_number, i));
        CHECK_NEXT(a_number, i);
    }
}

static void monitor_with_bad_alias(tr_term arg)
{
    (void)arg;
    tr_monitor_opt(tr_self(), .alias = (enum tr_monitor_alias)99);
}

TEST_PROC(unknown_kind_of_alias_is_badarg)
{
    FACT("MSG-022", "an unknown alias option makes monitor fail with badarg");
    CHECK_BADARG(monitor_with_bad_alias);
}

static void make_alias_and_end(tr_term arg)
{
    tr_pid to;

    CHECK(tr_match(arg, &to));
    tr_send(to, a_via, tr_alias());
}

TEST_PROC(alias_of_the_dead_swallows_messages)
{
    tr_ref alias = { 0 }, ref;

    for (int i = 0; i < check_rounds(1000); i++) {
        tr_spawn_monitor(make_alias_and_end, &ref, tr_self());
        tr_receive (m)
            tr_on (m, a_via, &alias) {
            }
        CHECK_TERM(DOWN_REASON(ref), tr_build(a_normal));
        tr_pid next = tr_spawn(puppet);
        tr_send(alias, a_hello);
        CHECK_INFO(next, a_message_queue_len, 0);
        tr_exit_to(next, a_kill);
    }
}
