/* SPDX-License-Identifier: MIT */
/*
 * How a process gives its worker back, waits, and goes on; what its turn costs.
 *
 * Nearly all of it is inline, so that few functions are open across a switch: each returns to where
 * the processor does not expect it. See src/os/context.h.
 */
#ifndef TROUPE_PROC_TURN_H
#define TROUPE_PROC_TURN_H

#include "proc/proc.h"
#include "proc/watch.h"
#include "sched/next.h"
#include "sched/replay.h"

/* The run function of every process, and of one with a thread of its own. */
struct tr_runnable *tr__proc_run(struct tr_worker *w, struct tr_runnable *r);
struct tr_runnable *tr__proc_run_owned(struct tr_worker *w, struct tr_runnable *r);

/* Sleeps, unless something has come; true when the process is to run again at once. */
TR__INLINED bool tr__fall_asleep(struct tr_proc *p)
{
    bool timed = tr__unlikely(p->wake_at != TR__NEVER && !p->suspended);

    /* A call that took signals without looking whether one of them ends the process: it must not
       wait for another one now. */
    if (tr__unlikely(p->flags & TR__P_DYING))
        return true;
    if (!tr__inbox_sleep(p))
        return true;
    /* From here on the process may be running elsewhere. A timeout that fired while it was still
       awake woke nobody; waking it once too often does no harm. */
    if (timed && atomic_load_explicit(&p->timed_out, memory_order_seq_cst))
        tr__poke(p);
    return false;
}

/*
 * A process that another one changes to is told who was left, and puts that to sleep before it does
 * anything else: by the address of its control block, or one more when it hibernates.
 */
TR__INLINED void *tr__left_hibernating(struct tr_proc *p)
{
    return (char *)p + 1;
}

/* Puts a process that hibernates to sleep; the address is that of tr__left_hibernating. */
void tr__hibernated(void *left);

/* What a process does first when it goes on. */
static inline void tr__put_to_sleep(void *left)
{
    struct tr_proc *p = left;

    if (!left)
        return;
    if ((uintptr_t)left & 1)
        tr__hibernated(left);
    else if (tr__fall_asleep(p))
        tr__wake(&p->runnable);
}

/* Gives the worker back; returns when the process runs again. */
TR__INLINED void tr__switch_out(struct tr_proc *p, enum tr_proc_action action)
{
    struct tr_tls *tls = tr__tls();
    int error = *tls->errno_at;

    /* Who reclaims has no worker. */
    TR__CHECK(action == TR__ACT_RECLAIM || !tr__reader_is_open(&p->worker->reader));
    p->action = action & 7;
    tr__put_to_sleep(tr__context_leave(&p->context, &((struct tr_thread *)tls->thread)->home,
                                       action == TR__ACT_EXIT || action == TR__ACT_HIBERNATE));
    *tr__tls()->errno_at = error; /* that of another thread, maybe */
}

/* Has the hibernated process in the run-next slot begin, without running it yet; false when it
   cannot, and is in the slot again. `tls` is the calling thread's. */
bool tr__begin_in_place(struct tr_tls *tls, struct tr_worker *w, struct tr_proc *p);

/* Takes the process that may run next in the place of one that waits, and has begun, or may begin
   here; NULL: the thread's own flow has to see what comes. */
TR__INLINED struct tr_proc *tr__take_in_place(struct tr_tls *tls, struct tr_proc *p, bool begin)
{
    struct tr_worker *w = tls->worker;
    struct tr_runnable *r = TR__CONTEXT_CHANGES && w ? tr__next_of(w) : NULL;

    if (!r)
        return NULL;
    struct tr_proc *next = tr__container_of(r, struct tr_proc, runnable);
    if (tr__unlikely(tr__replay_on || !tr__next_at_once(w) || r->run != tr__proc_run ||
                     p->runnable.run != tr__proc_run || tr__watching()))
        return NULL;
    if (next->stack)
        tr__next_begins(w);
    else if (!begin || !tr__begin_in_place(tls, w, next))
        return NULL;
    return next;
}

