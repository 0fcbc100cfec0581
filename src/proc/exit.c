/* SPDX-License-Identifier: MIT */
/*
 * The end of a process, always on its own stack, whatever the cause.
 *
 * Order matters: first its own code runs (clean-up); then it becomes unreachable (timers, pid,
 * inbox, name); then the others are told; so who gets the 'DOWN' finds the name free already.
 *
 * An exit inside a clean-up function jumps back to where the clean-up was begun, so that any number
 * of them need no more stack than one. The frames above that place stay as they are: clean-up
 * functions may refer to them.
 */
#include "proc/caps.h"
#include "proc/proc.h"
#include "proc/replay.h"
#include "term/raise.h"

#include <setjmp.h>

/* On the stack of an ending process: where an exit inside a clean-up function goes back to. */
struct tr_exit_frame {
    jmp_buf back;
    bool cleaning;                   /* clean-up functions run, `back` is set */
    struct tr_sig *dying;            /* the exit signal that ends it, or NULL */
    struct tr_receive_scope *scopes; /* open when it began to end */
};

static struct tr_reason reason_of(uint64_t word)
{
    struct tr_reason reason = { word, NULL };

    if (!tr__is_immediate(word)) {
        reason.share = tr__share((tr_term){ word });
        if (!reason.share)
            reason.word = TR_ATOM_W(out_of_memory);
    }
    return reason;
}

/* Who watches a process and is linked with it, as the owner of a task or a supervisor that ends a
   child, gets one signal for both. */
static bool link_ends_too(struct tr_proc *p, const struct tr_tie *watcher, struct tr_reason reason)
{
    struct tr_tie *link;

    if (reason.share || watcher->name)
        return false;
    link = tr__ties_find(&p->ties, watcher->peer);
    if (!link || link->unlink_id || (link->after && link->after != watcher->key))
        return false;
    tr__ties_remove(&p->ties, link);
    tr__tie_free(link);
    return true;
}

/* The watcher that must be told before a link ends, taken out; NULL when there is none. */
static struct tr_tie *watcher_before(struct tr_proc *p, const struct tr_tie *link)
{
    struct tr_tie *watcher = link->after ? tr__ties_find(&p->ties, link->after) : NULL;

    if (watcher)
        tr__ties_remove(&p->ties, watcher);
    return watcher;
}

static void end_link(struct tr_proc *p, struct tr_tie *link, uint64_t id, struct tr_reason reason)
{
    struct tr_tie *watcher = watcher_before(p, link);

    if (watcher)
        tr__down_send(watcher, id, reason, false);
    tr__link_exit_send(link, id, reason);
}

void tr__untie(struct tr_proc *p, uint64_t id)
{
    struct tr_tie *tie = tr__ties_pop(&p->ties);

    if (!tie) {
        tr__ties_fini(&p->ties);
        return;
    }
    struct tr_reason reason = reason_of(p->reason);
    /* Ties become signals now, those too that are one with a message which a clause has. The reason
       was in one of these, maybe. */
    tr__receive_close_until(p, NULL);
    for (; tie; tie = tr__ties_pop(&p->ties)) {
        if (tie->kind == TR__TIE_WATCHER)
            tr__down_send(tie, id, reason, link_ends_too(p, tie, reason));
        else if (tie->kind == TR__TIE_LINK && !tie->unlink_id)
            end_link(p, tie, id, reason);
        else if (tie->kind == TR__TIE_MONITOR)
            tr__monitor_withdraw(p, tie);
        else
            tr__sig_free(&tie->sig);
    }
    tr__ties_fini(&p->ties);
    if (reason.share)
        tr__shared_release(reason.share);
}

TR__INLINED void free_memory(struct tr_proc *p, struct tr_sig *dying)
{
    tr__receive_close_until(p, NULL);
    tr__argument_free(p->arg);
    if (dying)
        tr__sig_free_inside(tr__tls(), dying);
    if (p->extra)
        tr__extra_free(p);
    tr__heap_destroy(&p->heap);
}

