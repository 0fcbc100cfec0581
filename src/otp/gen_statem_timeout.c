/* SPDX-License-Identifier: MIT */
/*
 * Timeouts of a machine.
 *
 * One that is set has a timer, whose message {timeout, Timer, Type} takes its turn in the mailbox
 * like any other; one of 0 ms has none, and comes as soon as no event waits in the machine. When a
 * timer cannot be cancelled any more, its message is there or on its way, and is taken out: so none
 * arrives for a timeout that is no longer set.
 */
#include "otp/statem.h"

tr_atoms(timeout, state_timeout, infinity, update, cancel, abs, undefined, start_timer);
tr_atom_as(a_true, "true");

#define MS_MAX (INT64_C(1) << 43) /* what timers take */

/* --- what an action says --- */

struct setting {
    enum tr__timeout_how how;
    tr_term type;
    tr_term content;
    int64_t ms; /* or TR_INFINITY, which cancels */
};

/* TR_INFINITY is no number that could be written otherwise. */
static bool time_of(tr_term time, int64_t *ms)
{
    if (tr_match(time, a_infinity)) {
        *ms = TR_INFINITY;
        return true;
    }
    return tr_match(time, ms) && *ms <= MS_MAX;
}

/* {abs, Bool}, or a list of them, of which the last holds. */
static bool read_options(tr_term options, bool *absolute)
{
    tr_term option;

    *absolute = false;
    if (!tr_is_list(options))
        return tr_match(options, a_abs, absolute);
    while (tr_list_next(&options, &option))
        if (!tr_match(option, a_abs, absolute))
            return false;
    return tr_is_nil(options);
}

static bool read_setting(tr_term action, struct setting *s)
{
    tr_term time, options;
    bool absolute = false;

    *s = (struct setting){ .type = tr_build(a_timeout), .content = action };
    if (time_of(action, &s->ms))
        return s->ms >= 0 || s->ms == TR_INFINITY;
    if (tr_match(action, &s->type, a_cancel)) {
        s->how = TR__TIMEOUT_CANCEL;
    } else if (tr_match(action, &s->type, a_update, &s->content)) {
        s->how = TR__TIMEOUT_UPDATE;
    } else {
        if (tr_match(action, &s->type, &time, &s->content, &options)) {
            if (!read_options(options, &absolute))
                return false;
        } else if (!tr_match(action, &s->type, &time, &s->content)) {
            return false;
        }
        if (!time_of(time, &s->ms) || (!absolute && s->ms < 0 && s->ms != TR_INFINITY))
            return false;
        s->how = absolute ? TR__TIMEOUT_AT : TR__TIMEOUT_IN;
    }
    return tr_match(s->type, a_timeout) || tr_match(s->type, a_state_timeout) ||
           tr_match(s->type, a_timeout, tr_any());
}

bool tr__statem_is_timeout(tr_term action)
{
    struct setting s;

    return read_setting(action, &s);
}

/* --- those that are set --- */

static struct tr_timeout **find(struct tr_machine *m, tr_term type)
{
    struct tr_timeout **at = &m->timeouts;

    while (*at && !tr_equal((*at)->type, type))
        at = &(*at)->next;
    return at;
}

/* So that no event looks through the list in vain, however many names there are. */
static void count(struct tr_machine *m, const struct tr_timeout *t, int by)
{
    if (tr_is_atom(t->type))
        m->unnamed += (uint32_t)by;
    if (!t->timer.w)
        m->zeros += (uint32_t)by;
}

static void forget(struct tr_machine *m, struct tr_timeout **at)
{
    struct tr_timeout *t = *at;

    count(m, t, -1);
    *at = t->next;
    tr_release(t->type);
    tr_release(t->content);
    tr_free(t);
}

static void stop_timer(tr_ref timer)
{
    if (!timer.w || tr_cancel_timer(timer, NULL))
        return;
    tr_receive (m) {
        tr_on (m, a_timeout, timer, tr_any()) {
        }
    }
}

void tr__statem_cancel_timeout(struct tr_machine *m, tr_term type)
{
    if (tr_is_atom(type) && m->unnamed == 0)
        return;
    struct tr_timeout **at = find(m, type);
    if (!*at)
        return;
    stop_timer((*at)->timer);
    forget(m, at);
}

