/* SPDX-License-Identifier: MIT */
/* Tables that grow, shrink, end and are read all the time. */

#include "load.h"

tr_atoms(table, pair, count, size);

enum { KEYS = 300, ACTORS = 8 };

struct work {
    tr_term table;
    tr_pid boss;
    int64_t end;
    uint64_t seed;
};

static void read_work(tr_term arg, struct work *w)
{
    CHECK(tr_match(arg, &w->boss, &w->table, &w->seed, &w->end));
}

/* Every object carries its key twice and one number in three places. */
static void check_object(tr_term object, int64_t key)
{
    int64_t k, x, y, z;
    const char *text;

    if (tr_match(object, &k, &x)) {
        CHECK_INT(k, key);
        return;
    }
    CHECK(tr_match(object, &k, &x, &text, tr_list(&y, &z)));
    CHECK_INT(k, key);
    CHECK(x == y && y == z);
    CHECK_STR(text, "some text that takes a place of its own");
}

static void change_and_look(tr_term arg)
{
    struct work w;
    tr_term object, list;

    read_work(arg, &w);
    while (check_now_ms() < w.end) {
        tr_scope
        {
            for (int i = 0; i < 50; i++) {
                int64_t k = load_below(&w.seed, KEYS), n = (int64_t)(w.seed & 0xffff);
                switch (load_below(&w.seed, 12)) {
                case 0:
                    tr_ets_insert(w.table, k, n);
                    break;
                case 1:
                    tr_ets_insert(w.table, k, n, "some text that takes a place of its own",
                                  tr_list(n, n));
                    break;
                case 2:
                    tr_ets_delete(w.table, k);
                    break;
                case 3:
                    list = tr_ets_take(w.table, k);
                    while (tr_list_next(&list, &object))
                        check_object(object, k);
                    break;
                case 4:
                    object = tr_ets_next(w.table, k);
                    break;
                case 5:
                    if (load_below(&w.seed, 50) == 0)
                        tr_ets_delete_all_objects(w.table);
                    break;
                default:
                    list = tr_ets_lookup(w.table, k);
                    while (tr_list_next(&list, &object))
                        check_object(object, k);
                }
            }
        }
    }
    tr_send(w.boss, a_done);
}

static void run_actors(tr_process_fn fn, tr_term table, int64_t end)
{
    for (int i = 0; i < ACTORS; i++)
        tr_spawn(fn, tr_self(), table, (uint64_t)i + 77, end);
    for (int i = 0; i < ACTORS; i++) {
        tr_receive (m) {
            tr_on (m, a_done) {
            }
            tr_after (m, end - check_now_ms() + patience(15000))
                CHECK(false);
        }
    }
}

static void stress_type(enum tr_ets_type type)
{
    tr_term table = tr_ets_new(
        a_table, &(struct tr_ets_opts){ .type = (enum tr_ets_type)type, .access = TR_ETS_PUBLIC });
    size_t n;
    int64_t size;

    run_actors(change_and_look, table, load_end_ms());
    CHECK(tr_list_length(tr_ets_tab2list(table), &n));
    CHECK(tr_match(tr_ets_info_of(table, a_size), &size));
    CHECK_INT(n, size);
}

TEST_PROC_REAL(stress_set_is_whole_for_all)
{
    FACT("ETS-044", "nobody sees half an object, whatever others do");
    stress_type(TR_ETS_SET);
}

TEST_PROC_REAL(stress_ordered_set_is_whole_for_all)
{
    stress_type(TR_ETS_ORDERED_SET);
}

TEST_PROC_REAL(stress_bag_is_whole_for_all)
{
    stress_type(TR_ETS_BAG);
}

TEST_PROC_REAL(stress_duplicate_bag_is_whole_for_all)
{
    stress_type(TR_ETS_DUPLICATE_BAG);
}

/* Two keys always get the same number by one insertion; who reads the one and then the other sees
   the second at least as new. */
