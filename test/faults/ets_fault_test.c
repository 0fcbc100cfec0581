/* SPDX-License-Identifier: MIT */
/* Tables, with each allocation that they need failing in turn. */
#include "faults.h"

tr_atoms(t, key, size);

/* A table of each type, with a few objects. */
static tr_term table_of(enum tr_ets_type type)
{
    tr_term table = tr_ets_new(a_t, &(struct tr_ets_opts){ .type = type });

    for (int i = 0; i < 20; i++)
        tr_ets_insert(table, tr_tuple(i, "key"), i);
    return table;
}

static int64_t size_of(tr_term table)
{
    int64_t size = 0;

    CHECK(tr_match(tr_ets_info_of(table, a_size), &size));
    return size;
}

FAULT_TEST(a_table)
{
    arm();
    tr_term table;
    tr_err err = tr_ets_try_new(
        &table, a_t,
        &(struct tr_ets_opts){ .named = true, .heir = peer, .heir_data = tr_build("x") });
    CHECK(err == TR_OK || err == TR_ENOMEM);
    CHECK_INT(tr_ets_whereis(a_t, &table), err == TR_OK);
    if (!err) {
        tr_ets_set_heir(a_t, (tr_pid){ 0 });
        tr_ets_delete_table(a_t);
    }
    return err == TR_OK;
}

static void insert_some(void *arg)
{
    tr_term table = *(tr_term *)arg;

    for (int i = 0; i < 100; i++)
        tr_ets_insert(table, tr_tuple(i, "key"), i);
}

static void insert_list(void *arg)
{
    tr_term table = *(tr_term *)arg;

    tr_ets_insert(table, tr_build(tr_list(tr_tuple(tr_tuple(1, "key"), "new"),
                                          tr_tuple(tr_tuple(77, "key"), "new"),
                                          tr_tuple(tr_tuple(78, "key"), "new"),
                                          tr_tuple(tr_tuple(78, "key"), "newer"))));
}

/* After a failure the table is as it was. */
static bool fails_whole(void (*fn)(void *), enum tr_ets_type type)
{
    tr_term table = table_of(type), reason;
    int64_t before = size_of(table);

    arm();
    bool failed = tr_catch(fn, &table, &reason);
    if (fn == insert_list)
        CHECK_INT(size_of(table) == before, failed);
    if (failed)
        CHECK_TERM(reason, tr_build(a_out_of_memory));
    CHECK(tr_ets_member(table, tr_tuple(1, "key")));
    tr_ets_delete_all_objects(table);
    CHECK_INT(size_of(table), 0);
    return !failed;
}

FAULT_TEST(insertion_into_a_set)
{
    return fails_whole(insert_some, TR_ETS_SET);
}

FAULT_TEST(insertion_into_an_ordered_set)
{
    return fails_whole(insert_some, TR_ETS_ORDERED_SET);
}

FAULT_TEST(insertion_into_a_bag)
{
    return fails_whole(insert_some, TR_ETS_BAG);
}

FAULT_TEST(a_list_into_a_set)
{
    return fails_whole(insert_list, TR_ETS_SET);
}

FAULT_TEST(a_list_into_an_ordered_set)
{
    return fails_whole(insert_list, TR_ETS_ORDERED_SET);
}

FAULT_TEST(a_list_into_a_bag)
{
    return fails_whole(insert_list, TR_ETS_DUPLICATE_BAG);
}

static void read_all(void *arg)
{
    tr_term table = *(tr_term *)arg, list;
    size_t n;

    list = tr_ets_tab2list(table);
    CHECK(tr_list_length(list, &n));
    list = tr_ets_match_object(table, tr_tuple(tr_intern("$1"), tr_intern("_")), 3);
    list = tr_ets_continue(tr_element(list, 1));
    list = tr_ets_take(table, tr_tuple(2, "key"));
    CHECK(tr_ets_update_counter(table, tr_tuple(3, "key"), 1).w);
    CHECK(tr_ets_first(table).w);
}

FAULT_TEST(reading_a_set)
{
    return fails_whole(read_all, TR_ETS_SET);
}

FAULT_TEST(reading_an_ordered_set)
{
    return fails_whole(read_all, TR_ETS_ORDERED_SET);
}
