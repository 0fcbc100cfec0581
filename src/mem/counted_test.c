/* SPDX-License-Identifier: MIT */
/* References in the hand of a worker: counted, given back, and never the reason why an object that
   one worker alone knows lives on. */
#include "mem/counted.h"

#include "check.h"
#include "mem/block.h"
#include "os/tls.h"

#include <pthread.h>

enum { MANY = 1000, THREADS = 3, ROUNDS = 20000, TURN = 37 };

static _Atomic int destroyed;

static void count_destroyed(struct tr_shared *shared)
{
    atomic_fetch_add(&destroyed, 1);
    tr__block_free(shared, shared->size);
}

static struct tr_shared *new_object(void)
{
    struct tr_shared *shared = tr__block_alloc(sizeof *shared);

    CHECK(shared != NULL);
    atomic_init(&shared->refs, 1);
    shared->size = sizeof *shared;
    shared->destroy = count_destroyed;
    return shared;
}

/* The calling thread works for a worker with this cache. */
static void work_for(struct tr_block_cache *cache)
{
    tr__tls()->blocks = cache;
}

static int destroyed_since(int before)
{
    return atomic_load(&destroyed) - before;
}

TEST(references_of_one_turn_are_counted_at_once)
{
    static struct tr_block_cache cache;
    struct tr_shared *shared = new_object();
    int before = atomic_load(&destroyed);

    work_for(&cache);
    for (int i = 0; i < MANY; i++)
        tr__shared_retain(shared);
    CHECK(atomic_load(&shared->refs) > MANY + 1);
    tr__shared_settle(&cache.hand);
    CHECK_INT(atomic_load(&shared->refs), MANY + 1);
    for (int i = 0; i < MANY; i++)
        tr__shared_release(shared);
    tr__shared_settle(&cache.hand);
    CHECK_INT(atomic_load(&shared->refs), 1);
    CHECK_INT(destroyed_since(before), 0);
    tr__shared_release(shared);
    CHECK_INT(destroyed_since(before), 1);
    tr__block_cache_flush(&cache);
    work_for(NULL);
}

TEST(an_object_ends_with_the_last_reference_whatever_is_in_the_hand)
{
    static struct tr_block_cache cache;
    int before = atomic_load(&destroyed);

    work_for(&cache);
    for (int n = 0; n < 200; n++) {
        struct tr_shared *shared = new_object(), *other = new_object();
        for (int i = 0; i < n; i++) {
            tr__shared_retain(shared);
            tr__shared_retain(other);
        }
        for (int i = 0; i < n; i++) {
            tr__shared_release(other);
            tr__shared_release(shared);
        }
        CHECK_INT(destroyed_since(before), 2 * n);
        tr__shared_release(shared);
        CHECK_INT(destroyed_since(before), 2 * n + 1);
        tr__shared_release(other);
        CHECK_INT(destroyed_since(before), 2 * n + 2);
    }
    tr__block_cache_flush(&cache);
    work_for(NULL);
}

TEST(an_object_in_the_hands_of_two_workers_ends_with_their_turns)
{
    static struct tr_block_cache one, two;
    struct tr_shared *shared = new_object();
    int before = atomic_load(&destroyed);

    work_for(&one);
    tr__shared_retain(shared);
    tr__shared_retain(shared);
    work_for(&two);
    tr__shared_release(shared);
    tr__shared_release(shared);
    tr__shared_release(shared);
    CHECK_INT(destroyed_since(before), 0);
    tr__shared_settle(&two.hand);
    CHECK_INT(destroyed_since(before), 0);
    tr__shared_settle(&one.hand);
    CHECK_INT(destroyed_since(before), 1);
    tr__block_cache_flush(&one);
    tr__block_cache_flush(&two);
    work_for(NULL);
}

TEST(without_a_worker_nothing_is_kept_in_hand)
{
    struct tr_shared *shared = new_object();
    int before = atomic_load(&destroyed);

    for (int i = 0; i < MANY; i++)
        tr__shared_retain(shared);
    CHECK_INT(atomic_load(&shared->refs), MANY + 1);
    for (int i = 0; i < MANY; i++)
        tr__shared_release(shared);
    CHECK_INT(destroyed_since(before), 0);
    tr__shared_release(shared);
    CHECK_INT(destroyed_since(before), 1);
}

/* Takes and lets go, in turns; ends with the reference that its maker gave it. */
static void *take_and_give(void *object)
{
    struct tr_block_cache cache = { 0 };
    struct tr_shared *shared = object;

    work_for(&cache);
    for (int i = 0; i < ROUNDS; i++) {
        int n = i % 5 + 1;
        for (int k = 0; k < n; k++)
            tr__shared_retain(shared);
        for (int k = 0; k < n; k++)
            tr__shared_release(shared);
        if (i % TURN == 0)
            tr__shared_settle(&cache.hand);
    }
    tr__shared_release(shared);
    tr__block_cache_flush(&cache);
    work_for(NULL);
    return NULL;
}

TEST(workers_share_an_object_until_the_last_lets_go)
{
    pthread_t threads[THREADS];
    struct tr_shared *shared = new_object();
    int before = atomic_load(&destroyed);

    atomic_store(&shared->refs, THREADS);
    for (int i = 0; i < THREADS; i++)
        CHECK(pthread_create(&threads[i], NULL, take_and_give, shared) == 0);
    for (int i = 0; i < THREADS; i++)
        CHECK(pthread_join(threads[i], NULL) == 0);
    CHECK_INT(destroyed_since(before), 1);
}
