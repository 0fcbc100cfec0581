/* SPDX-License-Identifier: MIT */
/*
 * Processes that wait for ever, unknown to everybody.
 *
 * Each that is asleep is asked; it answers between two of its own steps, for itself, so nothing
 * changes while it looks. Who passes is asked again after a while: only if it has not done anything
 * in between does it count.
 */
#include "proc/call.h"
#include "proc/proc.h"
#include "troupe/watch.h"

static bool waits_for_ever(const struct tr_proc *p)
{
    return p->wake_at == TR__NEVER && !p->suspended &&
           !(p->flags & (TR__P_DYING | TR__P_EXITING | TR__P_MAIN));
}

static bool is_known(const struct tr_proc *p)
{
    return p->ties.count > 0 || atomic_load(&p->name) || tr__rare_of(p)->timers ||
           tr__rare_of(p)->fd_wait || (p->parent && tr__proc_alive(p->parent));
}

/* Run by the process itself: what it has done so far, or undefined when it is no orphan. */
static tr_term look_at_self(struct tr_proc *p, uint64_t unused)
{
    (void)unused;
    return waits_for_ever(p) && !is_known(p) ? tr_build(p->reductions) : TR_ATOM_TERM(undefined);
}

static bool is_asleep(struct tr_proc *p)
{
    return atomic_load_explicit(&p->inbox, memory_order_acquire) == TR__ASLEEP;
}

/* {Pid, Reductions} of each process that looks like one now. */
static tr_term candidates(void)
{
    uint32_t end = tr__slot_end();
    tr_term list = tr_nil(), answer;

    for (uint32_t i = 1; i < end; i++) {
        struct tr_proc *p = tr__slot_at(i);
        tr_pid pid = { atomic_load_explicit(&p->id, memory_order_acquire) };
        if (pid.w && p != tr__self() && is_asleep(p) && tr__call(pid.w, look_at_self, 0, &answer) &&
            tr_is_integer(answer))
            list = tr_list_push(list, tr_build(pid, answer));
    }
    return list;
}

tr_term tr_find_orphans(int64_t ms)
{
    TR__ENTER();
    TR__SELF();
    tr_term first = candidates(), found = tr_nil(), answer, before, pair;
    tr_pid pid;

    if (ms > 0)
        tr_sleep(ms);
    while (tr_list_next(&first, &pair))
        if (tr_match(pair, &pid, &before) && is_asleep(tr__proc_at(pid.w)) &&
            tr__call(pid.w, look_at_self, 0, &answer) && tr_equal(answer, before))
            found = tr_list_push(found, tr_build(pid));
    return found;
}
