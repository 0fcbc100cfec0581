/* SPDX-License-Identifier: MIT */
/*
 * Memory of a million blocked processes, in bytes each: resident pages and page tables, less what
 * the program held before.
 *
 * With `suspended`, each waits in the middle of its function and so keeps a stack; with
 * `hibernated`, each waits at the top of its loop and keeps none. The last to come tells the
 * parent.
 */
#include <stdatomic.h>

#include "bench.h"

tr_atoms(ready, stop);

static int64_t processes;
static bool hibernate;
static atomic_int_fast64_t missing;

static void arrive(tr_term arg)
{
    tr_pid parent;

    if (atomic_fetch_sub(&missing, 1) == 1 && tr_match(arg, &parent))
        tr_send(parent, a_ready);
}

static void wait_for_stop(tr_term arg)
{
    (void)arg;
    tr_receive (m) {
        tr_on (m, a_stop)
            return;
    }
}

static void suspended(tr_term arg)
{
    arrive(arg);
    wait_for_stop(arg);
}

static void hibernated(tr_term arg)
{
    arrive(arg);
    tr_hibernate(wait_for_stop);
}

static void body(tr_term args)
{
    (void)args;
    tr_pid self = tr_self();
    int64_t before = bench_memory_kib();

    atomic_store(&missing, processes);
    for (int64_t i = 0; i < processes; i++)
        tr_spawn(hibernate ? hibernated : suspended, self);
    tr_receive (m) {
        tr_on (m, a_ready) {
            double bytes = (double)(bench_memory_kib() - before) * 1024;
            bench_report("mem", bytes / (double)processes, "bytes");
        }
    }
}

int main(int argc, char **argv)
{
    processes = bench_size(argc, argv, 1000000);
    hibernate = argc > 2 && !strcmp(argv[2], "hibernated");
    return tr_main(argc, argv, body);
}
