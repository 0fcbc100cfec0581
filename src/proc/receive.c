/* SPDX-License-Identifier: MIT */
/*
 * Selective receive.
 *
 * tr_receive is a loop that this file drives: `at` points to the link of the message that the body
 * looks at. The body rejects it by doing nothing, and `at` moves on; what was rejected once is not
 * looked at again in this receive. At the end of the mailbox the body runs once with no message, so
 * that tr_after can say how long to wait; then the process sleeps.
 */
#include "base/clock.h"
#include "base/plant.h"
#include "proc/caps.h"
#include "proc/proc.h"
#include "term/raise.h"

enum {
    START,                     /* nothing looked at yet */
    LOOKING,                   /* the body has a message */
    DONE = TR__RECEIVE_DONE,   /* a clause was chosen */
    EMPTY = TR__RECEIVE_EMPTY, /* the body has none, and may set a timeout */
    EXPIRED                    /* the body has none, and the time is over */
};

#define MS_MAX (INT64_C(1) << 43) /* in nanoseconds it still fits 64 bits */

int64_t tr__deadline(int64_t ms)
{
    if (ms == TR_INFINITY)
        return TR__NEVER;
    if (ms < 0)
        tr__raise(TR_ATOM_TERM(timeout_value));
    if (ms == 0)
        return tr__clock_ns();
    return tr__now_near() + TR__CLOCK_NEAR_NS + (ms < MS_MAX ? ms : MS_MAX) * TR__NS_PER_MS;
}

/* What is built from now on lives until the clause ends. */
static inline void mark_heap(struct tr_receive_scope *m)
{
    struct tr_heap_mark mark = tr__heap_mark(&m->owner->heap);

    m->mark[0] = mark.chunk;
    m->mark[1] = mark.top;
    m->mark[2] = mark.counted;
}

static void open_scope(struct tr_receive_scope *m)
{
    struct tr_proc *p = m->owner;

    mark_heap(m);
    m->outer = p->scopes;
    p->scopes = m;
    m->message.w = 0;
    m->state = DONE;
}

static inline void begin(struct tr_receive_scope *m)
{
    struct tr_proc *p = tr__self_or_panic("tr_receive");

    m->owner = p;
    m->at = m->ref.w && p->mark_ref == m->ref.w ? p->mark_at : &p->first;
    m->deadline = TR__NEVER;
    m->stride = 0;
    if (tr__unlikely(tr__is_capped(p))) {
        tr__caps_receive(p, m);
        tr__caps_catch_up(p);
    }
    tr__spend_receive(p);
}

/* The next message for the body; false when there is none. */
static inline bool show(struct tr_receive_scope *m)
{
    struct tr_sig *sig = *m->at;

    if (!sig)
        return false;
    m->message.w = sig->term;
    /* The sender's core has it still: fetch it while the body looks at this one. */
    __builtin_prefetch(sig->next);
    m->state = LOOKING;
    return true;
}

/* The same after a look at what has arrived. */
static inline bool show_new(struct tr_receive_scope *m)
{
    struct tr_proc *p = m->owner;

    while (tr__inbox_has_new(p)) {
        tr__resumed(p);
        if (show(m))
            return true;
    }
    return false;
}

/* Waits for messages, or the deadline; sets what the body is to be run for. False: look again. A
   deadline that was set just now cannot be over, and need not be compared with the clock. */
static inline bool wait(struct tr_receive_scope *m, bool just_set)
{
    struct tr_proc *p = m->owner;

    if (TR__PLANTED(LOST_WAKEUP))
        tr__spend(p, TR__COST_RECEIVE);
    if (tr__unlikely(m->deadline != TR__NEVER)) {
        if (!just_set && tr__clock_ns() >= m->deadline) {
            m->state = EXPIRED;
            return true;
        }
        p->wake_at = m->deadline;
    }
    tr__wait(p);
    p->wake_at = TR__NEVER;
    return show(m);
}

/* Apart from tr__receive_next, which calls it last: so that one function is open across the switch,
   and the way without one saves no registers for it. */
static TR__OPAQUE bool wait_and_show(void *scope, uint64_t was)
{
    struct tr_receive_scope *m = scope;
    bool just_set = m->state == EMPTY;

    /* The body, when it was asked for the limit, may have let others run; so may who enters after
       he has lost his worker. What came then is in the mailbox already, and wakes nobody. */
    if (tr__likely(!show(m)))
        while (!wait(m, just_set) && !show_new(m))
            just_set = false;
    tr__tls_leave(tr__tls(), was);
    return true;
}

