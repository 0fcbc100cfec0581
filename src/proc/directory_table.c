/* SPDX-License-Identifier: MIT */
/* The tables of a directory: lasting terms, entries by key, entries by pid. */
#include "mem/block.h"
#include "proc/directory.h"

enum { FIRST_SLOTS = 8, FIRST_BUCKETS = 8 };

#define GROUP_SIZE (TR__KEY_GROUP * sizeof(struct tr_key_slot))

_Static_assert(GROUP_SIZE == 2 * TR__CACHE_LINE, "a group is two lines, fetched together");

/* --- terms that last --- */

static struct tr_lasting *lasting_at(uint64_t word)
{
    char *words = (char *)(uintptr_t)(word & ~UINT64_C(7));

    return (struct tr_lasting *)(void *)(words - offsetof(struct tr_lasting, words));
}

static void lasting_destroy(struct tr_retired *r)
{
    struct tr_lasting *t = (struct tr_lasting *)(void *)r;

    tr__counted_release(t->counted);
    tr__block_free(t, t->size);
}

uint64_t tr__lasting(tr_term term)
{
    if (tr__is_immediate(term.w))
        return term.w;
    size_t n = tr__term_size(term);
    if (n > (SIZE_MAX - sizeof(struct tr_lasting)) / sizeof(uint64_t))
        return 0;
    size_t size = sizeof(struct tr_lasting) + n * sizeof(uint64_t);
    struct tr_lasting *t = tr__block_alloc(size);
    if (!t)
        return 0;
    uint64_t *out = t->words;
    t->size = size;
    t->counted = NULL;
    return tr__term_copy(&out, &t->counted, term).w;
}

void tr__lasting_retire(uint64_t word)
{
    if (word && !tr__is_immediate(word))
        tr__retire(&lasting_at(word)->retired, lasting_destroy, lasting_at(word)->size);
}

void tr__lasting_free(uint64_t word)
{
    if (word && !tr__is_immediate(word))
        lasting_destroy(&lasting_at(word)->retired);
}

/* --- keys --- */

/* What the slot of a key is known by: the key itself if it is an immediate, and otherwise something
   that no immediate is. */
static uint64_t mark_of(uint64_t word, uint64_t hash)
{
    return tr__is_immediate(word) ? word : (hash & ~UINT64_C(7)) | TR__TAG_CONS;
}

/* A bit for each slot of a group that has this mark. */
static inline unsigned marked(const struct tr_key_slot *group, uint64_t mark)
{
    return tr__has_mark(group, mark) | tr__has_mark(group + 1, mark) << 1 |
           tr__has_mark(group + 2, mark) << 2 | tr__has_mark(group + 3, mark) << 3;
}

/* Is the key of a slot that has its mark the one? -1 without memory. */
static inline int is_key(const struct tr_key_slot *slot, tr_term key)
{
    const struct tr_key *k = tr__slot_key(slot);

    if (!k)
        return 0;
    if (tr__is_immediate(key.w))
        return 1;
    return tr__equal((tr_term){ k->word }, key);
}

struct tr_key_slot *tr__slot_search(struct tr_key_shard *s, uint64_t hash, tr_term key,
                                    bool *failed)
{
    /* Acquire pairs with the release in rebuild. */
    struct tr_key_table *t = atomic_load_explicit(&s->table, memory_order_acquire);
    uint64_t mark = mark_of(key.w, hash);

    for (size_t i = t ? tr__slot_start(t, hash) : 0; t; i = (i + TR__KEY_GROUP) & t->mask) {
        struct tr_key_slot *group = &t->slots[i];
        /* There may be several: tombstones, and other keys of that hash. */
        for (unsigned bits = marked(group, mark); bits; bits &= bits - 1) {
            struct tr_key_slot *slot = &group[__builtin_ctz(bits)];
            int is = is_key(slot, key);
            if (is > 0)
                return slot;
            if (is < 0) {
                *failed = true;
                return NULL;
            }
        }
        if (marked(group, 0))
            break;
    }
    return NULL;
}

struct tr_key *tr__key_find(struct tr_key_shard *s, uint64_t hash, tr_term key, bool *failed)
{
    struct tr_key_slot *slot = tr__slot_find(s, hash, key, failed);

    return slot ? tr__slot_key(slot) : NULL;
}

static size_t table_size(size_t slots)
{
    return sizeof(struct tr_key_table) + GROUP_SIZE + slots * sizeof(struct tr_key_slot);
}

static void table_destroy(struct tr_retired *r)
{
    struct tr_key_table *t = (struct tr_key_table *)(void *)r;

    tr__block_free(t, table_size(t->mask + 1));
}

/* An empty one; NULL without memory. */
static struct tr_key_table *table_make(size_t slots)
{
    struct tr_key_table *t = tr__block_alloc(table_size(slots));

