/* SPDX-License-Identifier: MIT */
/*
 * Starting processes.
 *
 * A new process costs its control block, taken warm from the worker's own free list, and a block
 * for its argument unless that is one word. Its stack comes when it first runs. Everything that
 * can fail is done before the child can be seen, so a failure leaves nothing behind.
 */
#include "base/fault.h"
#include "mem/block.h"
#include "proc/caps.h"
#include "proc/proc.h"
#include "proc/replay.h"
#include "sched/replay.h"
#include "term/raise.h"

#include <stdlib.h>
#include <string.h>

#define GENERATION_MAX ((UINT64_C(1) << 37) - 1)
#define STACK_MAX      (UINT32_C(1) << 30)

static const uint8_t runnable_priority[] = {
    [TR_PRIORITY_NORMAL] = TR__PRIO_NORMAL,
    [TR_PRIORITY_LOW] = TR__PRIO_LOW,
    [TR_PRIORITY_HIGH] = TR__PRIO_HIGH,
    [TR_PRIORITY_MAX] = TR__PRIO_MAX,
};

const struct tr_spawn_opts *tr__opts_link(void)
{
    static const struct tr_spawn_opts link = { .link = true };

    return &link;
}

/* A slot whose next generation still fits a pid. One that has used up its 2^37 generations is
   left out for good: that takes a day of a million spawns a second in this one slot. */
static struct tr_proc *take_slot(struct tr_worker *w)
{
    struct tr_proc *p;

    do
        p = tr__slot_take(w ? &w->slots : NULL);
    while (p && p->generation >= GENERATION_MAX);
    return p;
}

bool tr__argument_set(struct tr_proc *p, const struct tr_arg *args, int n)
{
    uint64_t word = TR__NIL;

    if (n > 1 || (n == 1 && !tr__arg_immediate(args[0], &word))) {
        struct tr_sig *block = tr__sig_message(0, args, n);
        if (!block)
            return false;
        word = tr__box_w((const uint64_t *)(void *)block);
    }
    p->arg = word;
    return true;
}

/* The block behind an argument word, or NULL. */
static struct tr_sig *argument_block(uint64_t word)
{
    return tr__is_box(word) ? (struct tr_sig *)(uintptr_t)word : NULL;
}

tr_term tr__argument(const struct tr_proc *p)
{
    struct tr_sig *block = argument_block(p->arg);

    return (tr_term){ block ? block->term : p->arg };
}

void tr__argument_free(uint64_t word)
{
    struct tr_sig *block = argument_block(word);

    if (block)
        tr__sig_free_inside(tr__tls(), block);
}

/* What is to be started. */
struct plan {
    tr_process_fn fn;
    const char *site;
    const struct tr_spawn_opts *opts;
    const struct tr_arg *args;
    int n;
    uint8_t flags;
};

static unsigned stack_order(size_t size)
{
    unsigned order = 0;

    while (size > (size_t)1 << order)
        order++;
    return order;
}

/* Clears whole cache lines. memset of a size that is known becomes one slow instruction. */
static inline void clear(char *at, size_t n)
{
    typedef uint64_t two __attribute__((vector_size(16), may_alias));

    for (size_t i = 0; i < n; i += TR__CACHE_LINE, at += TR__CACHE_LINE) {
        two *line = (two *)(void *)at;
        line[0] = line[1] = line[2] = line[3] = (two){ 0, 0 };
        __asm__ volatile("" ::: "memory"); /* so that it is not made a memset */
    }
}

_Static_assert((sizeof(struct tr_proc) - offsetof(struct tr_proc, seen)) % TR__CACHE_LINE == 0,
               "the owner's part of a process must be whole cache lines");

