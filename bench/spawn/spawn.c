/* SPDX-License-Identifier: MIT */
/*
 * Spawn: a million processes that end at once.
 *
 * Each counts itself out of a shared counter, and the last one tells the parent: what a wait group
 * does in Go, written the same way in each language, so that no peer pays for a message per
 * process.
 */
#include <stdatomic.h>

#include "bench.h"

tr_atoms(done);

static int64_t processes;
static atomic_int_fast64_t running;

static void child(tr_term arg)
{
    tr_pid parent;

    if (atomic_fetch_sub(&running, 1) == 1 && tr_match(arg, &parent))
        tr_send(parent, a_done);
}

static void body(tr_term args)
{
    (void)args;
    tr_pid self = tr_self();
    int64_t start = tr_monotonic_ns();

    atomic_store(&running, processes);
    for (int64_t i = 0; i < processes; i++)
        tr_spawn(child, self);
    tr_receive (m) {
        tr_on (m, a_done)
            bench_report_rate("spawn", processes, start, "processes/s");
    }
}

int main(int argc, char **argv)
{
    processes = bench_size(argc, argv, 1000000);
    return tr_main(argc, argv, body);
}
