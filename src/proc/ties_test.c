/* SPDX-License-Identifier: MIT */
/* The table of ties, against an array. */
#include "proc/ties.h"

#include "base/fault.h"
#include "check.h"
#include "mem/block.h"

enum { KEYS = 700 };

static struct tr_ties ties;
static struct tr_tie *model[KEYS];
static uint64_t random_state = 88172645463325252u;

static uint64_t random_next(void)
{
    random_state ^= random_state << 13;
    random_state ^= random_state >> 7;
    random_state ^= random_state << 17;
    return random_state;
}

/* Keys as pids have them: the low bits are all the same. */
static uint64_t key_of(int i)
{
    return (uint64_t)i << 6 | 3;
}

static void make(int i)
{
    model[i] = tr__tie_new(TR__TIE_LINK, key_of(i), key_of(i));
    CHECK(model[i] != NULL);
}

static void add(int i)
{
    make(i);
    tr__ties_insert(&ties, model[i]);
}

static void drop(int i)
{
    tr__ties_remove(&ties, model[i]);
    tr__block_free(model[i], sizeof *model[i]);
    model[i] = NULL;
}

static void compare(void)
{
    static int visits[KEYS];
    uint32_t n = 0;

    memset(visits, 0, sizeof visits);
    for (struct tr_tie *tie = NULL; (tie = tr__ties_next(&ties, tie));)
        visits[tie->key >> 6]++;
    for (int i = 0; i < KEYS; i++) {
        CHECK(tr__ties_find(&ties, key_of(i)) == model[i]);
        CHECK_INT(visits[i], model[i] != NULL);
        n += model[i] != NULL;
    }
    CHECK_INT(ties.count, n);
}

static void empty(void)
{
    struct tr_tie *tie;

    while ((tie = tr__ties_pop(&ties))) {
        CHECK(model[tie->key >> 6] == tie);
        model[tie->key >> 6] = NULL;
        tr__block_free(tie, sizeof *tie);
    }
    compare();
    tr__ties_fini(&ties);
}

TEST(random_steps_agree_with_an_array)
{
    for (int range = 1; range <= KEYS; range = range * 3 + 1) {
        for (int step = 0; step < 3000; step++) {
            int i = (int)(random_next() % (unsigned)range);
            if (!model[i])
                add(i);
            else if (random_next() % 2)
                drop(i);
            if (step % 50 == 0)
                compare();
        }
        empty();
    }
}

TEST(a_table_grows_from_list_to_buckets_and_is_emptied)
{
    for (int i = 0; i < KEYS; i++) {
        add(i);
        if (i < 20)
            compare();
    }
    CHECK(ties.mask > 0);
    compare();
    empty();
    CHECK(!ties.mask && ties.count == 0);
}

TEST(without_memory_for_buckets_the_chains_grow)
{
#ifndef TR_FAULTS
    SKIP("injected failures are not built in");
#endif
    for (int i = 0; i < KEYS; i++) {
        make(i);
        tr__fault_arm(1);
        tr__ties_insert(&ties, model[i]);
        tr__fault_arm(0);
    }
    CHECK(!ties.mask);
    tr__fault_arm(1);
    CHECK(!tr__tie_new(TR__TIE_LINK, 1, 1));
    tr__fault_arm(0);
    compare();
    empty();
}
