/* SPDX-License-Identifier: MIT */
/* Run queues: order, more than fits, what is offered, stealing half, and thieves against the owner.
 */
#include "sched/runq.h"

#include "check.h"

#include <pthread.h>
#include <stdlib.h>

enum { FULL = TR__RING_SIZE, ITEMS = 5 * FULL };

static struct tr_runnable items[ITEMS];
static struct tr_runring ring, other;
static uint32_t turn;

static int index_of(const struct tr_runnable *r)
{
    return r ? (int)(r - items) : -1;
}

static void fill(int n)
{
    for (int i = 0; i < n; i++)
        tr__runring_push(&ring, &items[i]);
}

/* So many new ones, from `first` on, in a turn of their own. */
static void spawn(int first, int n)
{
    turn++;
    for (int i = first; i < first + n; i++)
        tr__runring_push_new(&ring, &items[i], turn);
}

/* The ring gives exactly these, in order. */
static void check_gives(int first, int n)
{
    for (int i = first; i < first + n; i++)
        CHECK_INT(index_of(tr__runring_pop(&ring)), i);
}

static void check_empty(void)
{
    CHECK(!tr__runring_pop(&ring) && !tr__runring_pop_oldest(&ring));
    CHECK(!tr__runring_pop_newest(&ring) && !tr__runring_pop_other(&ring));
    CHECK(!tr__runring_waits(&ring) && !tr__runring_has_new(&ring));
    tr__backlog_free(&ring.behind);
}

TEST(a_ring_gives_back_in_the_order_of_arrival)
{
    for (int round = 0; round < 1000; round++) {
        ring.thieves = (unsigned)round % 2;
        fill(round % 7);
        check_gives(0, round % 7);
        CHECK(!tr__runring_pop(&ring));
    }
}

TEST(what_does_not_fit_waits_behind_the_ring_in_order)
{
    for (ring.thieves = 0; ring.thieves < 4; ring.thieves++) {
        fill(ITEMS);
        CHECK_INT(tr__runring_count(&ring), TR__RING_SIZE);
        check_gives(0, ITEMS);
        check_empty();
    }
    ring.thieves = 2 * TR__RING_SIZE;
    fill(ITEMS);
    check_gives(0, ITEMS);
    check_empty();
}

TEST(new_ones_of_one_turn_keep_their_order)
{
    ring.thieves = 0;
    spawn(0, ITEMS);
    check_gives(0, ITEMS);
    check_empty();
}

TEST(new_ones_go_before_those_of_earlier_turns_and_before_all_others)
{
    ring.thieves = 0;
    fill(FULL + 3);
    spawn(FULL + 3, 4);
    spawn(FULL + 7, 4);
    check_gives(0, FULL);
    check_gives(FULL + 7, 4);
    check_gives(FULL + 3, 4);
    check_gives(FULL, 3);
    check_empty();
}

TEST(of_new_ones_both_ends_can_be_had)
{
    ring.thieves = 0;
    spawn(0, FULL);
    spawn(FULL, 3);
    spawn(FULL + 3, 3);
    CHECK_INT(index_of(tr__runring_pop_oldest(&ring)), FULL);
    CHECK_INT(index_of(tr__runring_pop_newest(&ring)), FULL + 3);
    CHECK_INT(index_of(tr__runring_pop_oldest(&ring)), FULL + 1);
    check_gives(0, FULL);
    check_gives(FULL + 4, 2);
    check_gives(FULL + 2, 1);
    check_empty();
}

TEST(thieves_are_offered_what_has_waited_longest)
{
    ring.thieves = 1;
    spawn(0, FULL);
    spawn(FULL, 3);
    spawn(FULL + 3, 3);
    CHECK_INT(index_of(tr__runring_take_offer(&ring)), FULL);
    CHECK(!tr__runring_take_offer(&ring));
    check_gives(0, FULL);
    /* The owner had to do with what is behind the ring: it offers the next. */
    check_gives(FULL + 3, 1);
    CHECK_INT(index_of(tr__runring_take_offer(&ring)), FULL + 1);
    check_gives(FULL + 4, 1);
    CHECK_INT(index_of(tr__runring_take_offer(&ring)), FULL + 2);
    check_gives(FULL + 5, 1);
    check_empty();
}

