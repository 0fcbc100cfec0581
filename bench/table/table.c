/* SPDX-License-Identifier: MIT */
/*
 * A shared table of 1,000,000 keys: two processes, 95 % lookups and 5 % inserts, in random order:
 * `table SIZE [ordered]`, a set or an ordered_set.
 */
#include "bench.h"

tr_atoms(table, done);

enum { KEYS = 1000000, PROCESSES = 2, INSERTS = 5, AT_ONCE = 100 };

static int64_t operations_each;
static enum tr_ets_type type = TR_ETS_SET;

static int64_t next_random(int64_t x)
{
    return x * 48271 % 2147483647;
}

static void work(tr_term arg)
{
    tr_pid boss;
    tr_ref table;
    int64_t x, sum = 0;

    tr_match(arg, &boss, &table, &x);
    for (int64_t i = 0; i < operations_each; i += AT_ONCE) {
        tr_scope
        {
            for (int j = 0; j < AT_ONCE; j++) {
                tr_term object;
                int64_t key, value = 0;

                x = next_random(x);
                key = x * KEYS >> 31;
                if (x % 100 < INSERTS)
                    tr_ets_insert(table, key, i);
                else if (tr_ets_get(table, &object, key) && tr_match(object, key, &value))
                    sum += value;
            }
        }
    }
    tr_send(boss, a_done, sum);
}

static void body(tr_term args)
{
    tr_term table =
        tr_ets_new(a_table, &(struct tr_ets_opts){ .type = type, .access = TR_ETS_PUBLIC });
    int64_t sum;

    (void)args;
    for (int64_t key = 0; key < KEYS; key++)
        tr_ets_insert(table, key, key);

    int64_t start = tr_monotonic_ns();
    for (int i = 0; i < PROCESSES; i++)
        tr_spawn(work, tr_self(), table, i + 1);
    for (int i = 0; i < PROCESSES; i++)
        tr_receive (m)
            tr_on (m, a_done, &sum) {
            }
    bench_report_rate("table", operations_each * PROCESSES, start, "operations/s");
}

int main(int argc, char **argv)
{
    operations_each = bench_size(argc, argv, 5000000);
    if (argc > 2 && !strcmp(argv[2], "ordered"))
        type = TR_ETS_ORDERED_SET;
    return tr_main(argc, argv, body);
}
