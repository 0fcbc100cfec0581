/* SPDX-License-Identifier: MIT */
/*
 * The mailbox with a cap: who may put a message there, who waits, what is dropped.
 *
 * Senders decide, under the receiver's lock, so a receiver that takes nothing for long holds no
 * more than its cap; dropping the oldest is the exception: what waits in the mailbox proper is the
 * owner's to drop, when it comes to the bell.
 *
 * Senders that wait are in caps_wait.c.
 */
#include "proc/caps_wait.h"
#include "term/raise.h"

#include <string.h>

static uint64_t id_of(struct tr_proc *p)
{
    return atomic_load_explicit(&p->id, memory_order_relaxed);
}

/* A system message, or a message that begins with a reference made by the receiver, is always let
   in: an answer that it waits for must not be held up by what it does not want. */
static bool is_ordinary(struct tr_proc *p, const struct tr_sig *sig)
{
    if (sig->kind != TR__SIG_MESSAGE || sig->flags & TR__SIG_TIMER || (sig->to & 3) == TR__TAG_REF)
        return false;
    const uint64_t *w = tr__is_kind(sig->term, TR__KIND_TUPLE) ? tr__box(sig->term) : NULL;
    if (!w || TR__HEADER_N(w[0]) == 0)
        return true;
    if ((w[1] & 3) == TR__TAG_REF)
        return TR__REF_SLOT(w[1]) != p->slot.index;
    return w[1] != TR_ATOM_W(system) || TR__HEADER_N(w[0]) != 3;
}

/* --- with the lock held --- */

static void ring(struct tr_proc *p, struct tr_caps *c)
{
    struct tr_sig *bell = &c->bells[c->bell];

    if (c->rung)
        return;
    c->rung = true;
    c->bell ^= 1;
    *bell = (struct tr_sig){ .to = id_of(p), .kind = TR__SIG_BELL };
    tr__push_now(p, bell);
}

static void append(struct tr_proc *p, struct tr_caps *c, struct tr_sig *sig)
{
    sig->next = NULL;
    *c->last = sig;
    c->last = &sig->next;
    ring(p, c);
}

/* What a message holds, in bytes. What it shares with others counts in full: whoever is flooded
   with large binaries is to notice, and who else has them may let go of them first. */
static size_t bytes_of(const struct tr_sig *sig)
{
    size_t bytes = sig->size;

    for (const struct tr_counted *c = sig->counted; c; c = c->next)
        bytes += c->shared->size;
    return bytes;
}

/* Added to with the lock held; the owner reads it without. */
static void add_bytes(struct tr_caps *c, size_t bytes)
{
    atomic_store_explicit(&c->queued_bytes, tr__caps_queued_bytes(c) + bytes, memory_order_relaxed);
}

void tr__caps_append(struct tr_proc *p, struct tr_caps *c, struct tr_sig *sig)
{
    sig->flags |= TR__SIG_COUNTED;
    c->queued++;
    c->arrived++;
    add_bytes(c, bytes_of(sig));
    append(p, c, sig);
}

static void uncount(struct tr_caps *c, uint32_t n, size_t bytes)
{
    c->queued -= n;
    add_bytes(c, -bytes);
    if (c->queued)
        return;
    c->full = false;
    memset(c->top, 0, sizeof c->top);
}

/* The oldest message that the owner has not sorted yet; there is one. */
static struct tr_sig *take_oldest(struct tr_caps *c)
{
    while (!((*c->oldest)->flags & TR__SIG_COUNTED))
        c->oldest = &(*c->oldest)->next;
    struct tr_sig *sig = *c->oldest;
    *c->oldest = sig->next;
    if (c->last == &sig->next)
        c->last = c->oldest;
    c->arrived--;
    uncount(c, 1, bytes_of(sig));
    return sig;
}

/* One more message of that sender. One that is not in the table takes the place, and the count, of
   the least. */
static void count_sender(struct tr_caps *c, uint64_t pid)
{
    struct tr_caps_count *least = c->top;

    for (struct tr_caps_count *t = c->top; t < c->top + TR__CAPS_TOP; t++) {
        if (t->pid == pid && t->count) {
            t->count++;
            return;
        }
        if (t->count < least->count)
            least = t;
    }
    *least = (struct tr_caps_count){ pid, least->count + 1 };
}

static struct tr_caps_count top_sender(const struct tr_caps *c)
{
    struct tr_caps_count top = { 0, 0 };

    for (int i = 0; i < TR__CAPS_TOP; i++)
        if (c->top[i].count > top.count)
            top = c->top[i];
    return top;
}

static struct tr_caps_report note_full(struct tr_proc *p, struct tr_caps *c)
{
    if (c->full)
        return (struct tr_caps_report){ 0 };
    c->full = true;
    return (struct tr_caps_report){ p->site, id_of(p), top_sender(c).pid, c->queued };
}

/* A process that ends must get on with it; one that waited for itself would wait for ever. */
static bool may_wait(const struct tr_proc *self, const struct tr_proc *p,
                     enum tr_caps_sender sender)
{
    return sender == TR__CAPS_WAITS && self && self != p && !(self->flags & TR__P_EXITING);
}

