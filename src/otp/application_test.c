/* SPDX-License-Identifier: MIT */
/* Applications: starting, stopping, and what their end does. */
#include "applications.h"

tr_atoms(db, net, web, lib, top, not_started, already_started, already_loaded, not_loaded, running,
         start, start_phase, bad_return, bad_application, circular, port, name, missing, first,
         second, application_terminated, application_controller);

/* --- starting and stopping --- */

TEST_PROC(start_runs_the_callback_and_stop_ends_the_tree)
{
    FACT("APP-001", "start runs the start callback, and returns ok after it");
    FACT("APP-003", "a start loads first; a second one gives {already_started, App}");
    FACT("APP-004", "ensure_started returns ok also when it was running");
    FACT("APP-006", "stop ends the tree, then runs the stop callback; {not_started, App} after it");
    watch();
    CHECK_OK(tr_application_start(&db, TEMPORARY));
    EXPECT(a_started, a_top);
    tr_pid pid = holder(a_top);
    CHECK_TERM(tr_application_start(&db, TEMPORARY),
               tr_build(a_error, tr_tuple(a_already_started, a_db)));
    CHECK_OK(tr_application_ensure_started(&db, TEMPORARY));
    CHECK_TERM(tr_application_which(), tr_build(tr_list(tr_tuple(a_db, "the database", "1.2"))));
    CHECK_OK(tr_application_stop(a_db));
    EXPECT(a_stopped, tr_tuple(a_state, a_top));
    CHECK(!tr_is_alive(pid));
    CHECK_TERM(tr_application_stop(a_db), tr_build(a_error, tr_tuple(a_not_started, a_db)));
    CHECK_TERM(tr_application_which(), tr_nil());
    CHECK_OK(tr_application_start(&db, TEMPORARY));
    CHECK_OK(tr_application_stop(a_db));
}

TEST_PROC(what_it_needs_must_run)
{
    FACT("APP-002", "without what it needs: {not_started, App} of the first, and nothing starts");
    FACT("APP-005", "ensure_all_started starts what is needed first, and lists what it started");
    FACT("APP-009", "an application without a start callback starts and stops without a process");
    watch();
    CHECK_TERM(tr_application_start(&web, TEMPORARY),
               tr_build(a_error, tr_tuple(a_not_started, a_net)));
    CHECK_TERM(tr_application_which(), tr_nil());
    CHECK_OK(tr_application_start(&net, TEMPORARY));
    CHECK_TERM(tr_application_start(&web, TEMPORARY),
               tr_build(a_error, tr_tuple(a_not_started, a_db)));
    CHECK_TERM(tr_application_ensure_all_started(&web, TEMPORARY),
               tr_build(a_ok, tr_list(a_db, a_web)));
    CHECK_TERM(tr_application_ensure_all_started(&web, TEMPORARY), tr_build(a_ok, tr_nil()));
    CHECK_OK(tr_application_stop(a_net));
    CHECK_TERM(tr_application_stop(a_net), tr_build(a_error, tr_tuple(a_not_started, a_net)));
}

TEST_PROC(prep_stop_comes_first_and_its_result_is_the_state)
{
    FACT("APP-007", "prep_stop runs before the tree is ended, and stop is given its result");
    FACT("APP-008", "a stop on purpose never brings the program down, whatever the type");
    watch();
    CHECK(tr_match(tr_application_ensure_all_started(&web, TR_APPLICATION_PERMANENT), a_ok,
                   tr_any()));
    tr_ref ref = tr_monitor(holder(a_first));
    CHECK_OK(tr_application_stop(a_web));
    tr_term own = tr_build(a_state, a_first);
    EXPECT(a_prepared, own);
    CHECK_TERM(down_reason(ref, a_DOWN), tr_build(a_shutdown));
    EXPECT(a_stopped, tr_tuple(a_prepared, own));
    CHECK_TERM(tr_application_which(),
               tr_build(tr_list(tr_tuple(a_db, "the database", "1.2"), tr_tuple(a_net, "", ""))));
}

