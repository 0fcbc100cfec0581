/* SPDX-License-Identifier: MIT */
/* The end of a process that another one is linked with and watches: both are told, once each. */

#include "conformance/puppet.h"

tr_atoms(oops, never);

enum { MANY = 20 }; /* ties, more than a short list holds */

static void ends_when_told(tr_term arg)
{
    tr_term reason;

    (void)arg;
    tr_receive (m)
        tr_on (m, a_go, &reason)
            tr_exit(reason);
}

/* Neither an 'EXIT' nor a 'DOWN' is there or comes: what it sends after them would come first. */
static void check_no_more(tr_pid pid)
{
    CHECK_WITHIN(patience(5000), !tr_is_alive(pid));
    CHECK_NO_MESSAGE();
    CHECK_INFO(tr_self(), a_links, tr_list());
    CHECK_INFO(tr_self(), a_monitors, tr_list());
}

/* --- linked and watched --- */

TEST_PROC(exit_and_down_come_together_for_any_reason)
{
    FACT("LM-029", "both messages come, whether the reason is one word or more, and whether the "
                   "monitor is older or younger than the link");
    tr_trap_exit(true);
    for (int i = 0; i < 8; i++) {
        tr_term reason = i & 1   ? tr_build(a_oops)
                         : i & 2 ? tr_build(a_normal)
                                 : tr_build(a_oops, 1);
        tr_pid p = tr_spawn(ends_when_told);
        if (i & 4)
            tr_link(p);
        tr_ref ref = tr_monitor(p);
        tr_link(p);
        tr_send(p, a_go, reason);
        CHECK_TERM(DOWN_REASON(ref), reason);
        CHECK_TERM(EXIT_REASON(p), reason);
        check_no_more(p);
    }
}

TEST_PROC(both_come_from_one_with_many_ties)
{
    tr_ref refs[MANY];

    tr_trap_exit(true);
    tr_pid p = tr_spawn_link(ends_when_told);
    for (int i = 0; i < MANY; i++)
        refs[i] = tr_monitor(p);
    tr_send(p, a_go, a_oops);
    for (int i = 0; i < MANY; i++)
        CHECK_TERM(DOWN_REASON(refs[i]), tr_build(a_oops));
    CHECK_TERM(EXIT_REASON(p), tr_build(a_oops));
    check_no_more(p);
}

static void watches_and_is_linked(tr_term reason)
{
    tr_ref ref;
    const struct tr_spawn_opts opts = { .link = true, .monitor = &ref };

    tr_send(tr_spawn_opt(ends_when_told, &opts), a_go, reason);
    CHECK_TERM(DOWN_REASON(ref), reason);
    tr_sleep(TR_INFINITY);
}

TEST_PROC(watching_does_not_save_who_is_linked)
{
    CHECK_ENDS(tr_build(a_oops), watches_and_is_linked, a_oops);
    CHECK_ENDS(tr_build(a_oops, 1), watches_and_is_linked, a_oops, 1);
}

TEST_PROC(normal_end_is_a_down_alone_for_who_does_not_trap)
{
    tr_ref ref;
    const struct tr_spawn_opts opts = { .link = true, .monitor = &ref };
    tr_pid p = tr_spawn_opt(ends_when_told, &opts);

    tr_send(p, a_go, a_normal);
    CHECK_TERM(DOWN_REASON(ref), tr_build(a_normal));
    check_no_more(p);
}

TEST_PROC(no_exit_comes_after_unlink_though_it_is_watched)
{
    tr_trap_exit(true);
    for (int i = 0; i < check_rounds(2000); i++) {
        tr_ref ref;
        const struct tr_spawn_opts opts = { .link = true, .monitor = &ref };
        tr_pid p = tr_spawn_opt(ends_when_told, &opts);
        tr_send(p, a_go, a_oops);
        if (tr_unlink_flush(p, (tr_ref){ 0 }, NULL))
            CHECK(!tr_is_alive(p));
        CHECK_TERM(DOWN_REASON(ref), tr_build(a_oops));
        check_no_more(p);
    }
}

/* --- tr_unlink_flush --- */

TEST_PROC(unlink_flush_takes_the_exit_of_that_process_alone)
{
    FACT("LM-008",
         "after an unlink a receive without waiting finds the 'EXIT' there may have been");
    tr_term reason;
    tr_pid p, other;

    tr_trap_exit(true);
    other = tr_spawn_link(ends_when_told);
    tr_send(other, a_go, a_oops);
    CHECK_WITHIN(patience(5000), !tr_is_alive(other) && tr_mailbox_length() == 1);
    tr_ref since = tr_make_ref();
    p = tr_spawn_link(ends_when_told);
    CHECK(!tr_unlink_flush(p, since, &reason));
    tr_link(p);
    tr_send(p, a_go, tr_list(1, 2));
    CHECK_WITHIN(patience(5000), !tr_is_alive(p) && tr_mailbox_length() == 2);
    CHECK(tr_unlink_flush(p, since, &reason));
    CHECK_TERM(reason, tr_build(tr_list(1, 2)));
    CHECK(tr_unlink_flush(other, (tr_ref){ 0 }, NULL));
    CHECK_NO_MESSAGE();
}

