/* SPDX-License-Identifier: MIT */
/* Run queues: order, more than fits, stealing half, and thieves against the owner. */
#include "sched/runq.h"

#include "check.h"

#include <pthread.h>
#include <stdlib.h>

enum { ITEMS = 5 * TR__RING_SIZE };

static struct tr_runnable items[ITEMS];
static struct tr_runring ring, other;

static int index_of(const struct tr_runnable *r)
{
    return r ? (int)(r - items) : -1;
}

static void fill(int n)
{
    for (int i = 0; i < n; i++)
        tr__runring_push(&ring, &items[i]);
}

TEST(a_ring_gives_back_in_the_order_of_arrival)
{
    for (int round = 0; round < 1000; round++) {
        fill(round % 7);
        for (int i = 0; i < round % 7; i++)
            CHECK_INT(index_of(tr__runring_pop(&ring, (unsigned)round % 2)), i);
        CHECK(!tr__runring_pop(&ring, (unsigned)round % 2));
    }
}

TEST(what_does_not_fit_waits_behind_the_ring_in_order)
{
    for (unsigned thieves = 0; thieves < 4; thieves++) {
        fill(ITEMS);
        CHECK_INT(tr__runring_count(&ring), TR__RING_SIZE);
        for (int i = 0; i < ITEMS; i++)
            CHECK_INT(index_of(tr__runring_pop(&ring, thieves)), i);
        CHECK(!tr__runring_pop(&ring, thieves));
    }
}

TEST(what_comes_new_has_a_place_in_the_ring_before_what_waits_behind_it)
{
    fill(TR__RING_SIZE + 1);
    CHECK_INT(index_of(tr__runring_pop(&ring, 1)), 0);
    tr__runring_push(&ring, &items[0]);
    for (unsigned i = 1; i < TR__RING_SIZE; i++)
        CHECK_INT(index_of(tr__runring_pop(&ring, 1)), i);
    CHECK_INT(index_of(tr__runring_pop(&ring, 1)), 0);
    CHECK_INT(index_of(tr__runring_pop(&ring, 1)), TR__RING_SIZE);
}

TEST(what_has_run_queues_after_what_waits_behind_the_ring)
{
    fill(TR__RING_SIZE + 2);
    CHECK_INT(index_of(tr__runring_pop(&ring, 1)), 0);
    tr__runring_push_last(&ring, &items[0]);
    CHECK_INT(index_of(tr__runring_pop_behind(&ring)), TR__RING_SIZE);
    for (unsigned i = 1; i < TR__RING_SIZE; i++)
        CHECK_INT(index_of(tr__runring_pop(&ring, 1)), i);
    CHECK_INT(index_of(tr__runring_pop(&ring, 1)), TR__RING_SIZE + 1);
    CHECK_INT(index_of(tr__runring_pop(&ring, 1)), 0);
    CHECK(!tr__runring_pop(&ring, 1) && !tr__runring_pop_behind(&ring));
}

TEST(where_many_wait_thieves_find_some)
{
    fill(ITEMS);
    for (unsigned i = 0; i <= TR__RING_SIZE; i++)
        CHECK_INT(index_of(tr__runring_pop(&ring, 1)), i);
    CHECK(tr__runring_steal(&other, &ring) != NULL);
}

TEST(a_ring_works_across_the_wrap_of_its_counters)
{
    atomic_store(&ring.head, UINT32_MAX - 2);
    atomic_store(&ring.tail, UINT32_MAX - 2);
    fill(TR__RING_SIZE);
    for (unsigned i = 0; i < TR__RING_SIZE; i++)
        CHECK_INT(index_of(tr__runring_pop(&ring, 1)), i);
    CHECK(!tr__runring_pop(&ring, 1));
}

TEST(a_thief_takes_the_older_half)
{
    CHECK(!tr__runring_steal(&other, &ring));
    fill(9);
    /* Five go: one is returned, four are in the thief's own ring. */
    CHECK_INT(index_of(tr__runring_steal(&other, &ring)), 4);
    for (int i = 0; i < 4; i++)
        CHECK_INT(index_of(tr__runring_pop(&other, 1)), i);
    CHECK(!tr__runring_pop(&other, 1));
    for (int i = 5; i < 9; i++)
        CHECK_INT(index_of(tr__runring_pop(&ring, 1)), i);
    fill(1);
    CHECK_INT(index_of(tr__runring_steal(&other, &ring)), 0);
    CHECK_INT(tr__runring_count(&ring) + tr__runring_count(&other), 0);
}

TEST(a_list_gives_back_in_the_order_of_arrival)
{
    static struct tr_runlist list;

    CHECK(tr__runlist_empty(&list) && !tr__runlist_pop(&list));
    for (int round = 0; round < 3; round++) {
        for (int i = 0; i < 100; i++)
            tr__runlist_push(&list, &items[i]);
        CHECK(!tr__runlist_empty(&list));
        for (int i = 0; i < 100; i++)
            CHECK_INT(index_of(tr__runlist_pop(&list)), i);
        CHECK(tr__runlist_empty(&list) && !tr__runlist_pop(&list));
    }
}

/* Every runnable carries a plain counter: the queue must hand over what was written before. */
struct work {
    struct tr_runnable runnable;
    int taken; /* by whoever got it from a queue */
};

enum { THIEVES = 3 };

static struct work *work;
static int nwork;
static struct tr_runring owners, rings[THIEVES];
static _Atomic int ntaken;

static bool take(struct tr_runnable *r)
{
    if (!r)
        return false;
    ((struct work *)(void *)r)->taken++;
    atomic_fetch_add(&ntaken, 1);
    return true;
}

static void *thief(void *own)
{
    struct tr_runring *mine = own;

    while (atomic_load(&ntaken) < nwork) {
        take(tr__runring_steal(mine, &owners));
        while (take(tr__runring_pop(mine, 1)))
            ;
    }
    return NULL;
}

TEST(each_entry_is_taken_once_however_many_thieves)
{
    pthread_t threads[THIEVES];

    nwork = (int)check_env("TR_ROUNDS", 300000);
    work = calloc((size_t)nwork, sizeof *work);
    for (int i = 0; i < THIEVES; i++)
        pthread_create(&threads[i], NULL, thief, &rings[i]);
    for (int i = 0; i < nwork; i++) {
        tr__runring_push(&owners, &work[i].runnable);
        if (i % 3 == 0)
            take(tr__runring_pop(&owners, 1));
    }
    while (take(tr__runring_pop(&owners, 1)))
        ;
    for (int i = 0; i < THIEVES; i++)
        pthread_join(threads[i], NULL);
    for (int i = 0; i < nwork; i++)
        CHECK_INT(work[i].taken, 1);
    free(work);
}
