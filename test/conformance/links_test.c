/* SPDX-License-Identifier: MIT */
/* Links, and trapping exits. */

#include "conformance/puppet.h"

#include <stdatomic.h>

tr_atoms(oops, tick, start, trapped, next);

static bool is_linked(tr_pid p, tr_pid q)
{
    tr_term list = INFO(p, a_links), item;

    while (tr_list_next(&list, &item))
        if (tr_equal(item, tr_build(q)))
            return true;
    return false;
}

TEST_PROC(linking_twice_is_the_same_as_once)
{
    FACT("LM-001", "linking again does nothing, and one unlink removes the link however often it "
                   "was made");
    tr_pid p = tr_spawn(puppet);

    for (int i = 0; i < check_rounds(1000); i++) {
        for (int j = 0; j <= i % 4; j++)
            tr_link(p);
        CHECK_INFO(tr_self(), a_links, tr_list(p));
        CHECK_INFO(p, a_links, tr_list(tr_self()));
        if (i % 3 == 0)
            ORDER(p, order_link, tr_self());
        tr_unlink(p);
        CHECK_INFO(tr_self(), a_links, tr_list());
        CHECK_INFO(p, a_links, tr_list());
    }
    tr_exit_to(p, a_oops);
    CHECK_WITHIN(patience(5000), !tr_is_alive(p));
    CHECK_NO_MESSAGE();
}

TEST_PROC(linking_to_oneself_does_nothing)
{
    FACT("LM-002", "a process is never linked with itself");
    tr_link(tr_self());
    CHECK_INFO(tr_self(), a_links, tr_list());
    tr_unlink(tr_self());
}

/* A chain: each is linked with the next. */
static void be_link_of_chain(tr_term arg)
{
    int left;
    tr_pid to;

    CHECK(tr_match(arg, &to, &left));
    if (left > 0)
        tr_spawn_link(be_link_of_chain, to, left - 1);
    tr_send(to, a_ready, tr_self());
    tr_sleep(TR_INFINITY);
}

TEST_PROC(abnormal_end_goes_along_all_links)
{
    FACT("LM-003",
         "an abnormal end ends all linked processes that do not trap exits, with the same "
         "reason, and those linked with them");
    enum { LENGTH = 100 };
    tr_pid pids[LENGTH];
    tr_ref refs[LENGTH];

    for (int round = 0; round < 50; round++) {
        tr_spawn(be_link_of_chain, tr_self(), LENGTH - 1);
        for (int i = 0; i < LENGTH; i++) {
            tr_receive (m)
                tr_on (m, a_ready, &pids[i]) {
                }
            refs[i] = tr_monitor(pids[i]);
        }
        tr_exit_to(pids[round % LENGTH], a_oops, tr_list(round));
        for (int i = 0; i < LENGTH; i++)
            CHECK_TERM(DOWN_REASON(refs[i]), tr_build(a_oops, tr_list(round)));
    }
}

static void exit_when_told(tr_term arg)
{
    tr_term reason;

    (void)arg;
    tr_receive (m)
        tr_on (m, a_go, &reason)
            tr_exit(reason);
}

TEST_PROC(normal_end_of_a_linked_process_ends_nobody)
{
    tr_pid p = tr_spawn(puppet), q = tr_spawn(exit_when_told);

    ORDER(p, order_link, q);
    tr_send(q, a_go, a_normal);
    CHECK_WITHIN(patience(5000), !tr_is_alive(q));
    CHECK_TERM(ORDER(p, tr_copy, 1), tr_build(1));
    CHECK_INFO(p, a_message_queue_len, 0);
}

TEST_PROC(trapping_process_gets_one_message_for_each_end)
{
    FACT("LM-004 LM-005", "a trapping process gets one {'EXIT', Pid, Reason} for the end of a "
                          "linked one, normal or not, stays alive, and the link is gone");
    tr_trap_exit(true);
    for (int i = 0; i < check_rounds(5000); i++) {
        tr_pid p = tr_spawn_link(exit_when_told);
        if (i % 2)
            tr_link(p);
        CHECK(is_linked(tr_self(), p));
        if (i % 3)
            tr_send(p, a_go, tr_tuple(a_oops, i));
        else
            tr_send(p, a_go, a_normal);
        if (i % 3)
            CHECK_NEXT(a_EXIT, p, tr_tuple(a_oops, i));
        else
            CHECK_NEXT(a_EXIT, p, a_normal);
        CHECK_INFO(tr_self(), a_links, tr_list());
        CHECK_NO_MESSAGE();
    }
}

static void link_to(tr_term arg)
{
    tr_pid pid;

    CHECK(tr_match(arg, &pid));
    tr_link(pid);
    tr_sleep(TR_INFINITY);
}

