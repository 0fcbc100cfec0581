/* SPDX-License-Identifier: MIT */
/*
 * Directories from the inside.
 *
 *     directory.c         opening, closing, finding; inserting and removing
 *     directory_table.c   the two tables: entries by key and by pid
 *     directory_read.c    the functions that only read
 *
 * By key: each of 64 shards has a table of open addressing whose slots point to keys, and each key
 * a list of its entries. Readers walk both in a read section (src/mem/readers.h). Writers hold the
 * shard's lock. A slot's mark never changes once it is set: a key that goes leaves a tombstone, and
 * tombstones go when the table is made anew, so a reader can probe while others write. Slots are
 * searched in groups of four, which are two neighbouring cache lines: nearly every key is in its
 * first group, so where it is there is found without a branch that could be guessed wrong.
 *
 * Most keys have one entry, whose value is an immediate: then the slot shows both, and a lookup of
 * an immediate key has all it needs without a look at the key, in one miss of the cache. What the
 * slot shows goes from nothing to that entry at most once, and back to nothing at most once,
 * before a second entry is linked or the value changes; it is never set again in that table. So a
 * reader that sees a pid there sees the value that belongs to it, and one that has seen what came
 * later sees it gone. An entry that is removed takes the whole slot with it, as it was the only
 * one. A reader that still has an older table, whose slots are not kept up to date, took it within
 * its section, so it answers as of that moment.
 *
 * By pid: each of 64 shards has a table of owners, and each owner a list of its entries. It is only
 * used with the shard's lock held. Locks are taken in the order owner, then key.
 */
#ifndef TROUPE_PROC_DIRECTORY_H
#define TROUPE_PROC_DIRECTORY_H

#include "base/spin.h"
#include "mem/readers.h"
#include "proc/proc.h"
#include "term/hash.h"
#include "troupe/directory.h"

#define TR__DIRECTORY_SHARDS 64u

/* A term that outlives the process that made it. Its root comes first in `words`. */
struct tr_lasting {
    struct tr_retired retired;
    struct tr_counted *counted;
    size_t size;
    uint64_t words[];
};

struct tr_entry {
    _Atomic(struct tr_entry *) next; /* of the same key, in the order of insertion */
    uint64_t pid;
    _Atomic(uint64_t) value; /* an immediate, or the word of a struct tr_lasting */
    uint64_t id;
    /* For writers. */
    struct tr_entry *before;
    struct tr_key *key;
    struct tr_entry *owner_next, *owner_before; /* of the same pid */
    struct tr_retired retired;
};

/* A key that is held. Its first entry lies beside it, since most keys have one. */
struct tr_key {
    uint64_t word; /* as `value` above */
    _Atomic(struct tr_entry *) first;
    struct tr_entry own;
    /* For writers. */
    struct tr_entry *last;
    uint64_t hash;
    _Atomic(size_t) n; /* readers may look */
    struct tr_retired retired;
};

#define TR__TOMBSTONE ((struct tr_key *)1)

#define TR__KEY_GROUP 4u

struct tr_key_slot {
    _Atomic(uint64_t) mark; /* 0: empty; written before `key` is first set, and never again */
    _Atomic(struct tr_key *) key;
    _Atomic(uint64_t) pid;   /* of its only entry; 0: to be looked up */
    _Atomic(uint64_t) value; /* of that entry, an immediate, once there is a pid */
};

struct tr_key_table {
    struct tr_retired retired;
    size_t mask;
    size_t used;               /* slots that are not empty, tombstones included; writers only */
    struct tr_key_slot *slots; /* in the same block, each group in lines of its own */
};

struct tr_key_shard {
    struct tr_spin lock;
    _Atomic(struct tr_key_table *) table; /* NULL: no key yet */
    size_t keys;
    _Atomic(size_t) entries;
} TR__ALIGNED(TR__CACHE_LINE);

struct tr_owner {
    struct tr_owner *next;
    uint64_t pid;
    struct tr_entry *first, *last;
    size_t n;
};

struct tr_owner_shard {
    struct tr_spin lock;
    struct tr_owner **buckets; /* NULL: no owner yet */
    size_t mask, n;
} TR__ALIGNED(TR__CACHE_LINE);

struct tr_directory {
    struct tr_directory *next; /* chain of the table of names */
    tr_atom name;
    _Atomic(bool) unique; /* written while it is closed */
    _Atomic(bool) open;
    struct tr_spin info_lock;
    _Atomic(uint64_t) info; /* as `value` above */
    _Atomic(uint64_t) last_id;
    struct tr_key_shard keys[TR__DIRECTORY_SHARDS];
    struct tr_owner_shard owners[TR__DIRECTORY_SHARDS];
};

static inline bool tr__is_unique(const struct tr_directory *d)
{
    return atomic_load_explicit(&d->unique, memory_order_relaxed);
}

/* Uses up a part of the caller's turn. `tls` is the calling thread's, the result too: it may be
   another one then. */
static inline struct tr_tls *tr__directory_charge_at(struct tr_tls *tls)
{
    struct tr_proc *p = atomic_load_explicit(&tls->current, memory_order_relaxed);

    if (tr__unlikely(!p))
        return tls;
    p->reductions += TR__COST_CALL;
    if (!tr__charge(p->worker, TR__COST_CALL))
        return tls;
    tr__yield_now(p);
    return tr__tls();
}

static inline void tr__directory_charge(void)
{
    (void)tr__directory_charge_at(tr__tls());
}

/* The hash of a key. An immediate that is no atom has a value that is the same on every run, and
   needs less of it than tr_hash does. */
