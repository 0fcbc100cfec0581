/* SPDX-License-Identifier: MIT */
/*
 * The process dictionary, and the other things that few processes have.
 *
 * Keys and values are kept terms (tr_keep) in a chained hash table; it doubles when the chains grow
 * to two entries on average.
 */
#include "base/fault.h"
#include "mem/block.h"
#include "mem/counted.h"
#include "proc/proc.h"
#include "term/raise.h"
#include "troupe/info.h"

#include <stdlib.h>
#include <string.h>

#define BUCKETS_MIN 8u

struct dict_entry {
    struct dict_entry *next;
    uint64_t hash;
    tr_term key, value; /* kept */
};

struct tr_dict {
    struct dict_entry **buckets;
    size_t size, count; /* size: a power of two */
};

size_t tr__dict_size(const struct tr_dict *dict)
{
    return dict->count;
}

static void *zeroed(size_t n, size_t size)
{
    void *p = tr__fault() ? NULL : calloc(n, size);

    if (!p)
        tr__raise_oom();
    return p;
}

const struct tr_proc_rare tr__no_rare;

struct tr_proc_extra *tr__extra_make(struct tr_proc *p)
{
    if (p->extra)
        return p->extra;
    p->extra = tr__block_alloc_inside(tr__tls(), sizeof *p->extra);
    if (p->extra)
        *p->extra = (struct tr_proc_extra){ 0 };
    return p->extra;
}

struct tr_proc_rare *tr__rare_make(struct tr_proc *p)
{
    struct tr_proc_extra *extra = tr__extra_make(p);

    if (!extra || extra->rare)
        return extra ? extra->rare : NULL;
    extra->rare = tr__block_alloc(sizeof *extra->rare);
    if (extra->rare)
        memset(extra->rare, 0, sizeof *extra->rare);
    return extra->rare;
}

struct tr_proc_extra *tr__extra(struct tr_proc *p)
{
    if (!tr__extra_make(p))
        tr__raise_oom();
    return p->extra;
}

struct tr_proc_rare *tr__rare(struct tr_proc *p)
{
    struct tr_proc_rare *rare = tr__rare_make(p);

    if (!rare)
        tr__raise_oom();
    return rare;
}

static struct tr_dict *dict_of(struct tr_proc *p)
{
    struct tr_proc_rare *rare = tr__rare(p);

    if (!rare->dictionary) {
        struct dict_entry **buckets = zeroed(BUCKETS_MIN, sizeof *buckets);
        struct tr_dict *d = tr__fault() ? NULL : calloc(1, sizeof *d);
        if (!d) {
            free(buckets);
            tr__raise_oom();
        }
        *d = (struct tr_dict){ buckets, BUCKETS_MIN, 0 };
        rare->dictionary = d;
    }
    return rare->dictionary;
}

/* The link that points to the entry of a key, or to NULL where it would be put. */
static struct dict_entry **find(struct tr_dict *d, tr_term key, uint64_t hash)
{
    struct dict_entry **e = &d->buckets[hash & (d->size - 1)];

    while (*e && !((*e)->hash == hash && tr_equal((*e)->key, key)))
        e = &(*e)->next;
    return e;
}

/* Without memory the chains just grow longer. */
static void grow(struct tr_dict *d)
{
    size_t size = d->size * 2;
    struct dict_entry **buckets = tr__fault() ? NULL : calloc(size, sizeof *buckets);

    if (!buckets)
        return;
    for (size_t i = 0; i < d->size; i++) {
        for (struct dict_entry *e = d->buckets[i]; e;) {
            struct dict_entry *next = e->next;
            e->next = buckets[e->hash & (size - 1)];
            buckets[e->hash & (size - 1)] = e;
            e = next;
        }
    }
    free(d->buckets);
    d->buckets = buckets;
    d->size = size;
}

static tr_term release_value(tr_term kept)
{
    tr_term copy = tr_copy(kept);

    tr_release(kept);
    return copy;
}

static void insert(struct tr_dict *d, struct dict_entry **at, tr_term key, tr_term value,
                   uint64_t hash)
{
    struct dict_entry *e = zeroed(1, sizeof *e);

    *e = (struct dict_entry){ *at, hash, key, value };
    *at = e;
    d->count++;
    if (d->count > 2 * d->size)
        grow(d);
}

/* Lets go what a field holds. */
static void let_go(struct tr_proc *p, uint64_t *field)
{
    tr__lineage_let_go(p, field);
    if (*field)
        tr_release((tr_term){ *field });
    *field = 0;
}

static void replace(struct tr_proc *p, uint64_t *field, tr_term value)
{
    tr_term fresh = tr_keep(value);

    let_go(p, field);
    *field = fresh.w;
}

/* The field that holds the value of a key that is kept apart; else NULL. */
static uint64_t *reserved(struct tr_proc *p, tr_term key)
{
    if (key.w == TR_ATOM_W(dollar_ancestors))
        return &tr__extra(p)->ancestors;
    if (key.w == TR_ATOM_W(dollar_initial_call))
        return &tr__extra(p)->initial_call;
    if (key.w == TR_ATOM_W(dollar_callers))
        return &tr__extra(p)->callers;
    return NULL;
}

/* What such a key holds, w is 0 for nothing. A process that has ancestors has an initial call. */
static tr_term reserved_value(struct tr_proc *p, const uint64_t *field)
{
    if (field == &p->extra->initial_call &&
        (*field ? p->extra->initial_module : p->extra->ancestors))
        return tr__initial_call(p);
    uint64_t w = field == &p->extra->ancestors ? tr__lineage(p)
                 : field == &p->extra->callers ? tr__callers(p)
                                               : *field;
    return w ? tr_copy((tr_term){ w }) : (tr_term){ 0 };
}

