/* SPDX-License-Identifier: MIT */
/* State machines: calls to them, what system messages do with them, and other callbacks. */
#include "machine.h"

#include <stdio.h>

tr_atoms(status, module, running, suspended, refused, get_state, sys, replace_state, trace, log,
         get, statistics, reductions, in, out, consume, postpone, no_debug, pushed,
         pop_callback_module, process_not_registered);

/* --- calls --- */

TEST_PROC(calls_fail_as_those_of_servers_do)
{
    FACT("STATEM-025", "call works as for gen_server: timeout, noproc, or the reason of the end, "
                       "with the call");
    tr_pid pid = START(&machine);
    tr_term reply;

    CHECK_TERM(
        end_of_caller(tr_build(pid), 10, tr_build(a_when_b, 1)),
        call_failed(tr_build(a_timeout), tr_build(pid), tr_build(a_when_b, 1), tr_build(10)));
    CHECK_TERM(end_of_caller(tr_build(a_worker), 10, tr_build(1)),
               call_failed(tr_build(a_noproc), tr_build(a_worker), tr_build(1), tr_build(10)));
    CHECK_TERM(end_of_caller(tr_build(pid), 1000, DO(a_stop, a_why)),
               call_failed(tr_build(a_why), tr_build(pid), DO(a_stop, a_why), tr_build(1000)));
    CHECK_INT(tr_try_call(pid, &reply, 1), TR_ENOPROC);
}

TEST_PROC(requests_need_not_block)
{
    FACT("STATEM-026", "requests without blocking work as for gen_server");
    FACT("STATEM-027", "cast always returns");
    tr_pid pid = START(&machine);
    struct tr_request request = tr_send_request(tr_build(pid), a_when_b, 7);
    tr_term result;

    CHECK_INT(tr_wait_response(&request, 0, &result), TR_ETIMEOUT);
    tr_cast(a_worker, 1);
    tr_cast(pid, DO(a_next, a_b, tr_nil()));
    CHECK_INT(tr_wait_response(&request, patience(10000), &result), TR_OK);
    CHECK_TERM(result, tr_build(7));
}

static tr_statem_result calls_back(void *data, tr_term state, const struct tr_event *event)
{
    tr_term from, result;

    (void)data;
    (void)state;
    if (tr_got_call(event, a_later))
        return tr_keep_state(tr_postpone());
    if (tr_got_call(event, a_call, &from))
        return tr_keep_state(
            tr_reply_to(event->from, tr_try_call((tr_pid){ from.w }, &result, a_echo, 1)));
    return tr_keep_state();
}

static void answers_while_it_waits(tr_term to)
{
    struct tr_request request = tr_send_request(to, a_call, tr_self());
    tr_term from, result;

    tr_receive (m)
        tr_on (m, tr_intern("$gen_call"), &from, tr_tuple(a_echo, 1))
            tr_reply(from, 1);
    CHECK_INT(tr_wait_response(&request, TR_INFINITY, &result), TR_OK);
    tr_exit(a_reply, result);
}

TEST_PROC(postponed_call_is_no_part_of_a_cycle)
{
    static struct tr_gen_statem t; /* the machine may be there for longer than this function */
    tr_ref ref;

    t = machine;
    t.handle_event = calls_back;
    tr_pid pid = START(&t);
    tr_spawn(calls, pid, 60000, a_later);
    tr_spawn_monitor(answers_while_it_waits, &ref, pid);
    CHECK_TERM(down_reason(ref, a_DOWN), tr_build(a_reply, TR_OK));
}

/* --- hibernation --- */

static bool has_no_stack(tr_pid pid)
{
    return tr_match(info(pid, tr_intern("stack_size")), 0);
}

TEST_PROC(idle_machine_has_no_stack)
{
    FACT("STATEM-028",
         "the hibernate action makes the machine hibernate until the next event; with "
         "events queued it goes on at once");
    tr_pid pid = START(&machine);

    CHECK_WITHIN(10000, has_no_stack(pid));
    MAKE(pid, a_a, a_keep, tr_list(A(tr_hibernating()), A(tr_internal(1))));
    NEXT(a_a, a_internal, 1);
    CHECK_WITHIN(10000, has_no_stack(pid));
    MAKE(pid, a_a, a_keep, tr_list(A(tr_hibernating()), A(tr_state_timeout(20, 2))));
    CHECK_WITHIN(10000, has_no_stack(pid));
    NEXT(a_a, a_state_timeout, 2);
}

