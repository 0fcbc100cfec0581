/* SPDX-License-Identifier: MIT */
/*
 * How signals reach a process: senders push them on its inbox, a chain with the newest first; the
 * owner sorts what is new into its mailbox, or applies it. The protocol of sleeping and waking is
 * explained in mailbox.c.
 */
#ifndef TROUPE_PROC_INBOX_H
#define TROUPE_PROC_INBOX_H

#include "proc/proc.h"

/* Puts a signal on the inbox and wakes the owner; any thread. The two others do not look whether
   the process is capped; `tls` is the calling thread's. */
void tr__push(struct tr_proc *p, struct tr_sig *sig);
static inline void tr__push_now(struct tr_proc *p, struct tr_sig *sig);
TR__INLINED void tr__push_inside(struct tr_tls *tls, struct tr_proc *p, struct tr_sig *sig);

/* Only puts it there, and gives what was there before: at TR__ASLEEP the owner is for the caller to
   wake, at TR__CLOSED the signal is the caller's still. */
TR__INLINED struct tr_sig *tr__inbox_push(struct tr_proc *p, struct tr_sig *sig);

/* Wakes the owner without a signal, if it waits. Any thread. */
void tr__poke(struct tr_proc *p);

/* Applies what has arrived; true when the mailbox grew. Owner only. */
bool tr__take_signals(struct tr_proc *p);

/* The same where most often one signal has arrived. */
static inline void tr__take_signal(struct tr_proc *p);

/* Opens the inbox of a new process; closes that of an ending one and drops what is in it. */
void tr__inbox_open(struct tr_proc *p);
void tr__inbox_close(struct tr_proc *p);

/* Puts ASLEEP there; false when something new has arrived. Afterwards the owner may already run
   elsewhere. */
bool tr__inbox_sleep(struct tr_proc *p);

static inline bool tr__inbox_has_new(struct tr_proc *p)
{
    return atomic_load_explicit(&p->inbox, memory_order_relaxed) != p->seen;
}

/* Adds a message at the end of the mailbox. */
static inline void tr__mailbox_append(struct tr_proc *p, struct tr_sig *sig)
{
    sig->next = NULL;
    *p->last = sig;
    p->last = &sig->next;
    p->nmessages++;
}

/* Takes the message that *at points to out of the mailbox. */
static inline struct tr_sig *tr__mailbox_remove(struct tr_proc *p, struct tr_sig **at)
{
    struct tr_sig *sig = *at;

    *at = sig->next;
    if (tr__likely(p->last == &sig->next))
        p->last = at;
    if (p->mark_at == &sig->next)
        p->mark_at = at;
    p->nmessages--;
    return sig;
}

/* Puts a list of signals, oldest first, into the mailbox or applies them. Owner only. */
void tr__sort_signals(struct tr_proc *p, struct tr_sig *list);

/* Frees a signal that came through the inbox of `p`. */
void tr__sig_discard(struct tr_proc *p, struct tr_sig *sig);

/* The same for one that was meant for an earlier process of this slot: its sender is told. */
void tr__sig_bounce(struct tr_proc *p, struct tr_sig *sig);

/* Frees a tie that has left the table of `p`, unless its message is in use. */
static inline void tr__tie_discard(struct tr_proc *p, struct tr_tie *tie)
{
    if (tie->sig.kind == TR__SIG_REQUEST)
        tie->sig.flags = tie->sig.flags & (15u - TR__SIG_TIED);
    else
        tr__sig_discard(p, &tie->sig);
}

/* --- inline --- */

static inline void tr__push_now(struct tr_proc *p, struct tr_sig *sig)
{
    tr__push_inside(tr__tls(), p, sig);
}

TR__INLINED void tr__push_inside(struct tr_tls *tls, struct tr_proc *p, struct tr_sig *sig)
{
    struct tr_sig *before = tr__inbox_push(p, sig);

    if (tr__unlikely(before == TR__CLOSED))
        tr__sig_undeliverable(sig);
    else if (before == TR__ASLEEP && !tr__wake_next(tls->worker, &p->runnable))
        tr__wake(&p->runnable);
}

TR__INLINED struct tr_sig *tr__inbox_push(struct tr_proc *p, struct tr_sig *sig)
{
    /* Acquire, here and when the exchange fails, for who finds it closed: see mailbox.c. */
    struct tr_sig *newest = atomic_load_explicit(&p->inbox, memory_order_acquire);

    do {
        if (tr__unlikely(newest == TR__CLOSED))
            return newest;
        /* NULL for TR__ASLEEP, without a branch. */
        sig->next = (struct tr_sig *)((uintptr_t)newest & ~(uintptr_t)TR__ASLEEP);
    } while (!atomic_compare_exchange_weak_explicit(&p->inbox, &newest, sig, memory_order_acq_rel,
                                                    memory_order_acquire));
    if (tr__likely(newest == TR__ASLEEP))
        tr__context_prefetch(&p->context);
    return newest;
}

static inline void tr__take_signal(struct tr_proc *p)
{
    struct tr_sig *sig = atomic_load_explicit(&p->inbox, memory_order_acquire);
    struct tr_sig *seen = p->seen;

    if (sig == seen)
        return;
    if (tr__unlikely(sig->next != seen || p->flags & (TR__P_SEEN_DEAD | TR__P_SEEN_BOUNCE))) {
        tr__take_signals(p);
        return;
    }
    p->seen = sig;
    if (tr__likely(sig->kind == TR__SIG_MESSAGE && !sig->flags &&
                   sig->to == atomic_load_explicit(&p->id, memory_order_relaxed)))
        tr__mailbox_append(p, sig);
    else
        tr__handle(p, sig);
}

#endif
