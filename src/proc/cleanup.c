/* SPDX-License-Identifier: MIT */
/*
 * What is to be undone when a process ends: one list for functions and for memory.
 *
 * A piece of memory is an entry of its own, with the memory behind it, its size as the argument,
 * and no function.
 */
#include "mem/block.h"
#include "proc/caps.h"
#include "proc/proc.h"
#include "term/raise.h"

#include <string.h>

_Static_assert(sizeof(struct tr_cleanup) % _Alignof(max_align_t) == 0,
               "memory behind an entry must be aligned for any type");

static void add(struct tr_proc *p, struct tr_cleanup *c, void (*fn)(void *), void *arg)
{
    c->fn = fn;
    c->arg = arg;
    c->link = &p->cleanups;
    c->next = p->cleanups;
    if (c->next)
        c->next->link = &c->next;
    p->cleanups = c;
}

static size_t size_of(const struct tr_cleanup *c)
{
    return sizeof *c + (c->fn ? 0 : (uintptr_t)c->arg);
}

static void take_off(struct tr_cleanup *c)
{
    *c->link = c->next;
    if (c->next)
        c->next->link = c->link;
}

/* Takes an entry off the list and frees it. */
static void drop(struct tr_cleanup *c)
{
    take_off(c);
    tr__block_free_inside(tr__tls(), c, size_of(c));
}

static struct tr_cleanup *new_entry(size_t extra)
{
    struct tr_cleanup *c = tr__block_alloc_inside(tr__tls(), sizeof *c + extra);

    if (!c)
        tr__raise_oom();
    return c;
}

void *tr_alloc(size_t size)
{
    TR__GUARD();
    struct tr_proc *p = TR__SELF();
    if (size > SIZE_MAX / 2 || !tr__caps_room(p, size + sizeof(struct tr_cleanup)))
        tr__raise_oom();
    struct tr_cleanup *c = new_entry(size);

    add(p, c, NULL, (void *)(uintptr_t)size);
    return memset(c + 1, 0, size);
}

void tr_free(void *p)
{
    TR__GUARD();

    if (p)
        drop((struct tr_cleanup *)p - 1);
}

void tr_defer(void (*fn)(void *), void *arg)
{
    TR__GUARD();
    struct tr_proc *p = TR__SELF();

    if (!fn)
        tr__raise_badarg(TR_ATOM_TERM(undef));
    add(p, new_entry(0), fn, arg);
}

bool tr_defer_cancel(void (*fn)(void *), void *arg)
{
    TR__GUARD();
    struct tr_proc *p = TR__SELF();

    for (struct tr_cleanup *c = p->cleanups; c; c = c->next) {
        if (fn && c->fn == fn && c->arg == arg) {
            drop(c);
            return true;
        }
    }
    return false;
}

bool tr_defer_replace(void (*fn)(void *), void *arg, void (*other)(void *), void *other_arg)
{
    TR__GUARD();
    struct tr_proc *p = TR__SELF();

    for (struct tr_cleanup *c = p->cleanups; c && other; c = c->next) {
        if (c->fn == fn && fn && c->arg == arg) {
            take_off(c);
            add(p, c, other, other_arg);
            return true;
        }
    }
    return false;
}

size_t tr__cleanups_size(const struct tr_proc *p)
{
    size_t size = 0;

    for (const struct tr_cleanup *c = p->cleanups; c; c = c->next)
        size += size_of(c);
    return size;
}

/* Runs the functions, newest first; each is off the list before it runs, so none runs twice. */
static void run_functions(struct tr_proc *p)
{
    struct tr_cleanup *c = p->cleanups;

    while (c) {
        if (!c->fn) {
            c = c->next;
            continue;
        }
        void (*fn)(void *) = c->fn;
        void *arg = c->arg;
        drop(c);
        tr__run_outside(fn, arg);
        c = p->cleanups; /* the function may have registered or freed others */
    }
}

void tr__cleanups_run(struct tr_proc *p)
{
    run_functions(p);
    /* The memory last: a function may still use what was allocated before it or after. */
    while (p->cleanups)
        drop(p->cleanups);
}