enum verdict { TAKE, COUNT, WAIT, REFUSE };

/* A full mailbox, with the lock held. *dropped is to be freed. */
static enum verdict when_full(struct tr_proc *p, struct tr_caps *c, enum tr_caps_sender sender,
                              struct tr_sig **dropped)
{
    switch (c->limits.policy) {
    case TR_MAILBOX_WAIT:
        if (sender == TR__CAPS_TRIES)
            return REFUSE;
        return may_wait(tr__self(), p, sender) ? WAIT : COUNT;
    case TR_MAILBOX_DROP_OLDEST:
        if (c->arrived >= c->limits.max_mailbox) {
            *dropped = take_oldest(c);
            c->dropped++;
        }
        return COUNT;
    case TR_MAILBOX_EXIT:
        c->breach = TR__BREACH_MAILBOX;
        ring(p, c);
        /* fall through */
    case TR_MAILBOX_DROP_NEWEST:
        c->dropped++;
        return REFUSE;
    }
    return COUNT;
}

static enum verdict judge(struct tr_proc *p, struct tr_caps *c, const struct tr_sig *sig,
                          enum tr_caps_sender sender, struct tr_sig **dropped,
                          struct tr_caps_report *report)
{
    const struct tr_caps_limits *l = &c->limits;
    struct tr_proc *self = tr__self();

    if (!is_ordinary(p, sig))
        return TAKE;
    count_sender(c, self ? id_of(self) : 0);
    if (l->max_memory && tr__caps_queued_bytes(c) + bytes_of(sig) > l->max_memory) {
        c->breach = TR__BREACH_MEMORY;
        c->dropped++;
        ring(p, c);
        return REFUSE;
    }
    if (!l->max_mailbox || (c->queued < l->max_mailbox && !c->waiters))
        return COUNT;
    *report = note_full(p, c);
    return when_full(p, c, sender, dropped);
}

/* The caps of the process, locked; NULL, not locked, when it has none, or is not the one meant. */
static struct tr_caps *lock_caps(struct tr_proc *p, const struct tr_sig *sig)
{
    tr__spin_lock(&p->caps_lock);
    if (tr__is_capped(p) && ((sig->to & 3) == TR__TAG_REF || sig->to == id_of(p)))
        return tr__caps_of(p);
    tr__spin_unlock(&p->caps_lock);
    return NULL;
}

tr_err tr__caps_send(struct tr_proc *p, struct tr_sig *sig, enum tr_caps_sender sender)
{
    struct tr_caps *c = lock_caps(p, sig);
    struct tr_sig *dropped = NULL;
    struct tr_caps_report report = { 0 };
    struct tr_caps_waiter *w = NULL;
    struct tr_caps_place place = { false, false };

    if (!c) {
        tr__push_now(p, sig);
        return TR_OK;
    }
    enum verdict verdict = judge(p, c, sig, sender, &dropped, &report);
    if (verdict == WAIT)
        w = tr__caps_queue(c, sig, &place);
    if (verdict == TAKE)
        append(p, c, sig);
    else if (verdict == COUNT)
        tr__caps_append(p, c, sig);
    else if (!w)
        dropped = sig;
    tr__spin_unlock(&p->caps_lock);
    if (dropped)
        tr__sig_free(dropped);
    if (report.site)
        tr__caps_log(&report);
    if (verdict == WAIT && !w)
        tr__raise_oom();
    if (w)
        tr__caps_wait(tr__self(), p, w, &place);
    return verdict == REFUSE ? TR_EBUSY : TR_OK;
}

void tr__caps_push(struct tr_proc *p, struct tr_sig *sig)
{
    struct tr_caps *c = lock_caps(p, sig);

    if (!c) {
        tr__push_now(p, sig);
        return;
    }
    append(p, c, sig);
    tr__spin_unlock(&p->caps_lock);
}

/* --- the owner's side --- */

/* Counted messages beyond the cap, where the oldest are to go. The lock is held. */
static uint32_t excess_of(const struct tr_caps *c)
{
    const struct tr_caps_limits *l = &c->limits;
    bool drops = l->policy == TR_MAILBOX_DROP_OLDEST && l->max_mailbox;

    return drops && c->queued > l->max_mailbox ? c->queued - l->max_mailbox : 0;
}

/* Frees the `excess` oldest of the mailbox. Not while the body of a receive has one in its hands:
   then it is done later. */
static void drop_excess(struct tr_proc *p, struct tr_caps *c, uint32_t excess)
{
    struct tr_receive_scope *m = c->looking;
    uint32_t n = 0;
    size_t bytes = 0;

    c->late = m && m->message.w;
    if (c->late)
        return;
    for (struct tr_sig **at = &p->first; *at && n < excess;) {
        struct tr_sig *sig = *at;
        if (!(sig->flags & TR__SIG_COUNTED)) {
            at = &sig->next;
            continue;
        }
        if (m && m->at == &sig->next)
            m->at = at;
        tr__mailbox_remove(p, at);
        n++;
        bytes += bytes_of(sig);
        tr__sig_discard(p, sig);
    }
    tr__spin_lock(&p->caps_lock);
    uncount(c, n, bytes);
    c->dropped += n;
    tr__spin_unlock(&p->caps_lock);
}

