/* SPDX-License-Identifier: MIT */
/*
 * Senders that wait for room in a mailbox with a cap.
 *
 * One that waits has left its message in a list of the receiver; whoever makes room moves it on and
 * tells the sender by a signal, which is the waiter itself. Never two of these locks at once:
 * senders are told after the lock is released.
 */
#include "proc/caps_wait.h"

/* --- the list; the lock is held --- */

static void waiter_add(struct tr_caps *c, struct tr_caps_waiter *w)
{
    w->place->queued = true;
    w->next = NULL;
    w->link = c->last_waiter;
    *c->last_waiter = w;
    c->last_waiter = &w->next;
    c->waiting++;
}

static void waiter_remove(struct tr_caps *c, struct tr_caps_waiter *w)
{
    *w->link = w->next;
    if (w->next)
        w->next->link = w->link;
    else
        c->last_waiter = w->link;
    w->place->queued = false;
    c->waiting--;
}

/* The sender's side of being told. */
static void serve(struct tr_proc *p, struct tr_sig_call *call)
{
    struct tr_caps_waiter *w = (struct tr_caps_waiter *)(void *)call;

    if (!p) {
        tr__sig_free(&call->sig);
        return;
    }
    w->place->admitted = true;
    tr__sig_discard(p, &call->sig);
}

static struct tr_caps_waiter *waiter_new(struct tr_proc *self, struct tr_sig *message,
                                         struct tr_caps_place *place)
{
    struct tr_sig *sig =
        tr__sig_new(TR__SIG_CALL, atomic_load_explicit(&self->id, memory_order_relaxed),
                    sizeof(struct tr_caps_waiter));
    struct tr_caps_waiter *w = (struct tr_caps_waiter *)(void *)sig;

    if (!w)
        return NULL;
    w->call.serve = serve;
    w->message = message;
    w->place = place;
    return w;
}

struct tr_caps_waiter *tr__caps_queue(struct tr_caps *c, struct tr_sig *message,
                                      struct tr_caps_place *place)
{
    struct tr_caps_waiter *w = waiter_new(tr__self(), message, place);

    if (w)
        waiter_add(c, w);
    return w;
}

struct tr_caps_waiter *tr__caps_admit(struct tr_proc *p, struct tr_caps *c)
{
    const struct tr_caps_limits *l = &c->limits;
    struct tr_caps_waiter *admitted = NULL;
    struct tr_caps_waiter **last = &admitted;

    while (c->waiters &&
           (!l->max_mailbox || l->policy != TR_MAILBOX_WAIT || c->queued < l->max_mailbox)) {
        struct tr_caps_waiter *w = c->waiters;
        waiter_remove(c, w);
        tr__caps_append(p, c, w->message);
        w->next = NULL;
        *last = w;
        last = &w->next;
    }
    return admitted;
}

/* --- without the lock --- */

void tr__caps_tell(struct tr_caps_waiter *w)
{
    while (w) {
        struct tr_caps_waiter *next = w->next;
        tr__sig_send(&w->call.sig);
        w = next;
    }
}

/* A sender that is to end does not wait any longer; its message was not sent. One that was let in
   meanwhile is told, and is told in vain. */
static void withdraw(struct tr_proc *p, struct tr_caps_waiter *w, const struct tr_caps_place *place)
{
    tr__spin_lock(&p->caps_lock);
    bool queued = place->queued;
    if (queued)
        waiter_remove(tr__caps_of(p), w);
    tr__spin_unlock(&p->caps_lock);
    if (!queued)
        return;
    tr__sig_free(w->message);
    tr__sig_free(&w->call.sig);
}

TR__OPAQUE void tr__caps_wait(struct tr_proc *self, struct tr_proc *p, struct tr_caps_waiter *w,
                              const struct tr_caps_place *place)
{
    while (!place->admitted && !(self->flags & TR__P_DYING)) {
        if (!tr__inbox_has_new(self))
            tr__switch_to_wait(self);
        tr__take_signals(self);
    }
    if (!place->admitted)
        withdraw(p, w, place);
    if (self->suspended)
        tr__stay_suspended(self);
    tr__check_dying(self);
}
