/* SPDX-License-Identifier: MIT */
/*
 * Fan-in: eight senders, each as fast as it can, to one receiver.
 */
#include "bench.h"

tr_atoms(item);

enum { SENDERS = 8 };

static int64_t items_each;

static void sender(tr_term arg)
{
    tr_pid receiver;

    tr_match(arg, &receiver);
    for (int64_t i = 0; i < items_each; i++)
        tr_send(receiver, a_item, i);
}

static void body(tr_term args)
{
    (void)args;
    tr_pid self = tr_self();
    int64_t items = items_each * SENDERS;
    int64_t start = tr_monotonic_ns();

    for (int i = 0; i < SENDERS; i++)
        tr_spawn(sender, self);
    for (int64_t received = 0; received < items;) {
        int64_t n;

        tr_receive (m) {
            tr_on (m, a_item, &n)
                received++;
        }
    }
    bench_report_rate("fanin", items, start, "messages/s");
}

int main(int argc, char **argv)
{
    items_each = bench_size(argc, argv, 500000);
    return tr_main(argc, argv, body);
}
