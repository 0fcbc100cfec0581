/* SPDX-License-Identifier: MIT */
/*
 * The end of an idle process, by the one who ends it.
 *
 * A process that hibernates has no stack, and where nothing of the program is to run at its end it
 * needs none: whoever takes ASLEEP out of its inbox owns it, as the worker that it is woken on
 * would, and does the rest on the spot. For a supervisor that saves two switches, the monitor, and
 * what travels to and fro. It is as if the process had been woken, and run at once.
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
static bool is_idle(struct tr_proc *p, uint64_t pid, bool kill)
{
    unsigned busy = TR__P_DYING | TR__P_EXITING | TR__P_MAIN | (kill ? 0 : TR__P_TRAP_EXIT);

    return atomic_load_explicit(&p->id, memory_order_relaxed) == pid &&
           (p->flags & (TR__P_HIBERNATED | busy)) == TR__P_HIBERNATED && !p->suspended &&
           !tr__is_capped(p) && tr__rare_of(p) == &tr__no_rare && tr__cleanups_quiet(p) &&
           !atomic_load_explicit(&p->has_tables, memory_order_relaxed);
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
    bool kill = reason.w == TR_ATOM_W(kill);
    struct tr_proc *p = (pid.w & 7) == TR__TAG_PID ? tr__proc_at(pid.w) : NULL;

    if (!p || !(self->flags & TR__P_TRAP_EXIT) || reason.w == TR_ATOM_W(normal) ||
        !take_over(p, pid.w))
        return false;
    if (!is_idle(p, pid.w, kill)) {
        tr__wake(&p->runnable);
        return false;
    }
    /* It may have linked itself with the caller: that has arrived by now. */
    tr__take_signals(self);
    drop_link(self, pid.w);
    drop_link(p, own);
    p->worker = self->worker;
    tr__vanish_idle(p, kill ? TR_ATOM_W(killed) : reason.w);
    tr__spend(self, TR__COST_SPAWN);
    return true;
}
