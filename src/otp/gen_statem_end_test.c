/* SPDX-License-Identifier: MIT */
/* State machines: how they stop and fail, and the reports. */
#include "machine.h"

/* --- stopping --- */

TEST_PROC(stop_returns_when_the_machine_has_ended)
{
    FACT("STATEM-004",
         "stop returns after the machine has ended with the reason; a dead or unknown "
         "one is noproc; an invalid timeout is an error and leaves it running");
    tr_pid pid;
    tr_ref ref = watched_machine(&machine, &pid, tr_nil());

    CHECK_TERM(end_of_stopper(tr_build(pid), -1), tr_build(a_badarg, -1));
    CHECK_TERM(tr_call(pid, a_echo, 1), tr_build(1));
    NEXT(a_a, a_call, tr_tuple(a_echo, 1));
    tr_stop(pid, a_normal, TR_INFINITY);
    CHECK(!tr_is_alive(pid));
    EXPECT(a_terminate, a_a, a_normal);
    CHECK_TERM(down_reason(ref, a_DOWN), tr_build(a_normal));
    CHECK_TERM(end_of_stopper(tr_build(pid), 1000), tr_build(a_noproc));
    CHECK_TERM(end_of_stopper(tr_build(a_worker), 1000), tr_build(a_noproc));
}

TEST_PROC(state_function_may_stop_the_machine)
{
    tr_ref tag = tr_make_ref();
    tr_pid pid;
    tr_ref ref = watched_machine(&machine, &pid, tr_nil());

    MAKE(pid, a_a, a_next, a_b, tr_nil());
    MAKE(pid, a_b, a_stop, a_shutdown,
         tr_list(A(tr_reply_to(tr_build(tr_self(), tag), 1)),
                 tr_list(A(tr_reply_to(tr_build(tr_self(), tag), 2)))));
    next_is(__LINE__, tr_build(tag, 1));
    next_is(__LINE__, tr_build(tag, 2));
    EXPECT(a_terminate, a_b, a_shutdown);
    CHECK_TERM(down_reason(ref, a_DOWN), tr_build(a_shutdown));
    CHECK_TERM(END_OF(&machine, a_stop, a_why), tr_build(a_why));
}

static void parent_of_trapping(tr_term arg)
{
    tr_pid boss = { arg.w }, pid;

    CHECK(tr_match(tr_gen_statem_start_link(&machine, NULL, a_trap), a_ok, &pid));
    tr_send(boss, a_worker, pid);
    tr_receive (m)
        tr_on (m, a_leave)
            tr_exit(a_boom);
}

TEST_PROC(terminate_runs_on_stop_failure_and_parent_exit)
{
    FACT("STATEM-005", "terminate is run on stop, on failure and on parent exit when trapping; a "
                       "missing one is fine");
    struct tr_gen_statem brief = machine;
    tr_pid pid = { 0 };
    tr_ref ref = watched_machine(&machine, &pid, tr_nil());

    MAKE(pid, a_a, a_leave, a_why);
    EXPECT(a_terminate, a_a, a_why);
    CHECK_TERM(down_reason(ref, a_DOWN), tr_build(a_why));
    tr_pid parent = tr_spawn(parent_of_trapping, tr_self());
    tr_receive (m)
        tr_on (m, a_worker, &pid) {
        }
    ref = tr_monitor(pid);
    tr_send(parent, a_leave);
    CHECK_TERM(down_reason(ref, a_DOWN), tr_build(a_boom));
    brief.terminate = NULL;
    ref = watched_machine(&brief, &pid, tr_nil());
    tr_stop(pid, a_shutdown, TR_INFINITY);
    CHECK_TERM(down_reason(ref, a_DOWN), tr_build(a_shutdown));
}

TEST_PROC(exit_signals_run_no_terminate)
{
    tr_pid pid;
    tr_ref ref = watched_machine(&machine, &pid, tr_build(a_trap));

    tr_exit_to(pid, a_boom);
    NEXT(a_a, a_info, tr_tuple(a_EXIT, tr_self(), a_boom));
    tr_exit_to(pid, a_kill);
    CHECK_TERM(down_reason(ref, a_DOWN), tr_build(a_killed));
    ref = watched_machine(&machine, &pid, tr_nil());
    tr_exit_to(pid, a_boom);
    CHECK_TERM(down_reason(ref, a_DOWN), tr_build(a_boom));
    CHECK_MAILBOX(0);
}

/* --- failing --- */

static tr_term error_of(tr_term what)
{
    return tr_build(what, tr_nil());
}

TEST_PROC(failure_ends_the_machine)
{
    FACT("STATEM-006", "a state callback that fails with E ends the machine with {E, Stacktrace}, "
                       "one that exits with R with R");

    CHECK_TERM(END_OF(&machine, a_raise, a_why), error_of(tr_build(a_why)));
    EXPECT(a_terminate, a_a, tr_tuple(a_why, tr_nil()));
    CHECK_TERM(END_OF(&machine, a_leave, a_why), tr_build(a_why));
    CHECK_TERM(END_OF(&two_states, a_raise, a_why), error_of(tr_build(a_why)));
}

TEST_PROC(unknown_events_end_the_machine)
{
    const tr_term what = DO(a_rest);

    CHECK_TERM(
        END_OF(&two_states, a_rest),
        tr_build(a_function_clause, tr_list(tr_tuple(a_machine, a_a, tr_list(a_cast, what)))));
    CHECK_TERM(END_OF(&machine, a_rest),
               tr_build(a_function_clause,
                        tr_list(tr_tuple(a_machine, a_handle_event, tr_list(a_cast, what, a_a)))));
}

