/* SPDX-License-Identifier: MIT */
/* Tables: making them, reading, writing. */
#include "ets_test.h"

tr_atoms(u, v, a, b, c, x, key, size, type, protection, owner, keypos, name, named_table, heir,
         fixed, none, set, protected, undefined, memory, bag);
tr_atom_as(a_end, "$end_of_table");

TEST_PROC(table_without_options_is_a_protected_set)
{
    FACT("ETS-001",
         "a table without options is a protected set, unnamed, with key position 1, owned "
         "by its maker, without an heir");
    tr_term table = tr_ets_new(a_t, NULL);

    CHECK(tr_is_ref(table));
    CHECK_TERM(tr_ets_info_of(table, a_type), tr_build(a_set));
    CHECK_TERM(tr_ets_info_of(table, a_protection), tr_build(a_protected));
    CHECK_TERM(tr_ets_info_of(table, a_named_table), tr_build((bool)false));
    CHECK_TERM(tr_ets_info_of(table, a_keypos), tr_build(1));
    CHECK_TERM(tr_ets_info_of(table, a_owner), tr_build(tr_self()));
    CHECK_TERM(tr_ets_info_of(table, a_heir), tr_build(a_none));
}

static void lookup_t(void *arg)
{
    (void)arg;
    tr_ets_lookup(a_t, 1);
}

TEST_PROC(name_of_a_named_table_stands_for_it)
{
    FACT("ETS-002",
         "an unnamed table has a handle of its own, and its name is no handle; that of a "
         "named table is");
    FACT("ETS-003", "a name that is taken is badarg, and the table there stays");
    FACT("ETS-007", "the handle of a named table can be looked up, and stays when it is renamed");
    tr_term one = tr_ets_new(a_t, NULL), two = tr_ets_new(a_t, NULL), ref;
    struct tr_ets_opts named = { .named = true };

    CHECK(!tr_equal(one, two));
    CHECK_IS_BADARG(lookup_t, NULL);
    CHECK_TERM(tr_ets_new(a_t, &named), tr_build(a_t));
    CHECK(tr_ets_insert_new(a_t, 1, a_x));
    CHECK_TERM(tr_ets_lookup(a_t, 1), parse("[{1,x}]"));
    CHECK_INT(tr_ets_try_new(&one, a_t, &named), TR_EEXIST);
    CHECK_TERM(tr_ets_lookup(a_t, 1), parse("[{1,x}]"));
    CHECK(tr_ets_whereis(a_t, &ref));
    CHECK(!tr_ets_whereis(a_u, &ref));
    CHECK_TERM(tr_ets_rename(a_t, a_u), tr_build(a_u));
    CHECK_TERM(tr_ets_lookup(ref, 1), parse("[{1,x}]"));
    CHECK_TERM(tr_ets_lookup(a_u, 1), parse("[{1,x}]"));
    CHECK_IS_BADARG(lookup_t, NULL);
}

static void rename_to_u(void *arg)
{
    tr_ets_rename(*(tr_term *)arg, a_u);
}

TEST_PROC(renaming_frees_the_old_name)
{
    FACT("ETS-008",
         "renaming frees the old name; of an unnamed table it changes the informative name; "
         "to a name that is taken it is badarg");
    struct tr_ets_opts named = { .named = true };
    tr_term one = tr_ets_new(a_t, &named), two = tr_ets_new(a_v, NULL), three;

    CHECK_TERM(tr_ets_rename(two, a_x), two);
    CHECK_TERM(tr_ets_info_of(two, a_name), tr_build(a_x));
    tr_ets_rename(one, a_u);
    three = tr_ets_new(a_t, &named);
    CHECK_IS_BADARG(rename_to_u, &three);
    CHECK_TERM(tr_ets_info_of(three, a_name), tr_build(a_t));
}

