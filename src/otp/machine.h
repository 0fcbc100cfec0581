/* SPDX-License-Identifier: MIT */
#ifndef OTP_MACHINE_H
#define OTP_MACHINE_H

/*
 * What the tests of state machines share: a machine that tells the process that started it of each
 * event, as {got, State, Type, Content}, and then does what the content says. {do, What, ...}:
 *
 *     {do, next, State, Actions}       {do, keep, Actions}       {do, repeat, Actions}
 *     {do, stop, Reason}               {do, stop, Reason, Replies}
 *     {do, raise, R}                   {do, leave, R}            {do, bad}
 *
 * A call {echo, X} is answered with X, {when_b, X} is postponed until the state is b, and that of
 * `later` is kept and answered by a cast {answer, X}. What it has no word for keeps the state.
 */

#include "subject.h"

tr_atoms(got, already_started, do, next, keep, repeat, when_b, a, b, c, cast, internal,
         state_timeout, enter, machine, state_functions, handle_event_function,
         bad_return_from_state_function, bad_action_from_state_function,
         bad_state_enter_action_from_state_function, bad_state_enter_return_from_state_function,
         bad_reply_action_from_state_function, bad_return_from_init, bad_return_from_callback_mode,
         handle_event, next_state, never, x, y, z);

struct machine {
    tr_pid boss;
    tr_term from; /* kept: of a call that is answered later */
    tr_term
        enter; /* kept: what each enter call returns, as after `do`; w is 0: it keeps the state */
    int64_t n;
};

/* An action among the arguments of a message. */
#define A(action) ((action).term)

/* A message that makes the machine return something. */
#define DO(...) tr_build(a_do, ##__VA_ARGS__)

static inline tr_statem_result machine_does(tr_term what)
{
    tr_term x, y;

    if (tr_match(what, a_do, a_next, &x, &y))
        return tr_next_state(x, tr_action_of(y));
    if (tr_match(what, a_do, a_keep, &x))
        return tr_keep_state(tr_action_of(x));
    if (tr_match(what, a_do, a_repeat, &x))
        return tr_repeat_state(tr_action_of(x));
    if (tr_match(what, a_do, a_stop, &x))
        return tr_statem_stop(x);
    if (tr_match(what, a_do, a_stop, &x, &y))
        return tr_stop_and_reply(x, tr_action_of(y));
    if (tr_match(what, a_do, a_raise, &x))
        tr_error(x);
    if (tr_match(what, a_do, a_leave, &x))
        tr_exit(x);
    if (tr_match(what, a_do, a_bad))
        return tr_statem_ok(a_x);
    if (tr_match(what, a_do, a_rest))
        return tr_statem_unknown();
    return tr_keep_state();
}

static inline tr_term type_shown(const struct tr_event *event)
{
    static const tr_atom *const names[] = {
        [TR_EVENT_CALL] = &a_call,         [TR_EVENT_CAST] = &a_cast,
        [TR_EVENT_INFO] = &a_info,         [TR_EVENT_INTERNAL] = &a_internal,
        [TR_EVENT_TIMEOUT] = &a_timeout,   [TR_EVENT_STATE_TIMEOUT] = &a_state_timeout,
        [TR_EVENT_NAMED_TIMEOUT] = &a_bad, [TR_EVENT_ENTER] = &a_enter,
    };

    if (event->type == TR_EVENT_NAMED_TIMEOUT)
        return tr_build(a_timeout, event->name);
    return tr_build(*names[event->type]);
}

static inline tr_statem_result machine_event(void *data, tr_term state, const struct tr_event *e)
{
    struct machine *s = data;
    tr_term x;

    tr_send(s->boss, a_got, state, type_shown(e), e->content);
    if (tr_got_enter(e))
        return s->enter.w ? machine_does(s->enter) : tr_keep_state();
    if (tr_got_call(e, a_echo, &x))
        return tr_keep_state(tr_reply_to(e->from, x));
    if (tr_got_call(e, a_when_b, &x))
        return tr_match(state, a_b) ? tr_keep_state(tr_reply_to(e->from, x))
                                    : tr_keep_state(tr_postpone());
    if (tr_got_call(e, a_later)) {
        s->from = tr_keep(e->from);
        return tr_keep_state();
    }
    if (tr_got_cast(e, a_answer, &x))
        return tr_keep_state(tr_reply_to(s->from, x));
    return machine_does(e->content);
}

/* The argument: {State, Actions} with which it starts, {enter, What, State, Actions}, or as in
   subject.h. */
