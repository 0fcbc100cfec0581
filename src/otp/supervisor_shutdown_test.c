/* SPDX-License-Identifier: MIT */
/* Supervisors: how they end children, and themselves. */
#include "dolls.h"

/* --- shutdown --- */

static void parent_of_three(tr_term reason)
{
    tr_pid sup = start_three_for(TR_ONE_FOR_ONE);

    tr_send(tester, a_sup, sup);
    tr_receive (m)
        tr_on (m, a_leave)
            tr_exit(reason);
}

TEST_PROC(end_of_the_parent_ends_supervisor_and_children)
{
    begin();
    tr_pid parent = tr_spawn(parent_of_three, a_why), sup = { 0 };

    STARTED(a_a);
    STARTED(a_b);
    STARTED(a_c);
    tr_receive (m)
        tr_on (m, a_sup, &sup) {
        }
    tr_ref ref = tr_monitor(sup);
    tr_send(parent, a_leave);
    ENDED(a_c, a_shutdown);
    ENDED(a_b, a_shutdown);
    ENDED(a_a, a_shutdown);
    CHECK_TERM(down_reason(ref, a_DOWN), tr_build(a_why));
}

TEST_PROC(late_child_is_killed)
{
    FACT("SUP-037", "a child gets shutdown, and is killed after its time; observers see killed");
    begin();
    const struct tr_supervisor s = { .children =
                                         TR_CHILDREN(DOLL(a, "stubborn", .shutdown_ms = 20),
                                                     DOLL(b, "stubborn", .shutdown_ms = TR_ZERO)) };
    tr_pid sup = start_sup(&s);

    STARTED(a_a);
    STARTED(a_b);
    tr_ref ref = tr_monitor(pid_of(sup, a_a));
    int64_t before = tr_monotonic_ms();
    CHECK_TERM(tr_supervisor_terminate_child(sup, a_a), tr_build(a_ok));
    CHECK(tr_monotonic_ms() - before >= 20);
    CHECK_TERM(down_reason(ref, a_DOWN), tr_build(a_killed));
    CHECK_TERM(next_event(), tr_build(a_ended, a_a, a_killed));
    CHECK(reported("Context: shutdown_error\n    Reason: killed\n"));
    CHECK_TERM(tr_supervisor_terminate_child(sup, a_b), tr_build(a_ok));
    CHECK_TERM(next_event(), tr_build(a_ended, a_b, a_killed));
    end_sup(sup);
}

static void releases(tr_term pid)
{
    tr_pid stuck;

    tr_match(pid, &stuck);
    tr_sleep(30);
    tr_send(stuck, a_leave, a_shutdown);
}

TEST_PROC(brutal_kill_and_infinity)
{
    FACT("SUP-038", "brutal_kill kills at once; with infinity the child has all the time it wants");
    begin();
    const struct tr_supervisor s = { .children = TR_CHILDREN(
                                         DOLL(a, "trap", .shutdown_ms = TR_BRUTAL_KILL),
                                         DOLL(b, "stubborn", .shutdown_ms = TR_INFINITY)) };
    tr_pid sup = start_sup(&s);

    STARTED(a_a);
    STARTED(a_b);
    CHECK_TERM(tr_supervisor_terminate_child(sup, a_a), tr_build(a_ok));
    ENDED(a_a, a_killed);
    tr_spawn(releases, pid_of(sup, a_b));
    CHECK_TERM(tr_supervisor_terminate_child(sup, a_b), tr_build(a_ok));
    ENDED(a_b, a_shutdown);
    CHECK(tr_log_flush(patience(10000)));
    CHECK_INT(atomic_load(&nreports), 0);
    end_sup(sup);
}

TEST_PROC(unexpected_reason_at_shutdown_is_reported_only)
{
    FACT("SUP-039", "a child that ends otherwise than expected during shutdown is reported; the "
                    "supervisor ends with its own reason");
    begin();
    const struct tr_supervisor s = { .children = TR_CHILDREN(
                                         DOLL(a, "{odd,boom}"), DOLL(b, "{odd,normal}"),
                                         DOLL(c, "{odd,normal}", .restart = TR_TRANSIENT),
                                         DOLL(d, "{odd,{shutdown,1}}", .restart = TR_TRANSIENT)) };
    tr_pid sup = start_sup(&s);

    for (int i = 0; i < 4; i++)
        next_event();
    tr_stop(sup, a_normal, TR_INFINITY);
    for (int i = 0; i < 4; i++)
        next_event();
    CHECK_TERM(exit_of(sup), tr_build(a_normal));
    /* Of a and b, which is permanent. */
    CHECK(tr_log_flush(patience(10000)));
    CHECK_INT(atomic_load(&nreports), 2);
    CHECK(reported("Context: shutdown_error\n    Reason: boom\n"));
}