TEST_PROC(options_out_of_range_make_nothing)
{
    FACT("ETS-004", "ill-formed options make nothing");
    FACT("ETS-045", "options of concurrency change no results");
    size_t before, after;
    tr_term table;

    CHECK(tr_list_length(tr_ets_all(), &before));
    CHECK_INT(tr_ets_try_new(&table, a_t, &(struct tr_ets_opts){ .type = 4 }), TR_EINVAL);
    CHECK_INT(tr_ets_try_new(&table, a_t, &(struct tr_ets_opts){ .access = 3 }), TR_EINVAL);
    CHECK_INT(tr_ets_try_new(&table, a_t, &(struct tr_ets_opts){ .keypos = UINT32_MAX }),
              TR_EINVAL);
    CHECK_INT(tr_ets_try_new(&table, a_undefined, &(struct tr_ets_opts){ .named = true }),
              TR_EINVAL);
    CHECK(tr_list_length(tr_ets_all(), &after));
    CHECK_INT(before, after);
    table = tr_ets_new(a_t, &(struct tr_ets_opts){ .read_concurrency = true,
                                                   .write_concurrency = true,
                                                   .decentralized_counters = true });
    tr_ets_insert(table, 1, 2);
    CHECK_TERM(tr_ets_lookup(table, 1), parse("[{1,2}]"));
    CHECK_TERM(tr_ets_info_of(table, tr_intern("write_concurrency")), tr_build((bool)true));
}

static void first_of(void *arg)
{
    tr_ets_first(*(tr_term *)arg);
}

TEST_PROC(deleted_table_is_gone)
{
    FACT("ETS-005", "operations on a deleted table are badarg, information is undefined");
    FACT("ETS-006", "deleting needs the right to write");
    FACT("ETS-010", "the list of tables has each table once");
    for (int i = 0; i < 4; i++) {
        tr_term table = table_of(all_types[i]), list = tr_ets_all(), item;
        int found = 0;
        while (tr_list_next(&list, &item))
            found += tr_equal(item, table);
        CHECK_INT(found, 1);
        tr_ets_insert(table, 1, 2);
        tr_ets_delete_table(table);
        CHECK_IS_BADARG(insert_into, &table);
        CHECK_IS_BADARG(first_of, &table);
        CHECK_TERM(tr_ets_info(table), tr_build(a_undefined));
        CHECK_TERM(tr_ets_info_of(table, a_size), tr_build(a_undefined));
    }
}

TEST_PROC(information_is_right)
{
    FACT("ETS-009",
         "information includes type, protection, owner, key position, size, name, heir and "
         "whether it is fixed");
    tr_term table = table_of(TR_ETS_BAG);

    tr_ets_insert(table, 1, 2);
    tr_ets_insert(table, 1, 3);
    CHECK_TERM(tr_ets_info_of(table, a_size), tr_build(2));
    CHECK_TERM(tr_ets_info_of(table, a_type), tr_build(a_bag));
    CHECK_TERM(tr_ets_info_of(table, a_fixed), tr_build((bool)false));
    tr_ets_safe_fixtable(table, true);
    CHECK_TERM(tr_ets_info_of(table, a_fixed), tr_build((bool)true));
    tr_ets_safe_fixtable(table, false);
    CHECK_TERM(tr_ets_info_of(table, a_fixed), tr_build((bool)false));
    CHECK(tr_is_list(tr_ets_info(table)));
}

TEST_PROC(a_set_has_one_object_for_a_key)
{
    FACT("ETS-011", "in a set and an ordered_set another object of a key replaces the one there");
    FACT("ETS-017", "the lookup of an absent key is the empty list");
    for (int i = 0; i < 2; i++) {
        tr_term table = table_of(all_types[i]), object = { 0 };
        CHECK_TERM(tr_ets_lookup(table, a_key), tr_nil());
        CHECK(!tr_ets_member(table, a_key));
        tr_ets_insert(table, a_key, 1);
        tr_ets_insert(table, a_key, 2);
        CHECK_TERM(tr_ets_lookup(table, a_key), parse("[{key,2}]"));
        tr_ets_insert(table, a_key, "text", 7);
        CHECK_TERM(tr_ets_lookup(table, a_key), tr_build(tr_list(tr_tuple(a_key, "text", 7))));
        tr_ets_insert(table, a_key, 3);
        CHECK(tr_ets_get(table, &object, a_key));
        CHECK_TERM(object, parse("{key,3}"));
        CHECK(tr_ets_member(table, a_key));
        CHECK_TERM(tr_ets_info_of(table, a_size), tr_build(1));
        tr_ets_insert(table, tr_tuple(1, "boxed key"), 3);
        CHECK_TERM(tr_ets_lookup(table, tr_tuple(1, "boxed key")),
                   tr_build(tr_list(tr_tuple(tr_tuple(1, "boxed key"), 3))));
        tr_ets_delete(table, a_key);
        CHECK(!tr_ets_member(table, a_key));
    }
}

