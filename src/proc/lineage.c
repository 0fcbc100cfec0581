/* SPDX-License-Identifier: MIT */
/*
 * Ancestors.
 *
 * All children of one parent have the same ancestors, so there is one list for them, made for the
 * first: a child costs a reference, and a million of them no copies. It is made anew when the
 * parent has got another name or other ancestors meanwhile.
 */
#include "mem/counted.h"
#include "proc/proc.h"
#include "term/term.h"

/* How a process is called in the ancestors of its children. */
static uint64_t own_name(struct tr_proc *p)
{
    uint64_t name = atomic_load_explicit(&p->name, memory_order_relaxed);

    return name ? name : atomic_load_explicit(&p->id, memory_order_relaxed);
}

/* The list for the children of a process; NULL without memory. */
static struct tr_shared *offspring(struct tr_proc *p)
{
    struct tr_proc_rare *rare = tr__rare_make(p);
    uint64_t name = own_name(p);

    if (!rare)
        return NULL;
    if (rare->offspring) {
        if (tr__cons(tr__share_term(rare->offspring).w)[0] == name)
            return rare->offspring;
        tr__lineage_forget(p);
    }
    uint64_t tail = tr__lineage(p);
    _Alignas(16) const uint64_t cell[] = { name, tail ? tail : TR__NIL };
    rare->offspring = tr__share((tr_term){ tr__cons_w(cell) });
    return rare->offspring;
}

bool tr__lineage_give(struct tr_proc *child, struct tr_proc *parent)
{
    if (!tr__extra_make(child))
        return false;
    if (!parent) {
        child->extra->ancestors = TR__NIL;
        return true;
    }
    struct tr_shared *list = offspring(parent);
    if (!list)
        return false;
    tr__shared_retain(list);
    child->extra->lineage = true;
    child->extra->ancestors = (uintptr_t)list;
    return true;
}

uint64_t tr__lineage(const struct tr_proc *p)
{
    if (!p->extra || !p->extra->lineage)
        return p->extra ? p->extra->ancestors : 0;
    return tr__share_term((const struct tr_shared *)(uintptr_t)p->extra->ancestors).w;
}

void tr__lineage_drop(struct tr_proc *p)
{
    tr__shared_release((struct tr_shared *)(uintptr_t)p->extra->ancestors);
    p->extra->ancestors = 0;
    p->extra->lineage = false;
}

void tr__lineage_forget(struct tr_proc *p)
{
    struct tr_shared *list = tr__rare_of(p)->offspring;

    if (!list)
        return;
    tr__rare(p)->offspring = NULL;
    tr__shared_release(list);
}
