/* SPDX-License-Identifier: MIT */
/* One publisher and 1,000 subscribers of its topic; done when each has had all. */
#include "bench.h"

tr_atoms(news, ready, tick, done, ok);

enum { SUBSCRIBERS = 1000 };

static int64_t broadcasts;

static void subscriber(tr_term arg)
{
    tr_pid publisher;

    if (!tr_match(arg, &publisher) || tr_pubsub_subscribe(a_news, "weather") != TR_OK)
        tr_exit(a_done);
    tr_send(publisher, a_ready);
    for (int64_t i = 0; i < broadcasts; i++)
        tr_receive (m)
            tr_on (m, a_tick, tr_any()) {
            }
    tr_send(publisher, a_done);
}

static void await(tr_atom what)
{
    for (int i = 0; i < SUBSCRIBERS; i++)
        tr_receive (m)
            tr_on (m, what) {
            }
}

static void body(tr_term args)
{
    tr_pid pubsub;

    (void)args;
    if (!tr_match(tr_pubsub_start_link(TR_PUBSUB_OPTS(.name = a_news)), a_ok, &pubsub))
        return;
    for (int i = 0; i < SUBSCRIBERS; i++)
        tr_spawn(subscriber, tr_self());
    await(a_ready);
    int64_t start = tr_monotonic_ns();
    for (int64_t i = 0; i < broadcasts; i++)
        tr_pubsub_broadcast(a_news, "weather", a_tick, i);
    await(a_done);
    bench_report_rate("pubsub", broadcasts * SUBSCRIBERS, start, "deliveries/s");
}

int main(int argc, char **argv)
{
    broadcasts = bench_size(argc, argv, 2000);
    return tr_main(argc, argv, body);
}