TEST_PROC(flushes_work_in_a_process_with_caps)
{
    tr_ref ref;
    tr_term reason;
    const struct tr_spawn_opts opts = { .link = true, .monitor = &ref };

    tr_set_max_mailbox(100, TR_MAILBOX_DROP_NEWEST);
    tr_trap_exit(true);
    tr_pid p = tr_spawn_opt(ends_when_told, &opts);
    tr_send(p, a_go, a_oops);
    CHECK_WITHIN(patience(5000), tr_mailbox_length() == 2);
    CHECK(tr_unlink_flush(p, ref, &reason));
    CHECK_TERM(reason, tr_build(a_oops));
    CHECK(!tr_demonitor_flush(ref));
    check_no_more(p);
}

/* --- tr_end_watched --- */

TEST_PROC(who_ends_another_one_gets_its_down_alone)
{
    tr_trap_exit(true);
    for (int i = 0; i < check_rounds(2000); i++) {
        tr_atom how = i & 1 ? a_kill : a_shutdown;
        tr_pid p = tr_spawn_link(ends_when_told);
        CHECK_TERM(DOWN_REASON(tr_end_watched(p, how)), tr_build(i & 1 ? a_killed : a_shutdown));
        check_no_more(p);
    }
}

/* Ends with more than a word, which does not fit the one signal for both. */
static void ends_in_its_own_way(tr_term to)
{
    tr_term why;
    tr_pid pid;

    CHECK(tr_match(to, &pid));
    tr_trap_exit(true);
    tr_send(pid, a_ready);
    tr_receive (m)
        tr_on (m, a_EXIT, pid, &why)
            tr_exit(a_done, why);
}

TEST_PROC(nor_an_exit_with_a_reason_of_its_own)
{
    tr_trap_exit(true);
    tr_pid p = tr_spawn_link(ends_in_its_own_way, tr_self());
    CHECK_NEXT(a_ready);
    CHECK_TERM(DOWN_REASON(tr_end_watched(p, a_shutdown)), tr_build(a_done, a_shutdown));
    check_no_more(p);
}

TEST_PROC(nor_from_one_with_many_ties)
{
    tr_ref refs[MANY];

    tr_trap_exit(true);
    tr_pid p = tr_spawn_link(ends_when_told);
    for (int i = 0; i < MANY; i++)
        refs[i] = tr_monitor(p);
    CHECK_TERM(DOWN_REASON(tr_end_watched(p, a_shutdown)), tr_build(a_shutdown));
    for (int i = 0; i < MANY; i++)
        CHECK_TERM(DOWN_REASON(refs[i]), tr_build(a_shutdown));
    check_no_more(p);
}

TEST_PROC(the_exit_of_one_that_had_ended_stays)
{
    tr_trap_exit(true);
    for (int i = 0; i < check_rounds(2000); i++) {
        tr_pid p = tr_spawn_link(ends_when_told);
        tr_send(p, a_go, a_oops);
        for (int j = 0; j < i % 4; j++)
            tr_yield();
        tr_term reason = DOWN_REASON(tr_end_watched(p, a_shutdown));
        if (tr_match(reason, a_noproc))
            CHECK_TERM(EXIT_REASON(p), tr_build(a_oops));
        else
            CHECK(tr_match(reason, a_oops) || tr_match(reason, a_shutdown));
        tr_release(reason);
        check_no_more(p);
    }
}

TEST_PROC(ending_one_that_is_not_linked_is_watching_and_ending)
{
    tr_pid p = tr_spawn(ends_when_told);

    CHECK_TERM(DOWN_REASON(tr_end_watched(p, a_oops)), tr_build(a_oops));
    CHECK_TERM(DOWN_REASON(tr_end_watched(p, a_oops)), tr_build(a_noproc));
    check_no_more(p);
}

static void ends_itself(tr_term arg)
{
    (void)arg;
    tr_end_watched(tr_self(), a_oops);
    tr_exit(a_never);
}

static void ends_nobody(tr_term arg)
{
    (void)arg;
    tr_end_watched((tr_pid){ 0 }, a_oops);
}

TEST_PROC(ending_oneself_is_an_exit_and_ending_nobody_badarg)
{
    CHECK_ENDS(tr_build(a_oops), ends_itself);
    CHECK_BADARG(ends_nobody);
}