tr_term tr_put(tr_term key, tr_term value)
{
    TR__GUARD();
    uint64_t *field = reserved(TR__SELF(), key);

    if (field) {
        tr_term before = reserved_value(tr__self(), field);
        if (key.w == TR_ATOM_W(dollar_initial_call))
            tr_set_initial_call(value);
        else
            replace(tr__self(), field, value);
        return before;
    }
    struct tr_dict *d = dict_of(tr__self());
    uint64_t hash = tr_hash(key);
    struct dict_entry **at = find(d, key, hash);
    tr_term kept = tr_keep(value);

    if (*at) {
        tr_term before = (*at)->value;
        (*at)->value = kept;
        return release_value(before);
    }
    insert(d, at, tr_keep(key), kept, hash);
    return (tr_term){ 0 };
}

tr_term tr_get(tr_term key)
{
    TR__GUARD();
    struct tr_proc *p = TR__SELF();
    uint64_t *field = reserved(p, key);

    if (field)
        return reserved_value(p, field);
    struct tr_dict *d = tr__rare_of(p)->dictionary;
    if (!d)
        return (tr_term){ 0 };
    struct dict_entry **at = find(d, key, tr_hash(key));
    return *at ? tr_copy((*at)->value) : (tr_term){ 0 };
}

tr_term tr_erase(tr_term key)
{
    TR__GUARD();
    struct tr_proc *p = TR__SELF();
    uint64_t *field = reserved(p, key);

    if (field) {
        tr_term value = reserved_value(p, field);
        let_go(p, field);
        return value;
    }
    struct tr_dict *d = tr__rare_of(p)->dictionary;
    if (!d)
        return (tr_term){ 0 };
    struct dict_entry **at = find(d, key, tr_hash(key));
    struct dict_entry *e = *at;
    if (!e)
        return (tr_term){ 0 };
    *at = e->next;
    d->count--;
    tr_term value = e->value;
    tr_release(e->key);
    free(e);
    return release_value(value);
}

enum list_of { PAIRS, KEYS };

/* One more element for `items`, unless a value is wanted and the entry holds another one. */
static tr_term add_to(tr_term items, tr_term key, tr_term held, enum list_of what,
                      const tr_term *value)
{
    if (value && !tr_equal(held, *value))
        return items;
    tr_term k = tr_copy(key);
    return tr_list_push(items, what == KEYS ? k : tr_build(k, tr_copy(held)));
}

/* The entries as a list in the current heap; with a value, only those that hold it. */
static tr_term list(struct tr_proc *p, enum list_of what, const tr_term *value)
{
    static const uint64_t apart[] = { TR_ATOM_W(dollar_ancestors), TR_ATOM_W(dollar_initial_call),
                                      TR_ATOM_W(dollar_callers) };
    struct tr_dict *d = tr__rare_of(p)->dictionary;
    tr_term items = tr_nil();

    for (size_t i = 0; d && i < d->size; i++)
        for (struct dict_entry *e = d->buckets[i]; e; e = e->next)
            items = add_to(items, e->key, e->value, what, value);
    for (size_t i = 0; p->extra && i < sizeof apart / sizeof *apart; i++) {
        tr_term key = { apart[i] };
        tr_term held = reserved_value(p, reserved(p, key));
        if (held.w)
            items = add_to(items, key, held, what, value);
    }
    return items;
}

tr_term tr_get_keys(void)
{
    TR__GUARD();
    return list(TR__SELF(), KEYS, NULL);
}

tr_term tr_get_keys_of(tr_term value)
{
    TR__GUARD();
    return list(TR__SELF(), KEYS, &value);
}

tr_term tr__dictionary(struct tr_proc *p)
{
    return list(p, PAIRS, NULL);
}

void tr_set_label(tr_term label)
{
    replace(tr__self(), &tr__rare(TR__SELF())->label, label);
}

void tr_set_ancestors(tr_term ancestors)
{
    replace(tr__self(), &tr__extra(TR__SELF())->ancestors, ancestors);
}

void tr_set_initial_call(tr_term call)
{
    struct tr_proc_extra *extra = tr__extra(TR__SELF());
    tr_term module = call;

    extra->initial_module = tr_match(call, &module, TR_ATOM(init), 1) && tr_is_atom(module);
    replace(tr__self(), &extra->initial_call, extra->initial_module ? module : call);
}

void tr_set_initial_module(tr_atom module)
{
    struct tr_proc *p = TR__SELF();
    struct tr_proc_extra *extra = tr__extra(p);

    let_go(p, &extra->initial_call);
    extra->initial_call = module.w;
    extra->initial_module = true;
}

static void rare_free(struct tr_proc_rare *rare)
{
    struct tr_dict *d = rare->dictionary;

    /* The kept terms go with the heap, which is destroyed next. */
    for (size_t i = 0; d && i < d->size; i++) {
        for (struct dict_entry *e = d->buckets[i]; e;) {
            struct dict_entry *next = e->next;
            free(e);
            e = next;
        }
    }
    if (d)
        free(d->buckets);
    free(d);
    free(rare->locals); /* left over when a destructor has ended the process once more */
    free(rare->caps);
    if (rare->thread)
        tr__thread_own_end(rare->thread);
    tr__lineage_forget(rare);
    free(rare->trace);
    tr__block_free(rare, sizeof *rare);
}

void tr__extra_free(struct tr_proc *p)
{
    struct tr_proc_rare *rare = p->extra->rare;

    tr__lineage_drop(p);
    if (rare)
        rare_free(rare);
    tr__block_free_inside(tr__tls(), p->extra, sizeof *p->extra);
    p->extra = NULL;
}