    if (!t)
        return NULL;
    memset(t, 0, table_size(slots));
    uintptr_t behind = (uintptr_t)(t + 1) + GROUP_SIZE - 1;
    t->slots = (struct tr_key_slot *)(behind & ~(uintptr_t)(GROUP_SIZE - 1));
    t->mask = slots - 1;
    return t;
}

/* Shows the entry of a key in its slot if it is the only one, and its value an immediate. */
static void show_only(struct tr_key_slot *slot, const struct tr_key *k)
{
    const struct tr_entry *e = atomic_load_explicit(&k->first, memory_order_relaxed);
    uint64_t value = e ? atomic_load_explicit(&e->value, memory_order_relaxed) : 0;

    if (tr__key_count(k) != 1 || !tr__is_immediate(value))
        return;
    atomic_store_explicit(&slot->value, value, memory_order_relaxed);
    /* Release: who sees the pid sees the value. */
    atomic_store_explicit(&slot->pid, e->pid, memory_order_release);
}

/* Puts a key into an empty slot. */
static struct tr_key_slot *table_put(struct tr_key_table *t, struct tr_key *k)
{
    size_t i = tr__slot_start(t, k->hash);

    while (atomic_load_explicit(&t->slots[i].mark, memory_order_relaxed))
        i = (i + 1) & t->mask;
    atomic_store_explicit(&t->slots[i].mark, mark_of(k->word, k->hash), memory_order_relaxed);
    atomic_store_explicit(&t->slots[i].key, k, memory_order_release);
    t->used++;
    return &t->slots[i];
}

/* The slot of a key that is there. */
static struct tr_key_slot *slot_of(struct tr_key_shard *s, const struct tr_key *k)
{
    struct tr_key_table *t = atomic_load_explicit(&s->table, memory_order_relaxed);
    size_t i = tr__slot_start(t, k->hash);

    while (atomic_load_explicit(&t->slots[i].key, memory_order_relaxed) != k)
        i = (i + 1) & t->mask;
    return &t->slots[i];
}

/* A table with room for one more key and without tombstones. */
static bool rebuild(struct tr_key_shard *s, struct tr_key_table *old)
{
    size_t size = FIRST_SLOTS;

    while (size < 2 * (s->keys + 1))
        size *= 2;
    struct tr_key_table *t = table_make(size);
    if (!t)
        return false;
    for (size_t i = 0; old && i <= old->mask; i++) {
        struct tr_key *k = tr__slot_key(&old->slots[i]);
        if (k)
            show_only(table_put(t, k), k);
    }
    atomic_store_explicit(&s->table, t, memory_order_release);
    if (old)
        tr__retire(&old->retired, table_destroy, table_size(old->mask + 1));
    return true;
}

struct tr_key *tr__key_add(struct tr_key_shard *s, uint64_t hash, uint64_t word)
{
    struct tr_key_table *t = atomic_load_explicit(&s->table, memory_order_relaxed);

    if ((!t || 4 * (t->used + 1) > 3 * (t->mask + 1)) && !rebuild(s, t))
        return NULL;
    struct tr_key *k = tr__block_alloc(sizeof *k);
    if (!k)
        return NULL;
    memset(k, 0, sizeof *k);
    k->word = word;
    k->hash = hash;
    s->keys++;
    table_put(atomic_load_explicit(&s->table, memory_order_relaxed), k);
    return k;
}

static void key_destroy(struct tr_retired *r)
{
    struct tr_key *k = (struct tr_key *)(void *)((char *)r - offsetof(struct tr_key, retired));

    tr__lasting_free(k->word);
    tr__block_free(k, sizeof *k);
}

static void key_remove(struct tr_key_shard *s, struct tr_key *k)
{
    atomic_store_explicit(&slot_of(s, k)->key, TR__TOMBSTONE, memory_order_release);
    s->keys--;
    tr__retire(&k->retired, key_destroy, sizeof *k);
}

/* --- the entries of a key --- */

struct tr_entry *tr__entry_add(struct tr_key_shard *s, struct tr_key *key)
{
    size_t n = tr__key_count(key);
    struct tr_entry *e = n == 0 ? &key->own : tr__block_alloc(sizeof *e);

    if (!e)
        return NULL;
    memset(e, 0, sizeof *e);
    e->key = key;
    e->before = key->last;
    key->last = e;
    atomic_store_explicit(&key->n, n + 1, memory_order_relaxed);
    size_t entries = atomic_load_explicit(&s->entries, memory_order_relaxed);
    atomic_store_explicit(&s->entries, entries + 1, memory_order_relaxed);
    return e;
}

