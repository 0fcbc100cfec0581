/* SPDX-License-Identifier: MIT */
/*
 * What each kind of signal does to its receiver, by the receiver itself.
 *
 * Every function here owns the signal it is given. A signal meant for an earlier process of the
 * same slot is treated as one that reached a dead process.
 */
#include "base/plant.h"
#include "proc/caps.h"
#include "proc/proc.h"

static void accept_exit(struct tr_proc *p, struct tr_sig *sig)
{
    uint64_t from = tr__sig_words(sig)[2];
    uint64_t reason = tr__sig_words(sig)[3];

    if (p->flags & TR__P_TRAP_EXIT &&
        !(reason == TR_ATOM_W(kill) && !(sig->flags & TR__SIG_LINKED))) {
        sig->kind = TR__SIG_MESSAGE;
        sig->flags &= TR__SIG_TIMER;
        tr__mailbox_append(p, sig);
        return;
    }
    uint64_t self = atomic_load_explicit(&p->id, memory_order_relaxed);
    if (reason == TR_ATOM_W(normal) && (sig->flags & TR__SIG_LINKED || from != self)) {
        tr__sig_discard(p, sig);
        return;
    }
    p->flags |= TR__P_DYING;
    p->dying = sig;
}

/* Its owner has ended the process, and got the 'DOWN': see tr_end_watched. */
static bool is_silent(const struct tr_proc *p, const struct tr_tie *link)
{
    return link->silent && p->flags & TR__P_TRAP_EXIT;
}

static void on_exit(struct tr_proc *p, struct tr_sig *sig)
{
    if (sig->flags & TR__SIG_TIMER && !tr__timer_arrived(p, sig)) {
        tr__sig_discard(p, sig);
        return;
    }
    /* The first one that is accepted decides. */
    if (p->flags & (TR__P_DYING | TR__P_EXITING)) {
        tr__sig_discard(p, sig);
        return;
    }
    if (sig->flags & TR__SIG_LINKED) {
        struct tr_tie *tie = tr__ties_find(&p->ties, tr__sig_words(sig)[2]);
        /* An unlink under way counts as done; the ended process will not acknowledge it. */
        bool linked = tie && ((!tie->unlink_id && !is_silent(p, tie)) || TR__PLANTED(LINK_RACE));
        if (tie) {
            tr__ties_remove(&p->ties, tie);
            tr__sig_discard(p, &tie->sig);
        }
        if (!linked) {
            tr__sig_discard(p, sig);
            return;
        }
    }
    accept_exit(p, sig);
}

static void on_link(struct tr_proc *p, struct tr_sig *sig)
{
    struct tr_tie *tie = (struct tr_tie *)(void *)sig;

    /* Linked already; or we have asked to unlink and this was sent before that arrived there. */
    if (tr__ties_find(&p->ties, tie->key))
        tr__sig_discard(p, sig);
    else
        tr__ties_insert(&p->ties, tie);
}

static void on_unlink(struct tr_proc *p, struct tr_sig *sig)
{
    uint64_t from = tr__sig_words(sig)[0];
    struct tr_tie *tie = tr__ties_find(&p->ties, from);

    if (tie && !tie->unlink_id) {
        tr__ties_remove(&p->ties, tie);
        tr__sig_discard(p, &tie->sig);
    }
    struct tr_sig *ack = tr__unlink_signal(TR__SIG_UNLINK_ACK, from,
                                           atomic_load_explicit(&p->id, memory_order_relaxed),
                                           tr__sig_words(sig)[1]);
    tr__sig_discard(p, sig);
    /* Without memory for the answer the other side keeps its entry until it ends: harmless. */
    if (ack)
        tr__sig_send(ack);
}

static void on_unlink_ack(struct tr_proc *p, struct tr_sig *sig)
{
    struct tr_tie *tie = tr__ties_find(&p->ties, tr__sig_words(sig)[0]);

    if (tie && tie->unlink_id == tr__sig_words(sig)[1]) {
        tr__ties_remove(&p->ties, tie);
        tr__sig_discard(p, &tie->sig);
    }
    tr__sig_discard(p, sig);
}

static void on_monitor(struct tr_proc *p, struct tr_sig *sig)
{
    tr__ties_insert(&p->ties, (struct tr_tie *)(void *)sig);
}

/* First the monitor, then the message. */
static void on_request(struct tr_proc *p, struct tr_sig *sig)
{
    sig->flags |= TR__SIG_TIED;
    tr__ties_insert(&p->ties, (struct tr_tie *)(void *)sig);
    tr__mailbox_append(p, sig);
}

/* First the monitor, then the exit signal. A link with the same process will end after it. */
static void on_end(struct tr_proc *p, struct tr_sig *sig)
{
    struct tr_tie *tie = tr__sig_end_take(sig);
    struct tr_tie *link = tr__ties_find(&p->ties, tie->peer);

    if (link)
        link->after = tie->key;
    tr__ties_insert(&p->ties, tie);
    on_exit(p, sig);
}

