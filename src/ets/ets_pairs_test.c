/* SPDX-License-Identifier: MIT */
/* Tables: pairs of immediates, which are kept without a node, beside other objects; small integers
   as keys, which are compared as words, beside other keys. */
#include "ets_test.h"

#include <stdlib.h>

tr_atoms(x, y, size, new);
tr_atom_as(a_end, "$end_of_table");

enum { KEYS = 600 };

static const enum tr_ets_type set_types[] = { TR_ETS_SET, TR_ETS_ORDERED_SET };

static const int64_t greatest = (INT64_C(1) << 60) - 1;

static void check_size(tr_term table, int64_t size)
{
    CHECK_TERM(tr_ets_info_of(table, a_size), tr_build(size));
}

TEST_PROC(an_object_becomes_a_pair_and_back)
{
    for (size_t i = 0; i < 2; i++) {
        tr_term table = table_of(set_types[i]);
        tr_ets_insert(table, a_x, 1);
        tr_ets_insert(table, a_x, "text");
        CHECK_TERM(tr_ets_lookup(table, a_x), parse("[{x,<<\"text\">>}]"));
        tr_ets_insert(table, a_x, 2);
        CHECK_TERM(tr_ets_lookup(table, a_x), parse("[{x,2}]"));
        CHECK(tr_ets_update_element(table, a_x, 2, tr_tuple(a_y)));
        CHECK_TERM(tr_ets_lookup(table, a_x), parse("[{x,{y}}]"));
        CHECK(tr_ets_update_element(table, a_x, 2, 7));
        CHECK_TERM(tr_ets_update_counter(table, a_x, 3), tr_build(10));
        CHECK_TERM(tr_ets_update_counter(table, a_x, greatest), tr_build(greatest + 10));
        CHECK_TERM(tr_ets_update_counter(table, a_x, -greatest), tr_build(10));
        CHECK(!tr_ets_insert_new(table, a_x, 3));
        CHECK(tr_ets_insert_new(table, a_y, 3));
        CHECK_TERM(tr_ets_take(table, a_x), parse("[{x,10}]"));
        CHECK(tr_ets_insert_new(table, a_x, 11));
        tr_ets_delete_object(table, a_x, 12);
        check_size(table, 2);
        tr_ets_delete_object(table, a_x, 11);
        check_size(table, 1);
        CHECK_TERM(tr_ets_tab2list(table), parse("[{y,3}]"));
    }
}

TEST_PROC(a_list_replaces_pairs)
{
    for (size_t i = 0; i < 2; i++) {
        tr_term table = table_of(set_types[i]);
        tr_ets_insert(table, 1, a_x);
        tr_ets_insert(table, parse("[{1,y},{2,y},{3,{y}},{2,new}]"));
        check_size(table, 3);
        CHECK_TERM(tr_ets_lookup(table, 1), parse("[{1,y}]"));
        CHECK_TERM(tr_ets_lookup(table, 2), parse("[{2,new}]"));
        CHECK(!tr_ets_insert_new(table, parse("[{4,x},{1,x}]")));
        CHECK(!tr_ets_member(table, 4));
        CHECK_INT(tr_ets_select_replace(table, parse("[{{'$1',y},[],[{{'$1',x}}]}]")), 1);
        CHECK_INT(tr_ets_select_delete(table, parse("[{{'_',{'_'}},[],[true]}]")), 1);
        CHECK_TERM(tr_ets_lookup(table, 1), parse("[{1,x}]"));
        check_size(table, 2);
    }
}

/* --- integers in order --- */

static int by_value(const void *a, const void *b)
{
    int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;

    return (x > y) - (x < y);
}

static uint64_t dice_state = 88172645463325252u;

static uint64_t dice(void)
{
    dice_state ^= dice_state << 13, dice_state ^= dice_state >> 7, dice_state ^= dice_state << 17;
    return dice_state;
}

/* Different integers in order, from the smallest that is an immediate to the greatest. */
static void integers(int64_t *keys)
{
    keys[0] = -greatest - 1;
    keys[1] = greatest;
    for (int i = 2; i < KEYS; i++)
        keys[i] = ((int64_t)dice() >> (4 + i % 50)) / KEYS * KEYS + i;
    qsort(keys, KEYS, sizeof *keys, by_value);
}

static tr_term step(tr_term table, int64_t key, int direction)
{
    return direction < 0 ? tr_ets_prev(table, key) : tr_ets_next(table, key);
}

/* The key from i on, in a direction, that is there. */
static tr_term expected(const int64_t *keys, const bool *there, int i, int direction)
{
    for (; i >= 0 && i < KEYS; i += direction)
        if (there[i])
            return tr_build(keys[i]);
    return tr_build(a_end);
}

