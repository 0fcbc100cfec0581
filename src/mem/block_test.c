/* SPDX-License-Identifier: MIT */
/* Blocks: every size whole and aligned, handed from thread to thread, accounted for. */
#include "mem/block.h"

#include "base/compiler.h"
#include "base/fault.h"
#include "check.h"
#include "os/tls.h"

#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdlib.h>

enum { MOST = 4200 };

static struct tr_block_cache cache;

static void use_cache(struct tr_block_cache *c)
{
    tr__tls()->blocks = c;
}

/* Before any other constructor. */
static void *early[MOST];

__attribute__((constructor(101))) static void allocate_early(void)
{
    for (size_t size = 1; size < MOST; size++) {
        early[size] = tr__block_alloc(size);
        memset(early[size], 0x5a, size);
    }
}

TEST(blocks_of_early_constructors_are_whole)
{
    for (size_t size = 1; size < MOST; size++) {
        const unsigned char *bytes = early[size];
        for (size_t i = 0; i < size; i++)
            CHECK_INT(bytes[i], 0x5a);
        tr__block_free(early[size], size);
    }
}

static void fill_all(void)
{
    static unsigned char *blocks[MOST];

    for (size_t size = 0; size < MOST; size++) {
        blocks[size] = tr__block_alloc(size);
        CHECK(blocks[size] != NULL);
        CHECK_INT((uintptr_t)blocks[size] % 16, 0);
        memset(blocks[size], (int)(size % 251), size);
    }
    for (size_t size = 0; size < MOST; size++) {
        for (size_t i = 0; i < size; i++)
            CHECK_INT(blocks[size][i], size % 251);
        tr__block_free(blocks[size], size);
    }
}

TEST(blocks_of_all_sizes_do_not_overlap)
{
    for (int i = 0; i < 3; i++)
        fill_all();
    use_cache(&cache);
    for (int i = 0; i < 3; i++)
        fill_all();
    tr__block_cache_flush(&cache);
    use_cache(NULL);
    fill_all();
    tr__block_free(NULL, 100);
}

TEST(freed_blocks_serve_again)
{
    size_t reserved = 0;

    use_cache(&cache);
    for (int round = 0; round < 1000; round++) {
        void *blocks[1000];
        for (int i = 0; i < 1000; i++)
            blocks[i] = tr__block_alloc(100);
        for (int i = 0; i < 1000; i++)
            tr__block_free(blocks[i], 100);
        if (round == 0)
            reserved = tr__block_reserved();
    }
    CHECK_INT(tr__block_reserved(), reserved);
    tr__block_cache_flush(&cache);
    for (int i = 0; i < 100; i++)
        tr__block_free(tr__block_alloc(100), 100);
    CHECK_INT(tr__block_reserved(), reserved);
}

/* One thread allocates, the other frees: the blocks go round through the depot. */
enum { SLOTS = 512, SIZE = 200 };

static _Atomic(unsigned char *) slots[SLOTS];
static int rounds;

static void *free_all(void *own)
{
    use_cache(own);
    for (int n = 0; n < rounds; n++) {
        unsigned char *p;
        while (!(p = atomic_exchange(&slots[n % SLOTS], NULL)))
            sched_yield();
        for (int i = 0; i < SIZE; i++)
            CHECK_INT(p[i], n % 256);
        tr__block_free(p, SIZE);
    }
    tr__block_cache_flush(own);
    use_cache(NULL);
    return NULL;
}

TEST(blocks_go_from_thread_to_thread)
{
    static struct tr_block_cache others;
    pthread_t thread;

    size_t before = tr__block_reserved();

    rounds = (int)check_env("TR_ROUNDS", 200000);
    use_cache(&cache);
    pthread_create(&thread, NULL, free_all, &others);
    for (int n = 0; n < rounds; n++) {
        unsigned char *p = tr__block_alloc(SIZE);
        memset(p, n % 256, SIZE);
        while (atomic_load(&slots[n % SLOTS]))
            sched_yield();
        atomic_store(&slots[n % SLOTS], p);
    }
    pthread_join(thread, NULL);
    /* Never more in use than there are slots, 256 bytes each, and what two caches hold. */
    CHECK(tr__block_reserved() - before <= 4 * 256 * 1024);
    tr__block_cache_flush(&cache);
}

TEST(an_allocation_that_fails_says_so)
{
#ifndef TR_FAULTS
    SKIP("injected failures are not built in");
#endif
    tr__fault_arm(1);
    CHECK(tr__block_alloc(64) == NULL);
    CHECK_INT(tr__fault_count(), 1);
    /* The second point is the system's: reached only where there is no free block. */
    tr__fault_arm(2);
    void *p = tr__block_alloc(3000);
    CHECK(p != NULL || tr__fault_count() == 2);
    tr__fault_arm(0);
    tr__block_free(p, 3000);
#ifndef TR__SANITIZED /* there it is an error to ask for so much */
    CHECK(tr__block_alloc(SIZE_MAX / 2) == NULL);
#endif
}