static void insert_pairs(tr_term arg)
{
    struct work w;

    read_work(arg, &w);
    for (int64_t i = 0; check_now_ms() < w.end; i++)
        tr_scope
        {
            if (w.seed == 77) {
                tr_ets_insert(w.table, tr_build(tr_list(tr_tuple(1, i), tr_tuple(2, i),
                                                        tr_tuple(3, i, "x"))));
                continue;
            }
            int64_t before = 0, after = 0;
            tr_term object;
            if (tr_ets_get(w.table, &object, 1))
                CHECK(tr_match(tr_element(object, 1), &before));
            CHECK(before == 0 || tr_ets_get(w.table, &object, 3));
            if (before)
                CHECK(tr_match(tr_element(object, 1), &after) && after >= before);
        }
    tr_send(w.boss, a_done);
}

TEST_PROC_REAL(stress_a_list_appears_at_once)
{
    FACT("ETS-016", "nobody sees a part of a list that is inserted");
    for (int type = TR_ETS_SET; type <= TR_ETS_ORDERED_SET; type++)
        run_actors(insert_pairs,
                   tr_ets_new(a_table, &(struct tr_ets_opts){ .type = (enum tr_ets_type)type,
                                                              .access = TR_ETS_PUBLIC }),
                   load_end_ms());
}

static void count_up(tr_term arg)
{
    struct work w;
    int64_t n = 0;

    read_work(arg, &w);
    for (; check_now_ms() < w.end; n++)
        tr_ets_update_counter_or(w.table, load_below(&w.seed, 4), 1, 0, 0);
    tr_ets_update_counter_or(w.table, a_count, n, 0, 0);
    tr_send(w.boss, a_done);
}

TEST_PROC_REAL(stress_no_count_is_lost)
{
    for (int type = TR_ETS_SET; type <= TR_ETS_ORDERED_SET; type++) {
        tr_term table = tr_ets_new(a_table, &(struct tr_ets_opts){ .type = (enum tr_ets_type)type,
                                                                   .access = TR_ETS_PUBLIC });
        int64_t sum = 0, n, all;
        run_actors(count_up, table, load_end_ms());
        for (int k = 0; k < 4; k++) {
            CHECK(tr_match(tr_ets_lookup_element(table, k, 2), &n));
            sum += n;
        }
        CHECK(tr_match(tr_ets_lookup_element(table, a_count, 2), &all));
        CHECK_INT(sum, all);
    }
}

/* Makes a table and ends, in one way or another. */
static void make_and_end(tr_term arg)
{
    struct work w;
    tr_pid heir;

    CHECK(tr_match(arg, &heir, &w.seed));
    tr_term table = tr_ets_new(
        a_table, &(struct tr_ets_opts){ .access = TR_ETS_PUBLIC,

                                        .heir = load_below(&w.seed, 2) ? heir : (tr_pid){ 0 } });
    for (int i = 0; i < load_below(&w.seed, 1000); i++)
        tr_ets_insert(table, i, "object");
    if (load_below(&w.seed, 3) == 0)
        tr_exit_to(tr_self(), tr_intern("kill"));
}

static void inherit(tr_term arg)
{
    struct work w;
    tr_term table;

    read_work(arg, &w);
    while (check_now_ms() < w.end) {
        tr_spawn(make_and_end, tr_self(), load_random(&w.seed));
        tr_receive (m) {
            tr_on (m, tr_intern("ETS-TRANSFER"), &table, tr_any(), tr_any())
                tr_ets_delete_table(table);
            tr_after (m, 1) {
            }
        }
    }
    tr_send(w.boss, a_done);
}

TEST_PROC_REAL(stress_tables_of_the_dead_are_gone)
{
    size_t before, after;
    int64_t processes = tr_process_count();

    CHECK(tr_list_length(tr_ets_all(), &before));
    run_actors(inherit, tr_nil(), load_end_ms());
    CHECK_PROCESS_COUNT(processes);
    CHECK(tr_list_length(tr_ets_all(), &after));
    CHECK_INT(after, before);
}
