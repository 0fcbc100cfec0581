/* SPDX-License-Identifier: MIT */
/*
 * Skynet: a tree of processes with a million leaves, ten children to a node; each leaf sends its
 * number up, each node the sum of its children's. The size is a power of ten.
 */
#include "bench.h"

tr_atoms(wrong_sum);

enum { FAN_OUT = 10 };

static int64_t leaves;

static int64_t collect(int children)
{
    int64_t sum = 0;

    for (int i = 0; i < children; i++) {
        int64_t n;

        tr_receive (m) {
            tr_on (m, &n)
                sum += n;
        }
    }
    return sum;
}

static void node(tr_term arg)
{
    tr_pid parent, self = tr_self();
    int64_t first, size;

    tr_match(arg, &parent, &first, &size);
    if (size == 1) {
        tr_send(parent, first);
        return;
    }
    size /= FAN_OUT;
    for (int64_t i = 0; i < FAN_OUT; i++)
        tr_spawn(node, self, first + i * size, size);
    tr_send(parent, collect(FAN_OUT));
}

static void body(tr_term args)
{
    (void)args;
    int64_t start = tr_monotonic_ns();

    tr_spawn(node, tr_self(), 0, leaves);
    if (collect(1) != leaves * (leaves - 1) / 2)
        tr_exit(a_wrong_sum);
    bench_report("skynet", (double)(tr_monotonic_ns() - start) / 1e6, "ms");
}

int main(int argc, char **argv)
{
    leaves = bench_size(argc, argv, 1000000);
    return tr_main(argc, argv, body);
}
