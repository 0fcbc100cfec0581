/* SPDX-License-Identifier: MIT */
/* A registry of 10,000 names: looked up in random order. */
#include "bench.h"

tr_atoms(names);

enum { NAMES = 10000, AT_ONCE = 100 };

static int64_t lookups;

static int64_t next_random(int64_t x)
{
    return x * 48271 % 2147483647;
}

static bool start_names(void)
{
    tr_pid registry;
    bool fine =
        tr_match(tr_registry_start_link(TR_REGISTRY_OPTS(.name = a_names, .keys = TR_UNIQUE)),
                 tr_intern("ok"), &registry);

    for (int64_t name = 0; name < NAMES && fine; name++)
        fine = tr_registry_register(a_names, NULL, name, tr_nil()) == TR_OK;
    return fine;
}

static void body(tr_term args)
{
    int64_t x = 1, found = 0;

    (void)args;
    if (!start_names())
        return;
    int64_t start = tr_monotonic_ns();
    for (int64_t i = 0; i < lookups; i += AT_ONCE)
        tr_scope
        {
            for (int j = 0; j < AT_ONCE; j++) {
                x = next_random(x);
                found += !tr_is_nil(tr_registry_lookup(a_names, x % NAMES));
            }
        }
    if (found >= lookups)
        bench_report_rate("registry", found, start, "lookups/s");
}

int main(int argc, char **argv)
{
    lookups = bench_size(argc, argv, 5000000);
    return tr_main(argc, argv, body);
}