static void check_all(tr_term table, const int64_t *keys, const bool *there)
{
    int64_t size = 0;

    for (int i = 0; i < KEYS; i++)
        tr_scope
        {
            tr_term object;
            CHECK_INT(tr_ets_get(table, &object, keys[i]), there[i]);
            if (there[i])
                CHECK_TERM(tr_element(object, 0), tr_build(keys[i]));
            CHECK_TERM(step(table, keys[i], 1), expected(keys, there, i + 1, 1));
            CHECK_TERM(step(table, keys[i], -1), expected(keys, there, i - 1, -1));
            size += there[i];
        }
    CHECK_TERM(tr_ets_first(table), expected(keys, there, 0, 1));
    CHECK_TERM(tr_ets_last(table), expected(keys, there, KEYS - 1, -1));
    check_size(table, size);
}

/* Changes at random, mostly insertions or mostly deletions. */
static void change(tr_term table, const int64_t *keys, bool *there, unsigned insertions, int rounds)
{
    for (int i = 0; i < rounds; i++)
        tr_scope
        {
            uint64_t r = dice() >> 20;
            int at = (int)(r % KEYS);
            there[at] = (r >> 20) % 8 < insertions;
            if (!there[at])
                tr_ets_delete(table, keys[at]);
            else if (i % 4)
                tr_ets_insert(table, keys[at], i);
            else
                tr_ets_insert(table, keys[at], i, "more");
        }
}

TEST_PROC(integers_are_in_order_wherever_they_lie)
{
    tr_term table = table_of(TR_ETS_ORDERED_SET);
    int64_t *keys = tr_alloc(KEYS * sizeof *keys);
    bool *there = tr_alloc(KEYS * sizeof *there);

    integers(keys);
    memset(there, 0, KEYS * sizeof *there);
    for (int i = 0; i < 3; i++) {
        change(table, keys, there, 6, check_rounds(2000));
        check_all(table, keys, there);
        change(table, keys, there, 1, check_rounds(3000));
        check_all(table, keys, there);
    }
}

/* Where the first leaves have gone, smaller keys come back, and split what is left. */
TEST_PROC(smaller_keys_come_back)
{
    tr_term table = table_of(TR_ETS_ORDERED_SET);
    int n = check_rounds(6000);

    for (int i = 0; i < n; i++)
        tr_ets_insert(table, i, i);
    for (int i = 0; i < n / 3; i++)
        tr_ets_delete(table, i);
    for (int i = n / 3; i-- > 0;)
        tr_ets_insert(table, i, -i);
    for (int i = 0; i < n; i++)
        tr_scope
        {
            tr_term object;
            CHECK(tr_ets_get(table, &object, i));
            CHECK_TERM(object, tr_build(i, i < n / 3 ? -i : i));
        }
    check_size(table, n);
}

/* Keys of other kinds come to pages of integers, and go. */
TEST_PROC(other_keys_come_between_integers)
{
    tr_term table = table_of(TR_ETS_ORDERED_SET), k;
    int n = 0;

    for (int i = 0; i < 200; i++)
        tr_ets_insert(table, i, i);
    for (int i = 0; i < 200; i += 3)
        tr_ets_insert(table, i + 0.5, i);
    tr_ets_insert(table, 150.0, a_x);
    tr_ets_insert(table, a_x, a_y);
    tr_ets_insert(table, greatest + 1, 1);
    tr_ets_insert(table, -greatest - 2, 1);
    CHECK_TERM(tr_ets_lookup(table, 150), parse("[{150.0,x}]"));
    CHECK_TERM(tr_ets_lookup(table, 149.0), parse("[{149,149}]"));
    CHECK_TERM(tr_ets_next(table, 0), tr_build(0.5));
    CHECK_TERM(tr_ets_next(table, 0.5), tr_build(1));
    CHECK_TERM(tr_ets_first(table), tr_build(-greatest - 2));
    CHECK_TERM(tr_ets_prev(table, a_x), tr_build(greatest + 1));
    tr_ets_insert(table, 150, a_x);
    CHECK_TERM(tr_ets_lookup(table, 150.0), parse("[{150,x}]"));
    for (int i = 0; i < 200; i += 3)
        tr_ets_delete(table, i + 0.5);
    for (k = tr_ets_first(table); k.w != a_end.w; k = tr_ets_next(table, k))
        n++;
    CHECK_INT(n, 203);
    for (int i = 0; i < 200; i++)
        CHECK(tr_ets_member(table, i) && !tr_ets_member(table, i + 0.5));
}
