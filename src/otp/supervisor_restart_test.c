/* SPDX-License-Identifier: MIT */
/* Supervisors: what they do when children end. */
#include "dolls.h"

/* --- restart types --- */

TEST_PROC(permanent_child_is_always_restarted)
{
    FACT("SUP-025", "a permanent child is restarted whatever its reason");
    FACT("SUP-027", "with the original start and arguments, in its place, under a new pid");
    begin();
    const struct tr_supervisor s = { PATIENT,
                                     .children = TR_CHILDREN(DOLL(a, "calm"), DOLL(b, "calm")) };
    tr_pid sup = start_sup(&s);

    STARTED(a_a);
    STARTED(a_b);
    for (int i = 0; i < 4; i++) {
        tr_pid before = pid_of(sup, a_a);
        crash(sup, a_a, reasons(i));
        STARTED(a_a);
        CHECK_WITHIN(patience(10000), tr_is_pid(where(sup, a_a)));
        CHECK(pid_of(sup, a_a).w != before.w);
        CHECK(tr_match(tr_supervisor_which_children(sup),
                       tr_list(tr_tuple(a_b, tr_any(), tr_any(), tr_any()),
                               tr_tuple(a_a, tr_any(), tr_any(), tr_any()))));
    }
    end_sup(sup);
}

TEST_PROC(transient_child_is_restarted_after_failures_alone)
{
    begin();
    const struct tr_supervisor s = { PATIENT, .children = TR_CHILDREN(
                                                  DOLL(a, "calm", .restart = TR_TRANSIENT)) };
    tr_pid sup = start_sup(&s);

    STARTED(a_a);
    for (int i = 0; i < 3; i++) {
        crash(sup, a_a, reasons(i));
        CHECK_WITHIN(patience(10000), tr_match(where(sup, a_a), a_undefined));
        CHECK(tr_match(tr_supervisor_restart_child(sup, a_a), a_ok, tr_any()));
        STARTED(a_a);
    }
    CRASH(sup, a_a, a_boom);
    STARTED(a_a);
    end_sup(sup);
}

TEST_PROC(temporary_child_is_forgotten_when_it_ends)
{
    FACT("SUP-026", "a temporary child is never restarted, and disappears");
    FACT("SUP-028", "its arguments are not kept after the start");
    begin();
    tr_pid sup = start_sup(&(const struct tr_supervisor){ PATIENT });
    tr_term spec, start;

    for (int i = 0; i < 4; i++) {
        CHECK(tr_match(tr_supervisor_start_child(sup, A_DOLL(a, "calm", .restart = TR_TEMPORARY)),
                       a_ok, tr_any()));
        STARTED(a_a);
        CHECK(tr_match(tr_supervisor_get_childspec(sup, a_a), a_ok, &spec));
        CHECK(tr_map_get(spec, tr_build(a_start), &start));
        CHECK_TERM(start, tr_build(a_a, a_start_link, a_undefined));
        crash(sup, a_a, reasons(i));
        CHECK_WITHIN(patience(10000), counts_are(sup, 0, 0, 0, 0));
    }
    CHECK(no_event());
    end_sup(sup);
}

/* --- strategies --- */

TEST_PROC(one_for_one_restarts_the_one)
{
    FACT("SUP-029", "one_for_one restarts the child that ended; others keep their pids");
    begin();
    tr_pid sup = start_three(TR_ONE_FOR_ONE);
    tr_pid a = pid_of(sup, a_a), c = pid_of(sup, a_c);

    CRASH(sup, a_b, a_boom);
    STARTED(a_b);
    CHECK(pid_of(sup, a_a).w == a.w && pid_of(sup, a_c).w == c.w);
    CHECK(no_event());
    end_sup(sup);
}

TEST_PROC(one_for_all_ends_and_restarts_all)
{
    begin();
    tr_pid sup = start_three(TR_ONE_FOR_ALL);

    CRASH(sup, a_b, a_boom);
    ENDED(a_c, a_shutdown);
    ENDED(a_a, a_shutdown);
    STARTED(a_a);
    STARTED(a_b);
    STARTED(a_c);
    CHECK(counts_are(sup, 3, 3, 0, 3));
    end_sup(sup);
}