void tr__caps_catch_up(struct tr_proc *p)
{
    struct tr_caps *c = tr__caps_of(p);

    if (!c->late)
        return;
    tr__spin_lock(&p->caps_lock);
    uint32_t excess = excess_of(c);
    tr__spin_unlock(&p->caps_lock);
    drop_excess(p, c, excess);
}

/* The exit signal that a breach stands for; NULL without memory. */
static struct tr_sig *breach_signal(struct tr_proc *p, const struct tr_caps *c,
                                    enum tr_caps_breach breach, uint64_t top)
{
    struct tr_arg full[] = { tr__arg_atom(TR_ATOM(mailbox_full)),
                             tr__arg_int((int64_t)c->limits.max_mailbox),
                             tr__arg_word(top ? top : TR_ATOM_W(undefined)) };
    struct tr_arg args[] = { tr__arg_atom(TR_ATOM(EXIT)), tr__arg_word(id_of(p)),
                             breach == TR__BREACH_MEMORY ? tr__arg_atom(TR_ATOM(out_of_memory))
                                                         : tr__arg_many(TR__ARG_TUPLE, full, 3) };
    struct tr_sig *sig = tr__sig_message(id_of(p), args, 3);

    if (sig)
        sig->kind = TR__SIG_EXIT;
    return sig;
}

/* Ends the process, whether or not it traps exits. Without memory for the reason it goes on until
   the next bell. */
static void end(struct tr_proc *p, struct tr_caps *c, enum tr_caps_breach breach, uint64_t top)
{
    if (p->flags & (TR__P_DYING | TR__P_EXITING))
        return;
    struct tr_sig *sig = breach_signal(p, c, breach, top);
    if (!sig) {
        tr__spin_lock(&p->caps_lock);
        c->breach = (uint8_t)breach;
        tr__spin_unlock(&p->caps_lock);
        return;
    }
    p->flags |= TR__P_DYING;
    p->dying = sig;
}

void tr__caps_bell(struct tr_proc *p)
{
    struct tr_caps *c = tr__caps_of(p);

    tr__spin_lock(&p->caps_lock);
    struct tr_sig *list = c->first;
    enum tr_caps_breach breach = c->breach;
    uint64_t top = top_sender(c).pid;
    c->first = NULL;
    c->last = c->oldest = &c->first;
    c->arrived = 0;
    c->rung = false;
    c->breach = TR__BREACH_NONE;
    uint32_t excess = excess_of(c);
    tr__spin_unlock(&p->caps_lock);
    /* Those on the list are never more than the cap, so the excess is in the mailbox. */
    if (excess)
        drop_excess(p, c, excess);
    tr__sort_signals(p, list);
    if (!breach && !tr__caps_room(p, 0))
        breach = TR__BREACH_MEMORY;
    if (breach)
        end(p, c, breach, top);
}

void tr__caps_accepted(struct tr_proc *p, struct tr_sig *sig)
{
    TR__ENTER(); /* to tell senders */
    struct tr_caps *c = tr__caps_of(p);

    c->looking = NULL;
    if (!sig || !(sig->flags & TR__SIG_COUNTED))
        return;
    tr__spin_lock(&p->caps_lock);
    uncount(c, 1, bytes_of(sig));
    struct tr_caps_waiter *admitted = tr__caps_admit(p, c);
    tr__spin_unlock(&p->caps_lock);
    tr__caps_tell(admitted);
}

void tr__caps_replace(struct tr_proc *p, const struct tr_caps_limits *limits)
{
    struct tr_caps *c = tr__caps_of(p);

    tr__spin_lock(&p->caps_lock);
    c->limits = *limits;
    atomic_store_explicit(&p->capped, true, memory_order_relaxed);
    struct tr_caps_waiter *admitted = tr__caps_admit(p, c);
    tr__spin_unlock(&p->caps_lock);
    tr__caps_tell(admitted);
}

void tr__caps_close(struct tr_proc *p)
{
    if (!tr__is_capped(p))
        return;
    tr__spin_lock(&p->caps_lock);
    struct tr_caps *c = tr__caps_of(p);
    struct tr_sig *sig = c->first;
    struct tr_caps_waiter *waiters = c->waiters;
    for (struct tr_caps_waiter *w = waiters; w; w = w->next)
        w->place->queued = false;
    c->waiters = NULL;
    c->first = NULL;
    atomic_store_explicit(&p->capped, false, memory_order_relaxed);
    tr__spin_unlock(&p->caps_lock);
    while (sig) {
        struct tr_sig *next = sig->next;
        tr__sig_undeliverable(sig);
        sig = next;
    }
    for (struct tr_caps_waiter *w = waiters; w; w = w->next)
        tr__sig_free(w->message);
    tr__caps_tell(waiters);
}