/* Does what it is told and tells nobody; what was postponed is let go in the state {b, _}. */
static tr_statem_result quiet(void *data, tr_term state, const struct tr_event *event)
{
    (void)data;
    if (tr_got_call(event, a_echo, tr_any()))
        return tr_keep_state(tr_reply_to(event->from, 1));
    if (tr_match(state, a_b, tr_any()) &&
        tr_got_cast(event, a_do, a_keep, tr_cons(a_postpone, tr_any())))
        return tr_keep_state();
    return machine_does(event->content);
}

/* Goes around once through all that is kept: states, postponed and inserted events, timeouts. */
static void go_around(tr_pid pid)
{
    tr_cast(pid, DO(a_keep, tr_list(A(tr_postpone()), A(tr_state_timeout(60000, "content")))));
    tr_cast(pid, DO(a_next, tr_tuple(a_b, "state"),
                    tr_list(A(tr_internal("inserted")), A(tr_named_timeout(a_x, 0, "content")),
                            A(tr_named_timeout("name", 60000, "content")))));
    tr_cast(pid, DO(a_keep, A(tr_named_timeout_update("name", "other"))));
    tr_cast(pid, DO(a_next, a_a, tr_list(A(tr_named_timeout_cancel("name")), A(tr_internal(1)))));
    tr_cast(pid, DO(a_next, tr_tuple(a_c, "state"), tr_nil()));
    tr_cast(pid, DO(a_next, a_a, tr_nil()));
    tr_call(pid, a_echo, 1);
}

/* What it costs while it waits for a message. */
static int64_t idle_memory(tr_pid pid)
{
    int64_t bytes = 0;

    CHECK_WITHIN(10000, has_no_stack(pid));
    CHECK(tr_match(info(pid, tr_intern("memory")), &bytes));
    return bytes;
}

TEST_PROC(machine_keeps_nothing_that_it_is_done_with)
{
    static struct tr_gen_statem t;
    tr_pid pid;

    t = machine;
    t.handle_event = quiet;
    pid = START(&t);
    int64_t before = idle_memory(pid);
    for (int i = 0; i < 200; i++)
        go_around(pid);
    CHECK_INT(idle_memory(pid), before);
}

/* --- system messages --- */

static tr_term to_b(tr_term pair, tr_term arg)
{
    tr_term state;

    CHECK(tr_match(pair, &state, tr_tuple(a_machine, tr_any())));
    return tr_build(a_error, tr_tuple(a_machine, arg));
}

static tr_term nonsense(tr_term pair, tr_term arg)
{
    (void)pair;
    return arg;
}

static void replaces(tr_term arg)
{
    tr_term to, by;

    CHECK(tr_match(arg, &to, &by));
    tr_sys_replace_state(to, nonsense, by);
}

TEST_PROC(state_and_data_are_read_and_replaced)
{
    FACT("STATEM-029", "reading the state gives {State, Data}; replacing takes and returns that "
                       "pair, also when the state is the atom error; one that fails changes "
                       "nothing");
    FACT("SYS-007", "for a gen_statem the state is the pair of state and data");
    const tr_term bad[] = { tr_build(1), tr_build(a_x, 1) };
    tr_pid pid = START(&machine);
    tr_ref ref;
    tr_term why;

    CHECK_TERM(tr_sys_get_state(pid), tr_build(a_a, tr_tuple(a_machine, 0)));
    CHECK_TERM(tr_sys_replace_state(pid, to_b, 5), tr_build(a_error, tr_tuple(a_machine, 5)));
    CHECK_TERM(tr_sys_replace_state(pid, to_b, 6), tr_build(a_error, tr_tuple(a_machine, 6)));
    for (int i = 0; i < 2; i++) {
        tr_spawn_monitor(replaces, &ref, pid, bad[i]);
        CHECK(tr_match(down_reason(ref, a_DOWN), &why, tr_tuple(a_sys, a_replace_state, tr_any())));
        CHECK_TERM(why, tr_build(a_refused));
    }
    CHECK_TERM(tr_sys_get_state(pid), tr_build(a_error, tr_tuple(a_machine, 6)));
}

static tr_statem_result bytes_init(void *data, tr_term arg)
{
    (void)arg;
    memset(data, 7, 2);
    return tr_statem_ok(a_a);
}