TEST_PROC(a_bag_keeps_what_differs)
{
    FACT("ETS-012", "a bag keeps no two equal objects, a duplicate_bag does");
    for (int i = 2; i < 4; i++) {
        tr_term table = table_of(all_types[i]);
        bool bag = all_types[i] == TR_ETS_BAG;
        tr_ets_insert(table, a_key, 1);
        tr_ets_insert(table, a_key, 2);
        tr_ets_insert(table, a_key, 1);
        CHECK_TERM(tr_ets_lookup(table, a_key),
                   parse(bag ? "[{key,1},{key,2}]" : "[{key,1},{key,2},{key,1}]"));
        tr_ets_delete_object(table, a_key, 1);
        CHECK_TERM(tr_ets_lookup(table, a_key), parse("[{key,2}]"));
        CHECK_TERM(tr_ets_info_of(table, a_size), tr_build(1));
        tr_ets_insert(table, a_key, 5);
        CHECK_TERM(tr_ets_take(table, a_key), parse("[{key,2},{key,5}]"));
        CHECK_TERM(tr_ets_info_of(table, a_size), tr_build(0));
    }
}

TEST_PROC(one_and_one_point_zero)
{
    FACT("ETS-013", "1 and 1.0 are two keys, but in an ordered_set one");
    for (int i = 0; i < 4; i++) {
        tr_term table = table_of(all_types[i]);
        tr_ets_insert(table, 1, a_x);
        tr_ets_insert(table, 1.0, a_u);
        bool one = all_types[i] == TR_ETS_ORDERED_SET;
        CHECK_TERM(tr_ets_info_of(table, a_size), tr_build(one ? 1 : 2));
        CHECK_TERM(tr_ets_lookup(table, 1), parse(one ? "[{1.0,u}]" : "[{1,x}]"));
    }
}

static void insert_term(void *arg)
{
    tr_term *args = arg;

    tr_ets_insert(args[0], args[1]);
}

TEST_PROC(an_object_is_a_tuple_with_a_key)
{
    FACT("ETS-014", "an object is a tuple with at least as many elements as the key position");
    FACT("ETS-016", "nothing of a list is inserted when one element is no object");
    const char *bad[] = { "{1}", "x", "17", "[{1,2},{3}]", "[{1,2}|x]", "[x]", "{}" };

    for (int i = 0; i < 4; i++) {
        tr_term args[2] = { tr_ets_new(
            a_t, &(struct tr_ets_opts){ .type = all_types[i], .keypos = 2 }) };
        for (size_t j = 0; j < sizeof bad / sizeof *bad; j++) {
            args[1] = parse(bad[j]);
            CHECK_IS_BADARG(insert_term, args);
        }
        CHECK_TERM(tr_ets_info_of(args[0], a_size), tr_build(0));
        tr_ets_insert(args[0], parse("{1,2}"));
        CHECK_TERM(tr_ets_lookup(args[0], 2), parse("[{1,2}]"));
        tr_ets_insert(args[0], tr_nil());
        CHECK_TERM(tr_ets_info_of(args[0], a_size), tr_build(1));
    }
}

TEST_PROC(ordered_set_is_in_order)
{
    FACT("ETS-015", "an ordered_set is walked in the order of terms");
    FACT("ETS-033", "first and next walk all keys, last and prev backwards, to $end_of_table");
    const char *order = "[1,2.5,3,abc,{},{1},{1,2},#{a=>1},[],[1],<<\"bin\">>]";
    tr_term table = table_of(TR_ETS_ORDERED_SET), all = parse(order), item, list;

    CHECK_TERM(tr_ets_first(table), tr_build(a_end));
    CHECK_TERM(tr_ets_last(table), tr_build(a_end));
    for (list = tr_list_reverse(all); tr_list_next(&list, &item);)
        tr_ets_insert(table, item, a_x);
    list = all;
    for (tr_term k = tr_ets_first(table); !tr_equal(k, tr_build(a_end));
         k = tr_ets_next(table, k)) {
        CHECK(tr_list_next(&list, &item));
        CHECK_TERM(k, item);
    }
    CHECK(tr_is_nil(list));
    list = tr_list_reverse(all);
    for (tr_term k = tr_ets_last(table); !tr_equal(k, tr_build(a_end)); k = tr_ets_prev(table, k)) {
        CHECK(tr_list_next(&list, &item));
        CHECK_TERM(k, item);
    }
    CHECK(tr_is_nil(list));
    CHECK_TERM(tr_ets_next(table, 2), tr_build(2.5));
    CHECK_TERM(tr_ets_prev(table, 2), tr_build(1));
    CHECK_TERM(tr_ets_first_lookup(table), parse("{1,[{1,x}]}"));
    CHECK_TERM(tr_ets_next_lookup(table, 1), parse("{2.5,[{2.5,x}]}"));
}

