/* SPDX-License-Identifier: MIT */
/* tr__end_idle: who ends a process that idles needs no help of it, and others cannot tell. */

#include "conformance/puppet.h"

tr_atoms(oops, idler, why);

enum { TRIES = 20 };

/* --- processes that idle --- */

static void does_as_told(tr_term arg)
{
    tr_term reason;

    tr_receive (m) {
        tr_on (m, a_go, &reason)
            tr_exit(reason);
        tr_when (m, true) {
        }
    }
    tr_hibernate(does_as_told, arg);
}

static void idles(tr_term arg)
{
    tr_alloc(100);
    tr_hibernate(does_as_told, tr_list(arg, arg));
}

static void idles_for_a_while(tr_term arg)
{
    tr_hibernate_for(1000000, does_as_told, arg);
}

static void links_itself_and_idles(tr_term to)
{
    tr_pid pid;

    CHECK(tr_match(to, &pid));
    tr_link(pid);
    idles(to);
}

static void traps_exits(tr_term arg)
{
    tr_trap_exit(true);
    idles(arg);
}

static void nothing(void *arg)
{
    (void)arg;
}

static void has_deferred(tr_term arg)
{
    tr_defer(nothing, NULL);
    idles(arg);
}

static void has_a_dictionary(tr_term arg)
{
    tr_put(tr_build(a_why), arg);
    idles(arg);
}

/* Not asleep at the top of a function, but in the middle of one. */
static void waits(tr_term arg)
{
    does_as_told(arg);
}

/* Neither an 'EXIT' nor a 'DOWN' is there or comes. */
static void check_no_trace(tr_pid pid)
{
    CHECK(!tr_is_alive(pid));
    CHECK_NO_MESSAGE();
    CHECK_INFO(tr_self(), a_links, tr_list());
    CHECK_INFO(tr_self(), a_monitors, tr_list());
    CHECK_INFO(tr_self(), a_monitored_by, tr_list());
}

/* --- what is ended --- */

TEST_PROC(one_that_idles_is_gone_at_once)
{
    static const tr_process_fn kinds[] = { idles, idles_for_a_while, links_itself_and_idles };

    tr_trap_exit(true);
    for (int i = 0; i < check_rounds(300); i++) {
        tr_pid p =
            i & 1 ? tr_spawn_link(kinds[i % 3], tr_self()) : tr_spawn(kinds[i % 3], tr_self());
        CHECK_WITHIN(patience(5000), tr__end_idle(p, i & 2 ? a_kill : a_shutdown));
        check_no_trace(p);
        CHECK(!tr__end_idle(p, a_shutdown));
    }
}

TEST_PROC(all_others_are_told_as_by_any_end)
{
    tr_trap_exit(true);
    for (int i = 0; i < 2; i++) {
        const tr_term reason = tr_build(i ? a_killed : a_shutdown);
        tr_pid p = tr_spawn_link(idles, 0);
        tr_pid trapping = tr_spawn(puppet), linked = tr_spawn(puppet);
        tr_ref mine = tr_monitor(p), end_of_linked = tr_monitor(linked);
        CHECK_INT(tr_register(a_idler, p), TR_OK);
        ORDER(trapping, order_trap_exit, 1);
        ORDER(trapping, order_link, p);
        ORDER(trapping, order_monitor, p);
        ORDER(linked, order_link, p);
        CHECK_WITHIN(patience(5000), tr__end_idle(p, i ? a_kill : a_shutdown));
        CHECK(!tr_whereis(a_idler, NULL));
        CHECK_TERM(DOWN_REASON(mine), reason);
        CHECK_TERM(DOWN_REASON(end_of_linked), reason);
        CHECK_WITHIN(patience(5000), tr_equal(INFO(trapping, a_message_queue_len), tr_build(2)));
        CHECK_INFO(trapping, a_links, tr_list());
        check_no_trace(p);
        end(trapping);
    }
}

static void ends_others(tr_term arg)
{
    tr_pid first, second;

    CHECK(tr_match(arg, &first, &second));
    tr_trap_exit(true);
    tr_link(first);
    tr_link(second);
    CHECK_WITHIN(patience(5000), tr__end_idle(first, a_shutdown));
    tr_exit(a_oops);
}

TEST_PROC(a_link_that_stays_still_holds)
{
    tr_pid first = tr_spawn(idles, 0), second = tr_spawn(idles, 0);
    tr_ref end_of_first = tr_monitor(first), end_of_second = tr_monitor(second);

    CHECK_ENDS(tr_build(a_oops), ends_others, first, second);
    CHECK_TERM(DOWN_REASON(end_of_first), tr_build(a_shutdown));
    CHECK_TERM(DOWN_REASON(end_of_second), tr_build(a_oops));
    CHECK_NO_MESSAGE();
}

/* --- by a signal --- */

