/* SPDX-License-Identifier: MIT */
/* Heaps: growth, marks, counted objects, failing allocation. */
#include "mem/heap.h"

#include "base/fault.h"
#include "check.h"
#include "mem/block.h"

static int destroyed;

static void count_destroyed(struct tr_shared *shared)
{
    destroyed++;
    tr__block_free(shared, shared->size);
}

static void add_counted(struct tr_heap *heap)
{
    struct tr_shared *shared = tr__block_alloc(sizeof(*shared));
    struct tr_counted *counted = (void *)tr__heap_alloc(heap, TR__COUNTED_WORDS);

    CHECK(shared && counted);
    atomic_init(&shared->refs, 1);
    shared->size = sizeof(*shared);
    shared->destroy = count_destroyed;
    counted->shared = shared;
    counted->next = heap->counted;
    heap->counted = counted;
}

TEST(a_heap_hands_out_words_that_stay_as_they_are)
{
    static uint64_t *got[3000];
    struct tr_heap heap = { 0 };

    for (size_t i = 0; i < 3000; i++) {
        size_t n = 1 + i % 97;
        got[i] = tr__heap_alloc(&heap, n);
        for (size_t k = 0; k < n; k++)
            got[i][k] = i;
    }
    for (size_t i = 0; i < 3000; i++)
        for (size_t k = 0; k < 1 + i % 97; k++)
            CHECK_INT(got[i][k], i);
    CHECK(tr__heap_used(&heap) <= tr__heap_size(&heap));
    tr__heap_destroy(&heap);
    CHECK_INT(tr__heap_size(&heap), 0);
}

TEST(a_mark_takes_back_words_and_counts)
{
    struct tr_heap heap = { 0 };

    tr__heap_alloc(&heap, 10);
    add_counted(&heap);
    struct tr_heap_mark mark = tr__heap_mark(&heap);
    size_t used = tr__heap_used(&heap);
    for (int i = 0; i < 1000; i++)
        add_counted(&heap);
    tr__heap_reset(&heap, mark);
    CHECK_INT(destroyed, 1000);
    CHECK_INT(tr__heap_used(&heap), used);
    tr__heap_destroy(&heap);
    CHECK_INT(destroyed, 1001);
}

TEST(an_empty_heap_keeps_its_first_chunk_until_trimmed)
{
    struct tr_heap heap = { 0 };
    struct tr_heap_mark empty = tr__heap_mark(&heap);

    for (int i = 0; i < 100; i++)
        tr__heap_alloc(&heap, 100);
    tr__heap_reset(&heap, empty);
    CHECK_INT(tr__heap_used(&heap), 0);
    CHECK(tr__heap_size(&heap) > 0);
    struct tr_heap_chunk *first = heap.chunks;
    tr__heap_alloc(&heap, 10);
    CHECK(heap.chunks == first);
    tr__heap_trim(&heap);
    CHECK(heap.chunks == first);
    tr__heap_reset(&heap, empty);
    tr__heap_trim(&heap);
    CHECK_INT(tr__heap_size(&heap), 0);
}

TEST(a_failed_allocation_leaves_the_heap_as_it_was)
{
#ifndef TR_FAULTS
    SKIP("injected failures are not built in");
#endif
    struct tr_heap heap = { 0 };

    tr__heap_alloc(&heap, 3);
    struct tr_heap before = heap;
    tr__fault_arm(1);
    CHECK(tr__heap_alloc(&heap, 1000) == NULL);
    CHECK(memcmp(&heap, &before, sizeof(heap)) == 0);
    tr__fault_arm(1);
    CHECK(tr__heap_keep(&heap, 10) == NULL);
    CHECK(memcmp(&heap, &before, sizeof(heap)) == 0);
    tr__fault_arm(0);
    CHECK(tr__heap_alloc(&heap, SIZE_MAX / 8) == NULL);
    CHECK(tr__heap_alloc(&heap, SIZE_MAX) == NULL);
    tr__heap_destroy(&heap);
}

TEST(kept_blocks_go_in_any_order)
{
    struct tr_heap heap = { 0 };
    struct tr_kept *a = tr__heap_keep(&heap, 1), *b = tr__heap_keep(&heap, 2);
    struct tr_kept *c = tr__heap_keep(&heap, 3);

    tr__heap_unkeep(b);
    CHECK(heap.kept == c && c->next == a);
    tr__heap_unkeep(c);
    CHECK(heap.kept == a);
    tr__heap_destroy(&heap);
    CHECK(heap.kept == NULL);
}