/* Everything but identity, argument and ties. */
static void init(struct tr_proc *p, const struct plan *plan, struct tr_proc *parent)
{
    size_t kept = offsetof(struct tr_proc, seen);
    uint64_t generation = p->generation;
    uint64_t refs = p->ref_count;

    clear((char *)p + kept, sizeof *p - kept);
    p->generation = generation + 1;
    p->ref_count = refs;
    p->runnable.run = tr__proc_run;
    p->runnable.priority = runnable_priority[plan->opts->priority];
    p->fn = plan->fn;
    p->site = plan->site;
    p->flags = plan->flags;
    p->last = &p->first;
    p->wake_at = TR__NEVER;
    tr__ring_init(&p->timeout.ring);
    p->stack_order = stack_order(plan->opts->stack_size) & 31u;
    if (parent)
        p->parent = atomic_load_explicit(&parent->id, memory_order_relaxed);
    p->suspended = 0;
    atomic_store_explicit(&p->capped, false, memory_order_relaxed);
    atomic_store_explicit(&p->has_tables, false, memory_order_relaxed);
    atomic_store_explicit(&p->timed_out, false, memory_order_relaxed);
    atomic_store_explicit(&p->ending, false, memory_order_relaxed);
    atomic_store_explicit(&p->runnable.marks, 0, memory_order_relaxed);
}

/* A group leader other than the first process is inherited; false without memory. */
static bool inherit_leader(struct tr_proc *p, const struct tr_proc *parent)
{
    uint64_t leader = parent && parent->extra ? parent->extra->leader : 0;

    if (!leader)
        return true;
    if (!tr__extra_make(p))
        return false;
    p->extra->leader = leader;
    return true;
}

/* The thread that the options ask for. */
static tr_err own_thread(struct tr_proc *p, const struct tr_spawn_opts *opts)
{
    if (!opts->own_thread)
        return TR_OK;
    struct tr_proc_rare *rare = tr__rare_make(p);
    if (!rare)
        return TR_ENOMEM;
    tr__replay_breaks("a thread of a process's own");
    p->runnable.run = tr__proc_run_owned;
    return tr__thread_own_start(&rare->thread);
}

/* The child's ends of what connects it with its parent from the start. */
static tr_err connect(struct tr_proc *p, const struct tr_spawn_opts *opts, struct tr_proc *parent,
                      tr_ref *ref)
{
    if (opts->link && !tr__link_both(parent, p))
        return TR_ENOMEM;
    if (opts->monitor && !tr__monitor_both(parent, p, opts, ref))
        return TR_ENOMEM;
    return opts->name.w ? tr__name_give(p, opts->name.w) : TR_OK;
}

/* Takes back what connect has done. */
static void disconnect(struct tr_proc *p, struct tr_proc *parent)
{
    struct tr_tie *tie;

    while ((tie = tr__ties_pop(&p->ties))) {
        uint64_t key = tie->kind == TR__TIE_LINK
                           ? atomic_load_explicit(&p->id, memory_order_relaxed)
                           : tie->key;
        struct tr_tie *other = tr__ties_find(&parent->ties, key);
        tr__ties_remove(&parent->ties, other);
        tr__tie_free(other);
        tr__tie_free(tie);
    }
}

static void give_slot_back(struct tr_worker *w, struct tr_proc *p)
{
    atomic_store(&p->id, 0);
    tr__argument_free(p->arg);
    if (p->extra)
        tr__extra_free(p);
    tr__slot_return(w ? &w->slots : NULL, p);
}

static bool valid(tr_process_fn fn, const struct tr_spawn_opts *opts)
{
    return fn && (unsigned)opts->priority <= TR_PRIORITY_MAX && opts->stack_size <= STACK_MAX &&
           (unsigned)opts->mailbox_policy <= TR_MAILBOX_EXIT &&
           (unsigned)opts->monitor_alias <= TR_ALIAS_REPLY_DEMONITOR &&
           opts->name.w != TR_ATOM_W(undefined) && (!opts->name.w || tr__is_atom_w(opts->name.w));
}

static inline bool has_caps(const struct tr_spawn_opts *opts)
{
    return opts->max_memory || opts->max_mailbox || opts->max_reductions;
}