static void on_demonitor(struct tr_proc *p, struct tr_sig *sig)
{
    struct tr_tie *tie = tr__ties_find(&p->ties, tr__sig_words(sig)[0]);

    if (tie && tie->kind == TR__TIE_WATCHER) {
        tr__ties_remove(&p->ties, tie);
        tr__tie_discard(p, tie);
    }
    tr__sig_discard(p, sig);
}

/* True when the monitor was made by tr_end_watched, and the process lived until that came. */
static bool take_down(struct tr_proc *p, struct tr_sig *sig)
{
    struct tr_tie *tie = tr__ties_find(&p->ties, tr__sig_words(sig)[2]);

    if (!tie || tie->kind != TR__TIE_MONITOR) {
        tr__sig_discard(p, sig);
        return false;
    }
    bool ended = tie->ends && tr__sig_words(sig)[5] != TR_ATOM_W(noproc);
    tr__monitor_end(p, tie);
    sig->kind = TR__SIG_MESSAGE;
    sig->flags = 0;
    tr__mailbox_append(p, sig);
    return ended;
}

/* The exit signal of a link that came with a 'DOWN': as on_exit, in the block of the link's end. */
static void take_exit(struct tr_proc *p, uint64_t from, uint64_t reason, bool silent)
{
    bool ends = p->flags & (TR__P_DYING | TR__P_EXITING);
    struct tr_tie *tie = ends ? NULL : tr__ties_find(&p->ties, from);

    if (!tie)
        return;
    bool linked = !tie->unlink_id && !silent;
    tr__ties_remove(&p->ties, tie);
    if (linked)
        accept_exit(p, tr__exit_in_place(tie, from, reason));
    else
        tr__sig_discard(p, &tie->sig);
}

/* The exit signal is still to come. */
static void silence(struct tr_proc *p, uint64_t from)
{
    struct tr_tie *link = tr__ties_find(&p->ties, from);

    if (link)
        link->silent = true;
}

static void on_down(struct tr_proc *p, struct tr_sig *sig)
{
    uint64_t from = tr__sig_words(sig)[4];
    uint64_t reason = tr__sig_words(sig)[5];
    bool linked = sig->flags & TR__SIG_LINKED;
    bool silent = take_down(p, sig) && p->flags & TR__P_TRAP_EXIT;

    if (linked)
        take_exit(p, from, reason, silent);
    else if (silent)
        silence(p, from);
}

/* A message through an alias, or one from a timer. */
static void on_message(struct tr_proc *p, struct tr_sig *sig, bool through_alias)
{
    if (through_alias && !tr__alias_accepts(p, sig)) {
        tr__sig_discard(p, sig);
        return;
    }
    if (sig->flags & TR__SIG_TIMER && !tr__timer_arrived(p, sig)) {
        tr__sig_discard(p, sig);
        return;
    }
    tr__mailbox_append(p, sig);
}

/* A process that has begun to end answers as if it had ended. */
static void on_call(struct tr_proc *p, struct tr_sig *sig)
{
    struct tr_sig_call *call = (struct tr_sig_call *)(void *)sig;

    if (p->flags & (TR__P_DYING | TR__P_EXITING))
        tr__sig_bounce(p, sig);
    else
        call->serve(p, call);
}

void tr__handle(struct tr_proc *p, struct tr_sig *sig)
{
    bool alias = (sig->to & 3) == TR__TAG_REF;

    if (!alias && sig->to != atomic_load_explicit(&p->id, memory_order_relaxed)) {
        tr__sig_bounce(p, sig);
        return;
    }
    switch ((enum tr_sig_kind)sig->kind) {
    case TR__SIG_MESSAGE:
        on_message(p, sig, alias);
        return;
    case TR__SIG_EXIT:
        on_exit(p, sig);
        return;
    case TR__SIG_LINK:
        on_link(p, sig);
        return;
    case TR__SIG_UNLINK:
        on_unlink(p, sig);
        return;
    case TR__SIG_UNLINK_ACK:
        on_unlink_ack(p, sig);
        return;
    case TR__SIG_MONITOR:
        on_monitor(p, sig);
        return;
    case TR__SIG_REQUEST:
        on_request(p, sig);
        return;
    case TR__SIG_END:
        on_end(p, sig);
        return;
    case TR__SIG_DEMONITOR:
        on_demonitor(p, sig);
        return;
    case TR__SIG_DOWN:
        on_down(p, sig);
        return;
    case TR__SIG_CALL:
        on_call(p, sig);
        return;
    case TR__SIG_READY:
        tr__fd_arrived(p, sig);
        return;
    case TR__SIG_BELL:
        tr__caps_bell(p);
        return;
    }
}
