/* SPDX-License-Identifier: MIT */
/*
 * Actions: how results carry them, and what they ask for.
 *
 * They are OTP's terms, built in the heap of the callback, so a result of any length needs no
 * memory that would have to be freed.
 */
#include "otp/statem.h"

tr_atoms(reply, postpone, hibernate, next_event, internal, change_callback_module,
         push_callback_module, pop_callback_module, bad_action_from_state_function,
         bad_state_enter_action_from_state_function, bad_reply_action_from_state_function, in, out,
         module, ok, ignore, error, stop, stop_and_reply, next_state, keep_state, repeat_state,
         noclause);

/* --- results --- */

tr_statem_result tr__statem_result(enum tr__statem_what what, tr_term value,
                                   const tr_action *actions, int n)
{
    tr_statem_result r = { .what = what, .value = value, .actions = tr_nil() };

    while (n-- > 0)
        if (!tr_is_nil(actions[n].term))
            r.actions = tr_list_push(r.actions, actions[n].term);
    return r;
}

static tr_term with_actions(tr_atom what, tr_term actions)
{
    return tr_is_nil(actions) ? tr_build(what) : tr_build(what, actions);
}

static tr_term with_state(tr_atom what, tr_statem_result r)
{
    return tr_is_nil(r.actions) ? tr_build(what, r.value) : tr_build(what, r.value, r.actions);
}

tr_term tr__statem_result_term(tr_statem_result r)
{
    switch ((enum tr__statem_what)r.what) {
    case TR__STATEM_OK:
        return with_state(a_ok, r);
    case TR__STATEM_IGNORE:
        return tr_build(a_ignore);
    case TR__STATEM_ERROR:
        return tr_build(a_error, r.value);
    case TR__STATEM_STOP:
        return tr_build(a_stop, r.value);
    case TR__STATEM_STOP_REPLY:
        return tr_build(a_stop_and_reply, r.value, r.actions);
    case TR__STATEM_NEXT:
        return with_state(a_next_state, r);
    case TR__STATEM_KEEP:
        return with_actions(a_keep_state, r.actions);
    case TR__STATEM_REPEAT:
        return with_actions(a_repeat_state, r.actions);
    case TR__STATEM_UNKNOWN:
        return tr_build(a_noclause);
    }
    return tr_build(r.what);
}

/* --- making actions --- */

tr_action tr__action_reply(tr_term from, tr_term reply)
{
    return tr_action_of(tr_build(a_reply, from, reply));
}

tr_action tr__action_next_event(tr_term type, tr_term content)
{
    return tr_action_of(tr_build(a_next_event, type, content));
}

tr_action tr__action_internal(tr_term content)
{
    return tr_action_of(tr_build(a_next_event, a_internal, content));
}

tr_action tr__action_callbacks(const char *what, const struct tr_gen_statem *statem)
{
    return tr_action_of(tr_build(tr_intern(what), (uint64_t)(uintptr_t)statem));
}

tr_action tr_postpone(void)
{
    return tr_action_of(tr_build(a_postpone));
}

tr_action tr_hibernating(void)
{
    return tr_action_of(tr_build(a_hibernate));
}

tr_action tr_pop_callbacks(void)
{
    return tr_action_of(tr_build(a_pop_callback_module));
}

/* --- carrying them out --- */

/* The machine ends in the state that the result had asked for. */
static _Noreturn void bad(struct tr_machine *m, const struct tr_step *step, tr_atom how,
                          tr_term action)
{
    tr__statem_adopt(m, step->state);
    tr_error(how, action);
}

/* For what an enter call may not ask for. */
static void only_for_events(struct tr_machine *m, const struct tr_step *step, tr_term action)
{
    if (step->entering)
        bad(m, step, a_bad_state_enter_action_from_state_function, action);
}

/* Sends what {reply, From, Reply} says; false when it is none such. */
static bool send_reply(struct tr_machine *m, tr_term action, tr_term *from)
{
    tr_term reply;
    tr_pid pid;

    if (!tr_match(action, a_reply, from, &reply) || !tr_match(*from, &pid, tr_any()))
        return false;
    tr_reply(*from, reply);
    tr_sys_event(&m->sys, a_out, reply, *from);
    return true;
}

