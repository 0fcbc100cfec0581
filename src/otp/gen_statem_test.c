/* SPDX-License-Identifier: MIT */
/* State machines: starting them, events, transitions. */
#include "machine.h"

static tr_term start(tr_term arg)
{
    return tr_gen_statem_start(&machine, NULL, arg);
}

/* --- starting and init --- */

TEST_PROC(start_returns_when_init_has_returned)
{
    FACT("STATEM-001", "start, start_link and start_monitor return after init with {ok, Pid} or "
                       "{ok, {Pid, Ref}}");
    tr_pid pid;
    tr_ref ref;

    int64_t before = tr_monotonic_ms();
    CHECK(tr_match(tr_gen_statem_start(&machine, NULL, a_sleep, 20), a_ok, &pid));
    CHECK(tr_monotonic_ms() - before >= 20 && tr_is_alive(pid));
    CHECK(tr_match(tr_gen_statem_start_link(&machine, NULL), a_ok, &pid));
    CHECK_TERM(info(pid, tr_intern("links")), tr_build(tr_list(tr_self())));
    tr_unlink(pid);
    CHECK(tr_match(tr_gen_statem_start_monitor(&machine, NULL), a_ok, tr_tuple(&pid, &ref)));
    tr_exit_to(pid, a_boom);
    CHECK_TERM(down_reason(ref, a_DOWN), tr_build(a_boom));
    CHECK_MAILBOX(0);
}

TEST_PROC(taken_name_and_late_init_are_errors)
{
    FACT("STATEM-001", "{error, timeout} and {error, {already_started, Pid}}");
    tr_pid pid;

    CHECK_TERM(tr_gen_statem_start(&machine, TR_GEN_STATEM_OPTS(.timeout_ms = 10), a_sleep, 60000),
               tr_build(a_error, a_timeout));
    CHECK(
        tr_match(tr_gen_statem_start(&machine, TR_GEN_STATEM_OPTS(.name = a_worker)), a_ok, &pid));
    CHECK_TERM(tr_gen_statem_start(&machine, TR_GEN_STATEM_OPTS(.name = a_worker)),
               tr_build(a_error, tr_tuple(a_already_started, pid)));
    CHECK_TERM(tr_call(a_worker, a_echo, 1), tr_build(1));
}

TEST_PROC(init_may_refuse_to_start)
{
    FACT("STATEM-002", "ignore, {stop, R} and {error, R} make start fail; an unknown value V gives "
                       "{error, {bad_return_from_init, V}}");

    CHECK_TERM(start(tr_build(a_ignore)), tr_build(a_ignore));
    CHECK_TERM(start(tr_build(a_stop, a_why)), tr_build(a_error, a_why));
    CHECK_TERM(start(tr_build(a_error, a_why)), tr_build(a_error, a_why));
    CHECK_TERM(start(tr_build(a_bad)),
               tr_build(a_error, tr_tuple(a_bad_return_from_init, tr_intern("keep_state"))));
    CHECK_TERM(start(tr_build(a_raise, a_why)), tr_build(a_error, tr_tuple(a_why, tr_nil())));
    CHECK_TERM(start(tr_build(a_leave, a_why)), tr_build(a_error, a_why));
    CHECK_WITHIN(10000, tr_process_count() == 1);
    CHECK_MAILBOX(0);
}

TEST_PROC(init_gives_state_and_actions)
{
    FACT("STATEM-002", "init returns {ok, State, Data} or {ok, State, Data, Actions}");
    tr_pid pid = START(&machine, a_c, tr_list(A(tr_internal(1)), A(tr_postpone())));

    NEXT(a_c, a_internal, 1);
    CHECK_TERM(tr_call(pid, a_echo, 5), tr_build(5));
    NEXT(a_c, a_call, tr_tuple(a_echo, 5));
    CHECK_TERM(tr_sys_get_state(pid), tr_build(a_c, tr_tuple(a_machine, 0)));
}

/* The start of a machine with such a table fails with that. */
static void check_refused(struct tr_gen_statem statem, tr_term reason)
{
    CHECK_TERM(tr_gen_statem_start(&statem, NULL), tr_build(a_error, reason));
}