/* Random changes, and a plain array that says what must be there. */
static void compare_with_model(enum tr_ets_type type, int keys, int rounds)
{
    tr_term table = table_of(type);
    int *model = tr_alloc((size_t)keys * sizeof *model);
    uint64_t seed = 88172645463325252u;
    int64_t value, size = 0;

    for (int i = 0; i < rounds; i++) {
        tr_scope
        {
            seed ^= seed << 13, seed ^= seed >> 7, seed ^= seed << 17;
            int k = (int)(seed >> 33) % keys;
            bool boxed = k % 3 == 0;
            tr_term key = boxed ? tr_build(k, "key") : tr_build(k);
            tr_term object;
            switch (seed % 4) {
            case 0:
            case 1:
                size += model[k] == 0;
                model[k] = i + 1;
                if (i % 2)
                    tr_ets_insert(table, key, i + 1);
                else
                    tr_ets_insert(table, key, i + 1, "more");
                break;
            case 2:
                size -= model[k] != 0;
                model[k] = 0;
                tr_ets_delete(table, key);
                break;
            default:
                CHECK_INT(tr_ets_get(table, &object, key), model[k] != 0);
                if (model[k])
                    CHECK(tr_match(tr_element(object, 1), &value) && value == model[k]);
            }
        }
    }
    CHECK_TERM(tr_ets_info_of(table, a_size), tr_build(size));
    size_t n = 0;
    for (tr_term k = tr_ets_first(table); !tr_equal(k, tr_build(a_end)); k = tr_ets_next(table, k))
        n++;
    CHECK_INT(n, size);
    CHECK(tr_list_length(tr_ets_tab2list(table), &n));
    CHECK_INT(n, size);
    for (int k = 0; k < keys; k++)
        tr_ets_delete(table, k % 3 == 0 ? tr_build(k, "key") : tr_build(k));
    CHECK_TERM(tr_ets_info_of(table, a_size), tr_build(0));
    CHECK_TERM(tr_ets_first(table), tr_build(a_end));
}

TEST_PROC(set_agrees_with_a_model)
{
    compare_with_model(TR_ETS_SET, 10, check_rounds(20000));
    compare_with_model(TR_ETS_SET, 5000, check_rounds(50000));
}

TEST_PROC(ordered_set_agrees_with_a_model)
{
    compare_with_model(TR_ETS_ORDERED_SET, 10, check_rounds(20000));
    compare_with_model(TR_ETS_ORDERED_SET, 5000, check_rounds(50000));
}

TEST_PROC(many_keys_in_order_and_back)
{
    FACT("ETS-037", "a list of a table has all its objects, as many as its size");
    for (int i = 0; i < 4; i++) {
        tr_term table = table_of(all_types[i]);
        int n = check_rounds(20000);
        size_t length;
        for (int k = 0; k < n; k++)
            tr_ets_insert(table, k, k, k);
        tr_scope
        {
            CHECK(tr_list_length(tr_ets_tab2list(table), &length));
            CHECK_INT(length, n);
        }
        CHECK_TERM(tr_ets_info_of(table, a_size), tr_build(n));
        for (int k = 0; k < n; k += 2)
            tr_ets_delete(table, k);
        for (int k = 0; k < n; k++)
            CHECK_INT(tr_ets_member(table, k), k % 2);
        for (int k = n - 1; k >= 0; k--)
            tr_ets_delete(table, k);
        CHECK_TERM(tr_ets_info_of(table, a_size), tr_build(0));
    }
}

static void element_out_of_range(void *arg)
{
    tr_ets_lookup_element(*(tr_term *)arg, a_key, 4);
}

static void element_of_absent(void *arg)
{
    tr_ets_lookup_element(*(tr_term *)arg, a_x, 2);
}

TEST_PROC(lookup_element_gives_one_element)
{
    FACT("ETS-018",
         "lookup_element gives the element, a list of them in bags; badarg for an absent "
         "key without a default, or a position outside");
    for (int i = 0; i < 4; i++) {
        tr_term table = table_of(all_types[i]);
        bool bag = all_types[i] >= TR_ETS_BAG;
        tr_ets_insert(table, a_key, 1, "two");
        CHECK_TERM(tr_ets_lookup_element(table, a_key, 3),
                   bag ? tr_build(tr_list("two")) : tr_build("two"));
        CHECK_TERM(tr_ets_lookup_element(table, a_key, 2), parse(bag ? "[1]" : "1"));
        CHECK_TERM(tr_ets_lookup_element_or(table, a_x, 2, a_none), tr_build(a_none));
        CHECK_IS_BADARG(element_out_of_range, &table);
        CHECK_IS_BADARG(element_of_absent, &table);
    }
}