TEST_PROC(linking_to_the_dead_gives_noproc)
{
    FACT("LM-006", "linking to a dead process gives a trapping caller {'EXIT', Pid, noproc}, and "
                   "ends another one with noproc");
    tr_pid dead = dead_pid();

    for (int i = 0; i < check_rounds(1000); i++) {
        CHECK_ENDS(tr_build(a_noproc), link_to, dead);
        CHECK_ENDS(tr_build(a_noproc), link_to, never_pid());
        dead = dead_pid();
    }
    tr_trap_exit(true);
    for (int i = 0; i < check_rounds(1000); i++) {
        tr_link(dead);
        CHECK_NEXT(a_EXIT, dead, a_noproc);
        CHECK_INFO(tr_self(), a_links, tr_list());
    }
    CHECK_NO_MESSAGE();
}

static void end_at_once(tr_term arg)
{
    tr_exit(arg);
}

TEST_PROC(linking_to_the_dying_gives_its_reason_or_noproc)
{
    tr_term reason;

    tr_trap_exit(true);
    for (int i = 0; i < check_rounds(20000); i++) {
        tr_pid p = tr_spawn(end_at_once, a_oops);
        tr_link(p);
        tr_scope
        {
            reason = EXIT_REASON(p);
            CHECK(tr_match(reason, a_oops) || tr_match(reason, a_noproc));
        }
        CHECK_NO_MESSAGE();
    }
    CHECK_INFO(tr_self(), a_links, tr_list());
}

TEST_PROC(unlinking_what_is_not_linked_is_no_error)
{
    FACT("LM-007", "unlink is never an error, whether or not there is a link or a process");
    tr_pid p = tr_spawn(puppet);

    for (int i = 0; i < check_rounds(1000); i++) {
        tr_unlink(p);
        tr_unlink(dead_pid());
        tr_unlink(never_pid());
    }
    CHECK(tr_is_alive(p));
    CHECK_NO_MESSAGE();
}

TEST_PROC(no_exit_comes_after_unlink)
{
    FACT("LM-008", "once unlink has returned no new 'EXIT' comes through the link; taking one out "
                   "that is there already makes it sure");
    tr_trap_exit(true);
    int early = 0;

    for (int i = 0; i < check_rounds(50000); i++) {
        tr_pid p = tr_spawn_link(end_at_once, a_oops);
        if (i % 4 == 0)
            tr_yield();
        tr_unlink(p);
        tr_receive (m) {
            tr_on (m, a_EXIT, p, a_oops)
                early++;
            tr_after (m, 0) {
            }
        }
        CHECK_NO_MESSAGE();
    }
#ifndef TR_HOSTILE /* there each spawn lets the child run first, so that all may be early */
    CHECK(early < 50000);
#endif
    CHECK_INFO(tr_self(), a_links, tr_list());
}

TEST_PROC(link_can_be_made_again_after_unlink)
{
    FACT("LM-009", "a link made again after an unlink works like a new one");
    tr_trap_exit(true);
    for (int i = 0; i < check_rounds(2000); i++) {
        tr_pid p = tr_spawn_link(exit_when_told);
        for (int j = 0; j < 5; j++) {
            tr_unlink(p);
            tr_link(p);
        }
        CHECK(is_linked(tr_self(), p));
        CHECK(is_linked(p, tr_self()));
        tr_send(p, a_go, tr_tuple(a_oops, i));
        CHECK_NEXT(a_EXIT, p, tr_tuple(a_oops, i));
        CHECK_NO_MESSAGE();
    }
}

static tr_term order_exit_to(tr_term arg)
{
    tr_pid to;
    tr_term reason;

    CHECK(tr_match(arg, &to, &reason));
    tr_exit_to(to, reason);
    return tr_nil();
}

TEST_PROC(exit_message_names_the_sender_of_the_signal)
{
    FACT("LM-010", "an exit signal sent by exit/2 arrives as {'EXIT', Sender, Reason}");
    tr_pid p = tr_spawn(puppet), q = tr_spawn_link(puppet);

    tr_trap_exit(true);
    for (int i = 0; i < check_rounds(1000); i++) {
        ORDER(i % 2 ? p : q, order_exit_to, tr_self(), tr_tuple(a_oops, i));
        CHECK_NEXT(a_EXIT, i % 2 ? p : q, tr_tuple(a_oops, i));
    }
    /* A signal that is not the link's end leaves the link. */
    CHECK(is_linked(tr_self(), q));
}

