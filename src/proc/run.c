/* SPDX-License-Identifier: MIT */
/*
 * Running a process, and all the ways in which it stops running.
 *
 * The worker switches to the process; the process says in `action` why it comes back, or changes to
 * another one that runs in its place. What must not happen while its stack is still in use -
 * falling asleep, so that another worker may wake and run it, and giving the stack back - is done
 * after the switch: by the worker on its own stack, or by the process that was changed to.
 *
 * The timeout of a receive is lazy: waking up does not take it off the wheel, since the next
 * receive will most often want one again, and later. It fires, then, for a process that waits for
 * something else, which looks at wake_at and goes back to sleep.
 */
#include "base/clock.h"
#include "mem/block.h"
#include "proc/caps.h"
#include "proc/proc.h"
#include "proc/watch.h"
#include "sched/replay.h"
#include "term/raise.h"

/* The first function on each new stack. Who was left comes where tr__context_change says so. */
static void entry(void *left)
{
    struct tr_proc *p = tr__self();

    tr__context_entered(&p->context);
    if (TR__CONTEXT_CHANGES)
        tr__put_to_sleep(left);
    tr__check_dying(p);
    *tr__tls()->errno_at = 0;
    /* From here on it is the program's own code, and the worker may be taken. */
    tr__tls_leave(tr__tls(), false);
    p->fn(tr__argument(p));
    tr__enter();
    tr__exit(p, TR_ATOM_W(normal));
}

/* Gives a process that is to start, or to go on after hibernation, a stack. */
static bool begin(struct tr_worker *w, struct tr_proc *p)
{
    p->stack = tr__stack_get(&w->stacks, p->stack_order ? (size_t)1 << p->stack_order : 0);
    if (!p->stack)
        return false;
    p->stack->next = NULL;
    tr__context_make(&p->context, tr__stack_bottom(p->stack), tr__stack_top(p->stack),
                     (void (*)(void))entry, &tr__thread()->home);
    return true;
}

static void drop_stack(struct tr_worker *w, struct tr_proc *p)
{
    struct tr_stack *older = p->stack->next;

    tr__context_drop(&p->context);
    tr__stack_put(&w->stacks, p->stack);
    /* After a fault the process went on on another stack, and kept the one before: contain.c. */
    while (tr__unlikely(older)) {
        struct tr_stack *s = older;
        older = s->next;
        tr__stack_put(&w->stacks, s);
    }
    p->stack = NULL;
}

static void timeout_fired(struct tr_wheel_node *node)
{
    struct tr_proc *p = tr__container_of(node, struct tr_proc, timeout);

    /* The process may be about to sleep: it puts ASLEEP there, then looks at the flag; we set the
       flag, then look for ASLEEP; all four in one total order, so one of us sees the other. */
    atomic_store_explicit(&p->timed_out, true, memory_order_seq_cst);
    tr__poke(p);
}

void tr__timeout_cancel(struct tr_proc *p)
{
    struct tr_wheel *wheel = &tr__worker_at(p->wheel)->wheel;

    tr__spin_lock(&wheel->lock);
    if (tr__wheel_pending(&p->timeout))
        tr__wheel_cancel(wheel, &p->timeout);
    tr__spin_unlock(&wheel->lock);
}

void tr__timeout_arm(struct tr_proc *p)
{
    struct tr_worker *w = p->worker;

    /* Pending still, or firing at this moment, which who goes to sleep notices: most timeouts are
       those of calls that are answered, and cost no more than this. */
    if (p->timeout.fire && p->timeout.due <= p->wake_at &&
        !atomic_load_explicit(&p->timed_out, memory_order_relaxed))
        return;
    if (p->timeout.fire) {
        struct tr_wheel *wheel = &tr__worker_at(p->wheel)->wheel;
        tr__spin_lock(&wheel->lock);
        atomic_store_explicit(&p->timed_out, false, memory_order_relaxed);
        bool early_enough = tr__wheel_pending(&p->timeout) && p->timeout.due <= p->wake_at;
        if (!early_enough && tr__wheel_pending(&p->timeout))
            tr__wheel_cancel(wheel, &p->timeout);
        tr__spin_unlock(&wheel->lock);
        if (early_enough)
            return;
    }
    p->timeout.fire = timeout_fired;
    p->timeout.due = p->wake_at;
    p->wheel = (uint16_t)w->index;
    tr__spin_lock(&w->wheel.lock);
    tr__wheel_start(&w->wheel, &p->timeout);
    tr__spin_unlock(&w->wheel.lock);
}

_Noreturn void tr__die(struct tr_proc *p)
{
    p->flags &= (uint8_t)~TR__P_DYING;
    uint64_t reason = tr__dying_reason(p->dying);
    if (!(p->flags & TR__P_EXITING) && !(p->dying->flags & TR__SIG_CRASH))
        p->flags |= TR__P_SIGNALLED;
    tr__exit(p, reason);
}

