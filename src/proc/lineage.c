/* SPDX-License-Identifier: MIT */
/*
 * Ancestors, and callers.
 *
 * All children of one parent have the same ancestors, so there is one list for them, made for the
 * first: a child costs a reference, and a million of them no copies. It is made anew when the
 * parent has got another name or other ancestors meanwhile. The callers of tasks are the same with
 * pids alone.
 */
#include "mem/counted.h"
#include "proc/proc.h"
#include "term/term.h"

/* How a process is called in the ancestors of its children. */
static uint64_t own_name(const struct tr_proc *p)
{
    uint64_t name = atomic_load_explicit(&p->name, memory_order_relaxed);

    return name ? name : atomic_load_explicit(&p->id, memory_order_relaxed);
}

static void forget(struct tr_shared **list)
{
    if (*list)
        tr__shared_release(*list);
    *list = NULL;
}

/* What *list is to be, [head | tail]; NULL without memory. */
static struct tr_shared *list_of(struct tr_shared **list, uint64_t head, uint64_t tail)
{
    _Alignas(16) const uint64_t cell[] = { head, tail ? tail : TR__NIL };

    if (*list && tr__cons(tr__share_term(*list).w)[0] == head)
        return *list;
    forget(list);
    *list = tr__share((tr_term){ tr__cons_w(cell) });
    return *list;
}

/* Has the child hold a list; false for NULL. */
static bool hold(uint64_t *field, bool *shared, struct tr_shared *list)
{
    if (!list)
        return false;
    tr__shared_retain(list);
    *field = (uintptr_t)list;
    *shared = true;
    return true;
}

bool tr__lineage_give(struct tr_proc *child, struct tr_proc *parent)
{
    struct tr_proc_extra *extra = tr__extra_make(child);

    if (extra && !parent)
        extra->ancestors = TR__NIL;
    if (!extra || !parent)
        return extra != NULL;
    struct tr_proc_rare *rare = tr__rare_make(parent);
    return rare && hold(&extra->ancestors, &extra->lineage,
                        list_of(&rare->offspring, own_name(parent), tr__lineage(parent)));
}

bool tr__callers_give(struct tr_proc *child, struct tr_proc *parent)
{
    struct tr_proc_extra *extra = tr__extra_make(child);

    if (extra && !parent)
        extra->callers = TR__NIL;
    if (!extra || !parent)
        return extra != NULL;
    struct tr_proc_rare *rare = tr__rare_make(parent);
    return rare &&
           hold(&extra->callers, &extra->asked,
                list_of(&rare->asked, atomic_load_explicit(&parent->id, memory_order_relaxed),
                        tr__callers(parent)));
}

/* A list that is kept by the process itself, or is shared. */
static uint64_t list_in(uint64_t field, bool shared)
{
    return shared ? tr__share_term((const struct tr_shared *)(uintptr_t)field).w : field;
}

uint64_t tr__lineage(const struct tr_proc *p)
{
    return p->extra ? list_in(p->extra->ancestors, p->extra->lineage) : 0;
}

uint64_t tr__callers(const struct tr_proc *p)
{
    return p->extra ? list_in(p->extra->callers, p->extra->asked) : 0;
}

static void drop(uint64_t *field, bool *shared)
{
    if (!*shared)
        return;
    tr__shared_release((struct tr_shared *)(uintptr_t)*field);
    *field = 0;
    *shared = false;
}

void tr__lineage_drop(struct tr_proc *p)
{
    drop(&p->extra->ancestors, &p->extra->lineage);
    drop(&p->extra->callers, &p->extra->asked);
}

void tr__lineage_let_go(struct tr_proc *p, const uint64_t *field)
{
    struct tr_proc_extra *extra = p->extra;

    if (field == &extra->ancestors) {
        if (extra->rare)
            forget(&extra->rare->offspring);
        drop(&extra->ancestors, &extra->lineage);
    } else if (field == &extra->callers) {
        if (extra->rare)
            forget(&extra->rare->asked);
        drop(&extra->callers, &extra->asked);
    }
}

void tr__lineage_forget(struct tr_proc_rare *rare)
{
    forget(&rare->offspring);
    forget(&rare->asked);
}
