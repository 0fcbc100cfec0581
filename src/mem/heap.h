/* SPDX-License-Identifier: MIT */
/*
 * Heaps: where the terms of a process, or of a thread outside any process, are built.
 *
 * A heap is a bump allocator of words over a chain of chunks, newest first: 512 bytes at first,
 * doubling up to 64 KiB, and a chunk of its own for anything larger. Words are never freed one by
 * one: a mark is taken, and reset goes back to it, in the order of a stack. Owner only, all of it.
 */
#ifndef TROUPE_MEM_HEAP_H
#define TROUPE_MEM_HEAP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/compiler.h"
#include "mem/counted.h"
#include "os/tls.h"

struct tr_heap_chunk;
struct tr_kept;

/*
 * Invariants: top <= end, both inside the newest chunk or both NULL; every word below top is
 * initialised or was handed out; each member of counted lies in a chunk of this heap, the newest
 * first.
 */
struct tr_heap {
    uint64_t *top;
    uint64_t *end;
    struct tr_heap_chunk *chunks;
    struct tr_counted *counted; /* objects in the chunks that hold a count */
    struct tr_kept *kept;       /* copies that outlive every reset */
};

/* A heap of zero bytes is an empty heap: nothing to initialise. */

struct tr_heap_mark {
    struct tr_heap_chunk *chunk;
    uint64_t *top;
    struct tr_counted *counted;
};

/* n words, not initialised; NULL when memory is short, and the heap is as it was. */
static inline uint64_t *tr__heap_alloc(struct tr_heap *heap, size_t n);

/* Makes sure that n words can be had without failure; returns top, or NULL. */
uint64_t *tr__heap_reserve(struct tr_heap *heap, size_t n);

static inline struct tr_heap_mark tr__heap_mark(const struct tr_heap *heap);

/*
 * Forgets all words handed out since the mark and releases what they counted. The first chunk stays
 * for the next turn even if it was made after the mark.
 */
TR__INLINED void tr__heap_reset(struct tr_heap *heap, struct tr_heap_mark mark);

/* Gives back the first chunk too when the heap is empty: for a process that goes to sleep for long.
 */
void tr__heap_trim(struct tr_heap *heap);

/* Frees everything, kept copies too; the heap is empty again. */
void tr__heap_destroy(struct tr_heap *heap);

/* Bytes of all chunks, kept copies included; and those of them in use. */
size_t tr__heap_size(const struct tr_heap *heap);
size_t tr__heap_used(const struct tr_heap *heap);

/* Set once, before the first process: asked whether a heap may take `size` bytes more from the
   system. */
void tr__heap_set_guard(bool (*guard)(struct tr_heap *heap, size_t size));

/* A block of n words outside the chunks, on the list of kept copies; NULL when memory is short. */
struct tr_kept {
    struct tr_kept *next;
    struct tr_kept **link; /* what points to this one */
    struct tr_counted *counted;
    size_t n;
    uint64_t words[];
};

struct tr_kept *tr__heap_keep(struct tr_heap *heap, size_t n);

/* Takes the block off its list, releases what it counted, frees it. */
void tr__heap_unkeep(struct tr_kept *kept);

/* The heap in which terms are built on this thread: what was set, else a heap of the thread itself,
   freed when the thread ends. */
static inline struct tr_heap *tr__heap_current(void);
static inline struct tr_heap *tr__heap_current_at(struct tr_tls *tls); /* the calling thread's */
struct tr_heap *tr__heap_of_thread(void);

/* NULL goes back to the thread's own. `tls` is the calling thread's. */
static inline void tr__heap_set(struct tr_tls *tls, struct tr_heap *heap);

/* --- inline --- */

static inline struct tr_heap *tr__heap_current_at(struct tr_tls *tls)
{
    return tr__likely(tls->heap) ? tls->heap : tr__heap_of_thread();
}

static inline struct tr_heap *tr__heap_current(void)
{
    return tr__heap_current_at(tr__tls());
}

static inline void tr__heap_set(struct tr_tls *tls, struct tr_heap *heap)
{
    tls->heap = heap;
}

static inline uint64_t *tr__heap_alloc(struct tr_heap *heap, size_t n)
{
    uint64_t *words = heap->top;

    if ((size_t)(heap->end - words) < n) {
        words = tr__heap_reserve(heap, n);
        if (!words)
            return NULL;
    }
    heap->top = words + n;
    return words;
}

/* Where something has been built since the mark. */
void tr__heap_go_back(struct tr_heap *heap, struct tr_heap_mark mark);

TR__INLINED void tr__heap_reset(struct tr_heap *heap, struct tr_heap_mark mark)
{
    if (tr__unlikely(heap->top != mark.top || heap->counted != mark.counted))
        tr__heap_go_back(heap, mark);
}

static inline struct tr_heap_mark tr__heap_mark(const struct tr_heap *heap)
{
    return (struct tr_heap_mark){ heap->chunks, heap->top, heap->counted };
}

#endif