static inline uint64_t tr__key_hash(tr_term key)
{
    if (tr__likely(tr__is_immediate(key.w) && !tr__is_atom_w(key.w)))
        return tr__mix(0, key.w);
    return tr_hash(key);
}

static inline struct tr_key_shard *tr__key_shard(struct tr_directory *d, uint64_t hash)
{
    return &d->keys[hash >> 58];
}

/* How many entries a key has, or had a moment ago. */
static inline size_t tr__key_count(const struct tr_key *k)
{
    return atomic_load_explicit(&k->n, memory_order_relaxed);
}

/* The key of a slot; NULL when there is none, or none any more. */
static inline struct tr_key *tr__slot_key(const struct tr_key_slot *slot)
{
    /* Acquire pairs with the release of who put it there. */
    struct tr_key *k = atomic_load_explicit(&slot->key, memory_order_acquire);

    return k == TR__TOMBSTONE ? NULL : k;
}

/* --- terms that last --- */

/* A copy of a term; 0 without memory. */
uint64_t tr__lasting(tr_term term);

/* Frees it once nobody reads it, or now, if nobody can have seen it. */
void tr__lasting_retire(uint64_t word);
void tr__lasting_free(uint64_t word);

/* --- by key --- */

/*
 * The slot of a key, or NULL; in a read section, or with the shard locked, so it raises nothing.
 * Without memory, which comparing deep terms takes, *failed is set. tr__slot_search is for those
 * keys that are not where nearly all are.
 */
static inline struct tr_key_slot *tr__slot_find(struct tr_key_shard *s, uint64_t hash, tr_term key,
                                                bool *failed);
struct tr_key_slot *tr__slot_search(struct tr_key_shard *s, uint64_t hash, tr_term key,
                                    bool *failed);

/* The same for the key itself. */
struct tr_key *tr__key_find(struct tr_key_shard *s, uint64_t hash, tr_term key, bool *failed);

/* Adds a key that is not there, without entries, for the word of a lasting term; NULL without
   memory. The shard is locked. */
struct tr_key *tr__key_add(struct tr_key_shard *s, uint64_t hash, uint64_t word);

/* Adds an entry; NULL without memory. The shard is locked. */
struct tr_entry *tr__entry_add(struct tr_key_shard *s, struct tr_key *key);

/* Lets readers find it, which it needs to be complete for. The shard is locked. */
void tr__entry_show(struct tr_key_shard *s, struct tr_entry *e);

/* Gives it another value; the one before. The shard is locked. */
uint64_t tr__entry_change(struct tr_key_shard *s, struct tr_entry *e, uint64_t value);

/* Takes an entry out; with the last one goes the key. The shard is locked. */
void tr__entry_remove(struct tr_key_shard *s, struct tr_entry *e);

/* --- by pid; the shard is locked --- */

struct tr_owner_shard *tr__owner_shard(struct tr_directory *d, uint64_t pid);

/* NULL when it has no entries. */
struct tr_owner *tr__owner_find(const struct tr_owner_shard *s, uint64_t pid);

/* NULL without memory. */
struct tr_owner *tr__owner_make(struct tr_owner_shard *s, uint64_t pid);

void tr__owner_link(struct tr_owner *o, struct tr_entry *e);
void tr__owner_unlink(struct tr_owner *o, struct tr_entry *e);

/* Frees an owner without entries. */
void tr__owner_drop(struct tr_owner_shard *s, struct tr_owner *o);

/* --- inline --- */

static inline unsigned tr__has_mark(const struct tr_key_slot *slot, uint64_t mark)
{
    return atomic_load_explicit(&slot->mark, memory_order_relaxed) == mark;
}

/* The first slot of the group where the search for a hash begins. */
static inline size_t tr__slot_start(const struct tr_key_table *t, uint64_t hash)
{
    return hash & t->mask & ~(size_t)(TR__KEY_GROUP - 1);
}

/* The first slot of a group that has this mark, or else the last one. The compiler is not to know
   afterwards how it was chosen: it would make a branch of that, which nobody can foretell. */
static inline struct tr_key_slot *tr__slot_marked(struct tr_key_slot *group, uint64_t mark)
{
    struct tr_key_slot *slot = group + 3;

    slot = tr__has_mark(group + 2, mark) ? group + 2 : slot;
    slot = tr__has_mark(group + 1, mark) ? group + 1 : slot;
    slot = tr__has_mark(group, mark) ? group : slot;
    __asm__("" : "+r"(slot));
    return slot;
}

/* The slot of an immediate key, if that is in the group where its search begins. */
static inline struct tr_key_slot *tr__slot_nearby(struct tr_key_shard *s, uint64_t hash,
                                                  tr_term key)
{
    /* Acquire pairs with the release in rebuild. */
    struct tr_key_table *t = atomic_load_explicit(&s->table, memory_order_acquire);

    if (tr__unlikely(!t || !tr__is_immediate(key.w)))
        return NULL;
    struct tr_key_slot *slot = tr__slot_marked(&t->slots[tr__slot_start(t, hash)], key.w);
    return tr__likely(tr__has_mark(slot, key.w) && tr__slot_key(slot)) ? slot : NULL;
}

static inline struct tr_key_slot *tr__slot_find(struct tr_key_shard *s, uint64_t hash, tr_term key,
                                                bool *failed)
{
    struct tr_key_slot *slot = tr__slot_nearby(s, hash, key);

    return tr__likely(slot) ? slot : tr__slot_search(s, hash, key, failed);
}

#endif