void tr__entry_show(struct tr_key_shard *s, struct tr_entry *e)
{
    struct tr_key *k = e->key;
    struct tr_key_slot *slot = slot_of(s, k);

    if (e->before)
        atomic_store_explicit(&slot->pid, 0, memory_order_relaxed);
    /* Release: who finds the entry finds all of it, and not what the slot showed before. */
    atomic_store_explicit(e->before ? &e->before->next : &k->first, e, memory_order_release);
    show_only(slot, k);
}

uint64_t tr__entry_change(struct tr_key_shard *s, struct tr_entry *e, uint64_t value)
{
    atomic_store_explicit(&slot_of(s, e->key)->pid, 0, memory_order_relaxed);
    return atomic_exchange_explicit(&e->value, value, memory_order_acq_rel);
}

static void entry_destroy(struct tr_retired *r)
{
    char *entry = (char *)r - offsetof(struct tr_entry, retired);

    tr__block_free(entry, sizeof(struct tr_entry));
}

/* Its own `next` stays, for those who stand on it. */
void tr__entry_remove(struct tr_key_shard *s, struct tr_entry *e)
{
    struct tr_key *k = e->key;
    struct tr_entry *next = atomic_load_explicit(&e->next, memory_order_relaxed);

    atomic_store_explicit(e->before ? &e->before->next : &k->first, next, memory_order_release);
    if (next)
        next->before = e->before;
    else
        k->last = e->before;
    size_t left = tr__key_count(k) - 1;
    atomic_store_explicit(&k->n, left, memory_order_relaxed);
    size_t entries = atomic_load_explicit(&s->entries, memory_order_relaxed);
    atomic_store_explicit(&s->entries, entries - 1, memory_order_relaxed);
    tr__lasting_retire(atomic_load_explicit(&e->value, memory_order_relaxed));
    if (e != &k->own)
        tr__retire(&e->retired, entry_destroy, sizeof *e);
    if (left == 0)
        key_remove(s, k);
}

/* --- owners --- */

static uint64_t spread(uint64_t pid)
{
    return pid * UINT64_C(0x9e3779b97f4a7c15);
}

struct tr_owner_shard *tr__owner_shard(struct tr_directory *d, uint64_t pid)
{
    return &d->owners[spread(pid) >> 58];
}

static struct tr_owner **bucket(const struct tr_owner_shard *s, uint64_t pid)
{
    return &s->buckets[spread(pid) >> 26 & s->mask];
}

struct tr_owner *tr__owner_find(const struct tr_owner_shard *s, uint64_t pid)
{
    struct tr_owner *o = s->buckets ? *bucket(s, pid) : NULL;

    while (o && o->pid != pid)
        o = o->next;
    return o;
}

/* Twice the buckets, or the first ones. */
static bool grow(struct tr_owner_shard *s)
{
    struct tr_owner_shard old = { .buckets = s->buckets, .mask = s->mask };
    size_t size = old.buckets ? 2 * (old.mask + 1) : FIRST_BUCKETS;
    struct tr_owner **buckets = tr__block_alloc(size * sizeof *buckets);

    if (!buckets)
        return false;
    memset(buckets, 0, size * sizeof *buckets);
    s->buckets = buckets;
    s->mask = size - 1;
    for (size_t i = 0; old.buckets && i <= old.mask; i++) {
        for (struct tr_owner *o = old.buckets[i], *next; o; o = next) {
            struct tr_owner **chain = bucket(s, o->pid);
            next = o->next;
            o->next = *chain;
            *chain = o;
        }
    }
    tr__block_free(old.buckets, (old.mask + 1) * sizeof *buckets);
    return true;
}

struct tr_owner *tr__owner_make(struct tr_owner_shard *s, uint64_t pid)
{
    struct tr_owner *o = tr__owner_find(s, pid);

    if (o)
        return o;
    if ((!s->buckets || s->n > s->mask) && !grow(s))
        return NULL;
    o = tr__block_alloc(sizeof *o);
    if (!o)
        return NULL;
    struct tr_owner **chain = bucket(s, pid);
    *o = (struct tr_owner){ .next = *chain, .pid = pid };
    *chain = o;
    s->n++;
    return o;
}

void tr__owner_link(struct tr_owner *o, struct tr_entry *e)
{
    e->owner_before = o->last;
    if (o->last)
        o->last->owner_next = e;
    else
        o->first = e;
    o->last = e;
    o->n++;
}

void tr__owner_unlink(struct tr_owner *o, struct tr_entry *e)
{
    if (e->owner_before)
        e->owner_before->owner_next = e->owner_next;
    else
        o->first = e->owner_next;
    if (e->owner_next)
        e->owner_next->owner_before = e->owner_before;
    else
        o->last = e->owner_before;
    o->n--;
}

void tr__owner_drop(struct tr_owner_shard *s, struct tr_owner *o)
{
    struct tr_owner **at = bucket(s, o->pid);

    while (*at != o)
        at = &(*at)->next;
    *at = o->next;
    s->n--;
    tr__block_free(o, sizeof *o);
}