void (*tr__tables_hook)(struct tr_proc *p, uint64_t pid, bool may_switch);

/* Not inlined: most processes never come here. */
static TR__COLD void drop_tables(struct tr_proc *p, uint64_t id, bool may_switch)
{
    atomic_store(&p->has_tables, false);
    tr__tables_hook(p, id, may_switch);
}

/* Whom a process follows that ends because one ended with which it was linked; 0: nobody. */
static uint64_t ended_through_link(const struct tr_proc *p)
{
    struct tr_sig *sig = p->exit->dying;

    return sig && sig->flags & TR__SIG_LINKED ? tr__sig_words(sig)[2] : 0;
}

/* Takes the process out of the world; `dying` ends it, or is NULL. */
TR__INLINED void vanish_now(struct tr_proc *p, struct tr_sig *dying, bool may_switch)
{
    uint64_t id = atomic_load_explicit(&p->id, memory_order_relaxed);

    if (p->timeout.fire)
        tr__timeout_cancel(p);
    if (tr__unlikely(tr__rare_of(p) != &tr__no_rare)) {
        tr__timers_drop(p);
        tr__fd_forget(p);
    }
    if (tr__unlikely(atomic_load_explicit(&p->has_tables, memory_order_relaxed)))
        drop_tables(p, id, may_switch);
    /* In one total order with the loads of the name and of has_tables: see name.c. */
    atomic_store(&p->id, 0);
    if (tr__unlikely(atomic_load(&p->has_tables)))
        drop_tables(p, id, false);
    tr__caps_close(p);
    tr__inbox_close(p);
    if (atomic_load(&p->name))
        tr__name_drop(p);
    tr__untie(p, id);
    free_memory(p, dying);
}

/* Everything after the clean-up functions. */
static _Noreturn TR__OPAQUE void vanish(struct tr_proc *p)
{
    bool is_main = p->flags & TR__P_MAIN;

    if (is_main)
        tr__main_ended(p, ended_through_link(p));
    vanish_now(p, p->exit->dying, !is_main);
    tr__leave_for_good(p, TR__ACT_EXIT);
}

void tr__vanish_idle(struct tr_proc *p, uint64_t reason, struct tr_sig *dying)
{
    p->flags |= TR__P_EXITING;
    atomic_store_explicit(&p->ending, true, memory_order_release);
    p->reason = reason;
    tr__cleanups_free(p);
    vanish_now(p, dying, false);
    tr__proc_gone(p->worker, p);
}

/* Ends the clean-up function that called, the receive clauses that it has opened with it. */
static _Noreturn void end_cleanup(struct tr_proc *p)
{
    tr__receive_close_until(p, p->exit->scopes);
    tr__catch_forget(p);
    if (tr__is_capped(p))
        tr__caps_of(p)->looking = NULL;
    p->wake_at = TR__NEVER;
    if (!p->exit->cleaning)
        vanish(p);
    longjmp(p->exit->back, 1);
}

static TR__NOINLINE void run_cleanups(struct tr_proc *p)
{
    p->exit->cleaning = true;
    _setjmp(p->exit->back);
    tr__cleanups_run(p);
    p->exit->cleaning = false;
}

_Noreturn void tr__exit(struct tr_proc *p, uint64_t reason)
{
    struct tr_exit_frame frame;

    /* The first reason stands. */
    if (p->flags & TR__P_EXITING)
        end_cleanup(p);
    tr__report_exit(p, (tr_term){ reason });
    /* A signal that was accepted meanwhile comes too late to end it once more. */
    p->flags = (uint8_t)((p->flags | TR__P_EXITING) & ~TR__P_DYING);
    atomic_store_explicit(&p->ending, true, memory_order_release);
    p->reason = reason;
    tr__catch_forget(p);
    if (tr__is_capped(p))
        tr__caps_of(p)->looking = NULL;
    frame.cleaning = false;
    frame.dying = p->dying;
    frame.scopes = p->scopes;
    p->exit = &frame;
    if (p->cleanups)
        run_cleanups(p);
    vanish(p);
}