/* Goes on to the next message in the mailbox, if there is one. Not inside, which would be half of
   what a step of a long walk costs: it touches no worker, links and frees nothing, so the process
   may be ended at any point of it.

   A walk is a chain of loads, each of which waits for the one before. But what was queued at a time
   mostly lies evenly spaced. So the place of a message is guessed from the two before it; the guess
   is compared with the link, and the processor, which predicts that they are the same, goes on
   meanwhile. The compiler must not know it, or it would take the link after all. */
static inline bool step(struct tr_receive_scope *m)
{
    struct tr_sig **at = m->at;
    uintptr_t guess = (uintptr_t)at + (uintptr_t)m->stride;
    struct tr_sig *sig = (struct tr_sig *)guess;

    __asm__("" : "+r"(sig));
    if (tr__unlikely((uintptr_t)*at != guess)) {
        sig = *at;
        m->stride = (char *)sig - (char *)at;
    }
    if (!sig->next)
        return false;
    m->at = &sig->next;
    m->message.w = sig->next->term;
    return true;
}

/* Goes on past the message that the body has looked at. */
static inline void pass(struct tr_receive_scope *m)
{
    m->at = &(*m->at)->next;
    if (tr__unlikely(tr__is_capped(m->owner))) {
        m->message.w = 0;
        tr__caps_catch_up(m->owner);
    }
}

bool tr__receive_next(struct tr_receive_scope *m)
{
    struct tr_tls *tls;

    if (m->message.w && step(m))
        return true;
    bool was = tr__enter_at(&tls);

    if (m->state == EMPTY)
        return tr__context_call(m, was, wait_and_show);
    if (m->state == LOOKING)
        pass(m);
    else if (m->state == START)
        begin(m);
    if (!show(m)) {
        m->message.w = 0;
        if (!show_new(m)) {
            if (tr__unlikely(m->timed))
                return tr__context_call(m, was, wait_and_show);
            m->timed = true;
            m->state = EMPTY;
        }
    }
    tr__tls_leave(tr__tls(), was);
    return true;
}

void tr__receive_accept(struct tr_receive_scope *m)
{
    struct tr_proc *p = m->owner;

    m->taken = tr__mailbox_remove(p, m->at);
    open_scope(m);
    if (tr__unlikely(tr__is_capped(p)))
        tr__caps_accepted(p, m->taken);
}

bool tr__receive_any(struct tr_receive_scope *m, tr_term *message)
{
    TR__ENTER();
    struct tr_proc *p = TR__SELF();

    tr__spend_receive(p);
    if (!p->first)
        tr__resumed(p);
    if (!p->first)
        return false;
    m->owner = p;
    m->at = &p->first;
    if (tr__unlikely(tr__is_capped(p)))
        tr__caps_receive(p, m);
    message->w = p->first->term;
    __builtin_prefetch(p->first->next);
    tr__receive_accept(m);
    return true;
}

bool tr__receive_after(struct tr_receive_scope *m, int64_t ms)
{
    if (m->state == EXPIRED || (m->state == EMPTY && ms == 0 && !*m->at)) {
        m->taken = NULL;
        open_scope(m);
        if (tr__unlikely(tr__is_capped(m->owner)))
            tr__caps_accepted(m->owner, NULL);
        return true;
    }
    m->deadline = tr__deadline(ms);
    return false;
}

tr_term tr_receive_result(struct tr_receive_scope *m, tr_term term)
{
    tr_term copy = tr_copy(term);

    mark_heap(m);
    return copy;
}

static void close_scope(struct tr_receive_scope *m)
{
    struct tr_proc *p = m->owner;

    p->scopes = m->outer;
    if (m->taken)
        tr__sig_discard(p, m->taken);
}

void tr__receive_close(struct tr_receive_scope *m)
{
    tr__heap_reset(&m->owner->heap, (struct tr_heap_mark){ m->mark[0], m->mark[1], m->mark[2] });
    close_scope(m);
}

void tr__receive_close_until(struct tr_proc *p, const struct tr_receive_scope *outer)
{
    while (p->scopes != outer)
        close_scope(p->scopes);
}

size_t tr_mailbox_length(void)
{
    TR__ENTER();
    struct tr_proc *p = TR__SELF();

    tr__take_signals(p);
    return p->nmessages;
}

TR__OPAQUE void tr_sleep(int64_t ms)
{
    TR__ENTER();
    struct tr_proc *p = TR__SELF();

    if (ms == 0)
        return;
    int64_t deadline = tr__deadline(ms);
    while (deadline == TR__NEVER || tr__clock_ns() < deadline) {
        p->wake_at = deadline;
        tr__wait(p);
        p->wake_at = TR__NEVER;
    }
}
