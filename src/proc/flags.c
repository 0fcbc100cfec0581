/* SPDX-License-Identifier: MIT */
/* What a process may set of itself and of others: flags, priority, group leader, suspension. */
#include "proc/call.h"
#include "proc/proc.h"
#include "term/raise.h"

tr_pid tr_self(void)
{
    struct tr_proc *p = TR__SELF();

    return (tr_pid){ atomic_load_explicit(&p->id, memory_order_relaxed) };
}

uint64_t tr_footprint(void)
{
    TR__ENTER();
    struct tr_proc *p = TR__SELF();

    tr__take_signals(p);
    tr__check_dying(p);
    const struct tr_proc_rare *rare = tr__rare_of(p);
    const uint64_t held[] = { p->ties.count,
                              (uintptr_t)p->cleanups,
                              tr__cleanups_size(p),
                              (uintptr_t)p->heap.kept,
                              p->flags,
                              p->nmessages,
                              p->runnable.priority,
                              atomic_load_explicit(&p->name, memory_order_relaxed),
                              p->capped,
                              (uintptr_t)rare->timers,
                              (uintptr_t)rare->locals,
                              rare->log_metadata,
                              rare->label,
                              p->extra ? p->extra->leader : 0,
                              rare->dictionary ? tr__dict_size(rare->dictionary) : 0 };
    uint64_t sum = 0;

    for (size_t i = 0; i < sizeof held / sizeof *held; i++)
        sum = (sum ^ held[i]) * UINT64_C(0x9e3779b97f4a7c15) + (sum >> 32);
    return sum;
}

tr_pid tr_parent(void)
{
    return (tr_pid){ TR__SELF()->parent };
}

bool tr_trap_exit(bool on)
{
    TR__ENTER();
    struct tr_proc *p = TR__SELF();
    bool before = p->flags & TR__P_TRAP_EXIT;

    /* What has arrived so far is treated by the old setting. */
    tr__take_signals(p);
    tr__check_dying(p);
    if (on)
        p->flags |= TR__P_TRAP_EXIT;
    else
        p->flags &= (uint8_t)~TR__P_TRAP_EXIT;
    return before;
}

static const struct {
    enum tr_priority public;
    uint8_t internal;
    uint64_t atom;
} priorities[] = {
    { TR_PRIORITY_NORMAL, TR__PRIO_NORMAL, TR_ATOM_W(normal) },
    { TR_PRIORITY_LOW, TR__PRIO_LOW, TR_ATOM_W(low) },
    { TR_PRIORITY_HIGH, TR__PRIO_HIGH, TR_ATOM_W(high) },
    { TR_PRIORITY_MAX, TR__PRIO_MAX, TR_ATOM_W(max) },
};

uint64_t tr__priority_atom(struct tr_proc *p)
{
    for (unsigned i = 0; i < sizeof priorities / sizeof *priorities; i++)
        if (priorities[i].internal == p->runnable.priority)
            return priorities[i].atom;
    TR__PANIC("a process has priority %d", p->runnable.priority);
}

enum tr_priority tr_set_priority(enum tr_priority priority)
{
    TR__ENTER();
    struct tr_proc *p = TR__SELF();
    enum tr_priority before = TR_PRIORITY_NORMAL;

    if ((unsigned)priority > TR_PRIORITY_MAX)
        tr__raise_badarg(tr_build((int)priority));
    for (unsigned i = 0; i < sizeof priorities / sizeof *priorities; i++)
        if (priorities[i].internal == p->runnable.priority)
            before = priorities[i].public;
    p->runnable.priority = priorities[priority].internal;
    /* Others of the new priority may now come first. */
    tr__yield_now(p);
    return before;
}

static tr_term set_priority_by_atom(struct tr_proc *p, tr_term value)
{
    tr_term before = { tr__priority_atom(p) };

    for (unsigned i = 0; i < sizeof priorities / sizeof *priorities; i++) {
        if (priorities[i].atom == value.w) {
            tr_set_priority(priorities[i].public);
            return before;
        }
    }
    tr__raise_badarg(value);
}

tr_term tr_process_flag(tr_atom flag, tr_term value)
{
    struct tr_proc *p = TR__SELF();
    bool on;

    if (flag.w == TR_ATOM_W(priority))
        return set_priority_by_atom(p, value);
    if (flag.w != TR_ATOM_W(trap_exit))
        tr__raise_badarg((tr_term){ flag.w });
    if (!tr_match(value, &on))
        tr__raise_badarg(value);
    return tr_build(tr_trap_exit(on));
}

/* The one it was given or inherited; else whoever has the name `user`. */
uint64_t tr__leader(const struct tr_proc *p)
{
    uint64_t leader = p->extra ? p->extra->leader : 0;

    if (leader || tr__name_lookup(TR_ATOM_W(user), &leader))
        return leader;
    return tr__first_process();
}

tr_pid tr_group_leader(void)
{
    return (tr_pid){ tr__leader(TR__SELF()) };
}

static tr_term set_leader(struct tr_proc *p, uint64_t leader)
{
    tr__extra(p)->leader = leader;
    return TR_ATOM_TERM(true);
}

bool tr_set_group_leader(tr_pid pid, tr_pid leader)
{
    TR__ENTER();
    tr_term answer;

    if ((pid.w & 7) != TR__TAG_PID || (leader.w & 7) != TR__TAG_PID)
        tr__raise_badarg(TR_ATOM_TERM(group_leader));
    return tr__call(pid.w, set_leader, leader.w, &answer);
}

static tr_term suspend(struct tr_proc *p, uint64_t unused)
{
    (void)unused;
    if (p->suspended == UINT16_MAX)
        return TR_ATOM_TERM(false);
    p->suspended++;
    return TR_ATOM_TERM(true);
}

static tr_term resume(struct tr_proc *p, uint64_t unused)
{
    (void)unused;
    if (p->suspended == 0)
        return TR_ATOM_TERM(false);
    p->suspended--;
    return TR_ATOM_TERM(true);
}

bool tr_suspend(tr_pid pid)
{
    TR__ENTER();
    tr_term answer;

    if (pid.w == tr_self().w || !tr__call(pid.w, suspend, 0, &answer))
        return false;
    if (answer.w != TR_ATOM_W(true))
        tr__raise_limit();
    return true;
}

bool tr_resume(tr_pid pid)
{
    TR__ENTER();
    tr_term answer;

    return pid.w != tr_self().w && tr__call(pid.w, resume, 0, &answer) &&
           answer.w == TR_ATOM_W(true);
}

static tr_term nothing(struct tr_proc *p, uint64_t unused)
{
    (void)p;
    (void)unused;
    return TR_ATOM_TERM(true);
}

bool tr_is_alive(tr_pid pid)
{
    TR__ENTER();
    struct tr_proc *self = tr__self();
    struct tr_proc *p = tr__proc_at(pid.w);
    tr_term answer;

    if ((pid.w & 7) != TR__TAG_PID)
        return false;
    if (!tr__proc_alive(pid.w))
        return false;
    /* A process that sleeps has seen all that was sent to it. */
    if (!self || p == self || atomic_load_explicit(&p->inbox, memory_order_acquire) == TR__ASLEEP)
        return true;
    return tr__call(pid.w, nothing, 0, &answer);
}