TEST_PROC(rest_for_one_restarts_the_later_ones_too)
{
    FACT("SUP-030", "rest_for_one ends those started after the failed one in reverse order, and "
                    "restarts it and those; earlier ones are untouched");
    begin();
    tr_pid sup = start_three(TR_REST_FOR_ONE);
    tr_pid a = pid_of(sup, a_a);

    CRASH(sup, a_b, a_boom);
    ENDED(a_c, a_shutdown);
    STARTED(a_b);
    STARTED(a_c);
    CHECK(pid_of(sup, a_a).w == a.w);
    CRASH(sup, a_a, a_boom);
    ENDED(a_c, a_shutdown);
    ENDED(a_b, a_shutdown);
    STARTED(a_a);
    STARTED(a_b);
    STARTED(a_c);
    CHECK(no_event());
    end_sup(sup);
}

TEST_PROC(normal_end_of_a_transient_child_concerns_nobody)
{
    FACT("SUP-031", "a transient child that ends normally restarts nothing, whatever the strategy");
    begin();
    for (enum tr_strategy strategy = TR_ONE_FOR_ALL; strategy <= TR_REST_FOR_ONE; strategy++) {
        const struct tr_supervisor s = {
            .strategy = strategy,
            .children = TR_CHILDREN(DOLL(a, "calm", .restart = TR_TRANSIENT), DOLL(b, "calm"))
        };
        tr_pid sup = start_sup(&s);
        STARTED(a_a);
        STARTED(a_b);
        CRASH(sup, a_a, a_normal);
        CHECK_WITHIN(patience(10000), tr_match(where(sup, a_a), a_undefined));
        CHECK(counts_are(sup, 2, 1, 0, 2));
        CHECK(no_event());
        end_sup(sup);
    }
}

TEST_PROC(group_restart_starts_terminated_children_and_drops_temporary_ones)
{
    begin();
    const struct tr_supervisor s = { .strategy = TR_ONE_FOR_ALL,
                                     .children = TR_CHILDREN(
                                         DOLL(a, "calm"), DOLL(b, "calm", .restart = TR_TEMPORARY),
                                         DOLL(c, "calm")) };
    tr_pid sup = start_sup(&s);

    STARTED(a_a);
    STARTED(a_b);
    STARTED(a_c);
    CHECK_TERM(tr_supervisor_terminate_child(sup, a_c), tr_build(a_ok));
    ENDED(a_c, a_shutdown);
    CRASH(sup, a_a, a_boom);
    ENDED(a_b, a_shutdown);
    STARTED(a_a);
    STARTED(a_c);
    CHECK(counts_are(sup, 2, 2, 0, 2));
    end_sup(sup);
}

/* --- restarts that fail --- */

TEST_PROC(failed_restart_is_tried_again_and_each_try_counts)
{
    begin();
    for (enum tr_strategy strategy = TR_ONE_FOR_ONE; strategy <= TR_REST_FOR_ONE; strategy++) {
        const struct tr_supervisor s = { .max_restarts = 3,
                                         .strategy = strategy,
                                         .children = TR_CHILDREN(DOLL(a, "flaky")) };
        tr_pid sup = start_sup(&s);
        STARTED(a_a);
        atomic_store(&flaky_left, 2);
        CRASH(sup, a_a, a_boom);
        STARTED(a_a);
        CHECK_INT(atomic_load(&flaky_left), 0);
        /* That were three. */
        CRASH(sup, a_a, a_boom);
        CHECK_TERM(exit_of(sup), tr_build(a_shutdown));
        CHECK(no_event());
    }
}

TEST_PROC(group_restart_goes_on_with_the_child_that_failed)
{
    begin();
    const struct tr_supervisor s = { PATIENT, .strategy = TR_REST_FOR_ONE,
                                     .children = TR_CHILDREN(DOLL(a, "calm"), DOLL(b, "flaky"),
                                                             DOLL(c, "calm")) };
    tr_pid sup = start_sup(&s);

    STARTED(a_a);
    STARTED(a_b);
    STARTED(a_c);
    atomic_store(&flaky_left, 3);
    CRASH(sup, a_a, a_boom);
    ENDED(a_c, a_shutdown);
    ENDED(a_b, a_shutdown);
    STARTED(a_a);
    STARTED(a_b);
    STARTED(a_c);
    CHECK(no_event());
    end_sup(sup);
}