TR__OPAQUE void tr__stay_suspended(struct tr_proc *p)
{
    int64_t wake_at = p->wake_at;

    p->wake_at = TR__NEVER;
    while (p->suspended && !(p->flags & (TR__P_DYING | TR__P_EXITING))) {
        if (!tr__inbox_has_new(p))
            tr__switch_to_wait(p);
        tr__take_signals(p);
    }
    p->wake_at = wake_at;
}

static TR__OPAQUE bool switch_for_good(void *p, uint64_t action)
{
    struct tr_tls *tls = tr__tls();
    /* Who has yet to begin is to have the stack that `p` gives back, which is warm. */
    struct tr_proc *next = action == TR__ACT_HIBERNATE ? tr__take_in_place(tls, p, false) : NULL;

    if (next)
        tr__change(tls, p, next, tr__left_hibernating(p));
    else
        tr__switch_out(p, (enum tr_proc_action)action);
    return true;
}

_Noreturn void tr__leave_for_good(struct tr_proc *p, enum tr_proc_action action)
{
    tr__context_call(p, action, switch_for_good);
    __builtin_unreachable();
}

TR__OPAQUE void tr__yield_now(struct tr_proc *p)
{
    tr__switch_out(p, TR__ACT_YIELD);
    tr__resumed(p);
    if (tr__unlikely(tr__is_capped(p)))
        tr__caps_turn(p);
}

TR__OPAQUE __attribute__((cold)) void tr__reclaim(void)
{
    struct tr_proc *p = tr__self();

    tr__fork_check();
    if (p && tr__replay_takes()) {
        /* Whoever gets the worker has a stack in reserve. */
        tr__thread_restock(tr__thread());
        tr__switch_out(p, TR__ACT_YIELD);
        tr__resumed(p);
        return;
    }
    if (!p || !tr__thread_has_lost())
        return;
    int64_t held = tr__watching() ? tr__watch_held_for() : 0;
    tr__switch_out(p, TR__ACT_RECLAIM);
    if (held)
        tr__watch_held(p, held);
    tr__resumed(p);
}

/* A hibernated process was woken: true when it has a message, or an end, to go on with, or its time
   is over. */
static bool wakes_up(struct tr_proc *p)
{
    tr__take_signal(p);
    if (p->flags & TR__P_DYING)
        return true;
    if (p->suspended)
        return false;
    return p->first || (p->wake_at != TR__NEVER && tr__clock_ns() >= p->wake_at);
}

/* The same for one that is hibernated; its timeout may have fired early, or not been set yet. */
static TR__NOINLINE bool sleep_on(struct tr_proc *p)
{
    if (p->wake_at != TR__NEVER && !p->suspended)
        tr__timeout_arm(p);
    return tr__fall_asleep(p);
}

static void hibernate(struct tr_worker *w, struct tr_proc *p)
{
    drop_stack(w, p);
    p->flags |= TR__P_HIBERNATED;
}

TR__NOINLINE void tr__hibernated(void *left)
{
    struct tr_proc *p = (struct tr_proc *)((char *)left - 1);

    hibernate(p->worker, p);
    /* With something to look at, it does so when it is its turn. */
    if (p->first || tr__inbox_has_new(p) || sleep_on(p))
        tr__wake(&p->runnable);
}

TR__NOINLINE bool tr__begin_in_place(struct tr_tls *tls, struct tr_worker *w, struct tr_proc *p)
{
    if (!(p->flags & TR__P_HIBERNATED))
        return false;
    struct tr_proc *caller = atomic_load_explicit(&tls->current, memory_order_relaxed);
    /* What has come is applied as that process, and may wake others. */
    tr__next_begins(w);
    p->worker = w;
    atomic_store_explicit(&tls->current, p, memory_order_release);
    tr__heap_set(tls, NULL);
    bool begun = wakes_up(p) && !(p->flags & TR__P_DYING) && begin(w, p);
    atomic_store_explicit(&tls->current, caller, memory_order_release);
    tr__heap_set(tls, &caller->heap);
    if (!begun) {
        tr__wake(&p->runnable);
        return false;
    }
    p->flags &= (uint8_t)~TR__P_HIBERNATED;
    p->wake_at = TR__NEVER;
    return true;
}

/* Runs the process, and those that it changes to, until one of them comes back here; true when that
   one has something more to do at once. */
