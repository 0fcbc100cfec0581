/* SPDX-License-Identifier: MIT */
/*
 * The inbox, which anybody fills, and the mailbox, which its owner keeps.
 *
 * Pushing is one compare-and-exchange, and never waits for anyone: a sender that is descheduled
 * half-way holds up nobody. The owner reads the chain from the newest signal back to `seen`,
 * reverses it, and so has everything new in order.
 *
 * Memory order. A push releases the signal's contents; the owner's load of the inbox acquires
 * them. Closing the inbox releases what the owner has looked at; who finds it closed acquires that,
 * and may free the signal that it cannot deliver. Going to sleep releases everything the owner has
 * done; the push that takes ASLEEP away acquires it and hands it on through the run queue to the
 * thread that runs the process next.
 */
#include "proc/caps.h"
#include "proc/proc.h"

static inline struct tr_sig *inbox_load(struct tr_proc *p)
{
    return atomic_load_explicit(&p->inbox, memory_order_acquire);
}

void tr__push(struct tr_proc *p, struct tr_sig *sig)
{
    if (tr__unlikely(tr__is_capped(p)))
        tr__caps_push(p, sig);
    else
        tr__push_now(p, sig);
}

void tr__poke(struct tr_proc *p)
{
    struct tr_sig *asleep = TR__ASLEEP;

    /* As in tr__push the waker carries the owner's state to its next run. Sequentially consistent
       for the sake of the timeout's flag, see timeout_fired. */
    if (atomic_compare_exchange_strong_explicit(&p->inbox, &asleep, NULL, memory_order_seq_cst,
                                                memory_order_seq_cst))
        tr__wake(&p->runnable);
}

void tr__inbox_open(struct tr_proc *p)
{
    p->seen = NULL;
    atomic_store_explicit(&p->inbox, NULL, memory_order_release);
}

/* Does what had to wait until `sig` was no longer the head of the inbox. */
static inline void settle(struct tr_sig *sig, unsigned flags)
{
    if (tr__likely(flags & TR__P_SEEN_DEAD))
        tr__sig_free_inside(tr__tls(), sig);
    else if (flags & TR__P_SEEN_BOUNCE)
        tr__sig_undeliverable(sig);
}

/* Moves `seen` on; gives what was due for the signal it pointed to. */
static unsigned move_seen(struct tr_proc *p, struct tr_sig *to)
{
    unsigned due = p->flags & (TR__P_SEEN_DEAD | TR__P_SEEN_BOUNCE);

    p->seen = to;
    p->flags &= (uint8_t) ~(TR__P_SEEN_DEAD | TR__P_SEEN_BOUNCE);
    return due;
}

static void advance_seen(struct tr_proc *p, struct tr_sig *newest)
{
    struct tr_sig *before = p->seen;

    settle(before, move_seen(p, newest));
}

inline bool tr__inbox_sleep(struct tr_proc *p)
{
    struct tr_sig *seen = p->seen;
    struct tr_sig *expected = seen;
    /* Moved before the exchange: once it has succeeded the process may be running elsewhere. */
    unsigned due = move_seen(p, NULL);

    if (atomic_compare_exchange_strong_explicit(&p->inbox, &expected, TR__ASLEEP,
                                                memory_order_seq_cst, memory_order_relaxed)) {
        settle(seen, due);
        return true;
    }
    p->seen = seen;
    p->flags |= (uint8_t)due;
    return false;
}

void tr__sig_discard(struct tr_proc *p, struct tr_sig *sig)
{
    /* A request whose tie is in use becomes that now: its block stays, and when the process sleeps
       next, may be looked at by whoever runs it then. */
    if (tr__unlikely(sig->kind == TR__SIG_REQUEST && sig->flags & TR__SIG_TIED)) {
        tr__sig_free(sig);
        return;
    }
    if (sig == p->seen) {
        p->flags |= TR__P_SEEN_DEAD;
        return;
    }
    struct tr_tls *tls = tr__tls();
    bool was = tr__tls_enter(tls);
    if (tr__likely(!sig->counted)) {
        tr__sig_free_inside(tls, sig);
        tr__tls_leave(tls, was);
        return;
    }
    if (!sig->counted->next && tr__shared_release_inside(tls, sig->counted->shared)) {
        sig->counted = NULL;
        tr__sig_free_inside(tls, sig);
        tr__tls_leave(tls, was);
        return;
    }
    /* It may be large, and take long to go: not inside. */
    tr__tls_leave(tls, was);
    tr__sig_free(sig);
}

void tr__sig_bounce(struct tr_proc *p, struct tr_sig *sig)
{
    if (sig == p->seen)
        p->flags |= TR__P_SEEN_BOUNCE;
    else
        tr__sig_undeliverable(sig);
}

/* The signals from `newest` back to `end`, oldest first. */
static struct tr_sig *reverse(struct tr_sig *newest, const struct tr_sig *end)
{
    struct tr_sig *list = NULL;

    while (newest != end) {
        struct tr_sig *older = newest->next;
        newest->next = list;
        list = newest;
        newest = older;
    }
    return list;
}

inline void tr__sort_signals(struct tr_proc *p, struct tr_sig *list)
{
    uint64_t id = atomic_load_explicit(&p->id, memory_order_relaxed);

    while (list) {
        struct tr_sig *sig = list;
        list = sig->next;
        if (tr__likely(sig->kind == TR__SIG_MESSAGE && sig->to == id && !sig->flags))
            tr__mailbox_append(p, sig);
        else
            tr__handle(p, sig);
    }
}

bool tr__take_signals(struct tr_proc *p)
{
    struct tr_sig *newest = inbox_load(p);
    uint32_t before = p->nmessages;

    if (newest == p->seen)
        return false;
    struct tr_sig *sig = reverse(newest, p->seen);
    advance_seen(p, newest);
    tr__sort_signals(p, sig);
    return p->nmessages != before;
}

void tr__inbox_close(struct tr_proc *p)
{
    /* Acquire: the signals that came last; release: who finds it closed finds all else done. */
    struct tr_sig *newest = atomic_exchange_explicit(&p->inbox, TR__CLOSED, memory_order_acq_rel);
    struct tr_sig *sig = reverse(newest, p->seen);

    advance_seen(p, NULL);
    while (sig) {
        struct tr_sig *next = sig->next;
        tr__sig_undeliverable(sig);
        sig = next;
    }
    for (sig = p->first; sig;) {
        struct tr_sig *next = sig->next;
        tr__sig_free(sig);
        sig = next;
    }
    p->first = NULL;
    p->last = &p->first;
    p->nmessages = 0;
}