static tr_statem_result returns_nothing(void *data, tr_term state, const struct tr_event *event)
{
    (void)data;
    (void)state;
    (void)event;
    return (tr_statem_result){ .what = 0 };
}

TEST_PROC(wrong_results_and_actions_end_the_machine)
{
    const tr_term bad[] = { tr_build(1, 2),
                            tr_build(a_next, a_x, 1),
                            A(tr_next_event(a_never, 1)),
                            A(tr_next_event(tr_tuple(a_call, 1), 1)),
                            A(tr_reply_to(tr_build(1, 2), 3)),
                            A(tr_reply_to(tr_nil(), 3)),
                            tr_build(tr_intern("postpone"), 7) };
    struct tr_gen_statem mute = machine;
    const tr_term no_reply = A(tr_postpone());

    CHECK_TERM(END_OF(&machine, a_bad),
               error_of(tr_build(a_bad_return_from_state_function, tr_tuple(a_ok, a_x))));
    mute.handle_event = returns_nothing;
    CHECK_TERM(END_OF(&mute, 1), error_of(tr_build(a_bad_return_from_state_function, 0)));
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        CHECK_TERM(END_OF(&machine, a_keep, bad[i]),
                   error_of(tr_build(a_bad_action_from_state_function, bad[i])));
    CHECK_TERM(END_OF(&machine, a_stop, a_why, no_reply),
               error_of(tr_build(a_bad_reply_action_from_state_function, no_reply)));
}

TEST_PROC(terminate_sees_the_state_that_was_asked_for)
{
    tr_pid pid;
    tr_ref ref = watched_machine(&machine, &pid, tr_nil());

    MAKE(pid, a_a, a_next, tr_tuple(a_b, 1), a_bad);
    EXPECT(a_terminate, tr_tuple(a_b, 1),
           tr_tuple(tr_tuple(a_bad_action_from_state_function, a_bad), tr_nil()));
    down_reason(ref, a_DOWN);
}

/* --- under a supervisor --- */

TEST_PROC(machine_is_a_child_of_a_supervisor)
{
    const struct tr_supervisor sup = {
        .children = TR_CHILDREN({ .statem = &two_states, .name = "worker", .arg = "{b, []}" })
    };
    tr_pid pid = { 0 }, next = { 0 }, top;

    no_reports();
    CHECK(tr_match(tr_supervisor_start_link(&sup, NULL), a_ok, &top));
    CHECK(tr_whereis(a_worker, &pid));
    tr_ref ref = tr_monitor(pid);
    tr_cast(a_worker, DO(a_leave, a_boom));
    CHECK_TERM(down_reason(ref, a_DOWN), tr_build(a_boom));
    CHECK_WITHIN(10000, tr_whereis(a_worker, &next) && next.w != pid.w);
    CHECK_TERM(tr_sys_get_state(next), tr_build(a_b, tr_tuple(a_machine, 0)));
    tr_stop(top, a_normal, TR_INFINITY);
    CHECK(!tr_is_alive(next));
}

/* --- reports --- */

static void check_report(const char *wanted)
{
    const char *text;

    tr_receive (m) {
        tr_on (m, a_why, &text)
            CHECK_STR(text, wanted);
        tr_after (m, patience(10000))
            FAIL("no report came");
    }
}

TEST_PROC_REAL(abnormal_end_is_reported)
{
    const tr_term fails = DO(a_raise, a_boom);
    tr_pid pid;

    reporting("State machine");
    CHECK_TERM(END_OF(&machine, a_stop, a_shutdown), tr_build(a_shutdown));
    pid = START(&entering, a_x, A(tr_named_timeout(a_y, 60000, 3)));
    CHECK_INT(tr_register(a_worker, pid), TR_OK);
    MAKE(pid, a_x, a_keep, A(tr_postpone()));
    tr_cast(pid, DO(a_keep, tr_list(A(tr_internal(fails)), A(tr_internal(2)))));
    check_report("=ERROR REPORT====\n"
                 "** State machine terminating: worker\n"
                 "** Last event: {internal,{do,raise,boom}}\n"
                 "** Queued: [{internal,2}]\n"
                 "** When server state was: {x,{machine,0}}\n"
                 "** Reason for termination was: {boom,[]}\n"
                 "** Callback modules: [machine]\n"
                 "** Callback mode: [handle_event_function,state_enter]\n"
                 "** Postponed: [{cast,{do,keep,postpone}}]\n"
                 "** Time-outs: {1,[{{timeout,y},3}]}");
}

static tr_term hide(const void *data, tr_term status)
{
    (void)data;
    status = tr_map_put(status, tr_build(tr_intern("data")), tr_build("hidden"));
    return tr_map_put(status, tr_build(tr_intern("queue")), tr_nil());
}

TEST_PROC_REAL(format_status_decides_what_is_shown)
{
    FACT("SYS-009", "a machine may format what get_status and reports show");
    static struct tr_gen_statem secret; /* its terminate is looked for after the report */
    tr_pid pid;

    secret = two_states;
    secret.format_status = hide;
    reporting("State machine");
    CHECK(tr_match(tr_gen_statem_start(&secret, TR_GEN_STATEM_OPTS(.name = a_worker)), a_ok, &pid));
    CHECK(strstr(tr_inspect(tr_sys_get_status(pid)), "{a,<<\"hidden\">>}"));
    CHECK_TERM(tr_sys_get_state(pid), tr_build(a_a, tr_tuple(a_machine, 0)));
    tr_cast(pid, DO(a_leave, a_boom));
    check_report("=ERROR REPORT====\n"
                 "** State machine terminating: worker\n"
                 "** When server state was: {a,<<\"hidden\">>}\n"
                 "** Reason for termination was: boom\n"
                 "** Callback modules: [machine]\n"
                 "** Callback mode: state_functions");
}