static tr_ref start_timer(const struct setting *s)
{
    const struct tr_timer_opts opts = { .absolute = s->how == TR__TIMEOUT_AT, .wrap = true };

    return tr_timer_opt(s->ms < 0 ? 0 : s->ms, tr_self(), &opts, s->type);
}

/* In place of one of the same type; the last in the order. */
static void set(struct tr_machine *m, const struct setting *s)
{
    bool now = s->how == TR__TIMEOUT_UPDATE || (s->how == TR__TIMEOUT_IN && s->ms == 0);

    tr__statem_cancel_timeout(m, s->type);
    struct tr_timeout *t = tr_alloc(sizeof *t);
    t->type = tr_keep(s->type);
    t->content = tr_keep(s->content);
    if (!now)
        t->timer = start_timer(s);
    struct tr_timeout **end = &m->timeouts;
    while (*end)
        end = &(*end)->next;
    *end = t;
    count(m, t, 1);
}

static void update(struct tr_machine *m, const struct setting *s)
{
    struct tr_timeout *t = *find(m, s->type);

    if (!t) {
        set(m, s);
        return;
    }
    tr_release(t->content);
    t->content = tr_keep(s->content);
}

static void apply(struct tr_machine *m, const struct setting *s, tr_term action)
{
    if (s->how == TR__TIMEOUT_CANCEL || s->ms == TR_INFINITY) {
        tr__statem_cancel_timeout(m, s->type);
    } else if (s->how == TR__TIMEOUT_UPDATE) {
        update(m, s);
    } else {
        tr_sys_event(&m->sys, a_start_timer, action, m->state);
        set(m, s);
    }
}

/* Whether one of these actions is about a timeout of that type. */
static bool set_again(tr_term type, tr_term actions)
{
    struct setting s;
    tr_term action;

    while (tr_list_next(&actions, &action))
        if (read_setting(action, &s) && tr_equal(s.type, type))
            return true;
    return false;
}

void tr__statem_set_timeouts(struct tr_machine *m, tr_term actions)
{
    struct setting s;
    tr_term action;

    actions = tr_list_reverse(actions);
    while (tr_list_next(&actions, &action))
        if (read_setting(action, &s) && !set_again(s.type, actions))
            apply(m, &s, action);
}

/* --- their events --- */

bool tr__statem_fired(struct tr_machine *m, tr_ref timer, struct tr_event *event)
{
    struct tr_timeout **at = &m->timeouts;

    while (*at && (*at)->timer.w != timer.w)
        at = &(*at)->next;
    if (!*at)
        return false;
    tr__statem_event_of(tr_copy((*at)->type), tr_copy((*at)->content), event);
    forget(m, at);
    return true;
}

bool tr__statem_zero_timeout(struct tr_machine *m, struct tr_event *event)
{
    return m->zeros && tr__statem_fired(m, (tr_ref){ 0 }, event);
}

tr_term tr__statem_timeouts(const struct tr_machine *m)
{
    tr_term list = tr_nil();
    int n = 0;

    for (const struct tr_timeout *t = m->timeouts; t; t = t->next, n++)
        list = tr_list_push(list, tr_build(t->type, t->content));
    return tr_build(n, tr_list_reverse(list));
}

/* --- the actions --- */

static tr_term type_term(enum tr__timeout_kind kind, tr_term name)
{
    switch (kind) {
    case TR__TIMEOUT_EVENT:
        return tr_build(a_timeout);
    case TR__TIMEOUT_STATE:
        return tr_build(a_state_timeout);
    default:
        return tr_build(a_timeout, name);
    }
}

tr_action tr__action_timeout(enum tr__timeout_kind kind, tr_term name, enum tr__timeout_how how,
                             int64_t ms, tr_term content)
{
    tr_term type = type_term(kind, name);
    tr_term time = ms == TR_INFINITY ? tr_build(a_infinity) : tr_build(ms);

    switch (how) {
    case TR__TIMEOUT_IN:
        return tr_action_of(tr_build(type, time, content));
    case TR__TIMEOUT_AT:
        return tr_action_of(tr_build(type, time, content, tr_tuple(a_abs, a_true)));
    case TR__TIMEOUT_UPDATE:
        return tr_action_of(tr_build(type, a_update, content));
    default:
        return tr_action_of(tr_build(type, a_cancel));
    }
}