TEST_PROC(data_without_a_form_is_its_bytes)
{
    static const struct tr_gen_statem bytes = {
        .name = "bytes", .data_size = 2, .init = bytes_init, .handle_event = machine_event
    };
    tr_pid pid = START(&bytes);

    CHECK_TERM(tr_sys_get_state(pid), tr_build(a_a, tr_binary("\7\7", 2)));
    CHECK_TERM(tr_sys_replace_state(pid, nonsense, a_b, "ab"), tr_build(a_b, "ab"));
    CHECK_TERM(tr_sys_get_state(pid), tr_build(a_b, "ab"));
}

TEST_PROC(suspended_machine_handles_system_messages_only)
{
    FACT("STATEM-030", "while suspended, calls and casts are left in the mailbox and handled in "
                       "order after the resume");
    FACT("SYS-001 SYS-005", "a machine answers system messages, also while it is suspended");
    tr_pid pid = START(&machine);
    tr_term list;

    tr_sys_suspend(pid);
    tr_cast(pid, 1);
    struct tr_request request = tr_send_request(tr_build(pid), a_echo, 2);
    tr_cast(pid, 3);
    CHECK(tr_match(tr_sys_get_status(pid), a_status, pid, tr_tuple(a_module, a_machine), &list));
    CHECK_TERM(tr_head(tr_tail(list)), tr_build(a_suspended));
    CHECK_MAILBOX(0);
    tr_sys_resume(pid);
    CHECK_INT(tr_receive_response(&request, TR_INFINITY, &list), TR_OK);
    NEXT(a_a, a_cast, 1);
    NEXT(a_a, a_call, tr_tuple(a_echo, 2));
    NEXT(a_a, a_cast, 3);
}

TEST_PROC(status_has_the_shape_of_otp)
{
    FACT("SYS-008", "get_status of a machine shows its modules, timeouts, log, postponed events, "
                    "state and data");
    tr_term misc;
    tr_pid pid;

    CHECK(tr_match(tr_gen_statem_start_link(&machine, NULL), a_ok, &pid));
    MAKE(pid, a_a, a_keep, A(tr_postpone()));
    CHECK(tr_match(tr_sys_get_status(pid), a_status, pid, tr_tuple(a_module, a_machine),
                   tr_list(tr_any(), a_running, tr_self(), tr_any(), &misc)));
    const char *text = tr_inspect(tr_tail(misc));
    CHECK_STR(text, "[{data,[{<<\"Modules\">>,[machine]}]},"
                    "{data,[{<<\"Time-outs\">>,{0,[]}}]},"
                    "{data,[{<<\"Logged events\">>,[]}]},"
                    "{data,[{<<\"Postponed\">>,[{cast,{do,keep,postpone}}]}]},"
                    "{data,[{<<\"State\">>,{a,{machine,0}}}]}]");
}

TEST_PROC(terminate_request_ends_it_with_terminate)
{
    FACT("SYS-010", "a terminate request is answered ok, then terminate runs, and it ends");
    tr_pid pid;
    tr_ref ref = watched_machine(&machine, &pid, tr_nil());

    tr_sys_suspend(pid);
    tr_sys_terminate(pid, tr_tuple(a_shutdown, 1));
    CHECK_TERM(down_reason(ref, a_DOWN), tr_build(a_shutdown, 1));
    EXPECT(a_terminate, a_a, tr_tuple(a_shutdown, 1));
}

static bool moves_to(void *data, tr_term *state, tr_term old_version, tr_term extra)
{
    struct machine *s = data;

    if (!tr_match(old_version, 1))
        return false;
    s->n++;
    *state = extra;
    return true;
}

TEST_PROC(code_change_may_change_state_and_data)
{
    FACT("STATEM-031", "a code change of a suspended machine may change state and data; a missing "
                       "callback gives an error and it goes on");
    struct tr_gen_statem changing = machine;
    tr_pid pid;

    changing.code_change = moves_to;
    pid = START(&changing);
    tr_sys_suspend(pid);
    CHECK_TERM(tr_sys_change_code(pid, a_machine, 1, tr_tuple(a_b, 1)), tr_build(a_ok));
    CHECK_TERM(tr_sys_change_code(pid, a_machine, 2, a_c), tr_build(a_error, a_refused));
    tr_sys_resume(pid);
    CHECK_TERM(tr_sys_get_state(pid), tr_build(tr_tuple(a_b, 1), tr_tuple(a_machine, 1)));
    pid = START(&machine);
    tr_sys_suspend(pid);
    CHECK_TERM(tr_sys_change_code(pid, a_machine, 1, a_c), tr_build(a_error, a_undef));
    tr_sys_resume(pid);
    MAKE(pid, a_a, a_keep, tr_nil());
}

