/* SPDX-License-Identifier: MIT */
/*
 * Ping-pong: two processes, one message at a time between them, {ping, Pid, N} there and
 * {pong, Pid, N} back.
 */
#include "bench.h"

tr_atoms(ping, pong);

static int64_t round_trips;

static void ponger(tr_term arg)
{
    (void)arg;
    tr_pid self = tr_self();

    for (;;) {
        tr_pid from;
        int64_t n;

        tr_receive (m) {
            tr_on (m, a_ping, &from, &n)
                tr_send(from, a_pong, self, n);
        }
    }
}

static void body(tr_term args)
{
    (void)args;
    tr_pid self = tr_self();
    tr_pid partner = tr_spawn(ponger);
    int64_t start = tr_monotonic_ns();

    for (int64_t i = 0; i < round_trips; i++) {
        tr_send(partner, a_ping, self, i);
        tr_receive (m) {
            tr_on (m, a_pong, partner, i)
                continue;
        }
    }
    bench_report_rate("pingpong", 2 * round_trips, start, "messages/s");
}

int main(int argc, char **argv)
{
    round_trips = bench_size(argc, argv, 2000000);
    return tr_main(argc, argv, body);
}