TR__NOINLINE _Noreturn void tr__exit_error(struct tr_proc *p, uint64_t reason)
{
    if (!(p->flags & TR__P_EXITING))
        tr__report_error(p, (tr_term){ reason });
    tr__exit(p, reason);
}

tr_term tr_exit_reason(void)
{
    struct tr_proc *p = TR__SELF();

    return (tr_term){ p->flags & TR__P_EXITING ? p->reason : 0 };
}

bool tr_exit_signalled(void)
{
    return TR__SELF()->flags & TR__P_SIGNALLED;
}

/* The end by the process's own code, which it may have provided for: asked for, or as an error. */
static _Noreturn void leave(struct tr_proc *p, uint64_t reason)
{
    tr__catch(p, reason);
    tr__exit(p, reason);
}

/* Inline, as no part of the backtrace. */
TR__INLINE _Noreturn void fail(struct tr_proc *p, uint64_t reason)
{
    tr__catch(p, reason);
    tr__exit_error(p, reason);
}

/* What tr__raise of the term layer does in a process: it ends it, or what it does for another one.
 */
void tr__raise_in_process(tr_term reason)
{
    TR__ENTER();
    struct tr_proc *p = tr__self();

    if (p && p->worker->catcher)
        longjmp(*(jmp_buf *)p->worker->catcher, 1);
    if (!p)
        return;
    /* Out of a read section: tables look up keys in theirs, and a hash may take memory. */
    if (tr__reader_is_open(&p->worker->reader))
        tr__reader_end(&p->worker->reader);
    fail(p, reason.w);
}

_Noreturn void tr_exit_args(const struct tr_arg *args, int n)
{
    TR__ENTER();
    struct tr_proc *p = TR__SELF();

    leave(p, tr_build_args(args, n).w);
}

_Noreturn void tr_error_args(const struct tr_arg *args, int n)
{
    TR__ENTER();
    struct tr_proc *p = TR__SELF();

    fail(p, tr_build(tr_build_args(args, n), tr_nil()).w);
}

_Noreturn void tr_throw_args(const struct tr_arg *args, int n)
{
    TR__ENTER();
    struct tr_proc *p = TR__SELF();
    tr_term thrown = tr_build_args(args, n);

    fail(p, tr_build(tr_tuple(TR_ATOM(nocatch), thrown), tr_nil()).w);
}

static struct tr_sig *exit_signal(uint64_t to, uint64_t from, const struct tr_arg *args, int n)
{
    uint64_t word = TR__NIL;

    if (n == 0 || (n == 1 && tr__arg_immediate(args[0], &word)))
        return tr__sig_exit(to, from, word, 0);
    struct tr_arg reason = n == 1 ? args[0] : tr__arg_many(TR__ARG_TUPLE, args, (uint32_t)n);
    struct tr_arg exit[] = { tr__arg_atom(TR_ATOM(EXIT)), tr__arg_word(from), reason };
    struct tr_sig *sig = tr__sig_message(to, exit, 3);
    if (sig)
        sig->kind = TR__SIG_EXIT;
    return sig;
}

void tr_exit_to_args(tr_pid pid, const struct tr_arg *args, int n)
{
    TR__ENTER();
    struct tr_proc *p = tr__self();
    uint64_t from = p ? atomic_load_explicit(&p->id, memory_order_relaxed) : pid.w;

    if ((pid.w & 7) != TR__TAG_PID)
        tr__raise_badarg(TR_ATOM_TERM(pid));
    struct tr_sig *sig = exit_signal(pid.w, from, args, n);
    if (!sig)
        tr__raise_oom();
    tr__sig_send_exit(sig);
    if (!p) {
        tr__replay_outside("tr_exit_to");
        return;
    }
    tr__spend(p, TR__COST_CALL);
    /* A signal to oneself takes effect before the call returns. */
    if (pid.w == from) {
        tr__take_signals(p);
        tr__check_dying(p);
    }
}