static tr_err start(tr_pid *pid, const struct plan *plan)
{
    const struct tr_spawn_opts *opts = plan->opts;
    struct tr_proc *parent = tr__self();
    struct tr_worker *w = parent ? parent->worker : NULL;
    tr_ref ref = { 0 };

    if (!valid(plan->fn, opts) || ((opts->link || opts->monitor) && !parent))
        return TR_EINVAL;
    struct tr_proc *p = take_slot(w);
    if (!p)
        return TR_ELIMIT;
    init(p, plan, parent);
    uint64_t id = TR__PID_W(p->slot.index, p->generation);
    if (!tr__argument_set(p, plan->args, plan->n) || !inherit_leader(p, parent) ||
        (opts->lineage && !tr__lineage_give(p, parent)) ||
        (opts->callers && !tr__callers_give(p, parent)) ||
        tr__unlikely(has_caps(opts) && !tr__caps_init(p, opts))) {
        give_slot_back(w, p);
        return TR_ENOMEM;
    }
    tr_err err = own_thread(p, opts);
    if (err) {
        give_slot_back(w, p);
        return err;
    }
    /* From here on the process accepts signals and counts as alive, but does not run. */
    tr__inbox_open(p);
    atomic_store_explicit(&p->id, id, memory_order_release);
    err = connect(p, opts, parent, &ref);
    if (err) {
        disconnect(p, parent);
        atomic_store(&p->id, 0);
        tr__caps_close(p);
        tr__inbox_close(p);
        give_slot_back(w, p);
        return err;
    }
    if (opts->monitor)
        *opts->monitor = ref;
    pid->w = id;
    tr__proc_started(w);
    if (plan->flags & TR__P_MAIN)
        tr__first_process_is(id);
    tr__enqueue(&p->runnable);
    if (parent)
        tr__spend(parent, TR__COST_SPAWN);
    else if (!(plan->flags & TR__P_MAIN))
        tr__replay_outside("tr_spawn");
    return TR_OK;
}

tr_err tr_try_spawn_args(tr_pid *pid, tr_process_fn fn, const struct tr_spawn_opts *opts,
                         const char *site, const struct tr_arg *args, int n)
{
    TR__ENTER();
    static const struct tr_spawn_opts defaults;
    struct plan plan = { fn, site, opts ? opts : &defaults, args, n, 0 };

    return start(pid, &plan);
}

tr_err tr__spawn_first(tr_process_fn fn, const struct tr_arg *args, int n)
{
    static const struct tr_spawn_opts defaults;
    struct plan plan = { fn, "main\0tr_main", &defaults, args, n, TR__P_MAIN };
    tr_pid pid;

    return start(&pid, &plan);
}

static _Noreturn void spawn_failed(tr_err err, tr_process_fn fn)
{
    if (err == TR_ENOMEM)
        tr__raise_oom();
    if (err == TR_ELIMIT)
        tr__raise_limit();
    if (err == TR_EEXIST)
        tr__raise_badarg(TR_ATOM_TERM(name_taken));
    tr__raise_badarg(fn ? TR_ATOM_TERM(badopt) : TR_ATOM_TERM(undef));
}

tr_pid tr_spawn_args(tr_process_fn fn, const struct tr_spawn_opts *opts, const char *site,
                     const struct tr_arg *args, int n)
{
    TR__ENTER();
    tr_pid pid;
    tr_err err = tr_try_spawn_args(&pid, fn, opts, site, args, n);

    if (tr__unlikely(err))
        spawn_failed(err, fn);
    return pid;
}

static tr_atom reason_of(tr_err err)
{
    switch (err) {
    case TR_EINVAL:
        return TR_ATOM(badopt);
    case TR_EEXIST:
        return TR_ATOM(name_taken);
    case TR_ENOMEM:
        return TR_ATOM(out_of_memory);
    default:
        return TR_ATOM(system_limit);
    }
}

tr_ref tr_spawn_request_args(tr_process_fn fn, const struct tr_spawn_opts *opts, const char *site,
                             const struct tr_arg *args, int n)
{
    TR__ENTER();
    TR__SELF();
    tr_ref ref = tr_make_ref();
    tr_pid pid;
    tr_err err = tr_try_spawn_args(&pid, fn, opts, site, args, n);

    if (!err)
        tr_send(tr_self(), TR_ATOM(spawn_reply), ref, TR_ATOM(ok), pid);
    else
        tr_send(tr_self(), TR_ATOM(spawn_reply), ref, TR_ATOM(error), reason_of(err));
    return ref;
}