static inline tr_statem_result machine_init(void *data, tr_term arg)
{
    struct machine *s = data;
    tr_term x, y, z;
    int64_t ms;

    CHECK(s->n == 0 && s->boss.w == 0);
    s->boss = tr_parent();
    if (tr_match(arg, a_ignore))
        return tr_statem_ignore();
    if (tr_match(arg, a_error, &x))
        return tr_statem_error(x);
    if (tr_match(arg, a_stop, &x))
        return tr_statem_stop(x);
    if (tr_match(arg, a_bad))
        return tr_keep_state();
    if (tr_match(arg, a_raise, &x))
        tr_error(x);
    if (tr_match(arg, a_leave, &x))
        tr_exit(x);
    if (tr_match(arg, a_sleep, &ms))
        tr_sleep(ms);
    if (tr_match(arg, a_trap))
        tr_trap_exit(true);
    if (tr_match(arg, a_enter, &z, &x, &y)) {
        s->enter = tr_keep(z);
        return tr_statem_ok(x, tr_action_of(y));
    }
    if (tr_match(arg, a_sleep, tr_any()) || !tr_match(arg, &x, &y))
        return tr_statem_ok(a_a);
    return tr_statem_ok(x, tr_action_of(y));
}

static inline tr_statem_result a(void *data, const struct tr_event *event)
{
    return machine_event(data, tr_build(a_a), event);
}

static inline tr_statem_result b(void *data, const struct tr_event *event)
{
    return machine_event(data, tr_build(a_b), event);
}

static inline void machine_terminate(void *data, tr_term state, tr_term reason)
{
    const struct machine *s = data;

    tr_send(s->boss, a_terminate, state, reason);
}

static inline tr_term machine_get(const void *data)
{
    const struct machine *s = data;

    return tr_build(a_machine, s->n);
}

static inline bool machine_set(void *data, tr_term term)
{
    struct machine *s = data;

    return tr_match(term, a_machine, &s->n);
}

#define MACHINE                                                                                    \
    .name = "machine", .data_size = sizeof(struct machine), .init = machine_init,                  \
    .terminate = machine_terminate, .get_data = machine_get, .set_data = machine_set

/* States a and b as functions; any state; the same with enter calls. */
static const struct tr_gen_statem two_states
    __attribute__((unused)) = { MACHINE, .states = TR_STATES(a, b) };
static const struct tr_gen_statem machine
    __attribute__((unused)) = { MACHINE, .handle_event = machine_event };
static const struct tr_gen_statem entering
    __attribute__((unused)) = { MACHINE, .handle_event = machine_event, .state_enter = true };

/* A machine that is started alone, with that argument. */
#define START(statem, ...) start_machine(statem, tr_build(__VA_ARGS__))

static inline tr_pid start_machine(const struct tr_gen_statem *statem, tr_term arg)
{
    tr_pid pid;

    CHECK(tr_match(tr_gen_statem_start(statem, NULL, arg), a_ok, &pid));
    return pid;
}

/* Sends it a request to do something, and waits until it is told of the request. */
#define MAKE(pid, state, ...) make(__LINE__, pid, tr_build(state), DO(__VA_ARGS__))

static inline void make(int line, tr_pid pid, tr_term state, tr_term what)
{
    tr_cast(pid, what);
    expect(line, tr_build(a_got, state, a_cast, what));
}

/* The next message of the machine is that one. */
#define NEXT(...) next_is(__LINE__, tr_build(a_got, __VA_ARGS__))

static inline void next_is(int line, tr_term wanted)
{
    tr_term message;

    tr_receive (m) {
        tr_on (m, &message)
            if (!tr_equal(message, wanted))
                check_fail("machine.h", line, "%s came instead of %s", tr_inspect(message),
                           tr_inspect(wanted));
        tr_after (m, patience(10000))
            check_fail("machine.h", line, "%s did not come", tr_inspect(wanted));
    }
}

/* Starts a machine that is watched. */
static inline tr_ref watched_machine(const struct tr_gen_statem *statem, tr_pid *pid, tr_term arg)
{
    tr_ref ref;

    CHECK(tr_match(tr_gen_statem_start_monitor(statem, NULL, arg), a_ok, tr_tuple(pid, &ref)));
    return ref;
}

/* Why a machine ends that is told to do that. */
#define END_OF(statem, ...) end_of_machine(statem, DO(__VA_ARGS__))

static inline tr_term end_of_machine(const struct tr_gen_statem *statem, tr_term what)
{
    tr_pid pid;
    tr_ref ref = watched_machine(statem, &pid, tr_nil());

    tr_cast(pid, what);
    return down_reason(ref, a_DOWN);
}

#endif
