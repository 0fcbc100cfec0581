/* SPDX-License-Identifier: MIT */
/*
 * The loop of a machine.
 *
 * One event is handled in a step: the function of the state is called, and then, if that is asked
 * for, the enter call of the next state; what they return is collected in a struct tr_step. Only
 * then comes the transition: the state changes, timeouts are set, and the queue gets what was
 * postponed and inserted.
 *
 * A step leaves nothing in the heap: what an event has made goes with the clause or the scope in
 * which it was handled; states, queued events and the contents of timeouts are kept. So a machine
 * that waits for a message gives its stack back, as a server does (gen_server.c).
 */
#include "otp/gen.h"
#include "otp/statem.h"

tr_atoms(system, EXIT, timeout, state_timeout, function_clause, handle_event, badarg, init_state,
         bad_return_from_state_function, bad_state_enter_return_from_state_function, in, consume,
         postpone, enter);
tr_atom_as(a_gen_call, "$gen_call");
tr_atom_as(a_gen_cast, "$gen_cast");

/* --- calling a callback --- */

static tr_state_fn function_of(const struct tr_machine *m, tr_term state)
{
    const struct tr_state *s = m->callbacks->states;

    while (s->name && !tr_match(state, *s->name))
        s++;
    if (s->name)
        return s->fn;
    if (!tr_is_atom(state))
        tr_error(a_badarg);
    tr_exit(tr__gen_undef(m->callbacks->name, state, 3));
}

static tr_statem_result call(struct tr_machine *m, tr_term state, const struct tr_event *event)
{
    if (m->callbacks->handle_event)
        return m->callbacks->handle_event(m->data, state, event);
    return function_of(m, state)(m->data, event);
}

/* The callback has no clause for the event. */
static _Noreturn void no_clause(const struct tr_machine *m, tr_term state,
                                const struct tr_event *event)
{
    tr_term arguments = tr__statem_event_term(event);
    tr_term type = tr_element(arguments, 0);
    tr_atom name = tr_intern(m->callbacks->name);

    if (m->callbacks->handle_event)
        tr_exit(a_function_clause,
                tr_list(tr_tuple(name, a_handle_event, tr_list(type, event->content, state))));
    tr_exit(a_function_clause, tr_list(tr_tuple(name, state, tr_list(type, event->content))));
}

/* --- what a result asks for --- */

void tr__statem_adopt(struct tr_machine *m, tr_term state)
{
    if (tr_equal(m->state, state))
        return;
    tr_term before = m->state;
    m->state = tr_keep(state);
    tr_release(before);
}

static _Noreturn void bad_result(struct tr_machine *m, const struct tr_step *step, tr_atom how,
                                 tr_statem_result r)
{
    tr__statem_adopt(m, step->state);
    tr_error(how, tr__statem_result_term(r));
}

static void go_to(struct tr_machine *m, struct tr_step *step, tr_statem_result r)
{
    if (tr_equal(r.value, step->state))
        return;
    if (step->entering)
        bad_result(m, step, a_bad_state_enter_return_from_state_function, r);
    step->state = r.value;
    step->enter = true;
}

static void settle(struct tr_machine *m, struct tr_step *step, const struct tr_event *event,
                   tr_statem_result r)
{
    step->enter = r.what == TR__STATEM_REPEAT;
    switch ((enum tr__statem_what)r.what) {
    case TR__STATEM_NEXT:
        go_to(m, step, r);
        break;
    case TR__STATEM_KEEP:
    case TR__STATEM_REPEAT:
        break;
    case TR__STATEM_STOP_REPLY:
        tr__statem_adopt(m, step->state);
        tr__statem_send_replies(m, r.actions);
        tr__statem_stop(m, r.value);
    case TR__STATEM_STOP:
        tr__statem_adopt(m, step->state);
        tr__statem_stop(m, r.value);
    case TR__STATEM_UNKNOWN:
        no_clause(m, step->state, event);
    default:
        bad_result(m, step, a_bad_return_from_state_function, r);
    }
    tr__statem_act(m, step, r.actions);
}

/* The enter calls that a result asks for: one, unless that asks for another. */
static void enter(struct tr_machine *m, struct tr_step *step)
{
    const struct tr_event event = { .type = TR_EVENT_ENTER, .content = m->state };

    while (step->enter && m->callbacks->state_enter) {
        step->entering = true;
        settle(m, step, &event, call(m, step->state, &event));
    }
}

/* --- the transition --- */

/* The present event, in the queue entry it came from, if it did. */
static void put_aside(struct tr_machine *m, struct tr_queued *entry)
{
    tr__queue_add(&m->postponed, entry ? entry : tr__queued(tr__statem_event_term(&m->event)));
}