TEST_PROC(lists_go_in_as_one)
{
    FACT("ETS-016", "a list of objects is inserted as one step");
    for (int i = 0; i < 4; i++) {
        tr_term table = table_of(all_types[i]);
        tr_ets_insert(table, parse("[{a,1},{b,2},{a,3},{c,x,<<\"long\">>}]"));
        CHECK_TERM(tr_ets_lookup(table, a_a),
                   parse(all_types[i] >= TR_ETS_BAG ? "[{a,1},{a,3}]" : "[{a,3}]"));
        CHECK(!tr_ets_insert_new(table, parse("[{x,1},{b,7}]")));
        CHECK(!tr_ets_member(table, a_x));
        CHECK_TERM(tr_ets_lookup(table, a_b), parse("[{b,2}]"));
        CHECK(tr_ets_insert_new(table, parse("[{x,1},{u,7}]")));
        CHECK(!tr_ets_insert_new(table, a_b, 9));
        CHECK_TERM(tr_ets_lookup(table, a_b), parse("[{b,2}]"));
        CHECK_TERM(tr_ets_info_of(table, a_size), tr_build(all_types[i] >= TR_ETS_BAG ? 6 : 5));
        tr_ets_insert(table, parse("[{b,4},{c,5}]"));
        CHECK_TERM(tr_ets_lookup_element(table, a_c, 2),
                   parse(all_types[i] >= TR_ETS_BAG ? "[x,5]" : "5"));
    }
}

TEST_PROC(take_and_delete_all)
{
    FACT("ETS-019", "delete_all_objects empties the table");
    FACT("ETS-020", "take returns the objects of a key and removes them");
    for (int i = 0; i < 4; i++) {
        tr_term table = table_of(all_types[i]);
        tr_ets_insert(table, a_a, "boxed");
        tr_ets_insert(table, a_b, 2);
        CHECK_TERM(tr_ets_take(table, a_a), tr_build(tr_list(tr_tuple(a_a, "boxed"))));
        CHECK_TERM(tr_ets_take(table, a_a), tr_nil());
        CHECK_TERM(tr_ets_take(table, a_b), parse("[{b,2}]"));
        for (int k = 0; k < 1000; k++)
            tr_ets_insert(table, k, k);
        tr_ets_delete_all_objects(table);
        CHECK_TERM(tr_ets_info_of(table, a_size), tr_build(0));
        CHECK_TERM(tr_ets_tab2list(table), tr_nil());
        tr_ets_insert(table, a_a, 1);
        CHECK_TERM(tr_ets_tab2list(table), parse("[{a,1}]"));
    }
}

TEST_PROC(what_is_stored_is_a_copy)
{
    FACT("ETS-046", "objects are copies, and what was looked up stays after its deletion");
    static char bytes[1000];
    tr_term table = table_of(TR_ETS_SET), object;

    memset(bytes, 'x', sizeof bytes);
    tr_scope
    {
        tr_ets_insert(table, a_key, tr_binary(bytes, sizeof bytes), tr_list("a", "b"));
    }
    CHECK(tr_ets_get(table, &object, a_key));
    tr_ets_delete(table, a_key);
    for (int i = 0; i < 10000; i++)
        tr_ets_insert(table, i, "noise");
    CHECK_TERM(object, tr_build(a_key, tr_binary(bytes, sizeof bytes), tr_list("a", "b")));
}

TEST_PROC(a_table_shrinks)
{
    FACT("ETS-048", "a table that was large and is empty takes about as little as before");
    for (int i = 0; i < 2; i++) {
        tr_term table = table_of(all_types[i]);
        int64_t before, after;
        CHECK(tr_match(tr_ets_info_of(table, a_memory), &before));
        for (int k = 0; k < 20000; k++)
            tr_ets_insert(table, k, k, k);
        for (int k = 0; k < 20000; k++)
            tr_ets_delete(table, k);
        CHECK(tr_match(tr_ets_info_of(table, a_memory), &after));
        CHECK(after < before + 20000);
    }
}