/*
 * Suspends `p` and goes on in `next`, or in the thread's own flow if that is NULL; returns when `p`
 * runs again, with who was left then. `left` is how `next` is told of `p`.
 */
TR__INLINED void *tr__change(struct tr_tls *tls, struct tr_proc *p, struct tr_proc *next,
                             void *left)
{
    TR__CHECK(!tr__reader_is_open(&p->worker->reader));
    if (next) {
        next->worker = p->worker;
        tr__heap_set(tls, &next->heap);
        /* Release pairs with the monitor's acquire in tr__threads_kick: it looks into the block. */
        atomic_store_explicit(&tls->current, next, memory_order_release);
    }
    return tr__context_change(&p->context, &((struct tr_thread *)tls->thread)->home,
                              next ? &next->context : NULL, next ? left : NULL);
}

/*
 * The same as tr__switch_out by a process that waits for a signal. Where another one is to run next
 * anyway, it is changed to at once, without the thread's own flow: it puts `p` to sleep where the
 * thread would have, as soon as nobody runs on its stack any more.
 */
TR__INLINED void tr__switch_to_wait(struct tr_proc *p)
{
    struct tr_tls *tls = tr__tls();
    int error = *tls->errno_at;
    struct tr_proc *next = tr__take_in_place(tls, p, true);

    p->action = TR__ACT_WAIT;
    tr__put_to_sleep(tr__change(tls, p, next, p));
    *tr__tls()->errno_at = error; /* that of another thread, maybe */
}

/* The same by a process that will need its stack no more. */
_Noreturn void tr__leave_for_good(struct tr_proc *p, enum tr_proc_action action);

/* Ends the process by the exit signal that was accepted. */
_Noreturn void tr__die(struct tr_proc *p);

/* The reason of such an end. */
static inline uint64_t tr__dying_reason(struct tr_sig *sig)
{
    uint64_t reason = tr__sig_words(sig)[3];

    return reason == TR_ATOM_W(kill) && !(sig->flags & TR__SIG_LINKED) ? TR_ATOM_W(killed) : reason;
}

/* Ends the process if an exit signal was accepted. */
static inline void tr__check_dying(struct tr_proc *p)
{
    if (tr__unlikely(p->flags & TR__P_DYING))
        tr__die(p);
}

/* A suspended process takes signals, so that it can be resumed, examined and killed. */
void tr__stay_suspended(struct tr_proc *p);

/* What every process does when it goes on after a pause, or looks for what has come. */
static inline void tr__resumed(struct tr_proc *p)
{
    tr__take_signal(p);
    if (tr__unlikely(p->suspended))
        tr__stay_suspended(p);
    if (!(p->flags & TR__P_EXITING))
        tr__check_dying(p);
}

/* Sees to it that `timeout` fires at wake_at or before. */
void tr__timeout_arm(struct tr_proc *p);

/* Waits for a signal, until p->wake_at at most; may return early. */
TR__INLINED void tr__wait(struct tr_proc *p)
{
    if (p->wake_at != TR__NEVER)
        tr__timeout_arm(p);
    tr__switch_to_wait(p);
    tr__resumed(p);
}

/* Lets others run, then applies the signals that have come. */
void tr__yield_now(struct tr_proc *p);

static inline void tr__spend(struct tr_proc *p, int32_t cost)
{
    p->reductions += (uint64_t)cost;
    if (tr__charge(p->worker, cost))
        tr__yield_now(p);
}

static inline void tr__spend_receive(struct tr_proc *p)
{
    p->worker->receives++;
    tr__spend(p, TR__COST_RECEIVE);
}

/* The time so many ms from now; raises timeout_value for a negative one. */
int64_t tr__deadline(int64_t ms);

/* Takes `timeout` off its wheel. */
void tr__timeout_cancel(struct tr_proc *p);

#endif
