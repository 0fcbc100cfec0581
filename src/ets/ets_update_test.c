/* SPDX-License-Identifier: MIT */
/* Tables: changes of an object where it stands, and values that are structs. */
#include "ets_test.h"

tr_atoms(u, x, key, size);
tr_atom_as(a_any, "_");

struct update_case {
    tr_term table;
    const char *ops;
};

static void update_element_badly(void *arg)
{
    struct update_case *c = arg;

    tr_ets_update_element(c->table, a_key, parse(c->ops));
}

static void update_counter_badly(void *arg)
{
    struct update_case *c = arg;

    tr_ets_update_counter(c->table, a_key, parse(c->ops));
}

TEST_PROC(update_element_changes_positions)
{
    FACT("ETS-021",
         "update_element changes one or several positions; false when the key is absent, "
         "badarg for the key's position or one outside");
    const char *bad[] = { "{1,x}", "{4,x}", "{0,x}", "[{2,1},{1,x}]", "x", "{2,3,4}" };

    for (int i = 0; i < 2; i++) {
        struct update_case c = { .table = table_of(all_types[i]) };
        CHECK(!tr_ets_update_element(c.table, a_key, 2, 1));
        tr_ets_insert(c.table, a_key, 1, 2);
        CHECK(tr_ets_update_element(c.table, a_key, 2, "new"));
        CHECK_TERM(tr_ets_lookup(c.table, a_key), tr_build(tr_list(tr_tuple(a_key, "new", 2))));
        CHECK(tr_ets_update_element(c.table, a_key, parse("[{2,a},{3,b}]")));
        CHECK_TERM(tr_ets_lookup(c.table, a_key), parse("[{key,a,b}]"));
        for (size_t j = 0; j < sizeof bad / sizeof *bad; j++) {
            c.ops = bad[j];
            CHECK_IS_BADARG(update_element_badly, &c);
        }
        CHECK_TERM(tr_ets_lookup(c.table, a_key), parse("[{key,a,b}]"));
    }
}

TEST_PROC(update_counter_counts)
{
    FACT("ETS-022",
         "update_counter adds to an integer of any size; a list of operations gives a list");
    FACT("ETS-023", "beyond a threshold the given value is stored");
    FACT("ETS-024", "with a default the object is inserted first");
    FACT("ETS-025", "in an ordered_set the stored key is kept");
    const char *bad[] = { "x", "{1,1}", "{3,1}", "{5,1}", "{2,x}", "{2,1,2}", "[{2,1},{3,1}]" };

    for (int i = 0; i < 2; i++) {
        struct update_case c = { .table = table_of(all_types[i]) };
        tr_ets_insert(c.table, a_key, 1);
        CHECK_TERM(tr_ets_update_counter(c.table, a_key, 5), tr_build(6));
        CHECK_TERM(tr_ets_update_counter(c.table, a_key, parse("{2,-10}")), tr_build(-4));
        CHECK_TERM(tr_ets_update_counter(c.table, a_key, parse("{2,10,5,0}")), tr_build(0));
        CHECK_TERM(tr_ets_update_counter(c.table, a_key, parse("{2,-1,-1,9}")), tr_build(-1));
        CHECK_TERM(tr_ets_update_counter(c.table, a_key, parse("{2,-1,-1,9}")), tr_build(9));
        CHECK_TERM(tr_ets_update_counter(c.table, a_key, parse("[{2,1},{2,1}]")), parse("[10,11]"));
        CHECK_TERM(tr_ets_update_counter(c.table, a_key, tr_nil()), tr_nil());
        CHECK_TERM(tr_ets_update_counter(c.table, a_key, parse("{2,100000000000000000000000}")),
                   parse("100000000000000000000011"));
        CHECK_TERM(tr_ets_update_counter(c.table, a_key, parse("{2,-100000000000000000000012}")),
                   parse("-1"));
        CHECK_TERM(tr_ets_update_counter(c.table, a_key, parse("{2,1152921504606846976}")),
                   parse("1152921504606846975"));
        CHECK_TERM(tr_ets_update_counter(c.table, a_key, 1), parse("1152921504606846976"));
        tr_ets_insert(c.table, a_key, 1, a_x);
        for (size_t j = 0; j < sizeof bad / sizeof *bad; j++) {
            c.ops = bad[j];
            CHECK_IS_BADARG(update_counter_badly, &c);
        }
        CHECK_TERM(tr_ets_lookup(c.table, a_key), parse("[{key,1,x}]"));
        CHECK_TERM(tr_ets_update_counter_or(c.table, a_u, 2, a_any, 40), tr_build(42));
        CHECK_TERM(tr_ets_lookup(c.table, a_u), parse("[{u,42}]"));
        CHECK_TERM(tr_ets_update_counter_or(c.table, a_u, 2, a_any, 40), tr_build(44));
    }
    tr_term table = table_of(TR_ETS_ORDERED_SET);
    tr_ets_insert(table, 1.0, 5);
    CHECK_TERM(tr_ets_update_counter(table, 1, 1), tr_build(6));
    CHECK_TERM(tr_ets_lookup(table, 1), parse("[{1.0,6}]"));
}

TEST_PROC(bags_are_not_updated)
{
    FACT("ETS-026", "update_counter and update_element on bags are badarg");
    for (int i = 2; i < 4; i++) {
        struct update_case c = { table_of(all_types[i]), "{2,1}" };
        tr_ets_insert(c.table, a_key, 1);
        CHECK_IS_BADARG(update_element_badly, &c);
        CHECK_IS_BADARG(update_counter_badly, &c);
    }
}

struct account {
    int64_t balance;
    char currency[8];
};

static void deposit(void *value, void *arg)
{
    ((struct account *)value)->balance += *(int64_t *)arg;
}

static void deposit_often(tr_term arg)
{
    int64_t one = 1;

    for (int i = 0; i < 100; i++) {
        CHECK(tr_ets_update_value(arg, a_key, deposit, &one));
        tr_yield();
    }
}

static void put_into(void *arg)
{
    tr_ets_put_value(*(tr_term *)arg, 1, arg);
}

TEST_PROC(values_are_structs)
{
    for (int i = 0; i < 2; i++) {
        tr_term table = tr_ets_new_typed(
            a_t, sizeof(struct account),
            &(struct tr_ets_opts){ .type = all_types[i], .access = TR_ETS_PUBLIC });
        struct account account = { 100, "EUR" }, got = { 0 };
        int64_t one = 1;
        tr_ref refs[4];

        CHECK(!tr_ets_get_value(table, &got, a_key));
        CHECK(!tr_ets_update_value(table, a_key, deposit, &one));
        tr_ets_put_value(table, a_key, &account);
        for (int j = 0; j < 4; j++)
            tr_spawn_monitor(deposit_often, &refs[j], table);
        for (int j = 0; j < 4; j++)
            CHECK_TERM(DOWN_REASON(refs[j]), tr_build(tr_intern("normal")));
        CHECK(tr_ets_get_value(table, &got, a_key));
        CHECK_INT(got.balance, 500);
        CHECK_STR(got.currency, "EUR");
        tr_ets_put_value(table, tr_tuple(1, "boxed"), &account);
        CHECK(tr_ets_get_value(table, &got, tr_tuple(1, "boxed")));
        CHECK_INT(got.balance, 100);
        CHECK_TERM(tr_ets_info_of(table, a_size), tr_build(2));
        CHECK_IS_BADARG(insert_into, &table);
        tr_term plain = table_of(TR_ETS_SET);
        CHECK_IS_BADARG(put_into, &plain);
    }
}