/* --- intensity --- */

TEST_PROC(more_restarts_than_allowed_end_the_supervisor)
{
    FACT("SUP-032", "more than intensity restarts within the period end all children and the "
                    "supervisor with shutdown; exactly intensity do not");
    begin();
    for (int most = 0; most < 4; most++) {
        const struct tr_supervisor s = { .max_restarts = most ? most : TR_ZERO,
                                         .max_seconds = 1000,
                                         .children =
                                             TR_CHILDREN(DOLL(a, "calm"), DOLL(b, "calm")) };
        tr_pid sup = start_sup(&s);
        STARTED(a_a);
        STARTED(a_b);
        for (int i = 0; i < most; i++) {
            CRASH(sup, a_a, a_boom);
            STARTED(a_a);
        }
        CHECK(counts_are(sup, 2, 2, 0, 2));
        CRASH(sup, a_a, a_boom);
        ENDED(a_b, a_shutdown);
        CHECK_TERM(exit_of(sup), tr_build(a_shutdown));
        CHECK(reported("Reason: reached_max_restart_intensity"));
    }
}

TEST_PROC(old_restarts_are_forgotten)
{
    FACT("SUP-033", "restarts older than the period no longer count");
    begin();
    const struct tr_supervisor s = { .max_restarts = 1,
                                     .max_seconds = 1,
                                     .children = TR_CHILDREN(DOLL(a, "calm")) };
    tr_pid sup = start_sup(&s);

    STARTED(a_a);
    for (int i = 0; i < 3; i++) {
        CRASH(sup, a_a, a_boom);
        STARTED(a_a);
        int64_t since = tr_monotonic_ms();
        CHECK_WITHIN(patience(10000), tr_monotonic_ms() - since > 1010);
    }
    end_sup(sup);
}

TEST_PROC(group_restart_counts_once)
{
    FACT("SUP-035", "a group restart counts as one, however many children");
    begin();
    const struct tr_supervisor s = { .max_restarts = 2,
                                     .max_seconds = 1000,
                                     .strategy = TR_ONE_FOR_ALL,
                                     .children = TR_CHILDREN(DOLL(a, "calm"), DOLL(b, "calm"),
                                                             DOLL(c, "calm"), DOLL(d, "calm")) };
    tr_pid sup = start_sup(&s);

    for (int i = 0; i < 4; i++)
        next_event();
    for (int i = 0; i < 2; i++) {
        CRASH(sup, a_a, a_boom);
        for (int k = 0; k < 7; k++)
            next_event();
    }
    CHECK(counts_are(sup, 4, 4, 0, 4));
    CRASH(sup, a_a, a_boom);
    CHECK_TERM(exit_of(sup), tr_build(a_shutdown));
}

static const struct tr_supervisor inner = { .max_restarts = 1,
                                            .max_seconds = 1000,
                                            .children = TR_CHILDREN(DOLL(a, "calm")) };

TEST_PROC(supervisor_that_gave_up_is_restarted_by_its_own)
{
    FACT("SUP-034", "its parent restarts it; static children start afresh, others are gone");
    begin();
    const struct tr_supervisor outer = { .children =
                                             TR_CHILDREN({ .supervisor = &inner, .name = "sup" }) };
    tr_pid top = start_sup(&outer), before, after;

    STARTED(a_a);
    CHECK(tr_whereis(a_sup, &before));
    CHECK(tr_match(tr_supervisor_start_child(a_sup, A_DOLL(b, "calm")), a_ok, tr_any()));
    STARTED(a_b);
    CRASH(before, a_a, a_boom);
    STARTED(a_a);
    CRASH(before, a_a, a_boom);
    ENDED(a_b, a_shutdown);
    STARTED(a_a);
    CHECK_WITHIN(patience(10000), tr_whereis(a_sup, &after) && after.w != before.w);
    CHECK(counts_are(after, 1, 1, 0, 1));
    end_sup(top);
}