/* --- debugging --- */

TEST_PROC(log_and_statistics_of_a_machine)
{
    FACT("SYS-013 SYS-018", "the events of a machine are kept, from the first one on");
    FACT("SYS-014 SYS-015", "a call with reply is one in and one out, a cast one in");
    const struct tr_sys_debug_opts debug = { .statistics = true, .log = 20 };
    const tr_term echo = tr_build(a_echo, 1);
    tr_term events, list, call;
    int in, out;
    tr_pid pid;

    CHECK(tr_match(tr_gen_statem_start(&machine, TR_GEN_STATEM_OPTS(.debug = &debug)), a_ok, &pid));
    tr_call(pid, echo);
    tr_cast(pid, 2);
    CHECK(tr_match(tr_sys_debug(pid, a_statistics, a_get), a_ok, &list));
    CHECK(tr_match(list, tr_list(tr_any(), tr_any(), tr_any(), tr_tuple(tr_any(), &in),
                                 tr_tuple(tr_any(), &out))));
    CHECK(in == 2 && out == 1);
    CHECK(tr_match(tr_sys_debug(pid, a_log, a_get), a_ok, &events));
    CHECK(tr_match(events,
                   tr_list(tr_tuple(a_enter, a_machine, a_a), tr_any(),
                           tr_tuple(a_in, tr_tuple(&call, echo), a_a), tr_tuple(a_out, 1, tr_any()),
                           tr_tuple(a_consume, tr_tuple(tr_any(), echo), a_a, a_a),
                           tr_tuple(a_in, tr_tuple(a_cast, 2), a_a),
                           tr_tuple(a_consume, tr_tuple(a_cast, 2), a_a, a_a))));
    CHECK(tr_match(call, a_call, tr_any()));
}

TEST_PROC(trace_writes_a_line_for_each_event)
{
    FACT("SYS-016", "with tracing on one line is written per event of a machine, in OTP's words");
    tr_pid capture = tr_capture_start();
    char all[2000];
    tr_bin text;
    tr_pid pid;

    CHECK(tr_match(tr_gen_statem_start(&machine, TR_GEN_STATEM_OPTS(.name = a_boss)), a_ok, &pid));
    tr_sys_debug(pid, a_trace, true);
    tr_cast(pid, DO(a_keep, A(tr_postpone())));
    tr_cast(pid, DO(a_next, a_b, A(tr_state_timeout(60000, 1))));
    tr_call(pid, a_echo, 5);
    tr_cast(pid, DO(a_keep, A(tr_change_callbacks(&machine))));
    tr_stop(pid, a_normal, TR_INFINITY);
    CHECK(tr_binary_get(tr_capture_stop(capture), &text));
    const char *self = tr_inspect(tr_build(tr_self()));
    const char *change = tr_inspect(A(tr_change_callbacks(&machine)));
    snprintf(all, sizeof all,
             "*DBG* boss receive cast {do,keep,postpone} in state a\n"
             "*DBG* boss postpone cast {do,keep,postpone} in state a\n"
             "*DBG* boss receive cast {do,next,b,{state_timeout,60000,1}} in state a\n"
             "*DBG* boss consume cast {do,next,b,{state_timeout,60000,1}} in state a => b\n"
             "*DBG* boss start_timer {state_timeout,60000,1} in state b\n"
             "*DBG* boss postpone cast {do,keep,postpone} in state b\n"
             "*DBG* boss receive call {echo,5} from %s in state b\n"
             "*DBG* boss send 5 to %s\n"
             "*DBG* boss consume call {echo,5} from %s in state b\n"
             "*DBG* boss receive cast {do,keep,%s} in state b\n"
             "*DBG* boss module machine in state b\n"
             "*DBG* boss consume cast {do,keep,%s} in state b\n"
             "*DBG* boss terminate normal in state b\n",
             self, self, self, change, change);
    CHECK_TERM(tr_binary(text.data, text.size), tr_build((const char *)all));
}

/* --- other callbacks --- */

static tr_statem_result pushed_event(void *data, tr_term state, const struct tr_event *event)
{
    struct machine *s = data;

    tr_send(s->boss, a_pushed, state, type_shown(event), event->content);
    if (tr_got_enter(event))
        return tr_keep_state();
    return machine_does(event->content);
}