TEST_PROC(idle_ones_that_are_linked_end_one_after_the_other)
{
    enum { LENGTH = 6 };
    const tr_term reasons[] = { tr_build(a_kill), tr_build(a_oops), tr_build(a_oops, "text") };
    tr_pid chain[LENGTH];
    tr_ref ends[LENGTH];

    for (size_t i = 0; i < sizeof reasons / sizeof *reasons; i++) {
        chain[0] = tr_spawn(idles, 0);
        for (int j = 1; j < LENGTH; j++) {
            chain[j] = tr_spawn(links_itself_and_idles, chain[j - 1]);
            CHECK_WITHIN(patience(5000), !tr_equal(INFO(chain[j], a_links), tr_nil()));
        }
        for (int j = 0; j < LENGTH; j++)
            ends[j] = tr_monitor(chain[j]);
        tr_exit_to(chain[0], reasons[i]);
        for (int j = 0; j < LENGTH; j++)
            CHECK_TERM(DOWN_REASON(ends[j]), i ? reasons[i] : tr_build(a_killed));
        check_no_trace(chain[0]);
    }
}

TEST_PROC(one_whose_link_ends_as_it_should_idles_on)
{
    tr_pid first = tr_spawn(idles, 0), second = tr_spawn(links_itself_and_idles, first);

    CHECK_WITHIN(patience(5000), !tr_equal(INFO(second, a_links), tr_nil()));
    tr_send(first, a_go, a_normal);
    CHECK_WITHIN(patience(5000), tr_equal(INFO(second, a_links), tr_nil()));
    CHECK(tr_is_alive(second));
    end(second);
}

/* --- what is not --- */

/* It is left alone however often that is tried, and goes on as before. */
static void check_left(tr_pid pid, tr_atom reason)
{
    for (int i = 0; i < TRIES; i++) {
        CHECK(!tr__end_idle(pid, reason));
        tr_yield();
    }
    tr_ref ref = tr_monitor(pid);
    tr_send(pid, a_go, a_why);
    CHECK_TERM(DOWN_REASON(ref), tr_build(a_why));
}

TEST_PROC(one_that_has_something_left_to_do_is_left_alone)
{
    static const tr_process_fn kinds[] = { waits, traps_exits, has_deferred, has_a_dictionary };
    static const struct tr_spawn_opts capped = { .max_mailbox = 10 };

    tr_trap_exit(true);
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++)
        check_left(tr_spawn(kinds[i], tr_self()), a_shutdown);
    check_left(tr_spawn_opt(idles, &capped, 0), a_shutdown);
    check_left(tr_spawn(idles, 0), a_normal);
    CHECK(!tr__end_idle(tr_self(), a_shutdown));
    CHECK(!tr__end_idle((tr_pid){ 0 }, a_shutdown));
    CHECK_NO_MESSAGE();
}

TEST_PROC(who_does_not_trap_exits_cannot)
{
    check_left(tr_spawn(idles, 0), a_shutdown);
}

TEST_PROC(a_suspended_one_is_left_alone)
{
    tr_pid p = tr_spawn(idles, 0);

    tr_trap_exit(true);
    CHECK(tr_suspend(p));
    for (int i = 0; i < TRIES; i++) {
        CHECK(!tr__end_idle(p, a_shutdown));
        tr_yield();
    }
    CHECK(tr_resume(p));
    CHECK_WITHIN(patience(5000), tr__end_idle(p, a_shutdown));
    check_no_trace(p);
}

TEST_PROC(kill_cannot_be_trapped)
{
    tr_pid p = tr_spawn_link(traps_exits, 0);

    tr_trap_exit(true);
    CHECK_WITHIN(patience(5000), tr__end_idle(p, a_kill));
    check_no_trace(p);
}

/* --- while others send to it --- */

static void check_reason(tr_term reason)
{
    CHECK(tr_match(reason, a_shutdown) || tr_match(reason, a_noproc));
}

static void watches(tr_term arg)
{
    tr_pid boss, pid;

    CHECK(tr_match(arg, &boss, &pid));
    tr_trap_exit(true);
    tr_ref ref = tr_monitor(pid);
    tr_link(pid);
    for (int i = 0; i < TRIES; i++)
        tr_send(pid, i);
    check_reason(DOWN_REASON(ref));
    check_reason(EXIT_REASON(pid));
    CHECK_NO_MESSAGE();
    tr_send(boss, a_done);
}

TEST_PROC(each_watcher_is_told_once)
{
    enum { WATCHERS = 4 };

    tr_trap_exit(true);
    for (int i = 0; i < check_rounds(500); i++) {
        tr_pid p = tr_spawn_link(idles, 0);
        for (int j = 0; j < WATCHERS; j++)
            tr_spawn(watches, tr_self(), p);
        CHECK_WITHIN(patience(5000), tr__end_idle(p, a_shutdown));
        for (int j = 0; j < WATCHERS; j++)
            CHECK_NEXT(a_done);
        check_no_trace(p);
    }
}