TEST_PROC(killed_supervisor_leaves_its_children_to_their_links)
{
    FACT("SUP-040", "its children end by their links with killed, unless they handle it");
    begin();
    const struct tr_supervisor s = { .children =
                                         TR_CHILDREN(DOLL(a, "calm"), DOLL(b, "stubborn")) };
    tr_pid sup = start_sup(&s);

    STARTED(a_a);
    STARTED(a_b);
    tr_pid b = pid_of(sup, a_b);
    tr_exit_to(sup, a_kill);
    ENDED(a_a, a_killed);
    CHECK_TERM(exit_of(sup), tr_build(a_killed));
    CHECK(tr_is_alive(b));
    tr_exit_to(b, a_kill);
    ENDED(a_b, a_killed);
}

TEST_PROC(child_that_died_unseen_is_ended_without_waiting)
{
    begin();
    tr_pid sup = start_three(TR_ONE_FOR_ONE);
    tr_pid b = pid_of(sup, a_b);

    /* The supervisor finds the request to end it before the 'EXIT' of its child, or after. */
    tr_send(b, a_leave, a_boom);
    CHECK_TERM(tr_supervisor_terminate_child(sup, a_b), tr_build(a_ok));
    ENDED(a_b, a_boom);
    end_sup(sup);
}

/* --- automatic shutdown --- */

#define SIGNIFICANT(id, restart_type) DOLL(id, "calm", .restart = restart_type, .significant = true)

TEST_PROC(end_of_any_significant_child_ends_all)
{
    FACT("SUP-042", "any_significant: the end of a temporary one, or a normal one of a transient "
                    "one, ends the others and the supervisor with shutdown");
    begin();
    for (int i = 0; i < 5; i++) {
        const struct tr_supervisor s = { .auto_shutdown = TR_ANY_SIGNIFICANT,
                                         .children = TR_CHILDREN(
                                             SIGNIFICANT(a, i == 4 ? TR_TRANSIENT : TR_TEMPORARY),
                                             DOLL(b, "calm"), SIGNIFICANT(c, TR_TRANSIENT)) };
        tr_pid sup = start_sup(&s);
        STARTED(a_a);
        STARTED(a_b);
        STARTED(a_c);
        crash(sup, a_a, reasons(i % 4));
        ENDED(a_c, a_shutdown);
        ENDED(a_b, a_shutdown);
        CHECK_TERM(exit_of(sup), tr_build(a_shutdown));
    }
}

TEST_PROC(end_of_all_significant_children_ends_all)
{
    FACT("SUP-043", "all_significant: only the end of the last one does");
    begin();
    const struct tr_supervisor s = { .auto_shutdown = TR_ALL_SIGNIFICANT,
                                     .children =
                                         TR_CHILDREN(SIGNIFICANT(a, TR_TEMPORARY), DOLL(b, "calm"),
                                                     SIGNIFICANT(c, TR_TRANSIENT)) };
    tr_pid sup = start_sup(&s);

    STARTED(a_a);
    STARTED(a_b);
    STARTED(a_c);
    CRASH(sup, a_a, a_boom);
    CHECK_WITHIN(patience(10000), counts_are(sup, 2, 2, 0, 2));
    CHECK(no_event());
    CRASH(sup, a_c, a_shutdown);
    ENDED(a_b, a_shutdown);
    CHECK_TERM(exit_of(sup), tr_build(a_shutdown));
}

TEST_PROC(restart_and_terminate_child_are_no_end_of_a_significant_one)
{
    FACT("SUP-044", "a significant transient child that fails is restarted; terminate_child "
                    "triggers nothing");
    begin();
    const struct tr_supervisor s = { .auto_shutdown = TR_ANY_SIGNIFICANT,
                                     .children = TR_CHILDREN(SIGNIFICANT(a, TR_TRANSIENT)) };
    tr_pid sup = start_sup(&s);

    STARTED(a_a);
    CRASH(sup, a_a, a_boom);
    STARTED(a_a);
    CHECK_TERM(tr_supervisor_terminate_child(sup, a_a), tr_build(a_ok));
    ENDED(a_a, a_shutdown);
    CHECK(counts_are(sup, 1, 0, 0, 1));
    end_sup(sup);
}