TEST_PROC(callbacks_are_pushed_popped_and_replaced)
{
    FACT("STATEM-032",
         "actions push, pop or replace the callback module; its mode applies from the "
         "next event; popping the last one ends the machine with "
         "{bad_action_from_state_function, pop_callback_module}");
    static const struct tr_gen_statem other = {
        .name = "other", .data_size = 8, .handle_event = pushed_event, .state_enter = true
    };
    const tr_term pop = DO(a_next, a_b, A(tr_pop_callbacks()));
    tr_pid pid;
    tr_ref ref = watched_machine(&two_states, &pid, tr_nil());

    MAKE(pid, a_a, a_next, a_c, A(tr_push_callbacks(&other)));
    EXPECT(a_pushed, a_c, a_enter, a_a);
    CHECK(strstr(tr_inspect(tr_sys_get_status(pid)), "[other,machine]"));
    tr_cast(pid, pop);
    EXPECT(a_pushed, a_c, a_cast, pop);
    MAKE(pid, a_b, a_keep, A(tr_change_callbacks(&other)));
    tr_cast(pid, 1);
    EXPECT(a_pushed, a_b, a_cast, 1);
    tr_cast(pid, pop);
    CHECK_TERM(
        down_reason(ref, a_DOWN),
        tr_build(tr_tuple(a_bad_action_from_state_function, a_pop_callback_module), tr_nil()));
}

TEST_PROC(callbacks_that_do_not_fit_are_refused)
{
    static const struct tr_gen_statem large = { .name = "large",
                                                .data_size = 4096,
                                                .handle_event = machine_event };
    static const struct tr_gen_statem none = { .name = "none" };
    static const struct tr_gen_statem nameless = { .handle_event = machine_event };
    const struct tr_gen_statem *bad[] = { &large, &none, &nameless, NULL };

    for (int i = 0; i < 4; i++) {
        tr_term action = A(tr_change_callbacks(bad[i]));
        CHECK_TERM(END_OF(&machine, a_keep, action),
                   tr_build(tr_tuple(a_bad_action_from_state_function, action), tr_nil()));
    }
}

/* --- becoming a machine --- */

/* The argument: the name to be claimed, and whether it is registered first. */
static void becomes(tr_term arg)
{
    const struct machine s = { .n = 42, .boss = tr_parent() };
    struct tr_gen_server_opts opts = { .name = { 0 } };
    int takes = 0;

    tr_match(arg, &opts.name, &takes);
    if (takes)
        CHECK_INT(tr_register(opts.name, tr_self()), TR_OK);
    tr_init_ack(tr_self());
    tr_gen_statem_enter_loop(&machine, tr_statem_ok(a_b, tr_internal(1)), &s, &opts);
}

static void becomes_nothing(tr_term which)
{
    static const struct tr_gen_statem none = { .name = "none" };

    tr_init_ack(tr_self());
    if (tr_match(which, 1))
        tr_gen_statem_enter_loop(&none, tr_statem_ok(a_b), NULL, NULL);
    tr_gen_statem_enter_loop(&machine, tr_statem_ignore(), NULL, NULL);
}

TEST_PROC(process_becomes_a_machine)
{
    FACT("STATEM-033", "a process can enter the machine loop itself under the same rules as for "
                       "gen_server, including the name checks");
    tr_pid pid;
    tr_ref ref;

    CHECK(tr_match(tr_start(becomes, NULL), &pid));
    NEXT(a_b, a_internal, 1);
    CHECK_TERM(tr_sys_get_state(pid), tr_build(a_b, tr_tuple(a_machine, 42)));
    CHECK(tr_match(tr_start(becomes, NULL, a_boss, 1), &pid));
    CHECK_TERM(tr_call(a_boss, a_echo, 2), tr_build(2));
    CHECK(tr_match(tr_start_monitor(becomes, &ref, NULL, a_boss, 0), &pid));
    CHECK_TERM(down_reason(ref, a_DOWN), tr_build(a_process_not_registered));
    CHECK(tr_match(tr_start_monitor(becomes_nothing, &ref, NULL, 1), &pid));
    CHECK(tr_match(down_reason(ref, a_DOWN), a_undef, tr_any()));
    CHECK(tr_match(tr_start_monitor(becomes_nothing, &ref, NULL, 2), &pid));
    CHECK_TERM(down_reason(ref, a_DOWN), tr_build(a_badarg, a_ignore));
}
