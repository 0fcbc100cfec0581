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

/* --- keys so deep that comparing them takes memory --- */

static tr_term deep(int i)
{
    tr_term term = tr_build(i);

    for (int level = 0; level < 100; level++)
        term = tr_build(term, a_key);
    return term;
}

static void use_deep_keys(void *arg)
{
    tr_term table = *(tr_term *)arg, one = deep(1), two = deep(2), object;

    tr_ets_insert(table, one, 1);
    tr_ets_insert(table, tr_build(tr_list(tr_tuple(two, 2), tr_tuple(one, 1))));
    CHECK(tr_ets_member(table, deep(1)));
    CHECK(!tr_ets_insert_new(table, deep(2), 3));
    CHECK(tr_ets_get(table, &object, deep(2)));
    tr_ets_delete_object(table, deep(1), 1);
    tr_ets_delete(table, deep(2));
    CHECK(!tr_ets_member(table, deep(2)));
}

FAULT_TEST(deep_keys_in_a_set)
{
    return fails_whole(use_deep_keys, TR_ETS_SET);
}

FAULT_TEST(deep_keys_in_an_ordered_set)
{
    return fails_whole(use_deep_keys, TR_ETS_ORDERED_SET);
}

FAULT_TEST(deep_keys_in_a_bag)
{
    return fails_whole(use_deep_keys, TR_ETS_BAG);
}

/* What looks at the table before it hashes the key: the section in which it does so must end. */
static void change_deep_keys(void *arg)
{
    tr_term table = *(tr_term *)arg, one = deep(1);

    tr_ets_insert(table, one, 1);
    CHECK_TERM(tr_ets_update_counter(table, one, 99), tr_build(100));
    CHECK(tr_ets_update_element(table, one, 2, 101));
    CHECK_TERM(tr_ets_lookup_element(table, one, 2), tr_build(101));
    tr_ets_next(table, one);
    CHECK_INT(tr_ets_select_replace(
                  table, tr_list(tr_tuple(tr_tuple(tr_intern("$1"), 101), tr_list(),
                                          tr_list(tr_tuple(tr_tuple(tr_intern("$1"), 102)))))),
              1);
    tr_ets_match_delete(table, tr_tuple(one, 102));
    CHECK(tr_is_nil(tr_ets_take(table, one)));
}

FAULT_TEST(changes_under_deep_keys_in_a_set)
{
    return fails_whole(change_deep_keys, TR_ETS_SET);
}

FAULT_TEST(changes_under_deep_keys_in_an_ordered_set)
{
    return fails_whole(change_deep_keys, TR_ETS_ORDERED_SET);
}

/* --- match specifications --- */

static tr_term parse(const char *text)
{
    tr_term term;
    tr_err err = tr_parse(text, strlen(text), &term, NULL);

    if (err)
        tr_exit(a_out_of_memory);
    return term;
}

static void change_by_spec(void *arg)
{
    tr_term table = *(tr_term *)arg, part;

    part = tr_ets_select(table,
                         parse("[{{{'$1',<<\"key\">>},'$2'},[{'>','$1',3}],[{{'$2','$1'}}]}]"), 5);
    part = tr_ets_continue(tr_element(part, 1));
    CHECK(tr_is_tuple(part));
    tr_ets_match(table, parse("{{7,'_'},'$1'}"), TR_ETS_ALL);
    tr_ets_select_replace(table, parse("[{{{9,'$1'},'$2'},[],[{{{{9,'$1'}},{{'$2','$1'}}}}]}]"));
    CHECK_INT(tr_ets_select_delete(table, parse("[{{{'$1','_'},'_'},[{'>','$1',15}],[true]}]")), 4);
}

FAULT_TEST(specifications_and_a_set)
{
    return fails_whole(change_by_spec, TR_ETS_SET);
}

FAULT_TEST(specifications_and_an_ordered_set)
{
    return fails_whole(change_by_spec, TR_ETS_ORDERED_SET);
}

/* --- changes of an object --- */

static void update(void *arg)
{
    tr_term table = *(tr_term *)arg;
    tr_term big = parse("123456789012345678901234567890");

    tr_ets_update_counter(table, tr_tuple(4, "key"), big);
    tr_ets_update_counter(table, tr_tuple(4, "key"), parse("[{2,5},{2,-7,3,9}]"));
    tr_ets_update_counter_or(table, tr_tuple(40, "key"), 1, 0, 5);
    tr_ets_update_element(table, tr_tuple(5, "key"), 2, "a text");
}

FAULT_TEST(updates_in_a_set)
{
    return fails_whole(update, TR_ETS_SET);
}

FAULT_TEST(updates_in_an_ordered_set)
{
    return fails_whole(update, TR_ETS_ORDERED_SET);
}

/* --- growth --- */

static void grow(void *arg)
{
    tr_term table = *(tr_term *)arg;

    for (int i = 0; i < 3000; i++)
        tr_ets_insert(table, i, i);
    for (int i = 0; i < 3000; i++)
        CHECK(tr_ets_member(table, i));
    for (int i = 0; i < 3000; i++)
        tr_ets_delete(table, i);
}

FAULT_TEST(a_table_that_grows_and_shrinks)
{
    return fails_whole(grow, TR_ETS_SET);
}

/* --- values that are structs --- */

struct account {
    int64_t balance;
    char owner[56];
};

static void deposit(void *value, void *arg)
{
    ((struct account *)value)->balance += *(int64_t *)arg;
}

static bool count_object(tr_term object, void *arg)
{
    (void)object;
    ++*(int *)arg;
    return true;
}

FAULT_TEST(a_typed_table)
{
    struct account account = { .balance = 5 };
    int64_t amount = 7;
    int n = 0;

    arm();
    tr_term table = tr_ets_new_typed(a_t, sizeof account, NULL);
    tr_ets_put_value(table, "ann", &account);
    tr_ets_put_value(table, 2, &account);
    CHECK(tr_ets_update_value(table, "ann", deposit, &amount));
    CHECK(tr_ets_get_value(table, &account, "ann"));
    CHECK_INT(account.balance, 12);
    CHECK(tr_ets_foldl(table, count_object, &n));
    CHECK_INT(n, 2);
    return true;
}

FAULT_TEST(deep_keys_in_a_typed_table)
{
    struct account account = { .balance = 5 };
    int64_t amount = 7;
    tr_term one = deep(1);
    tr_term table = tr_ets_new_typed(a_t, sizeof account, NULL);

    arm();
    tr_ets_put_value(table, one, &account);
    CHECK(tr_ets_update_value(table, one, deposit, &amount));
    CHECK(tr_ets_get_value(table, &account, one));
    CHECK_INT(account.balance, 12);
    return true;
}

/* --- whole tables --- */

FAULT_TEST(what_is_done_with_tables)
{
    tr_term table = table_of(TR_ETS_SET);
    tr_term named = tr_ets_new(a_key, &(struct tr_ets_opts){ .named = true });
    size_t n;

    arm();
    tr_ets_safe_fixtable(table, true);
    tr_ets_safe_fixtable(table, false);
    CHECK(tr_list_length(tr_ets_all(), &n) && n >= 2);
    CHECK(tr_is_list(tr_ets_info(table)));
    tr_ets_rename(named, a_size);
    tr_ets_set_heir(table, peer, "an heir's data", 1);
    tr_ets_give_away(table, peer, "a gift");
    return true;
}

FAULT_TEST(an_heir_who_cannot_be_told)
{
    tr_ets_new(a_t, &(struct tr_ets_opts){ .heir = peer, .heir_data = tr_build("data") });
    arm();
    return true;
}
