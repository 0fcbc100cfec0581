/* SPDX-License-Identifier: MIT */
/*
 * Caps: setting them, and those that a process watches over itself: memory and reductions.
 *
 * Memory that is taken is added up, memory that is given back is not: when the sum reaches the cap
 * everything is counted anew. So giving back costs nothing, and the count is exact where it
 * matters.
 */
#include "proc/caps.h"

#include "base/fault.h"
#include "term/raise.h"

#include <stdlib.h>

static struct tr_caps *caps_new(void)
{
    struct tr_caps *c = tr__fault() ? NULL : calloc(1, sizeof *c);

    if (!c)
        return NULL;
    c->last = c->oldest = &c->first;
    c->last_waiter = &c->waiters;
    return c;
}

bool tr__caps_init(struct tr_proc *p, const struct tr_spawn_opts *opts)
{
    struct tr_caps_limits limits = { opts->max_memory, opts->max_mailbox, opts->mailbox_policy,
                                     opts->max_reductions };
    struct tr_proc_rare *rare = tr__rare_make(p);
    if (!rare || !(rare->caps = caps_new()))
        return false;
    rare->caps->limits = limits;
    /* With the lock: a sender with an alias of an earlier process in this slot may look already. */
    tr__spin_lock(&p->caps_lock);
    atomic_store_explicit(&p->capped, true, memory_order_relaxed);
    tr__spin_unlock(&p->caps_lock);
    return true;
}

/* The limits in force, to be changed and passed to set_limits. */
static struct tr_caps_limits limits_of(struct tr_proc *p)
{
    return tr__is_capped(p) ? tr__caps_of(p)->limits : (struct tr_caps_limits){ 0 };
}

static void set_limits(struct tr_proc *p, const struct tr_caps_limits *limits)
{
    struct tr_proc_rare *rare = tr__rare(p);

    if (!rare->caps && !(rare->caps = caps_new()))
        tr__raise_oom();
    /* What has arrived so far is treated by the old ones. */
    tr__take_signals(p);
    tr__caps_replace(p, limits);
    rare->caps->own_bytes = tr__heap_size(&p->heap) + tr__cleanups_size(p);
    rare->caps->reductions = p->reductions;
    if (!(p->flags & TR__P_EXITING))
        tr__check_dying(p);
}

size_t tr_set_max_memory(size_t bytes)
{
    TR__ENTER();
    struct tr_proc *p = TR__SELF();
    struct tr_caps_limits limits = limits_of(p);
    size_t before = limits.max_memory;

    limits.max_memory = bytes;
    set_limits(p, &limits);
    return before;
}

uint32_t tr_set_max_mailbox(uint32_t messages, enum tr_mailbox_policy policy)
{
    TR__ENTER();
    struct tr_proc *p = TR__SELF();
    struct tr_caps_limits limits = limits_of(p);
    uint32_t before = limits.max_mailbox;

    if ((unsigned)policy > TR_MAILBOX_EXIT)
        tr__raise_badarg(tr_build((int)policy));
    limits.max_mailbox = messages;
    limits.policy = policy;
    set_limits(p, &limits);
    return before;
}

uint64_t tr_set_max_reductions(uint64_t reductions)
{
    TR__ENTER();
    struct tr_proc *p = TR__SELF();
    struct tr_caps_limits limits = limits_of(p);
    uint64_t before = limits.max_reductions;

    limits.max_reductions = reductions;
    set_limits(p, &limits);
    return before;
}

bool tr__caps_room(struct tr_proc *p, size_t size)
{
    if (!tr__is_capped(p) || p->flags & TR__P_EXITING)
        return true;
    struct tr_caps *c = tr__caps_of(p);
    size_t max = c->limits.max_memory;

    if (!max)
        return true;
    size_t messages = tr__caps_queued_bytes(c);
    if (messages > max || size > max - messages)
        return false;
    if (c->own_bytes > max - messages - size)
        c->own_bytes = tr__heap_size(&p->heap) + tr__cleanups_size(p);
    if (c->own_bytes > max - messages - size)
        return false;
    c->own_bytes += size;
    return true;
}

bool tr__caps_heap_room(struct tr_heap *heap, size_t size)
{
    struct tr_proc *p = tr__self();

    return !p || heap != &p->heap || tr__caps_room(p, size);
}

void tr__caps_receive(struct tr_proc *p, struct tr_receive_scope *m)
{
    struct tr_caps *c = tr__caps_of(p);

    c->looking = m;
    c->reductions = p->reductions;
}

void tr__caps_turn(struct tr_proc *p)
{
    struct tr_caps *c = tr__caps_of(p);
    uint64_t max = c->limits.max_reductions;

    if (max && p->reductions - c->reductions > max && !(p->flags & TR__P_EXITING))
        tr__exit(p, tr_build(TR_ATOM(reductions), max).w);
}
