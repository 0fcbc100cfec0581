/* SPDX-License-Identifier: MIT */
/*
 * The end of an idle process, without a stack of its own.
 *
 * A process that hibernates has none, and where nothing of the program is to run at its end it
 * needs none: the worker that was to run it takes it out of the world. So does who ends it, where
 * that is somebody who would only wait for its end: whoever takes ASLEEP out of its inbox owns it,
 * as the worker that it is woken on would, and it is as if that had run it at once. For a
 * supervisor that saves two switches, the monitor, and what travels to and fro.
 */
#include "proc/caps.h"
#include "proc/proc.h"

/* Has the caller own it, if it sleeps; it may be another one than `pid` by then. */
static bool take_over(struct tr_proc *p, uint64_t pid)
{
    struct tr_sig *asleep = TR__ASLEEP;

    return atomic_load_explicit(&p->id, memory_order_acquire) == pid &&
           atomic_compare_exchange_strong_explicit(&p->inbox, &asleep, NULL, memory_order_acq_rel,
                                                   memory_order_relaxed);
}

/* Would it just vanish? What few processes have is left to them, since some of it is the program's,
   or a thread's. */
static inline bool is_idle(struct tr_proc *p)
{
    return (p->flags & (TR__P_HIBERNATED | TR__P_MAIN)) == TR__P_HIBERNATED &&
           tr__rare_of(p) == &tr__no_rare && tr__cleanups_quiet(p) && !tr__is_capped(p) &&
           !atomic_load_explicit(&p->has_tables, memory_order_relaxed);
}

/* Would it end by that signal, and at once? */
static inline bool accepts(const struct tr_proc *p, uint64_t reason)
{
    unsigned wrong = TR__P_DYING | (reason == TR_ATOM_W(kill) ? 0 : TR__P_TRAP_EXIT);

    return !(p->flags & wrong) && !p->suspended && reason != TR_ATOM_W(normal);
}

static void drop_link(struct tr_proc *p, uint64_t peer)
{
    struct tr_tie **at = tr__ties_at(&p->ties, peer);
    struct tr_tie *link = *at;

    if (!link)
        return;
    tr__ties_unlink(&p->ties, at);
    tr__sig_discard(p, &link->sig);
}

bool tr__end_idle(tr_pid pid, tr_atom reason)
{
    TR__ENTER();
    struct tr_proc *self = TR__SELF();
    uint64_t own = atomic_load_explicit(&self->id, memory_order_relaxed);
    struct tr_proc *p = (pid.w & 7) == TR__TAG_PID ? tr__proc_at(pid.w) : NULL;

    if (!p || !(self->flags & TR__P_TRAP_EXIT) || !take_over(p, pid.w))
        return false;
    if (atomic_load_explicit(&p->id, memory_order_relaxed) != pid.w || !is_idle(p) ||
        !accepts(p, reason.w)) {
        tr__wake(&p->runnable);
        return false;
    }
    /* It may have linked itself with the caller: that has arrived by now. */
    tr__take_signals(self);
    drop_link(self, pid.w);
    drop_link(p, own);
    p->worker = self->worker;
    tr__vanish_idle(p, reason.w == TR_ATOM_W(kill) ? TR_ATOM_W(killed) : reason.w, NULL);
    tr__spend(self, TR__COST_SPAWN);
    return true;
}

bool tr__idle_dies(struct tr_proc *p)
{
    uint64_t reason = tr__dying_reason(p->dying);

    if (!is_idle(p) || p->dying->flags & TR__SIG_CRASH || !tr__is_immediate(reason))
        return false;
    tr__vanish_idle(p, reason, p->dying);
    return true;
}
