/* SPDX-License-Identifier: MIT */
/* Via modules: an array that only grows, so that readers need no lock. */
#include "troupe/via.h"

#include "base/spin.h"
#include "os/tls.h"
#include "proc/proc.h"

enum { MODULES = 64 };

struct module {
    tr_atom name;
    const struct tr_via *via;
};

static struct module modules[MODULES];
static atomic_int n_modules; /* those below are complete, and never change */
static struct tr_spin adding;

static const struct tr_via *find(tr_atom name)
{
    /* Acquire pairs with the release in add. */
    int n = atomic_load_explicit(&n_modules, memory_order_acquire);

    for (int i = 0; i < n; i++)
        if (modules[i].name.w == name.w)
            return modules[i].via;
    return NULL;
}

/* The lock is held. */
static tr_err add(tr_atom name, const struct tr_via *via)
{
    const struct tr_via *present = find(name);
    int n = atomic_load_explicit(&n_modules, memory_order_relaxed);

    if (present)
        return present == via ? TR_OK : TR_EEXIST;
    if (n == MODULES)
        return TR_ELIMIT;
    modules[n] = (struct module){ name, via };
    atomic_store_explicit(&n_modules, n + 1, memory_order_release);
    return TR_OK;
}

tr_err tr_via_add(const struct tr_via *via)
{
    TR__GUARD();
    tr_atom name;
    tr_err err = tr_try_intern(via->name, strlen(via->name), &name);

    if (err)
        return err;
    tr__spin_lock(&adding);
    err = add(name, via);
    tr__spin_unlock(&adding);
    return err;
}

const struct tr_via *tr_via_module(tr_term to, tr_term *name)
{
    tr_atom module;
    tr_term term;

    if (!to.w || !tr_match(to, TR_ATOM(via), &module, &term))
        return NULL;
    const struct tr_via *via = find(module);
    if (via)
        *name = term;
    return via;
}

/* A lookup by the program's own function. */
struct lookup {
    const struct tr_via *via;
    tr_term name;
    tr_pid pid;
    bool found;
};

static void look_up(void *lookup)
{
    struct lookup *l = lookup;

    l->found = l->via->whereis_name(l->name, &l->pid);
}

tr_err tr__via_lookup(tr_term to, uint64_t *pid)
{
    struct lookup l = { .via = tr_via_module(to, &l.name) };

    if (!l.via)
        return TR_EBADARG;
    tr__run_outside(look_up, &l);
    if (!l.found)
        return TR_ENOTFOUND;
    *pid = l.pid.w;
    return TR_OK;
}

bool tr_whereis_term(tr_term to, tr_pid *pid)
{
    TR__ENTER();
    tr_atom name;

    if (!to.w)
        return false;
    if (tr_match(to, pid))
        return true;
    if (tr_match(to, &name) || tr_match(to, &name, TR_ATOM(nonode_nohost)))
        return tr_whereis(name, pid);
    return tr__via_lookup(to, &pid->w) == TR_OK;
}
