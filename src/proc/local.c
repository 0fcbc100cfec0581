/* SPDX-License-Identifier: MIT */
/*
 * Process-local storage: an array for each process that has any, indexed by key.
 *
 * The array is registered as something to be cleaned up, so the destructors run in turn with the
 * functions of tr_defer. A function that runs later may set values again: they make a new array.
 */
#include "troupe/local.h"

#include "base/fault.h"
#include "proc/proc.h"
#include "term/raise.h"

#include <stdlib.h>
#include <string.h>

struct tr_locals {
    uint32_t size;
    void *values[];
};

static struct {
    _Atomic uint32_t count;
    _Atomic(void (*)(void *)) destructors[TR_LOCAL_MAX];
} keys;

tr_err tr_local_new(tr_local *key, void (*destructor)(void *))
{
    TR__GUARD();
    uint32_t n = atomic_load(&keys.count);

    do
        if (n >= TR_LOCAL_MAX)
            return TR_ELIMIT;
    while (!atomic_compare_exchange_weak(&keys.count, &n, n + 1));
    atomic_store(&keys.destructors[n], destructor);
    key->n = n + 1;
    return TR_OK;
}

/* The index of a key; ends the caller if it is none. */
static uint32_t index_of(tr_local key)
{
    if (key.n == 0 || key.n > atomic_load_explicit(&keys.count, memory_order_relaxed))
        tr__raise_badarg(tr_build((int64_t)key.n));
    return key.n - 1;
}

static void destroy(struct tr_locals *locals, uint32_t i)
{
    void (*destructor)(void *) = atomic_load(&keys.destructors[i]);
    void *value = locals->values[i];

    locals->values[i] = NULL;
    if (value && destructor)
        destructor(value);
}

/* Registered with the process itself, since the array may move as it grows, also by what a
   destructor does. */
static void destroy_all(void *process)
{
    struct tr_proc *p = process;

    if (!tr__rare_of(p)->locals)
        return; /* there was no memory for them */
    struct tr_proc_rare *rare = tr__rare(p);
    for (uint32_t i = 0; i < rare->locals->size; i++)
        destroy(rare->locals, i);
    free(rare->locals);
    rare->locals = NULL;
}

/* Makes room for index `i`. */
static struct tr_locals *grow(struct tr_proc *p, uint32_t i)
{
    struct tr_proc_rare *rare = tr__rare(p);
    struct tr_locals *old = rare->locals;
    uint32_t before = old ? old->size : 0;
    uint32_t size = before ? before : 8;

    while (size <= i)
        size *= 2;
    struct tr_locals *locals =
        tr__fault() ? NULL : realloc(old, sizeof *locals + size * sizeof(void *));
    if (!locals)
        tr__raise_oom();
    memset(locals->values + before, 0, (size - before) * sizeof(void *));
    locals->size = size;
    rare->locals = locals;
    return locals;
}

void *tr_local_get(tr_local key)
{
    struct tr_proc *p = TR__SELF();
    uint32_t i = index_of(key);
    struct tr_locals *locals = tr__rare_of(p)->locals;

    return locals && i < locals->size ? locals->values[i] : NULL;
}

void tr_local_set(tr_local key, void *value)
{
    TR__GUARD();
    struct tr_proc *p = TR__SELF();
    uint32_t i = index_of(key);
    struct tr_locals *locals = tr__rare_of(p)->locals;

    if (!locals || i >= locals->size) {
        if (!value)
            return;
        /* Registered first: a process that ends for lack of memory here has nothing to destroy. */
        if (!locals)
            tr_defer(destroy_all, p);
        locals = grow(p, i);
    }
    locals->values[i] = value;
}
