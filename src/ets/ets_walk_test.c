/* SPDX-License-Identifier: MIT */
/* Tables: going through them. */
#include "ets_test.h"

tr_atoms(x);
tr_atom_as(a_end, "$end_of_table");

static bool sum(tr_term object, void *arg)
{
    int64_t value;

    CHECK(tr_match(object, tr_any(), &value));
    *(int64_t *)arg = *(int64_t *)arg * 3 + value;
    return true;
}

static bool first_only(tr_term object, void *arg)
{
    (void)object;
    ++*(int *)arg;
    return false;
}

TEST_PROC(folds_visit_all)
{
    FACT("ETS-036",
         "a fold visits every object once, in order of keys or backwards in an ordered_set; "
         "of an empty table nothing");
    tr_term table = table_of(TR_ETS_ORDERED_SET);
    int64_t n = 0;
    int count = 0;

    CHECK(tr_ets_foldl(table, sum, &n));
    CHECK_INT(n, 0);
    for (int i = 1; i <= 3; i++)
        tr_ets_insert(table, tr_tuple(i, "x"), i);
    CHECK(tr_ets_foldl(table, sum, &n));
    CHECK_INT(n, 18);
    n = 0;
    CHECK(tr_ets_foldr(table, sum, &n));
    CHECK_INT(n, 34);
    CHECK(!tr_ets_foldl(table, first_only, &count));
    CHECK_INT(count, 1);
}

TEST_PROC(a_walk_meets_all_that_stays)
{
    FACT("ETS-034",
         "a walk visits every object that is there the whole time exactly once, while others "
         "come and go");
    for (int i = 0; i < 4; i++) {
        tr_term table = table_of(all_types[i]);
        int seen[200] = { 0 };
        int64_t key;
        for (int k = 0; k < 200; k++)
            tr_ets_insert(table, k, a_x);
        int round = 0;
        for (tr_term k = tr_ets_first(table); !tr_equal(k, tr_build(a_end));
             k = tr_ets_next(table, k)) {
            CHECK(tr_match(k, &key));
            if (key < 200)
                seen[key]++;
            for (int j = 0; j < 5 && round < 200; j++)
                tr_ets_insert(table, 1000 + round * 5 + j, a_x);
            if (key % 2)
                tr_ets_delete(table, key);
            round++;
        }
        for (int k = 0; k < 200; k++)
            CHECK_INT(seen[k], 1);
    }
}
