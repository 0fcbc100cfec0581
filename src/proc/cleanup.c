/* SPDX-License-Identifier: MIT */
/*
 * What is to be undone when a process ends: one list of pieces of memory, each with a function that
 * is run with it, or none.
 *
 * tr_alloc gives a piece without a function. What tr_defer registers lies in a piece of its own.
 * A piece may be given a function later, for less than a registration: see tr__at_end.
 */
#include "mem/block.h"
#include "proc/caps.h"
#include "proc/proc.h"
#include "term/raise.h"

#include <string.h>

_Static_assert(sizeof(struct tr_cleanup) % _Alignof(max_align_t) == 0,
               "memory behind an entry must be aligned for any type");

/* What tr_defer was given, behind its entry. */
struct deferred {
    void (*fn)(void *);
    void *arg;
};

static struct deferred *deferred(struct tr_cleanup *c)
{
    return (struct deferred *)(void *)(c + 1);
}

static void run_deferred(void *what)
{
    const struct deferred *d = what;

    d->fn(d->arg);
}

static struct tr_cleanup *entry_of(void *memory)
{
    return (struct tr_cleanup *)memory - 1;
}

/* --- the list --- */

static void add(struct tr_proc *p, struct tr_cleanup *c)
{
    c->link = &p->cleanups;
    c->next = p->cleanups;
    if (c->next)
        c->next->link = &c->next;
    p->cleanups = c;
}

static void take_off(struct tr_cleanup *c)
{
    *c->link = c->next;
    if (c->next)
        c->next->link = c->link;
}

static void discard(struct tr_cleanup *c)
{
    tr__block_free_inside(tr__tls(), c, sizeof *c + c->size);
}

/* Takes an entry off the list and frees it. */
static void drop(struct tr_cleanup *c)
{
    take_off(c);
    discard(c);
}

/* NULL without memory. */
static struct tr_cleanup *new_entry(struct tr_proc *p, void (*fn)(void *), size_t size)
{
    struct tr_cleanup *c = tr__block_alloc_inside(tr__tls(), sizeof *c + size);

    if (!c)
        return NULL;
    c->fn = fn;
    c->size = size;
    add(p, c);
    return c;
}

/* --- memory --- */

void *tr_alloc(size_t size)
{
    TR__GUARD();
    struct tr_proc *p = TR__SELF();

    if (size > SIZE_MAX / 2 || !tr__caps_room(p, size + sizeof(struct tr_cleanup)))
        tr__raise_oom();
    struct tr_cleanup *c = new_entry(p, NULL, size);
    if (!c)
        tr__raise_oom();
    return memset(c + 1, 0, size);
}

void tr_free(void *p)
{
    TR__GUARD();

    if (p)
        drop(entry_of(p));
}

void tr__at_end(void *memory, void (*fn)(void *))
{
    TR__GUARD();
    struct tr_proc *p = TR__SELF();
    struct tr_cleanup *c = entry_of(memory);

    c->fn = fn;
    if (p->cleanups == c)
        return;
    take_off(c);
    add(p, c);
}

bool tr__at_end_forget(void (*fn)(void *))
{
    TR__GUARD();

    for (struct tr_cleanup *c = TR__SELF()->cleanups; c; c = c->next) {
        if (c->fn == fn) {
            c->fn = NULL;
            return true;
        }
    }
    return false;
}

/* --- functions --- */

void tr_defer(void (*fn)(void *), void *arg)
{
    TR__GUARD();
    struct deferred d = { fn, arg };

    if (!fn)
        tr__raise_badarg(TR_ATOM_TERM(undef));
    struct tr_cleanup *c = new_entry(TR__SELF(), run_deferred, sizeof d);
    if (tr__unlikely(!c)) {
        /* Now, since the end of the process, or who catches this, knows nothing of it. */
        tr__run_outside(run_deferred, &d);
        tr__raise_oom();
    }
    *deferred(c) = d;
}

/* The newest entry of that pair; NULL when there is none. */
static struct tr_cleanup *find(const struct tr_proc *p, void (*fn)(void *), const void *arg)
{
    for (struct tr_cleanup *c = p->cleanups; c; c = c->next)
        if (c->fn == run_deferred && deferred(c)->fn == fn && deferred(c)->arg == arg)
            return c;
    return NULL;
}

bool tr_defer_cancel(void (*fn)(void *), void *arg)
{
    TR__GUARD();
    struct tr_cleanup *c = find(TR__SELF(), fn, arg);

    if (c)
        drop(c);
    return c;
}

size_t tr__cleanups_size(const struct tr_proc *p)
{
    size_t size = 0;

    for (const struct tr_cleanup *c = p->cleanups; c; c = c->next)
        size += sizeof *c + c->size;
    return size;
}

/* --- the end --- */

/* Runs what tr_defer was given, which is off the list before it runs, so that it does not run
   twice. */
static void run_and_drop(struct tr_cleanup *c)
{
    struct deferred d = *deferred(c);

    drop(c);
    tr__run_outside(run_deferred, &d);
}

/* Runs the functions, newest first. */
static void run_functions(struct tr_proc *p)
{
    struct tr_cleanup *c = p->cleanups;

    while (c) {
        void (*fn)(void *) = c->fn;
        if (!fn) {
            c = c->next;
            continue;
        }
        c->fn = NULL;
        if (fn == run_deferred)
            run_and_drop(c);
        else
            tr__run_outside(fn, c + 1);
        c = p->cleanups; /* the function may have registered or freed others */
    }
}

bool tr__cleanups_quiet(const struct tr_proc *p)
{
    for (const struct tr_cleanup *c = p->cleanups; c; c = c->next)
        if (c->fn == run_deferred)
            return false;
    return true;
}

void tr__cleanups_free(struct tr_proc *p)
{
    struct tr_cleanup *next;

    for (struct tr_cleanup *c = p->cleanups; c; c = next) {
        next = c->next;
        discard(c);
    }
    p->cleanups = NULL;
}

void tr__cleanups_run(struct tr_proc *p)
{
    run_functions(p);
    /* The memory last: a function may still use what was allocated before it or after. */
    tr__cleanups_free(p);
}
