/* SPDX-License-Identifier: MIT */
/*
 * What msg_1k and msg_1m share: one process sends a payload to another, which says so after each
 * hundred.
 */
#ifndef BENCH_MSG_H
#define BENCH_MSG_H

#include "bench.h"

tr_atoms(next);

enum { BATCH = 100 };

static struct {
    const char *name;
    tr_term (*make_payload)(void);
    int64_t messages;
} msg_run;

static inline void msg_taker(tr_term arg)
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

static inline void msg_body(tr_term args)
{
    tr_pid to = tr_spawn(msg_taker, tr_self());
    tr_term payload = msg_run.make_payload();

    (void)args;
    int64_t start = tr_monotonic_ns();
    for (int64_t i = 0; i < msg_run.messages; i += BATCH) {
        for (int n = 0; n < BATCH; n++)
            tr_send(to, payload);
        tr_receive (m)
            tr_on (m, a_next)
                continue;
    }
    bench_report_rate(msg_run.name, msg_run.messages, start, "messages/s");
}

static inline int msg_main(int argc, char **argv, const char *name, tr_term (*make_payload)(void))
{
    msg_run.name = name;
    msg_run.make_payload = make_payload;
    msg_run.messages = bench_size(argc, argv, 1000000);
    return tr_main(argc, argv, msg_body);
}

#endif