static void insert(struct tr_machine *m, struct tr_step *step, tr_term type, tr_term content,
                   tr_term action)
{
    struct tr_event event;

    only_for_events(m, step, action);
    if (!tr__statem_event_of(type, content, &event))
        bad(m, step, a_bad_action_from_state_function, action);
    struct tr_queued *e = tr__queued(tr_build(type, content));
    tr__queue_add(&step->inserted, e);
    tr_sys_event(&m->sys, a_in, e->event, step->state);
}

/* The callbacks that an action names; none when they cannot take over. */
static const struct tr_gen_statem *callbacks_of(const struct tr_machine *m, uint64_t address)
{
    const struct tr_gen_statem *callbacks = (const struct tr_gen_statem *)(uintptr_t)address;

    if (!callbacks || !callbacks->name || callbacks->data_size > m->data_size ||
        tr__statem_refusal(callbacks).w)
        return NULL;
    return callbacks;
}

static void push(struct tr_machine *m)
{
    struct tr_pushed *p = tr_alloc(sizeof *p);

    p->callbacks = m->callbacks;
    p->next = m->pushed;
    m->pushed = p;
}

/* The callbacks that were under the present ones; NULL when there are none. */
static const struct tr_gen_statem *pop(struct tr_machine *m)
{
    struct tr_pushed *p = m->pushed;

    if (!p)
        return NULL;
    const struct tr_gen_statem *callbacks = p->callbacks;
    m->pushed = p->next;
    tr_free(p);
    return callbacks;
}

/* False when the action is about something else. */
static bool change_callbacks(struct tr_machine *m, const struct tr_step *step, tr_term action)
{
    const struct tr_gen_statem *next = NULL;
    uint64_t address;
    bool pushes = tr_match(action, a_push_callback_module, &address);

    if (pushes || tr_match(action, a_change_callback_module, &address)) {
        only_for_events(m, step, action);
        next = callbacks_of(m, address);
    } else if (tr_match(action, a_pop_callback_module)) {
        only_for_events(m, step, action);
        next = pop(m);
    } else {
        return false;
    }
    if (!next)
        bad(m, step, a_bad_action_from_state_function, action);
    if (pushes)
        push(m);
    tr__statem_use(m, next);
    tr_sys_event(&m->sys, a_module, tr_intern(next->name), step->state);
    return true;
}

static void act(struct tr_machine *m, struct tr_step *step, tr_term action)
{
    tr_term a, b;
    bool on = true;

    if (send_reply(m, action, &a)) {
        step->answered =
            step->answered || (m->event.type == TR_EVENT_CALL && tr_equal(a, m->event.from));
    } else if (tr_match(action, a_postpone) || tr_match(action, a_postpone, &on)) {
        if (on)
            only_for_events(m, step, action);
        step->postpone = on;
    } else if (tr_match(action, a_hibernate) || tr_match(action, a_hibernate, &on)) {
        /* A machine that waits has no stack in any case. */
    } else if (tr_match(action, a_next_event, &a, &b)) {
        insert(m, step, a, b, action);
    } else if (tr__statem_is_timeout(action)) {
        step->timeouts = tr_list_push(step->timeouts, action);
    } else if (!change_callbacks(m, step, action)) {
        bad(m, step, a_bad_action_from_state_function, action);
    }
}

/* An action that is a list stands for what is in it. */
void tr__statem_act(struct tr_machine *m, struct tr_step *step, tr_term actions)
{
    tr_term action;

    while (tr_list_next(&actions, &action)) {
        if (tr_is_list(action))
            tr__statem_act(m, step, action);
        else
            act(m, step, action);
    }
}

void tr__statem_send_replies(struct tr_machine *m, tr_term replies)
{
    tr_term reply, from;

    while (tr_list_next(&replies, &reply)) {
        if (tr_is_list(reply))
            tr__statem_send_replies(m, reply);
        else if (!send_reply(m, reply, &from))
            tr_error(a_bad_reply_action_from_state_function, reply);
    }
}