TEST_PROC(links_are_symmetric)
{
    FACT("LM-011", "if A lists B among its links, B lists A");
    enum { N = 20 };
    tr_pid pids[N];

    for (int i = 0; i < N; i++)
        pids[i] = tr_spawn(puppet);
    for (int i = 0; i < N; i++)
        for (int j = 0; j < N; j++)
            if ((i * 7 + j * 3) % 5 == 0)
                ORDER(pids[i], order_link, pids[j]);
    for (int i = 0; i < N; i++)
        for (int j = 0; j < N; j++)
            if ((i * 3 + j * 5) % 11 == 0)
                ORDER(pids[i], order_unlink, pids[j]);
    for (int i = 0; i < N; i++)
        for (int j = 0; j < N; j++)
            CHECK_INT(is_linked(pids[i], pids[j]), is_linked(pids[j], pids[i]));
}

static _Atomic(int64_t) steps;

static void step_for_ever(tr_term arg)
{
    tr_pid partner;

    CHECK(tr_match(arg, &partner));
    tr_link(partner);
    for (;;) {
        atomic_fetch_add(&steps, 1);
        tr_receive (m) {
            tr_on (m, a_tick)
                atomic_fetch_add(&steps, 1);
            tr_after (m, 0) {
            }
        }
        tr_yield();
    }
}

TEST_PROC(process_ended_through_a_link_runs_no_more)
{
    FACT("LM-012", "a process ended through a link runs none of its own code afterwards");
    for (int round = 0; round < 500; round++) {
        tr_pid p = tr_spawn(exit_when_told), victims[8];
        tr_ref refs[8];

        for (int i = 0; i < 8; i++)
            victims[i] = tr_spawn_monitor(step_for_ever, &refs[i], p);
        for (int i = 0; i < 4; i++)
            tr_yield();
        tr_send(p, a_go, a_oops);
        for (int i = 0; i < 8; i++) {
            tr_send(victims[i], a_tick);
            tr_term reason = DOWN_REASON(refs[i]);
            CHECK(tr_match(reason, a_oops) || tr_match(reason, a_noproc));
        }
        int64_t then = atomic_load(&steps);
        for (int i = 0; i < 8; i++)
            tr_send(victims[i], a_tick);
        for (int i = 0; i < 10; i++)
            tr_yield();
        CHECK_INT(atomic_load(&steps), then);
    }
}

static void link_and_exit(tr_term arg)
{
    tr_pid other;

    (void)arg;
    tr_receive (m)
        tr_on (m, a_start, &other)
            tr_link(other);
    tr_exit(a_oops);
}

TEST_PROC(linked_processes_may_end_at_the_same_time)
{
    FACT("LM-013", "two linked processes that end at the same time need not see each other's end, "
                   "and nothing hangs");
    tr_term reason;

    for (int i = 0; i < check_rounds(20000); i++) {
        tr_ref r, s;
        tr_pid p = tr_spawn_monitor(link_and_exit, &r), q = tr_spawn_monitor(link_and_exit, &s);
        tr_send(p, a_start, q);
        tr_send(q, a_start, p);
        tr_scope
        {
            reason = DOWN_REASON(r);
            CHECK(tr_match(reason, a_oops) || tr_match(reason, a_noproc));
            reason = DOWN_REASON(s);
            CHECK(tr_match(reason, a_oops) || tr_match(reason, a_noproc));
        }
    }
    CHECK_NO_MESSAGE();
}

TEST_PROC(trapping_process_gets_exit_and_down)
{
    FACT("LM-029", "a trapping process with a link and a monitor gets both 'EXIT' and 'DOWN', in "
                   "whichever order");
    tr_trap_exit(true);
    for (int i = 0; i < check_rounds(5000); i++) {
        tr_pid p = tr_spawn_link(exit_when_told);
        tr_ref ref = tr_monitor(p);
        tr_send(p, a_go, tr_tuple(a_oops, i));
        tr_scope
        {
            CHECK_TERM(EXIT_REASON(p), tr_build(a_oops, i));
            CHECK_TERM(DOWN_REASON(ref), tr_build(a_oops, i));
        }
        CHECK_NO_MESSAGE();
    }
}

static void keep_trapping(tr_term arg)
{
    (void)arg;
    tr_trap_exit(true);
    for (;;) {
        tr_receive (m) {
            tr_on (m, a_EXIT, tr_any(), tr_any())
                tr_trap_exit(false);
        }
    }
}

TEST_PROC(trapping_can_be_switched_off_again)
{
    tr_ref ref;
    tr_pid p = tr_spawn_monitor(keep_trapping, &ref);

    CHECK_WITHIN(patience(5000), tr_match(INFO(p, tr_intern("trap_exit")), tr_intern("true")));
    tr_exit_to(p, a_oops, 1);
    CHECK_WITHIN(patience(5000), tr_match(INFO(p, tr_intern("trap_exit")), tr_intern("false")));
    tr_exit_to(p, a_oops, 2);
    CHECK_TERM(DOWN_REASON(ref), tr_build(a_oops, 2));
}
