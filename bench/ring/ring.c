/* SPDX-License-Identifier: MIT */
/*
 * Ring: a thousand processes in a circle hand one token on; the token counts the hops left.
 */
#include "bench.h"

tr_atoms(next, done);

enum { MEMBERS = 1000 };

static int64_t hops;

static void member(tr_term arg)
{
    tr_pid watcher, successor;
    int64_t left;

    tr_match(arg, &watcher);
    tr_receive (m) {
        tr_on (m, a_next, &successor)
            continue;
    }
    for (;;) {
        tr_receive (m) {
            tr_on (m, 0)
                tr_send(watcher, a_done);
            tr_on (m, &left)
                tr_send(successor, left - 1);
        }
    }
}

/* Returns the member that the token is given to. */
static tr_pid make_ring(void)
{
    tr_pid self = tr_self();
    tr_pid first = tr_spawn(member, self);
    tr_pid last = first;

    for (int i = 1; i < MEMBERS; i++) {
        tr_pid pid = tr_spawn(member, self);
        tr_send(last, a_next, pid);
        last = pid;
    }
    tr_send(last, a_next, first);
    return first;
}

static void body(tr_term args)
{
    (void)args;
    tr_pid first = make_ring();
    int64_t start = tr_monotonic_ns();

    tr_send(first, hops);
    tr_receive (m) {
        tr_on (m, a_done)
            bench_report_rate("ring", hops, start, "hops/s");
    }
}

int main(int argc, char **argv)
{
    hops = bench_size(argc, argv, 5000000);
    return tr_main(argc, argv, body);
}
