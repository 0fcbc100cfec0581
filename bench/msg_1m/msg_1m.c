/* SPDX-License-Identifier: MIT */
/*
 * Messages that carry a binary of 1 MiB, shared: from one process to another, which says so after
 * each hundred.
 */
#include "bench.h"

tr_atoms(next);

enum { BATCH = 100 };

static int64_t messages;

static void taker(tr_term arg)
{
    tr_pid from;

    if (!tr_match(arg, &from))
        return;
    for (int n = 1;; n++) {
        tr_term payload;
        tr_receive (m)
            tr_on (m, &payload)
                continue;
        if (n % BATCH == 0)
            tr_send(from, a_next);
    }
}

static tr_term make_payload(void)
{
    static char bytes[1 << 20];

    return tr_binary(bytes, sizeof bytes);
}

static void body(tr_term args)
{
    tr_pid to = tr_spawn(taker, tr_self());
    tr_term payload = make_payload();

    (void)args;
    int64_t start = tr_monotonic_ns();
    for (int64_t i = 0; i < messages; i += BATCH) {
        for (int n = 0; n < BATCH; n++)
            tr_send(to, payload);
        tr_receive (m)
            tr_on (m, a_next)
                continue;
    }
    bench_report_rate("msg_1m", messages, start, "messages/s");
}

int main(int argc, char **argv)
{
    messages = bench_size(argc, argv, 1000000);
    return tr_main(argc, argv, body);
}