/* --- back-off --- */

TEST_PROC(restart_waits_for_its_back_off)
{
    begin();
    const struct tr_supervisor s = { PATIENT,
                                     .backoff = { .first_ms = 20, .jitter_percent = TR_ZERO },
                                     .children = TR_CHILDREN(DOLL(a, "flaky"), DOLL(b, "calm")) };
    tr_pid sup = start_sup(&s);

    STARTED(a_a);
    STARTED(a_b);
    atomic_store(&flaky_left, 2);
    int64_t before = tr_monotonic_ms();
    CRASH(sup, a_a, a_boom);
    CHECK_WITHIN(patience(10000), tr_match(where(sup, a_a), a_restarting));
    CHECK_TERM(tr_supervisor_restart_child(sup, a_a), tr_build(a_error, a_restarting));
    CHECK_TERM(tr_supervisor_delete_child(sup, a_a), tr_build(a_error, a_restarting));
    STARTED(a_a);
    /* 20, 40 and 80. */
    CHECK(tr_monotonic_ms() - before >= 140);
    CHECK_WITHIN(patience(10000), counts_are(sup, 2, 2, 0, 2));
    end_sup(sup);
}

TEST_PROC(group_waits_for_the_back_off_of_one)
{
    begin();
    for (enum tr_strategy strategy = TR_ONE_FOR_ALL; strategy <= TR_REST_FOR_ONE; strategy++) {
        const struct tr_supervisor s = { .max_restarts = 1,
                                         .strategy = strategy,
                                         .backoff = { .first_ms = 30 },
                                         .children =
                                             TR_CHILDREN(DOLL(a, "calm"), DOLL(b, "calm")) };
        tr_pid sup = start_sup(&s);
        STARTED(a_a);
        STARTED(a_b);
        int64_t before = tr_monotonic_ms();
        CRASH(sup, a_a, a_boom);
        ENDED(a_b, a_shutdown);
        STARTED(a_a);
        CHECK(tr_monotonic_ms() - before >= 15);
        STARTED(a_b);
        CHECK(counts_are(sup, 2, 2, 0, 2));
        CRASH(sup, a_a, a_boom);
        ENDED(a_b, a_shutdown);
        CHECK_TERM(exit_of(sup), tr_build(a_shutdown));
    }
}

TEST_PROC(waiting_child_can_be_terminated)
{
    begin();
    const struct tr_supervisor s = { PATIENT, .backoff = { .first_ms = 30 },
                                     .children = TR_CHILDREN(DOLL(a, "calm")) };
    tr_pid sup = start_sup(&s);

    STARTED(a_a);
    CRASH(sup, a_a, a_boom);
    CHECK_WITHIN(patience(10000), tr_match(where(sup, a_a), a_restarting));
    CHECK_TERM(tr_supervisor_terminate_child(sup, a_a), tr_build(a_ok));
    int64_t since = tr_monotonic_ms();
    CHECK_WITHIN(patience(10000), tr_monotonic_ms() - since > 60);
    CHECK(counts_are(sup, 1, 0, 0, 1));
    CHECK(no_event());
    end_sup(sup);
}

/* --- reports --- */

TEST_PROC(reports_name_supervisor_context_reason_and_offender)
{
    begin();
    const struct tr_supervisor s = { .name = "mine", .children = TR_CHILDREN(DOLL(a, "calm")) };
    tr_pid sup = start_sup(&s);

    STARTED(a_a);
    CRASH(sup, a_a, a_boom);
    STARTED(a_a);
    CHECK(reported("=SUPERVISOR REPORT====\n    Supervisor: {<0."));
    CHECK(reported(",mine}\n    Context: child_terminated\n    Reason: boom\n"
                   "    Offender: [{pid,<0."));
    CHECK(reported(">},{id,a},{mfargs,{a,start_link,[{a,calm}]}},"
                   "{restart_type,permanent},{significant,false},{shutdown,5000},"
                   "{child_type,worker}]"));
    end_sup(sup);
}