static tr_term lacks(tr_atom callback, int arity)
{
    return tr_build(a_undef, tr_list(tr_tuple(a_machine, callback, arity)));
}

TEST_PROC(incomplete_table_is_refused)
{
    struct tr_gen_statem t = two_states;

    t.init = NULL;
    check_refused(t, lacks(a_init, 1));
    t = two_states;
    t.handle_event = machine_event;
    check_refused(t, tr_build(a_bad_return_from_callback_mode,
                              tr_list(a_state_functions, a_handle_event_function)));
    t.handle_event = NULL;
    t.states = NULL;
    check_refused(t, lacks(a_handle_event, 4));
    t.states = (const struct tr_state[]){ { &a_a, a }, { &a_b, NULL }, { NULL, NULL } };
    check_refused(t, lacks(a_b, 3));
    CHECK_WITHIN(10000, tr_process_count() == 1);
}

static void starts_nothing(tr_term which)
{
    struct tr_gen_statem nameless = machine;

    nameless.name = NULL;
    if (tr_match(which, 1))
        tr_gen_statem_start(NULL, NULL);
    if (tr_match(which, 2))
        tr_gen_statem_start(&nameless, NULL);
    tr_gen_statem_start(&machine, TR_GEN_STATEM_OPTS(.spawn.name = a_worker));
}

TEST_PROC(nonsense_ends_the_starter)
{
    tr_ref ref;

    for (int i = 1; i <= 3; i++) {
        tr_spawn_monitor(starts_nothing, &ref, i);
        CHECK_TERM(down_reason(ref, a_DOWN),
                   tr_build(a_badarg, i < 3 ? a_undef : tr_intern("badopt")));
    }
}

/* --- callback modes --- */

TEST_PROC(callback_mode_decides_who_handles_events)
{
    FACT("STATEM-003", "one function per state, whose name is an atom, or one for all states, "
                       "which may be any terms");
    const tr_term state = tr_build(a_x, tr_list(1, "two"));
    tr_pid pid = START(&two_states);

    MAKE(pid, a_a, a_next, a_b, tr_nil());
    MAKE(pid, a_b, a_next, a_a, tr_nil());
    MAKE(pid, a_a, a_keep, tr_nil());
    pid = START(&machine, state, tr_nil());
    MAKE(pid, state, a_next, tr_tuple(a_x, 1), tr_nil());
    MAKE(pid, tr_tuple(a_x, 1), a_next, 7, tr_nil());
    MAKE(pid, 7, a_keep, tr_nil());
}

TEST_PROC(state_without_a_function_fails_with_its_first_event)
{
    tr_pid pid;
    tr_ref ref = watched_machine(&two_states, &pid, tr_nil());

    MAKE(pid, a_a, a_next, a_c, tr_nil());
    CHECK(tr_is_alive(pid));
    tr_cast(pid, 1);
    CHECK_TERM(down_reason(ref, a_DOWN), lacks(a_c, 3));
    ref = watched_machine(&two_states, &pid, tr_nil());
    tr_cast(pid, DO(a_next, tr_tuple(1, 2), tr_nil()));
    tr_cast(pid, 1);
    CHECK_TERM(down_reason(ref, a_DOWN), tr_build(a_badarg, tr_nil()));
}

/* --- events --- */

