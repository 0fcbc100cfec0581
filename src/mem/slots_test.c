/* SPDX-License-Identifier: MIT */
/* Slots: unique indexes, found again, never another's, up to a limit. */
#include "mem/slots.h"

#include "base/fault.h"
#include "check.h"

#include <pthread.h>
#include <stdlib.h>

enum { MANY = 20000 };

static struct tr_slot_cache cache;

TEST(indexes_are_unique_and_found_again)
{
    static struct tr_slot *slots[MANY];
    static bool seen[MANY + 1];

    for (int i = 0; i < MANY; i++) {
        slots[i] = tr__slot_take(i % 3 ? &cache : NULL);
        CHECK(slots[i] != NULL);
        uint32_t index = slots[i]->index;
        CHECK(index > 0 && index < tr__slot_end());
        CHECK(tr__slot_at(index) == slots[i]);
        if (index <= MANY) {
            CHECK(!seen[index]);
            seen[index] = true;
        }
    }
    for (int i = 0; i < MANY; i++)
        CHECK(tr__slot_at(slots[i]->index) == slots[i]);
    CHECK(tr__slot_at(tr__slot_end() + TR__SLAB_SLOTS) == NULL);
}

TEST(new_slots_come_in_order)
{
    for (uint32_t i = 1; i < 100; i++)
        CHECK_INT(((struct tr_slot *)tr__slot_take(&cache))->index, i);
}

TEST(a_slot_is_zeroed_at_first_use_and_keeps_its_contents_afterwards)
{
    char *slot = tr__slot_take(&cache);

    for (size_t i = sizeof(struct tr_slot); i < TR__SLOT_SIZE; i++)
        CHECK_INT(slot[i], 0);
    memset(slot + sizeof(struct tr_slot), 7, TR__SLOT_SIZE - sizeof(struct tr_slot));
    tr__slot_return(&cache, slot);
    CHECK(tr__slot_take(&cache) == slot);
    CHECK_INT(slot[TR__SLOT_SIZE - 1], 7);
}

TEST(there_are_no_more_than_the_limit)
{
    struct tr_slot *slots[1000];

    tr__slot_limit(1000);
    for (int i = 0; i < 1000; i++)
        CHECK((slots[i] = tr__slot_take(&cache)) != NULL);
    CHECK(tr__slot_take(&cache) == NULL);
    CHECK(tr__slot_take(NULL) == NULL);
    for (int round = 0; round < 3; round++) {
        for (int i = 0; i < 1000; i++)
            tr__slot_return(&cache, slots[i]);
        tr__slot_cache_flush(&cache);
        for (int i = 0; i < 1000; i++)
            CHECK((slots[i] = tr__slot_take(round ? NULL : &cache)) != NULL);
        CHECK(tr__slot_take(&cache) == NULL);
    }
}

/* Each slot carries a counter of its own: whoever holds the slot alone may change it. */
struct counted_slot {
    struct tr_slot slot;
    uint32_t uses;
};

static void *take_and_return(void *unused)
{
    struct tr_slot_cache own = { 0 };
    struct counted_slot *held[300];

    (void)unused;
    for (int round = 0; round < 300; round++) {
        for (int i = 0; i < 300; i++) {
            held[i] = tr__slot_take(&own);
            held[i]->uses++;
        }
        for (int i = 0; i < 300; i++)
            tr__slot_return(&own, held[i]);
    }
    tr__slot_cache_flush(&own);
    return NULL;
}

TEST(threads_never_hold_the_same_slot)
{
    enum { THREADS = 3 };
    pthread_t threads[THREADS];
    uint64_t uses = 0;

    for (int i = 0; i < THREADS; i++)
        pthread_create(&threads[i], NULL, take_and_return, NULL);
    for (int i = 0; i < THREADS; i++)
        pthread_join(threads[i], NULL);
    for (uint32_t i = 1; i < tr__slot_end(); i++)
        uses += ((struct counted_slot *)tr__slot_at(i))->uses;
    CHECK_INT(uses, THREADS * 300 * 300);
}

TEST(without_memory_there_is_no_slot)
{
#ifndef TR_FAULTS
    SKIP("injected failures are not built in");
#endif
    tr__fault_arm(1);
    CHECK(tr__slot_take(&cache) == NULL);
    tr__fault_arm(0);
    CHECK(tr__slot_take(&cache) != NULL);
}
