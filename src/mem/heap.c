/* SPDX-License-Identifier: MIT */
/*
 * The chunks of a heap, its kept copies, and the heap of the thread.
 *
 * A chunk that is no longer the newest remembers how far it was filled. Subtle: reset keeps the
 * oldest chunk although the mark may be older than it, so that a loop which builds a little in each
 * turn allocates nothing.
 */
#include "mem/heap.h"

#include "base/compiler.h"
#include "mem/block.h"
#include "os/tls.h"

#include <pthread.h>
#include <stdbool.h>

#define FIRST_SIZE   512u
#define LARGEST_SIZE (64u * 1024u)

struct tr_heap_chunk {
    struct tr_heap_chunk *older;
    size_t size;   /* bytes, this header included */
    uint64_t *top; /* of a chunk that is no longer the newest */
    uint64_t words[];
};

static bool (*guard)(struct tr_heap *heap, size_t size);

void tr__heap_set_guard(bool (*fn)(struct tr_heap *heap, size_t size))
{
    guard = fn;
}

/* `size` bytes for a heap; NULL when it may not have them, or memory is short. */
static void *take(struct tr_heap *heap, size_t size)
{
    return guard && !guard(heap, size) ? NULL : tr__block_alloc(size);
}

static uint64_t *chunk_end(struct tr_heap_chunk *chunk)
{
    return (uint64_t *)((char *)chunk + chunk->size);
}

uint64_t *tr__heap_reserve(struct tr_heap *heap, size_t n)
{
    struct tr_heap_chunk *newest = heap->chunks;
    size_t size = FIRST_SIZE;

    if ((size_t)(heap->end - heap->top) >= n && heap->top)
        return heap->top;
    TR__GUARD();
    if (n > (SIZE_MAX - sizeof(*newest)) / sizeof(uint64_t))
        return NULL;
    if (newest)
        size = newest->size < LARGEST_SIZE / 2 ? 2 * newest->size : LARGEST_SIZE;
    if (size < sizeof(*newest) + n * sizeof(uint64_t))
        size = sizeof(*newest) + n * sizeof(uint64_t);

    struct tr_heap_chunk *chunk = take(heap, size);
    if (!chunk)
        return NULL;
    chunk->older = newest;
    chunk->size = size;
    if (newest)
        newest->top = heap->top;
    heap->chunks = chunk;
    heap->top = chunk->words;
    heap->end = chunk_end(chunk);
    return heap->top;
}

/* Frees the chunks newer than `stop`. */
static void drop_chunks(struct tr_heap *heap, const struct tr_heap_chunk *stop)
{
    while (heap->chunks != stop) {
        struct tr_heap_chunk *chunk = heap->chunks;
        heap->chunks = chunk->older;
        tr__block_free(chunk, chunk->size);
    }
}

static struct tr_heap_chunk *oldest_chunk(struct tr_heap *heap)
{
    struct tr_heap_chunk *chunk = heap->chunks;

    while (chunk && chunk->older)
        chunk = chunk->older;
    return chunk;
}

void tr__heap_go_back(struct tr_heap *heap, struct tr_heap_mark mark)
{
    TR__GUARD();
    if (heap->counted != mark.counted) {
        tr__counted_release_until(heap->counted, mark.counted);
        heap->counted = mark.counted;
    }
    if (heap->chunks == mark.chunk) {
        heap->top = mark.top;
        return;
    }
    struct tr_heap_chunk *stop = mark.chunk ? mark.chunk : oldest_chunk(heap);
    if (!mark.chunk && stop->size > LARGEST_SIZE)
        stop = NULL;
    drop_chunks(heap, stop);
    heap->top = mark.chunk ? mark.top : stop ? stop->words : NULL;
    heap->end = stop ? chunk_end(stop) : NULL;
}

void tr__heap_trim(struct tr_heap *heap)
{
    if (!heap->chunks || heap->chunks->older || heap->top != heap->chunks->words)
        return;
    drop_chunks(heap, NULL);
    heap->top = NULL;
    heap->end = NULL;
}

void tr__heap_destroy(struct tr_heap *heap)
{
    tr__counted_release(heap->counted);
    drop_chunks(heap, NULL);
    while (heap->kept)
        tr__heap_unkeep(heap->kept);
    *heap = (struct tr_heap){ 0 };
}

static size_t kept_size(const struct tr_heap *heap)
{
    size_t size = 0;

    for (const struct tr_kept *kept = heap->kept; kept; kept = kept->next)
        size += sizeof(*kept) + kept->n * sizeof(uint64_t);
    return size;
}

size_t tr__heap_size(const struct tr_heap *heap)
{
    size_t size = kept_size(heap);

    for (const struct tr_heap_chunk *chunk = heap->chunks; chunk; chunk = chunk->older)
        size += chunk->size;
    return size;
}

size_t tr__heap_used(const struct tr_heap *heap)
{
    size_t size = kept_size(heap);
    const uint64_t *top = heap->top;

    for (const struct tr_heap_chunk *chunk = heap->chunks; chunk; chunk = chunk->older) {
        size += (size_t)(top - chunk->words) * sizeof(uint64_t);
        top = chunk->older ? chunk->older->top : NULL;
    }
    return size;
}

struct tr_kept *tr__heap_keep(struct tr_heap *heap, size_t n)
{
    TR__GUARD();
    struct tr_kept *kept;

    if (n > (SIZE_MAX - sizeof(*kept)) / sizeof(uint64_t))
        return NULL;
    kept = take(heap, sizeof(*kept) + n * sizeof(uint64_t));
    if (!kept)
        return NULL;
    kept->counted = NULL;
    kept->n = n;
    kept->next = heap->kept;
    kept->link = &heap->kept;
    if (kept->next)
        kept->next->link = &kept->next;
    heap->kept = kept;
    return kept;
}

void tr__heap_unkeep(struct tr_kept *kept)
{
    TR__GUARD();
    *kept->link = kept->next;
    if (kept->next)
        kept->next->link = kept->link;
    tr__counted_release(kept->counted);
    tr__block_free(kept, sizeof(*kept) + kept->n * sizeof(uint64_t));
}

/* --- the heap of the thread --- */

static __thread struct tr_heap own;
static pthread_key_t own_key;
static pthread_once_t own_once = PTHREAD_ONCE_INIT;

static void own_free(void *heap)
{
    tr__heap_destroy(heap);
}

static void own_key_make(void)
{
    /* Without a key the heaps of ended threads are not freed: a leak, not an error. */
    if (pthread_key_create(&own_key, own_free) != 0)
        own_key = (pthread_key_t)-1;
}

TR__COLD struct tr_heap *tr__heap_of_thread(void)
{
    pthread_once(&own_once, own_key_make);
    if (own_key != (pthread_key_t)-1)
        (void)pthread_setspecific(own_key, &own);
    return &own;
}