TEST_PROC(each_source_has_its_event_type)
{
    FACT("STATEM-007", "a call is {call, From}, a cast cast, any other message info, an expired "
                       "timer its timeout type, an inserted event what it was inserted as");
    tr_pid pid = START(&machine);

    tr_call(pid, a_echo, 1);
    NEXT(a_a, a_call, tr_tuple(a_echo, 1));
    tr_cast(pid, 2);
    NEXT(a_a, a_cast, 2);
    tr_send(pid, 3, "x");
    NEXT(a_a, a_info, tr_tuple(3, "x"));
    tr_send(pid, a_timeout, tr_make_ref(), a_state_timeout);
    tr_receive (m)
        tr_on (m, a_got, a_a, a_info, tr_tuple(a_timeout, tr_any(), a_state_timeout)) {
        }
    MAKE(pid, a_a, a_keep, A(tr_event_timeout(1, a_x)));
    NEXT(a_a, a_timeout, a_x);
    MAKE(pid, a_a, a_keep, A(tr_state_timeout(1, a_y)));
    NEXT(a_a, a_state_timeout, a_y);
    MAKE(pid, a_a, a_keep, A(tr_named_timeout(a_z, 1, 1, 2)));
    NEXT(a_a, tr_tuple(a_timeout, a_z), tr_tuple(1, 2));
    MAKE(pid, a_a, a_keep, A(tr_internal(4)));
    NEXT(a_a, a_internal, 4);
}

TEST_PROC(results_change_or_keep_the_state)
{
    FACT("STATEM-008", "next_state changes the state, keep_state keeps it; actions may be omitted, "
                       "a single one, or a list");
    tr_pid pid = START(&machine);

    MAKE(pid, a_a, a_next, a_b, tr_nil());
    MAKE(pid, a_b, a_keep, A(tr_internal(1)));
    NEXT(a_b, a_internal, 1);
    MAKE(pid, a_b, a_next, a_c, tr_list(A(tr_internal(2)), A(tr_internal(3))));
    NEXT(a_c, a_internal, 2);
    NEXT(a_c, a_internal, 3);
}

TEST_PROC(going_to_the_same_state_is_no_change)
{
    FACT("STATEM-009", "no enter call, no retry of postponed events, the state timeout goes on");
    tr_pid pid = START(&entering);

    NEXT(a_a, a_enter, a_a);
    MAKE(pid, a_a, a_keep, tr_list(A(tr_state_timeout(20, a_x)), A(tr_postpone())));
    MAKE(pid, a_a, a_next, a_a, tr_nil());
    NEXT(a_a, a_state_timeout, a_x);
    CHECK_TERM(tr_call(pid, a_echo, 1), tr_build(1));
    NEXT(a_a, a_call, tr_tuple(a_echo, 1));
    CHECK_MAILBOX(0);
}

/* --- replies --- */

static void caller(tr_term arg)
{
    tr_term to, request;
    tr_pid boss;

    CHECK(tr_match(arg, &boss, &to, &request));
    tr_send(boss, a_reply, request, tr_call(to, request));
}

TEST_PROC(replies_are_sent_as_actions_or_later)
{
    FACT("STATEM-010", "reply actions send replies; one can also be sent later, with From");
    tr_pid pid = START(&machine);
    tr_ref tag = tr_make_ref(), other = tr_make_ref();

    MAKE(pid, a_a, a_keep,
         tr_list(A(tr_reply_to(tr_build(tr_self(), tag), 1)),
                 A(tr_reply_to(tr_build(tr_self(), other), 2, 3)),
                 A(tr_reply_to(tr_build(tr_self(), tag), a_x))));
    next_is(__LINE__, tr_build(tag, 1));
    next_is(__LINE__, tr_build(other, tr_tuple(2, 3)));
    next_is(__LINE__, tr_build(tag, a_x));
    tr_spawn(caller, tr_self(), pid, a_later);
    NEXT(a_a, a_call, a_later);
    tr_cast(pid, a_answer, 9);
    EXPECT(a_reply, a_later, 9);
}

/* --- postponing and inserting --- */

TEST_PROC(postponed_events_come_again_when_the_state_has_changed)
{
    FACT("STATEM-011", "a postponed event is retried, oldest first, after the next state change, "
                       "before any event that has not been handled yet");
    tr_pid pid = START(&two_states);
    const tr_term first = tr_build(a_when_b, 1), second = tr_build(a_when_b, 2);

    tr_spawn(caller, tr_self(), pid, first);
    NEXT(a_a, a_call, first);
    tr_spawn(caller, tr_self(), pid, second);
    NEXT(a_a, a_call, second);
    tr_sys_suspend(pid);
    tr_cast(pid, DO(a_next, a_b, tr_nil()));
    tr_cast(pid, 3);
    tr_sys_resume(pid);
    EXPECT(a_got, a_b, a_cast, 3);
    NEXT(a_a, a_cast, DO(a_next, a_b, tr_nil()));
    EXPECT(a_got, a_b, a_call, first);
    EXPECT(a_got, a_b, a_call, second);
    EXPECT(a_reply, first, 1);
    EXPECT(a_reply, second, 2);
}

