/* SPDX-License-Identifier: MIT */
/* Events as terms, and the queues in which they wait. */
#include "otp/statem.h"

tr_atoms(call, cast, info, internal, timeout, state_timeout, enter);

/* --- events --- */

static tr_term type_of(const struct tr_event *event)
{
    switch (event->type) {
    case TR_EVENT_CALL:
        return tr_build(a_call, event->from);
    case TR_EVENT_CAST:
        return tr_build(a_cast);
    case TR_EVENT_INFO:
        return tr_build(a_info);
    case TR_EVENT_INTERNAL:
        return tr_build(a_internal);
    case TR_EVENT_TIMEOUT:
        return tr_build(a_timeout);
    case TR_EVENT_STATE_TIMEOUT:
        return tr_build(a_state_timeout);
    case TR_EVENT_NAMED_TIMEOUT:
        return tr_build(a_timeout, event->name);
    case TR_EVENT_ENTER:
        return tr_build(a_enter);
    }
    return tr_nil();
}

tr_term tr__statem_event_term(const struct tr_event *event)
{
    return tr_build(type_of(event), event->content);
}

/* The types that are plain atoms, and may be inserted. */
static const struct {
    const tr_atom *name;
    enum tr_event_type type;
} plain[] = {
    { &a_internal, TR_EVENT_INTERNAL },
    { &a_cast, TR_EVENT_CAST },
    { &a_info, TR_EVENT_INFO },
    { &a_timeout, TR_EVENT_TIMEOUT },
    { &a_state_timeout, TR_EVENT_STATE_TIMEOUT },
};

bool tr__statem_event_of(tr_term type, tr_term content, struct tr_event *event)
{
    tr_term of;

    *event = (struct tr_event){ .content = content };
    for (size_t i = 0; i < sizeof plain / sizeof *plain; i++)
        if (tr_match(type, *plain[i].name))
            event->type = plain[i].type;
    if (tr_match(type, a_timeout, &of)) {
        event->type = TR_EVENT_NAMED_TIMEOUT;
        event->name = of;
    } else if (tr_match(type, a_call, &of)) {
        tr_pid pid;
        if (!tr_match(of, &pid, tr_any()))
            return false;
        event->type = TR_EVENT_CALL;
        event->from = of;
    }
    return event->type != 0;
}

/* --- queues --- */

struct tr_queued *tr__queued(tr_term event)
{
    struct tr_queued *e = tr_alloc(sizeof *e);

    e->event = tr_keep(event);
    return e;
}

void tr__queued_free(struct tr_queued *e)
{
    tr_release(e->event);
    tr_free(e);
}

void tr__queue_add(struct tr_queue *q, struct tr_queued *e)
{
    e->next = NULL;
    if (q->first)
        q->last->next = e;
    else
        q->first = e;
    q->last = e;
}

void tr__queue_put_first(struct tr_queue *q, struct tr_queue *others)
{
    if (!others->first)
        return;
    others->last->next = q->first;
    if (!q->first)
        q->last = others->last;
    q->first = others->first;
    others->first = NULL;
}

struct tr_queued *tr__queue_take(struct tr_queue *q)
{
    struct tr_queued *e = q->first;

    if (e)
        q->first = e->next;
    return e;
}

tr_term tr__queue_list(const struct tr_queue *q)
{
    tr_term list = tr_nil();

    for (const struct tr_queued *e = q->first; e; e = e->next)
        list = tr_list_push(list, e->event);
    return tr_list_reverse(list);
}
