/* SPDX-License-Identifier: MIT */
/* Making, copying and freeing the objects of tables. */
#include "ets/node.h"

#include "mem/block.h"

struct tr_node *tr__node_new(tr_term object, uint64_t hash, bool in_bag)
{
    size_t n = tr__term_size(object);

    if (n > UINT32_MAX)
        return NULL;
    struct tr_node *node = tr__block_alloc(sizeof *node + (n + in_bag) * sizeof(uint64_t));
    if (!node)
        return NULL;
    uint64_t *out = node->words;
    node->hash = hash;
    atomic_init(&node->next, NULL);
    atomic_init(&node->batch, 0);
    node->counted = NULL;
    node->n = (uint32_t)n;
    node->in_bag = in_bag;
    node->plain = n == 1 + TR__HEADER_N(*tr__box(object.w));
    node->pair = node->plain && n == 3;
    node->loose = 0;
    node->index = 0;
    if (in_bag)
        *tr__node_last(node) = node;
    (void)tr__term_copy(&out, &node->counted, object);
    return node;
}

void tr__node_free(struct tr_node *node)
{
    if (node->loose)
        return;
    tr__counted_release(node->counted);
    tr__block_free(node, tr__node_size(node));
}

void tr__node_destroy(_Atomic(uintptr_t) *batch)
{
    tr__node_free(tr__container_of(batch, struct tr_node, batch));
}

/* A reference of the node becomes one of the heap. */
static void adopt(struct tr_heap *heap, uint64_t *words)
{
    struct tr_counted *counted = (struct tr_counted *)(void *)words;

    tr__shared_retain(counted->shared);
    counted->next = heap->counted;
    heap->counted = counted;
}

/* The block is copied as it lies; pointers move with it. */
tr_term tr__node_copy_deep(const struct tr_node *node, struct tr_heap *heap)
{
    uint64_t *to = tr__heap_alloc(heap, node->n);
    const uint64_t *from = node->words;
    uint64_t move = (uint64_t)(uintptr_t)to - (uint64_t)(uintptr_t)from;

    if (!to)
        return (tr_term){ 0 };
    for (size_t i = 0; i < node->n; i++) {
        uint64_t w = from[i];
        if ((w & 7) < 2) {
            to[i] = w + move;
            continue;
        }
        to[i] = w;
        if ((w & 7) != TR__TAG_HEADER || TR__HEADER_KIND(w) < TR__KIND_RAW)
            continue;
        memcpy(to + i + 1, from + i + 1, TR__HEADER_N(w) * sizeof(uint64_t));
        if (TR__HEADER_KIND(w) == TR__KIND_COUNTED)
            adopt(heap, to + i);
        i += TR__HEADER_N(w);
    }
    return (tr_term){ tr__box_w(to) };
}

struct tr_node *tr__node_before_batch(struct tr_node *node, const struct tr_batch *batch)
{
    if (atomic_load_explicit(&batch->committed, memory_order_acquire))
        return node;
    return batch->entries[node->index].older;
}

struct tr_node *tr__chain_remove(struct tr_node *first, struct tr_node *node)
{
    struct tr_node *next = atomic_load_explicit(&node->next, memory_order_relaxed);
    struct tr_node *before = first;

    if (node == first) {
        if (next)
            *tr__node_last(next) = *tr__node_last(first);
        return next;
    }
    while (atomic_load_explicit(&before->next, memory_order_relaxed) != node)
        before = atomic_load_explicit(&before->next, memory_order_relaxed);
    atomic_store_explicit(&before->next, next, memory_order_release);
    if (!next)
        *tr__node_last(first) = before;
    return first;
}