TEST_PROC(postponed_again_and_again)
{
    const tr_term again = DO(a_keep, A(tr_postpone()));
    tr_pid pid = START(&machine);

    tr_cast(pid, again);
    tr_cast(pid, 1);
    NEXT(a_a, a_cast, again);
    NEXT(a_a, a_cast, 1);
    for (int i = 0; i < 3; i++) {
        MAKE(pid, i ? tr_build(i) : tr_build(a_a), a_next, i + 1, tr_nil());
        NEXT(i + 1, a_cast, again);
    }
    CHECK_MAILBOX(0);
}

TEST_PROC(inserted_events_come_first)
{
    FACT("STATEM-012", "inserted events are handled before postponed ones and before the mailbox, "
                       "in the order in which they are listed");
    FACT("STATEM-034", "no two callbacks run at once; the order of events is determined");
    const tr_term aside = DO(a_keep, A(tr_postpone()));
    const tr_term go = DO(a_next, a_b,
                          tr_list(A(tr_internal(1)), A(tr_state_timeout(0, 9)), A(tr_internal(2)),
                                  A(tr_internal(tr_tuple(a_do, a_keep, A(tr_internal(3)))))));
    tr_pid pid = START(&machine);

    tr_sys_suspend(pid);
    tr_cast(pid, aside);
    tr_cast(pid, go);
    tr_cast(pid, 4);
    tr_sys_resume(pid);
    NEXT(a_a, a_cast, aside);
    NEXT(a_a, a_cast, go);
    NEXT(a_b, a_internal, 1);
    NEXT(a_b, a_internal, 2);
    NEXT(a_b, a_internal, DO(a_keep, A(tr_internal(3))));
    NEXT(a_b, a_internal, 3);
    NEXT(a_b, a_cast, aside);
    NEXT(a_b, a_state_timeout, 9);
    NEXT(a_b, a_cast, 4);
}

TEST_PROC(inserted_events_may_have_any_type)
{
    FACT("STATEM-013", "an inserted event may be a call with a From received earlier, a cast, an "
                       "info or a timeout");
    const tr_ref tag = tr_make_ref();
    const tr_term from = tr_build(tr_self(), tag);
    tr_pid pid = START(&machine);

    MAKE(pid, a_a, a_keep,
         tr_list(A(tr_next_event(a_cast, 1)), A(tr_next_event(a_info, 2)),
                 A(tr_next_event(a_timeout, 3)), A(tr_next_event(a_state_timeout, 4)),
                 A(tr_next_event(tr_tuple(a_timeout, a_x), 5)),
                 A(tr_next_event(tr_tuple(a_call, from), a_echo, 6))));
    NEXT(a_a, a_cast, 1);
    NEXT(a_a, a_info, 2);
    NEXT(a_a, a_timeout, 3);
    NEXT(a_a, a_state_timeout, 4);
    NEXT(a_a, tr_tuple(a_timeout, a_x), 5);
    NEXT(a_a, a_call, tr_tuple(a_echo, 6));
    next_is(__LINE__, tr_build(tag, 6));
}

