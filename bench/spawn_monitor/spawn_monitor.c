/* SPDX-License-Identifier: MIT */
/*
 * Spawn with a monitor: 300,000 processes that end at once, and all their DOWN messages collected.
 */
#include "bench.h"

tr_atoms(DOWN, process, normal);

static int64_t processes;

static void child(tr_term arg)
{
    (void)arg;
}

static void body(tr_term args)
{
    (void)args;
    tr_ref ref;
    tr_pid pid;
    int64_t start = tr_monotonic_ns();

    for (int64_t i = 0; i < processes; i++)
        tr_spawn_monitor(child, &ref);
    for (int64_t ended = 0; ended < processes;) {
        tr_receive (m) {
            tr_on (m, a_DOWN, &ref, a_process, &pid, a_normal)
                ended++;
        }
    }
    bench_report_rate("spawn_monitor", processes, start, "processes/s");
}

int main(int argc, char **argv)
{
    processes = bench_size(argc, argv, 300000);
    return tr_main(argc, argv, body);
}
