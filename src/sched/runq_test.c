/* SPDX-License-Identifier: MIT */
/* Run queues: order, fullness, stealing half, and thieves against the owner. */
#include "sched/runq.h"

#include "check.h"

#include <pthread.h>
#include <stdlib.h>

static struct tr_runnable items[TR__RING_SIZE + 1];
static struct tr_runring ring, other;

static int index_of(const struct tr_runnable *r)
{
    return r ? (int)(r - items) : -1;
}

static void fill(int n)
{
    for (int i = 0; i < n; i++)
        CHECK(tr__runring_push(&ring, &items[i]));
}

TEST(a_ring_gives_back_in_the_order_of_arrival)
{
    for (int round = 0; round < 1000; round++) {
        fill(round % 7);
        for (int i = 0; i < round % 7; i++)
            CHECK_INT(index_of(tr__runring_pop(&ring, round % 2)), i);
        CHECK(!tr__runring_pop(&ring, round % 2));
    }
}

TEST(a_full_ring_refuses)
{
    fill(TR__RING_SIZE);
    CHECK(!tr__runring_push(&ring, &items[TR__RING_SIZE]));
    CHECK_INT(tr__runring_count(&ring), TR__RING_SIZE);
    CHECK_INT(index_of(tr__runring_pop(&ring, false)), 0);
    CHECK(tr__runring_push(&ring, &items[TR__RING_SIZE]));
}

TEST(a_ring_works_across_the_wrap_of_its_counters)
{
    atomic_store(&ring.head, UINT32_MAX - 2);
    atomic_store(&ring.tail, UINT32_MAX - 2);
    fill(TR__RING_SIZE);
    CHECK(!tr__runring_push(&ring, &items[TR__RING_SIZE]));
    for (unsigned i = 0; i < TR__RING_SIZE; i++)
        CHECK_INT(index_of(tr__runring_pop(&ring, false)), i);
    CHECK(!tr__runring_pop(&ring, false));
}

TEST(a_thief_takes_the_older_half)
{
    CHECK(!tr__runring_steal(&other, &ring));
    fill(9);
    /* Five go: one is returned, four are in the thief's own ring. */
    CHECK_INT(index_of(tr__runring_steal(&other, &ring)), 4);
    for (int i = 0; i < 4; i++)
        CHECK_INT(index_of(tr__runring_pop(&other, false)), i);
    CHECK(!tr__runring_pop(&other, false));
    for (int i = 5; i < 9; i++)
        CHECK_INT(index_of(tr__runring_pop(&ring, false)), i);
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
static struct tr_runlist overflow;
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
        while (take(tr__runring_pop(mine, false)))
            ;
        take(tr__runlist_pop(&overflow));
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
        if (!tr__runring_push(&owners, &work[i].runnable))
            tr__runlist_push(&overflow, &work[i].runnable);
        if (i % 3 == 0)
            take(tr__runring_pop(&owners, false));
    }
    while (take(tr__runring_pop(&owners, false)))
        ;
    for (int i = 0; i < THIEVES; i++)
        pthread_join(threads[i], NULL);
    for (int i = 0; i < nwork; i++)
        CHECK_INT(work[i].taken, 1);
    free(work);
}