TEST(the_owner_takes_back_what_it_offers_when_it_has_nothing_else)
{
    ring.thieves = 1;
    fill(FULL + 1);
    spawn(FULL + 1, 3);
    check_gives(0, FULL);
    check_gives(FULL + 2, 2);
    check_gives(FULL, 1);
    CHECK(tr__runring_tempts(&ring) && tr__runring_has_new(&ring));
    check_gives(FULL + 1, 1);
    check_empty();
}

TEST(what_is_offered_is_the_oldest_for_its_owner_too)
{
    ring.thieves = 1;
    spawn(0, FULL + 3);
    CHECK_INT(index_of(tr__runring_pop_oldest(&ring)), FULL);
    CHECK_INT(index_of(tr__runring_pop_oldest(&ring)), FULL + 1);
    CHECK_INT(index_of(tr__runring_pop_oldest(&ring)), FULL + 2);
    check_gives(0, FULL);
    check_empty();
}

TEST(alone_a_worker_offers_nothing)
{
    ring.thieves = 0;
    spawn(0, ITEMS);
    for (int i = 0; i < ITEMS; i++) {
        CHECK(!tr__runring_take_offer(&ring));
        CHECK_INT(index_of(tr__runring_pop(&ring)), i);
    }
    check_empty();
}

TEST(what_comes_new_has_a_place_in_the_ring_before_what_waits_behind_it)
{
    ring.thieves = 1;
    fill(FULL + 1);
    check_gives(0, 1);
    tr__runring_push(&ring, &items[0]);
    check_gives(1, FULL - 1);
    check_gives(0, 1);
    check_gives(FULL, 1);
    check_empty();
}

TEST(what_has_run_queues_after_what_waits_behind_the_ring)
{
    ring.thieves = 1;
    fill(FULL + 2);
    check_gives(0, 1);
    tr__runring_push_last(&ring, &items[0]);
    CHECK_INT(index_of(tr__runring_pop_other(&ring)), FULL);
    check_gives(1, FULL - 1);
    check_gives(FULL + 1, 1);
    check_gives(0, 1);
    check_empty();
}

TEST(where_many_wait_thieves_find_some)
{
    ring.thieves = 1;
    fill(ITEMS);
    check_gives(0, FULL + 1);
    CHECK(tr__runring_steal(&other, &ring) != NULL);
}

TEST(a_ring_works_across_the_wrap_of_its_counters)
{
    ring.thieves = 1;
    atomic_store(&ring.head, UINT32_MAX - 2);
    atomic_store(&ring.tail, UINT32_MAX - 2);
    fill(TR__RING_SIZE);
    check_gives(0, FULL);
    CHECK(!tr__runring_pop(&ring));
}

TEST(a_thief_takes_the_older_half)
{
    CHECK(!tr__runring_steal(&other, &ring));
    fill(9);
    /* Five go: one is returned, four are in the thief's own ring. */
    CHECK_INT(index_of(tr__runring_steal(&other, &ring)), 4);
    for (int i = 0; i < 4; i++)
        CHECK_INT(index_of(tr__runring_pop(&other)), i);
    CHECK(!tr__runring_pop(&other));
    for (int i = 5; i < 9; i++)
        CHECK_INT(index_of(tr__runring_pop(&ring)), i);
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
        take(tr__runring_take_offer(&owners));
        take(tr__runring_steal(mine, &owners));
        while (take(tr__runring_pop(mine)))
            ;
    }
    return NULL;
}

TEST(each_entry_is_taken_once_however_many_thieves)
{
    pthread_t threads[THIEVES];

    nwork = (int)check_env("TR_ROUNDS", 300000);
    work = calloc((size_t)nwork, sizeof *work);
    for (int i = 0; i < THIEVES; i++) {
        rings[i].thieves = 1;
        pthread_create(&threads[i], NULL, thief, &rings[i]);
    }
    owners.thieves = THIEVES;
    for (int i = 0; i < nwork; i++) {
        if (i % 2 == 0)
            tr__runring_push(&owners, &work[i].runnable);
        else
            tr__runring_push_new(&owners, &work[i].runnable, (uint32_t)i / 16);
        if (i % 3 == 0)
            take(tr__runring_pop(&owners));
        if (i % 61 == 0)
            take(tr__runring_pop_oldest(&owners));
    }
    while (take(tr__runring_pop(&owners)))
        ;
    for (int i = 0; i < THIEVES; i++)
        pthread_join(threads[i], NULL);
    for (int i = 0; i < nwork; i++)
        CHECK_INT(work[i].taken, 1);
    CHECK(!tr__runring_waits(&owners));
    tr__backlog_free(&owners.behind);
    free(work);
}