TR__INLINED bool run_once(struct tr_worker *w, struct tr_tls *tls, struct tr_proc *p)
{
    if (tr__unlikely(!p->stack)) {
        if (p->flags & TR__P_HIBERNATED) {
            if (!wakes_up(p))
                return sleep_on(p);
            if (tr__unlikely(p->flags & TR__P_DYING) && tr__idle_dies(p))
                return false;
            p->flags &= (uint8_t)~TR__P_HIBERNATED;
            p->wake_at = TR__NEVER;
        }
        if (!begin(w, p)) {
            /* No stack to be had: try again when others have given some back. */
            tr__requeue(&p->runnable);
            return false;
        }
    }
    bool watching = tr__unlikely(tr__watching());
    if (watching)
        tr__watch_begin();
    tr__heap_set(tls, &p->heap);
    tr__context_enter(&((struct tr_thread *)tls->thread)->home, &p->context);
    tr__heap_set(tls, NULL);
    p = atomic_load_explicit(&tls->current, memory_order_relaxed);
    if (watching)
        tr__watch_end(p);
    if (tr__likely(p->action == TR__ACT_WAIT))
        return tr__fall_asleep(p);
    switch ((enum tr_proc_action)p->action) {
    case TR__ACT_WAIT:
        break;
    case TR__ACT_YIELD:
        tr__requeue(&p->runnable);
        return false;
    case TR__ACT_RECLAIM:
        /* The thread has no worker any more, so the process goes to the list for all. */
        tls->worker = NULL;
        tr__requeue(&p->runnable);
        return false;
    case TR__ACT_HIBERNATE:
        hibernate(w, p);
        return true;
    case TR__ACT_EXIT:
        drop_stack(w, p);
        tr__proc_gone(w, p);
        return false;
    }
    return false;
}

/* One turn. The record is that of the worker's thread before the turn and after it. */
TR__INLINED void turn(struct tr_worker *w, struct tr_tls *tls, struct tr_proc *p)
{
    p->worker = w;
    /* Release pairs with the monitor's acquire in tr__threads_kick: it looks into the block. */
    atomic_store_explicit(&tls->current, p, memory_order_release);
    while (run_once(w, tls, p))
        p = atomic_load_explicit(&tls->current, memory_order_relaxed);
    atomic_store_explicit(&tls->current, NULL, memory_order_relaxed);
}

/* Stays here from process to process: a return after a switch is one that the processor has
   predicted wrongly, since it remembers the calls of the process that was left. */
TR__OPAQUE struct tr_runnable *tr__proc_run(struct tr_worker *w, struct tr_runnable *r)
{
    struct tr_tls *tls = tr__tls();

    do {
        turn(w, tls, tr__container_of(r, struct tr_proc, runnable));
        r = tr__worker_next(w);
    } while (tr__likely(r && r->run == tr__proc_run));
    return r;
}

static TR__OPAQUE void run_here(struct tr_worker *w, struct tr_proc *p)
{
    turn(w, tr__tls(), p);
}

struct tr_runnable *tr__proc_run_owned(struct tr_worker *w, struct tr_runnable *r)
{
    struct tr_proc *p = tr__container_of(r, struct tr_proc, runnable);
    struct tr_thread *owner = p->extra->rare->thread;

    if (tr__thread() == owner)
        run_here(w, p);
    else if (!tr__thread_lend_worker(owner, r))
        tr__requeue(r); /* its thread has yet to put its last turn away: a moment */
    return NULL;
}

void tr_blocking_begin(void)
{
    TR__ENTER();
    TR__SELF();

    tr__watch_pardon();
    tr__replay_breaks("tr_blocking_begin");
    tr__thread_give_worker();
}

void tr_blocking_end(void)
{
    /* Entering is all it takes. */
    TR__ENTER();
    TR__SELF();
}

void tr_set_thread_limit(int n)
{
    tr__thread_limit(n);
}

void tr_yield(void)
{
    TR__ENTER();
    struct tr_proc *p = TR__SELF();

    tr__yield_now(p);
}

_Noreturn void tr_hibernate_args(tr_process_fn fn, const struct tr_arg *args, int n)
{
    tr_hibernate_for_args(TR_INFINITY, fn, args, n);
}

_Noreturn void tr_hibernate_for_args(int64_t ms, tr_process_fn fn, const struct tr_arg *args, int n)
{
    TR__ENTER();
    struct tr_proc *p = TR__SELF();

    if (!fn)
        tr__raise_badarg(TR_ATOM_TERM(undef));
    int64_t deadline = tr__deadline(ms);
    uint64_t before = p->arg;
    if (!tr__argument_set(p, args, n))
        tr__raise_oom();
    tr__argument_free(before);
    p->fn = fn;
    if (p->scopes)
        tr__receive_close_until(p, NULL);
    tr__catch_forget(p);
    tr__heap_reset(&p->heap, (struct tr_heap_mark){ NULL, NULL, NULL });
    tr__heap_trim(&p->heap);
    p->wake_at = deadline;
    tr__leave_for_good(p, TR__ACT_HIBERNATE);
}
