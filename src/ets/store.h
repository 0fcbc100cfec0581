/* SPDX-License-Identifier: MIT */
/*
 * Stores: what is in a table, found by key. Two kinds, with the same five operations: a hash table
 * (hash.c) and, for an ordered_set, a tree (tree.c).
 *
 * All but making and destroying one is done in a section; `w` is the caller's worker. Keys of a
 * hash table come with their hash. What may be compared may need memory for the walk over deep
 * terms: the functions of this header return TR_ENOMEM then, with no lock held.
 */
#ifndef TROUPE_ETS_STORE_H
#define TROUPE_ETS_STORE_H

#include "base/spin.h"
#include "ets/node.h"
#include "proc/proc.h"
#include "troupe/ets.h"

/* Objects are counted by several counters, so that writers on different cores do not share one. */
struct tr_counter {
    _Atomic int64_t n TR__ALIGNED(TR__CACHE_LINE);
};

struct tr_store {
    struct tr_retired retired;
    enum tr_ets_type type;
    uint32_t keypos;
    uint32_t counter_mask;
    struct tr_counter *counters;
    _Atomic bool batching; /* some nodes may be part of a batch that is not decided */
    union {
        struct tr_hash {
            _Atomic(struct tr_lines *) lines;
        } hash;
        struct tr_tree {
            _Atomic(struct tr_page *) root;
            _Atomic uint64_t version; /* of the inner pages: odd while they change */
            struct tr_spin lock;      /* who changes them */
        } tree;
    };
};

static inline bool tr__store_is_bag(const struct tr_store *s)
{
    return s->type == TR_ETS_BAG || s->type == TR_ETS_DUPLICATE_BAG;
}

/*
 * A change of what is stored under one key. `fn` gets the first node of the key, or NULL, with the
 * place of the key locked, and returns what is to be there instead: the same, another node, or NULL
 * for nothing. It may allocate memory; it may not raise but by comparing. The new node is then the
 * store's; the old one is the caller's to retire. A loose one (node.h) is gone when fn returns, and
 * may be returned as a new one too. In bags fn may relink the nodes behind the first.
 */
struct tr_edit {
    struct tr_node *(*fn)(struct tr_edit *edit, struct tr_node *old);
    const struct tr_batch *batch; /* whose nodes it may meet before they are decided; mostly NULL */
    int64_t added;                /* how many objects more there are; in sets found out by itself */
    uint64_t hash;                /* of the key, for fn */
    bool may_raise;               /* fn compares whole objects */
    /* For store.c, when comparing raises: */
    _Atomic uint64_t *held; /* the lock of a place that is held */
    bool changing;          /* that of the tree is held */
};

/* Calls fn with what is under the key. TR_ENOMEM: nothing is changed, fn may not have been called.
 */
TR_MUST_USE tr_err tr__store_edit(struct tr_store *s, struct tr_worker *w, uint64_t hash,
                                  uint64_t key, struct tr_edit *edit);

/* *node: the first node of a key as readers take it, or NULL; it may lie in *pair. In bags what
   follows it may change: see tr__hash_version. */
TR_MUST_USE tr_err tr__store_find(struct tr_store *s, struct tr_worker *w, uint64_t hash,
                                  uint64_t key, struct tr_node **node, struct tr_pair *pair);

/* What is kept under a key. */
struct tr_found {
    uint64_t key;  /* as it is in the object, if that is a pair */
    uint64_t item; /* the value of a pair, or a node as a word; 0: nothing */
};

/* The same before it is made a node. */
TR_MUST_USE tr_err tr__store_look(struct tr_store *s, struct tr_worker *w, uint64_t hash,
                                  uint64_t key, struct tr_found *found);

/*
 * A word that changes when what is stored under keys of this hash may have changed; while bit 0 is
 * set it may be changing. Hash tables only. So who reads it, then a chain of nodes, then finds it
 * as it was, has read the chain as it was at one moment.
 */
_Atomic uint64_t *tr__hash_version(struct tr_store *s, uint64_t hash);

/*
 * A walk in portions, each in a section of its own. A hash table is walked in the order of hashes,
 * so it may grow, shrink and change in between: what is there all the time is met exactly once.
 */
struct tr_cursor {
    uint64_t at;    /* hash tables: the next hash */
    uint64_t key;   /* trees: the last key that was visited, in the caller's terms; 0: none */
    bool reverse;   /* trees: from the greatest on */
    bool inclusive; /* trees: begins with the key itself */
    uint64_t range; /* trees: only what lies in it is visited (spec.h); 0: all */
    bool done;
};

struct tr_visit {
    /* For the first node of each key, as readers take it; false stops the walk. It may allocate
       memory, and compare. */
    bool (*fn)(struct tr_visit *visit, struct tr_node *node);
    tr_err err; /* why it has stopped */
};

