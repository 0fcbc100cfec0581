/* SPDX-License-Identifier: MIT */
/*
 * Nodes: the objects of tables, each one flat block.
 *
 * An object is a tuple copied into one block with everything in it; binaries of more than 64 bytes
 * are shared by count. A node is never changed once it can be found, but for its links: who changes
 * an object puts another node in its place. So a reader sees all of an object or nothing of it.
 */
#ifndef TROUPE_ETS_NODE_H
#define TROUPE_ETS_NODE_H

#include "mem/heap.h"
#include "mem/readers.h"
#include "term/term.h"

struct tr_node {
    uint64_t hash;                  /* of the key; 0 in an ordered_set */
    _Atomic(struct tr_node *) next; /* bags: the next object of the same key */
    /* 0; the struct tr_batch it belongs to; or, odd, once retired, the link of that list. */
    _Atomic(uintptr_t) batch;
    struct tr_counted *counted;
    uint32_t n;          /* words */
    uint32_t in_bag : 1; /* one word more, behind: see tr__node_last */
    uint32_t plain : 1;  /* a tuple of immediates */
    uint32_t pair : 1;   /* of two */
    uint32_t loose : 1;  /* part of a struct tr_pair: not a block of its own */
    uint32_t index : 28; /* in its batch */
    uint64_t words[];
};

/*
 * Several objects that are inserted as one step. Until `committed` is set who finds one of their
 * nodes takes what was there before instead, older[index], NULL for nothing. So readers see all of
 * them or none, and wait for nobody. In bags nothing is replaced: a node is not there until then.
 */
struct tr_batch {
    struct tr_retired retired;
    _Atomic bool committed;
    uint32_t n;
    size_t size; /* bytes of this block */
    struct tr_batch_entry {
        struct tr_node *node, *older;
        bool there; /* at its place */
        bool dead;  /* never to be seen: freed with the batch */
    } entries[];
};

static inline size_t tr__node_size(const struct tr_node *node)
{
    return sizeof *node + (node->n + node->in_bag) * sizeof(uint64_t);
}

/* A node as a word that is no term. */
static inline uint64_t tr__node_w(const struct tr_node *node)
{
    return (uint64_t)(uintptr_t)node | TR__TAG_HEADER;
}

static inline bool tr__is_node_w(uint64_t w)
{
    return (w & 7) == TR__TAG_HEADER;
}

static inline struct tr_node *tr__node_of_w(uint64_t w)
{
    return (struct tr_node *)(uintptr_t)(w - TR__TAG_HEADER);
}

/*
 * A set and an ordered_set keep a pair of immediates, {Key, Value}, beside its key and not as a
 * node. It is made one, on the stack of who looks at it, so that all else need not know.
 */
struct tr_pair {
    union {
        struct tr_node node;
        uint64_t room[sizeof(struct tr_node) / sizeof(uint64_t) + 3];
    };
};

static inline struct tr_node *tr__pair_fill(struct tr_pair *pair, uint64_t hash, uint64_t key,
                                            uint64_t value)
{
    struct tr_node *node = &pair->node;

    node->hash = hash;
    atomic_init(&node->next, NULL);
    atomic_init(&node->batch, 0);
    node->counted = NULL;
    node->n = 3;
    node->in_bag = 0;
    node->plain = node->pair = node->loose = 1;
    node->index = 0;
    node->words[0] = TR__HEADER(TR__KIND_TUPLE, 2);
    node->words[1] = key;
    node->words[2] = value;
    return node;
}

/* A node with a copy of a tuple; NULL when memory is short. */
struct tr_node *tr__node_new(tr_term object, uint64_t hash, bool in_bag);

/* Frees a node that nobody can find. */
void tr__node_free(struct tr_node *node);

static inline tr_term tr__node_object(const struct tr_node *node)
{
    return (tr_term){ tr__box_w(node->words) };
}

/* Is it that object? May raise out_of_memory. */
static inline bool tr__node_is(const struct tr_node *node, tr_term object)
{
    return tr_equal(tr__node_object(node), object);
}

/* The element at a position counted from 1, which is there. */
static inline uint64_t tr__node_element(const struct tr_node *node, uint32_t position)
{
    return node->words[position];
}

/* A copy in a heap; no term when memory is short. */
tr_term tr__node_copy_deep(const struct tr_node *node, struct tr_heap *heap);

static inline tr_term tr__node_copy(const struct tr_node *node, struct tr_heap *heap)
{
    size_t n = node->n;

    if (!node->plain)
        return tr__node_copy_deep(node, heap);
    uint64_t *to = tr__heap_alloc(heap, n);
    if (tr__unlikely(!to))
        return (tr_term){ 0 };
    for (size_t i = 0; i < n; i++)
        to[i] = node->words[i];
    return (tr_term){ tr__box_w(to) };
}

/* In bags, of the first node of a key: the last one. Under the lock of its place. */
static inline struct tr_node **tr__node_last(struct tr_node *node)
{
    return (struct tr_node **)(void *)&node->words[node->n];
}

/* Takes a node out of its chain; the first of those that are left. Under the lock of its place. */
struct tr_node *tr__chain_remove(struct tr_node *first, struct tr_node *node);

struct tr_node *tr__node_before_batch(struct tr_node *node, const struct tr_batch *batch);

/* What a reader takes the node for: itself, what it replaced, or nothing. */
static inline struct tr_node *tr__node_visible(struct tr_node *node)
{
    /* Acquire pairs with the release that committed the batch: who sees one node of it as there
       sees all. */
    uintptr_t batch = atomic_load_explicit(&node->batch, memory_order_acquire);

    if (tr__likely(batch == 0 || batch % 2))
        return node;
    return tr__node_before_batch(node, (const struct tr_batch *)batch);
}

/* Is it part of a batch that is not decided? */
static inline bool tr__node_is_pending(struct tr_node *node)
{
    uintptr_t batch = atomic_load_explicit(&node->batch, memory_order_acquire);

    return batch && batch % 2 == 0;
}

/* Retires a node that is no longer to be found, see src/mem/readers.h; and how it is freed then. */
static inline void tr__node_retire(struct tr_reader *r, struct tr_node *node)
{
    if (!node->loose)
        tr__reader_retire_word(r, &node->batch, tr__node_size(node));
}

void tr__node_destroy(_Atomic(uintptr_t) *batch);

#endif