static tr_term fails(const char *arg)
{
    const struct tr_application a = { .name = "lib", .arg = arg, .start = start_top };
    tr_term result = tr_application_start(&a, TR_APPLICATION_PERMANENT), reason;

    CHECK_OK(tr_application_unload(a_lib));
    CHECK(tr_match(result, a_error, &reason));
    return reason;
}

TEST_PROC(a_start_that_fails_says_why)
{
    FACT("APP-001", "a start callback that returns neither {ok, Pid} nor {ok, Pid, State} fails");
    no_reports();
    tr_term args = tr_build(tr_list(a_normal, a_error));
    CHECK_TERM(fails("error"), tr_build(a_why, tr_tuple(a_lib, a_start, args)));
    args = tr_build(tr_list(a_normal, a_boom));
    CHECK_TERM(fails("boom"), tr_build(a_bad_return, tr_tuple(tr_tuple(a_lib, a_start, args),
                                                              tr_tuple(a_EXIT, a_boom))));
    args = tr_build(tr_list(a_normal, a_other));
    CHECK_TERM(fails("other"),
               tr_build(a_bad_return, tr_tuple(tr_tuple(a_lib, a_start, args), a_other)));
}

TEST_PROC(what_was_started_for_one_that_fails_is_stopped_again)
{
    const struct tr_application bad = {
        .name = "lib", .applications = TR_APPLICATIONS(&db), .arg = "error", .start = start_top
    };
    tr_term reason;

    no_reports();
    CHECK(tr_match(tr_application_ensure_all_started(&bad, TEMPORARY), a_error,
                   tr_tuple(a_lib, &reason)));
    CHECK_TERM(tr_application_which(), tr_nil());
    CHECK_OK(tr_application_unload(a_lib));
}

TEST_PROC(one_that_needs_itself_does_not_start)
{
    static struct tr_application a = { .name = "first" }, b = { .name = "second" };

    a.applications = TR_APPLICATIONS(&b);
    b.applications = TR_APPLICATIONS(&a);
    CHECK_TERM(tr_application_ensure_all_started(&a, TEMPORARY),
               tr_build(a_error, tr_tuple(a_first, a_circular)));
}

TEST_PROC(phases_follow_the_start)
{
    FACT("APP-018", "start phases run in order after the start callback; one that fails fails the "
                    "start");
    const struct tr_application a = {
        .name = "lib",
        .arg = "top",
        .start = start_top,
        .phases = TR_START_PHASES({ "first", NULL }, { "second", "7" }),
        .start_phase = phase,
    };

    watch();
    CHECK_OK(tr_application_start(&a, TEMPORARY));
    EXPECT(a_started, a_top);
    EXPECT(a_first, tr_nil());
    EXPECT(a_second, 7);
    CHECK_OK(tr_application_stop(a_lib));
    atomic_store(&phase_fails, 1);
    tr_term args = tr_build(tr_list(a_first, a_normal, tr_nil()));
    CHECK_TERM(tr_application_start(&a, TEMPORARY),
               tr_build(a_error, tr_tuple(a_why, tr_tuple(a_lib, a_start_phase, args))));
    CHECK(!tr_whereis(a_top, NULL));
    atomic_store(&phase_fails, 0);
}

/* --- loading --- */

TEST_PROC(loading_makes_known_without_starting)
{
    FACT("APP-015", "load makes description and environment known; {already_loaded, App}; a "
                    "running one is not unloaded");
    CHECK_OK(tr_application_load(&db));
    CHECK_TERM(tr_application_load(&db), tr_build(a_error, tr_tuple(a_already_loaded, a_db)));
    CHECK_TERM(tr_application_loaded(), tr_build(tr_list(tr_tuple(a_db, "the database", "1.2"))));
    CHECK_TERM(tr_application_get_env(a_db, a_port, 0), tr_build(5432));
    CHECK_TERM(tr_application_which(), tr_nil());
    CHECK_OK(tr_application_start(&db, TEMPORARY));
    CHECK_TERM(tr_application_unload(a_db), tr_build(a_error, tr_tuple(a_running, a_db)));
    CHECK_OK(tr_application_stop(a_db));
    CHECK_OK(tr_application_unload(a_db));
    CHECK_TERM(tr_application_unload(a_db), tr_build(a_error, tr_tuple(a_not_loaded, a_db)));
}