TEST_PROC(last_of_several_settings_holds)
{
    FACT("STATEM-015", "within one action list the last setting of each kind wins; a bare time is "
                       "an event timeout whose content is that time");
    const bool off = false;
    tr_pid pid = START(&machine);

    MAKE(pid, a_a, a_keep,
         tr_list(A(tr_postpone()), tr_tuple(tr_intern("postpone"), off), a_hibernate,
                 tr_tuple(a_hibernate, off), A(tr_state_timeout(0, 1)),
                 A(tr_named_timeout(a_x, 0, 2)), A(tr_named_timeout(a_y, 0, 3)),
                 A(tr_named_timeout(a_x, 0, 4)), A(tr_state_timeout_cancel())));
    NEXT(a_a, tr_tuple(a_timeout, a_y), 3);
    NEXT(a_a, tr_tuple(a_timeout, a_x), 4);
    MAKE(pid, a_a, a_keep, 15);
    NEXT(a_a, a_timeout, 15);
    MAKE(pid, a_a, a_next, a_b, tr_nil());
    tr_call(pid, a_echo, 1);
    NEXT(a_b, a_call, tr_tuple(a_echo, 1));
    CHECK_MAILBOX(0);
}

/* --- enter calls --- */

TEST_PROC(entered_states_are_called)
{
    FACT("STATEM-016", "the enter call comes on start, on every change and on repeat_state, with "
                       "the old state; at the start that is the first state");
    FACT("STATEM-014", "repeat_state keeps the state, but makes the enter call again");
    tr_pid pid = START(&entering, a_c, A(tr_internal(1)));

    NEXT(a_c, a_enter, a_c);
    NEXT(a_c, a_internal, 1);
    MAKE(pid, a_c, a_next, a_a, tr_list(A(tr_internal(2))));
    NEXT(a_a, a_enter, a_c);
    NEXT(a_a, a_internal, 2);
    MAKE(pid, a_a, a_keep, A(tr_postpone()));
    MAKE(pid, a_a, a_repeat, tr_nil());
    NEXT(a_a, a_enter, a_a);
    pid = START(&two_states);
    MAKE(pid, a_a, a_repeat, A(tr_internal(3)));
    NEXT(a_a, a_internal, 3);
}

static tr_statem_result counting(void *data, tr_term state, const struct tr_event *event)
{
    struct machine *s = data;

    (void)state;
    if (tr_got_enter(event) && s->n++ < 3)
        return tr_repeat_state();
    return tr_keep_state();
}

TEST_PROC(enter_call_may_be_repeated)
{
    struct tr_gen_statem repeating = entering;

    repeating.handle_event = counting;
    tr_pid pid = START(&repeating);
    CHECK_TERM(tr_sys_get_state(pid), tr_build(a_a, tr_tuple(a_machine, 4)));
}

TEST_PROC(enter_call_may_set_timers_and_reply)
{
    FACT("STATEM-017", "a state enter call may set timers and send replies");
    const tr_ref tag = tr_make_ref();
    const tr_term what = DO(a_keep, tr_list(A(tr_reply_to(tr_build(tr_self(), tag), 1)),
                                            A(tr_state_timeout(0, 2)), a_hibernate));

    START(&entering, a_enter, what, a_a, tr_nil());
    NEXT(a_a, a_enter, a_a);
    next_is(__LINE__, tr_build(tag, 1));
    NEXT(a_a, a_state_timeout, 2);
}

/* Why a machine ends whose enter call returns that. */
static tr_term end_of_enter(tr_term what)
{
    tr_pid pid;
    tr_ref ref = watched_machine(&entering, &pid, tr_build(a_enter, what, a_a, tr_nil()));

    return down_reason(ref, a_DOWN);
}

static tr_term error_of(tr_atom how, tr_term what)
{
    return tr_build(tr_tuple(how, what), tr_nil());
}

TEST_PROC(enter_call_may_not_move_on)
{
    FACT("STATEM-017", "an enter call that changes the state, postpones or inserts events ends the "
                       "machine");
    const tr_action bad[] = { tr_postpone(), tr_internal(1), tr_push_callbacks(&machine) };

    CHECK_TERM(end_of_enter(DO(a_next, a_b, tr_nil())),
               error_of(a_bad_state_enter_return_from_state_function, tr_build(a_next_state, a_b)));
    for (int i = 0; i < 3; i++)
        CHECK_TERM(end_of_enter(DO(a_keep, A(bad[i]))),
                   error_of(a_bad_state_enter_action_from_state_function, A(bad[i])));
    CHECK_TERM(end_of_enter(DO(a_stop, a_why)), tr_build(a_why));
}
