/* SPDX-License-Identifier: MIT */
/* What waits behind a ring: order, both ends, growth, and no memory. */
#include "sched/backlog.h"

#include "base/fault.h"
#include "check.h"

enum { EACH = 3, TURNS = 3000, ITEMS = EACH * TURNS };

static struct tr_runnable items[ITEMS];
static struct tr_backlog backlog;

static int index_of(const struct tr_runnable *r)
{
    return r ? (int)(r - items) : -1;
}

static int newest(void)
{
    return index_of(tr__backlog_pop_newest(&backlog));
}

static int oldest(void)
{
    return index_of(tr__backlog_pop_oldest(&backlog));
}

static int other(void)
{
    return index_of(tr__backlog_pop(&backlog));
}

/* Item i comes in turn i / EACH. */
static void push_new(int first, int end)
{
    for (int i = first; i < end; i++)
        tr__backlog_push_new(&backlog, &items[i], (uint32_t)(i / EACH));
}

static void check_empty(void)
{
    CHECK(!tr__backlog_has_new(&backlog));
    CHECK_INT(tr__backlog_count(&backlog), 0);
    CHECK_INT(backlog.new_count, 0);
    CHECK_INT(newest(), -1);
    CHECK_INT(oldest(), -1);
    CHECK_INT(other(), -1);
}

TEST(the_newest_turn_comes_first_and_in_a_turn_the_first)
{
    push_new(0, ITEMS);
    CHECK_INT(tr__backlog_count(&backlog), ITEMS);
    for (int t = TURNS - 1; t >= 0; t--)
        for (int i = 0; i < EACH; i++)
            CHECK_INT(newest(), t * EACH + i);
    check_empty();
    tr__backlog_free(&backlog);
}

TEST(the_other_end_has_the_order_of_arrival)
{
    push_new(0, ITEMS);
    for (int i = 0; i < ITEMS; i++)
        CHECK_INT(oldest(), i);
    check_empty();
    tr__backlog_free(&backlog);
}

/* While both ends are taken from, the circle of turns wraps and grows. */
TEST(both_ends_are_one_queue)
{
    int last = 0, first = 0;

    for (int t = 0; t < TURNS; t++) {
        push_new(t * EACH, (t + 1) * EACH);
        CHECK_INT(newest(), t * EACH);
        if (t % 2 == 0)
            continue;
        CHECK_INT(oldest() / EACH, first / 2);
        first++;
    }
    for (int n = (int)tr__backlog_count(&backlog); n > 0; n--) {
        int i = oldest();
        CHECK(i > last);
        last = i;
    }
    check_empty();
    tr__backlog_free(&backlog);
}

TEST(what_is_taken_in_a_turn_does_not_change_the_place_of_what_comes_in_it)
{
    push_new(0, 4);
    for (int i = 0; i < 4; i++)
        CHECK_INT(oldest(), i);
    push_new(4, 6);
    CHECK_INT(newest(), 4);
    CHECK_INT(newest(), 5);
    check_empty();
    tr__backlog_free(&backlog);
}

TEST(what_is_not_new_is_a_queue_apart)
{
    tr__backlog_push(&backlog, &items[0]);
    push_new(1, 2);
    tr__backlog_push(&backlog, &items[2]);
    CHECK_INT(tr__backlog_count(&backlog), 3);
    CHECK_INT(backlog.new_count, 1);
    CHECK_INT(other(), 0);
    CHECK_INT(newest(), 1);
    CHECK_INT(newest(), -1);
    CHECK_INT(oldest(), -1);
    CHECK_INT(other(), 2);
    check_empty();
    tr__backlog_free(&backlog);
}

/* The first turn cannot have a list; later ones join the one before. Nothing is lost. */
TEST(without_memory_all_are_kept)
{
    tr__fault_arm(1);
    push_new(0, 1);
    tr__fault_arm(0);
    CHECK(!tr__backlog_has_new(&backlog));
    CHECK_INT(other(), 0);

    push_new(0, EACH);
    while (backlog.n < backlog.size)
        push_new((int)backlog.n * EACH, (int)(backlog.n + 1) * EACH);
    int end = (int)backlog.n * EACH;
    tr__fault_arm(1);
    push_new(end, end + 1);
    tr__fault_arm(0);
    for (int i = end - EACH; i <= end; i++)
        CHECK_INT(newest(), i);
    for (int i = 0; i < end - EACH; i++)
        CHECK_INT(oldest(), i);
    check_empty();
    tr__backlog_free(&backlog);
}