TEST_PROC(what_cannot_be_read_is_refused)
{
    const struct tr_application unreadable[] = {
        { .name = NULL },
        { .name = "lib", .env = "[{port" },
        { .name = "lib", .env = "[port]" },
        { .name = "lib", .arg = "{" },
        { .name = "lib", .phases = TR_START_PHASES({ "first", "}" }) },
    };

    for (size_t i = 0; i < sizeof unreadable / sizeof *unreadable; i++)
        CHECK_TERM(tr_application_load(&unreadable[i]),
                   tr_build(a_error, tr_tuple(a_bad_application, i ? tr_build("lib") : tr_nil())));
    CHECK_TERM(tr_application_start(&unreadable[1], TEMPORARY),
               tr_build(a_error, tr_tuple(a_bad_application, "lib")));
}

static void asks(tr_term boss)
{
    tr_atom name = a_missing;
    tr_pid to;

    tr_application_of(tr_self(), &name);
    if (tr_match(boss, &to))
        tr_send(to, a_name, name);
}

static tr_term asking(tr_term arg)
{
    (void)arg;
    tr_spawn(asks, (tr_pid){ atomic_load(&watcher) });
    return start_top(tr_build(a_top));
}

TEST_PROC(a_process_knows_its_application)
{
    FACT("APP-016", "a process of an application's tree can find out which it is, others get none");
    static const struct tr_application a = { .name = "web", .start = asking };
    tr_atom name = a_missing;

    watch();
    CHECK_OK(tr_application_start(&with_tree, TEMPORARY));
    CHECK(tr_application_of(holder(a_worker), &name));
    CHECK_INT(name.w, a_lib.w);
    CHECK(!tr_application_of(tr_self(), &name));
    CHECK_OK(tr_application_start(&a, TEMPORARY));
    EXPECT(a_name, a_web);
}

/* --- what ends by itself --- */

static void ends_with(enum tr_application_type type, tr_term reason)
{
    CHECK_OK(tr_application_start(&db, type));
    tr_send(holder(a_top), a_die, reason);
    EXPECT(a_stopped, tr_tuple(a_state, a_top));
    CHECK_WITHIN(patience(10000), tr_is_nil(tr_application_which()));
}

TEST_PROC(the_end_of_a_temporary_one_is_reported)
{
    FACT("APP-010", "temporary: the end of the top process is reported, and nothing else happens");
    FACT("APP-012", "transient: an end with normal is only reported");
    watch();
    ends_with(TEMPORARY, tr_build(a_boom));
    ends_with(TR_APPLICATION_TRANSIENT, tr_build(a_normal));
    CHECK_OK(tr_application_start(&db, TEMPORARY));
}

static void permanent_ends(tr_term reason, enum tr_application_type type)
{
    tr_trap_exit(true);
    watch();
    CHECK_OK(tr_application_start(&net, TEMPORARY));
    CHECK(tr_match(tr_application_ensure_all_started(&web, type), a_ok, tr_any()));
    tr_ref ref = tr_monitor(holder(a_application_controller));
    tr_send(holder(a_first), a_die, reason);
    EXPECT(a_stopped, tr_tuple(a_state, a_top));
    CHECK_TERM(down_reason(ref, a_DOWN), tr_build(a_application_terminated, a_web, reason));
    tr_receive (m)
        tr_on (m, a_EXIT, tr_any(), tr_tuple(a_application_terminated, a_web, tr_any())) {
        }
}

TEST_PROC(the_end_of_a_permanent_one_stops_the_others_and_the_program)
{
    FACT("APP-011", "permanent: all others are stopped, and the whole goes down");
    permanent_ends(tr_build(a_normal), TR_APPLICATION_PERMANENT);
}

TEST_PROC(the_end_of_a_transient_one_by_a_failure_too)
{
    FACT("APP-012", "transient: an end with another reason than normal brings the whole down");
    permanent_ends(tr_build(a_boom), TR_APPLICATION_TRANSIENT);
}
