/* SPDX-License-Identifier: MIT */
/*
 * Selective receive: each match is found behind 10,000 queued messages that stay where they are.
 */
#include "bench.h"

tr_atoms(noise, wanted);

enum { QUEUED = 10000 };

static int64_t matches;

static void body(tr_term args)
{
    (void)args;
    tr_pid self = tr_self();

    for (int64_t i = 0; i < QUEUED; i++)
        tr_send(self, a_noise, i);

    int64_t start = tr_monotonic_ns();
    for (int64_t i = 0; i < matches; i++) {
        tr_send(self, a_wanted, i);
        tr_receive (m) {
            tr_on (m, a_wanted, i)
                continue;
        }
    }
    double us = (double)(tr_monotonic_ns() - start) / 1e3;
    bench_report("selective", us / (double)matches, "us");
}

int main(int argc, char **argv)
{
    matches = bench_size(argc, argv, 10000);
    return tr_main(argc, argv, body);
}