static void change(struct tr_machine *m, tr_term state)
{
    tr__statem_adopt(m, state);
    tr__statem_cancel_timeout(m, tr_build(a_state_timeout));
    tr__queue_put_first(&m->queue, &m->postponed);
}

static void transition(struct tr_machine *m, struct tr_step *step, struct tr_queued *entry)
{
    tr_sys_event(&m->sys, step->postpone ? a_postpone : a_consume, tr__statem_event_term(&m->event),
                 m->state, step->state);
    if (step->postpone)
        put_aside(m, entry);
    if (!tr_equal(m->state, step->state))
        change(m, step->state);
    tr__statem_cancel_timeout(m, tr_build(a_timeout));
    tr__statem_set_timeouts(m, step->timeouts);
    tr__queue_put_first(&m->queue, &step->inserted);
    m->event.type = 0;
    if (entry && !step->postpone)
        tr__queued_free(entry);
}

static struct tr_step step_from(tr_term state)
{
    return (struct tr_step){ .state = state, .timeouts = tr_nil() };
}

/* Handles an event; `entry` is where it waited, or NULL. */
static void handle(struct tr_machine *m, const struct tr_event *event, struct tr_queued *entry)
{
    struct tr_step step = step_from(m->state);

    m->event = *event;
    settle(m, &step, event, call(m, m->state, event));
    enter(m, &step);
    if (event->type == TR_EVENT_CALL && !step.answered)
        tr_call_handed_on(event->from);
    transition(m, &step, entry);
}

/* --- where events come from --- */

static void handle_new(struct tr_machine *m, const struct tr_event *event)
{
    tr_sys_event(&m->sys, a_in, tr__statem_event_term(event), m->state);
    handle(m, event, NULL);
}

/* What a message is to the machine. */
static struct tr_event event_of(struct tr_machine *m, tr_term message)
{
    struct tr_event e = { .type = TR_EVENT_INFO, .content = message };
    tr_term from, request;
    tr_ref timer;

    if (tr_match(message, a_gen_call, &from, &request))
        return (struct tr_event){ .type = TR_EVENT_CALL, .content = request, .from = from };
    if (tr_match(message, a_gen_cast, &request))
        return (struct tr_event){ .type = TR_EVENT_CAST, .content = request };
    if (tr_match(message, a_timeout, &timer, tr_any()))
        tr__statem_fired(m, timer, &e);
    return e;
}

static void handle_message(struct tr_machine *m, tr_term message)
{
    tr_term from, request, reason;

    if (tr_match(message, a_system, &from, &request)) {
        tr_sys_handle(&m->sys, from, request);
        return;
    }
    if (m->sys.parent.w && tr_match(message, a_EXIT, m->sys.parent, &reason))
        tr__statem_stop(m, reason);
    struct tr_event event = event_of(m, message);
    handle_new(m, &event);
}

/* Handles the oldest message; false when there is none. */
static bool take_message(struct tr_machine *m)
{
    bool took = true;
    tr_term message;

    tr_receive (r) {
        tr_on (r, &message)
            handle_message(m, message);
        tr_after (r, 0)
            took = false;
    }
    return took;
}

/* Handles the next event that waits in the machine; false when there is none. */
static bool take_queued(struct tr_machine *m)
{
    bool took = true;
    struct tr_event event;

    tr_scope
    {
        struct tr_queued *entry = tr__queue_take(&m->queue);
        if (entry) {
            tr__statem_event_of(tr_element(entry->event, 0), tr_element(entry->event, 1), &event);
            handle(m, &event, entry);
        } else if (tr__statem_zero_timeout(m, &event)) {
            handle_new(m, &event);
        } else {
            took = false;
        }
    }
    return took;
}

/* --- the loop --- */

static _Noreturn void run(struct tr_machine *m);

static void awake(tr_term address)
{
    uint64_t machine = 0;

    tr_match(address, &machine);
    run((struct tr_machine *)(uintptr_t)machine);
}

static _Noreturn void run(struct tr_machine *m)
{
    while (take_queued(m) || take_message(m))
        ;
    tr_hibernate(awake, (uint64_t)(uintptr_t)m);
}

/* The first state is entered as if by an event, which cannot be postponed. */
_Noreturn void tr__statem_begin(struct tr_machine *m, tr_statem_result first)
{
    m->state = tr_keep(first.value);
    m->event = (struct tr_event){ .type = TR_EVENT_INTERNAL, .content = tr_build(a_init_state) };
    tr_sys_event(&m->sys, a_enter, tr_intern(m->callbacks->name), m->state);
    struct tr_step step = step_from(m->state);
    tr__statem_act(m, &step, first.actions);
    step.enter = true;
    enter(m, &step);
    step.postpone = false;
    transition(m, &step, NULL);
    run(m);
}