/* Visits one portion and moves the cursor behind it. TR_ENOMEM as above, or what fn said. */
TR_MUST_USE tr_err tr__store_portion(struct tr_store *s, struct tr_worker *w,
                                     struct tr_cursor *cursor, struct tr_visit *visit);

/* A new store; NULL without memory. */
struct tr_store *tr__store_new(enum tr_ets_type type, uint32_t keypos);

/* Frees a part of a store that nobody can find; true when it is gone. */
bool tr__store_free_some(struct tr_store *s);

/* How many objects there are; and bytes besides those of the objects. */
int64_t tr__store_size(const struct tr_store *s);
size_t tr__store_overhead(struct tr_store *s);

/* Do such tables keep pairs without nodes? */
static inline bool tr__keeps_pairs(enum tr_ets_type type, uint32_t keypos)
{
    return type < TR_ETS_BAG && keypos == 1;
}

static inline uint64_t tr__node_key(const struct tr_store *s, const struct tr_node *node)
{
    return tr__node_element(node, s->keypos);
}

/* The nodes of one key, as readers take them. */
static inline struct tr_node *tr__chain_visible(const struct tr_store *s, struct tr_node *node)
{
    if (tr__likely(!tr__store_is_bag(s)))
        return node ? tr__node_visible(node) : NULL;
    while (node && !tr__node_visible(node))
        node = atomic_load_explicit(&node->next, memory_order_acquire);
    return node;
}

static inline struct tr_node *tr__chain_next(const struct tr_store *s, struct tr_node *node)
{
    return tr__store_is_bag(s)
               ? tr__chain_visible(s, atomic_load_explicit(&node->next, memory_order_acquire))
               : NULL;
}

/* What was found, as readers take it. */
static inline struct tr_node *tr__found_node(const struct tr_store *s, uint64_t hash,
                                             const struct tr_found *found, struct tr_pair *pair)
{
    if (!found->item)
        return NULL;
    if (tr__is_node_w(found->item))
        return tr__chain_visible(s, tr__node_of_w(found->item));
    return tr__pair_fill(pair, hash, found->key, found->item);
}

/* --- between the files of this folder --- */

/* What is put at the place of a node; *whole: without the node, which is then to be retired. */
static inline uint64_t tr__store_item(const struct tr_store *s, const struct tr_node *node,
                                      bool *whole)
{
    *whole = node->pair && tr__keeps_pairs(s->type, s->keypos) &&
             !atomic_load_explicit(&node->batch, memory_order_relaxed);
    return *whole ? node->words[2] : tr__node_w(node);
}

uint64_t tr__key_hash_slow(uint64_t key);

/* Immediates, which are equal if they are the same word, need no walk. */
static inline uint64_t tr__key_hash(uint64_t key)
{
    if (tr__unlikely(!tr__is_immediate(key)))
        return tr__key_hash_slow(key);
    uint64_t h = (key ^ (key >> 32)) * UINT64_C(0x9fb21c651e98df25);
    h = (h ^ (h >> 28)) * UINT64_C(0x9e3779b97f4a7c15);
    return h ^ (h >> 32);
}

/* The hash that goes with a key in such a table. */
static inline uint64_t tr__hash_in(enum tr_ets_type type, uint64_t key)
{
    return type == TR_ETS_ORDERED_SET ? 0 : tr__key_hash(key);
}

static inline void tr__store_count(struct tr_store *s, struct tr_worker *w, int64_t n)
{
    if (n)
        atomic_fetch_add_explicit(&s->counters[(uint32_t)w->index & s->counter_mask].n, n,
                                  memory_order_relaxed);
}

/* Must a writer wait before it changes what is under this node? */
bool tr__chain_is_pending(const struct tr_store *s, struct tr_node *node,
                          const struct tr_batch *batch);

tr_err tr__hash_init(struct tr_store *s);
void tr__hash_find(struct tr_store *s, uint64_t hash, uint64_t key, struct tr_found *found);
tr_err tr__hash_edit(struct tr_store *s, struct tr_worker *w, uint64_t hash, uint64_t key,
                     struct tr_edit *edit);
bool tr__hash_portion(struct tr_store *s, struct tr_cursor *cursor, struct tr_visit *visit);
bool tr__hash_free_some(struct tr_store *s);
size_t tr__hash_overhead(struct tr_store *s);

tr_err tr__tree_init(struct tr_store *s);
void tr__tree_find(struct tr_store *s, uint64_t key, struct tr_found *found);
tr_err tr__tree_edit(struct tr_store *s, struct tr_worker *w, uint64_t key, struct tr_edit *edit);
/* Releases the lock of the tree; nothing has been changed. */
void tr__tree_give_up(struct tr_store *s, struct tr_edit *edit);
bool tr__tree_portion(struct tr_store *s, struct tr_cursor *cursor, struct tr_visit *visit);
bool tr__tree_free_some(struct tr_store *s);
size_t tr__tree_overhead(struct tr_store *s);

#endif
