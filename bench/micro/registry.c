/* SPDX-License-Identifier: MIT */
/*
 * Lookups in a registry with many keys, and deliveries of one publisher to 1,000 subscribers.
 *
 *     registry [BROADCASTS]
 *
 * A delivery counts when the subscriber has received it, so processes are switched for each.
 */
#include "../bench.h"

tr_atoms(reg, news, ok, ready, tick, stop, done);

enum { KEYS = 10000, SUBSCRIBERS = 1000, LOOKUPS = 200 };

static int64_t broadcasts;

static void measure_lookups(void)
{
    int64_t n = broadcasts * LOOKUPS;
    tr_pid pid;
    size_t found = 0;

    for (int i = 0; i < KEYS; i++)
        if (tr_registry_register(a_reg, NULL, i, a_ok))
            exit(1);
    int64_t start = tr_monotonic_ns();
    for (int64_t i = 0; i < n; i++)
        found += tr_registry_whereis(a_reg, i * 7919 % KEYS, &pid);
    bench_report_rate("registry-whereis", n, start, "per-second");
    start = tr_monotonic_ns();
    for (int64_t i = 0; i < n; i++)
        tr_scope
        {
            found += !tr_is_nil(tr_registry_lookup(a_reg, i * 7919 % KEYS));
        }
    bench_report_rate("registry-lookup", n, start, "per-second");
    if (found != (size_t)(2 * n))
        exit(1);
}

static void subscriber(tr_term boss)
{
    int64_t left = broadcasts;
    tr_pid pid;

    if (!tr_match(boss, &pid) || tr_pubsub_subscribe(a_news, "topic"))
        exit(1);
    tr_send(pid, a_ready);
    while (left > 0)
        tr_receive (m)
            tr_on (m, a_tick, tr_any())
                left--;
    tr_send(pid, a_done);
}

static void await_all(tr_atom what)
{
    for (int i = 0; i < SUBSCRIBERS; i++)
        tr_receive (m)
            tr_on (m, what) {
            }
}

static void measure_deliveries(void)
{
    for (int i = 0; i < SUBSCRIBERS; i++)
        tr_spawn(subscriber, tr_self());
    await_all(a_ready);
    int64_t start = tr_monotonic_ns();
    for (int64_t i = 0; i < broadcasts; i++) {
        tr_pubsub_broadcast(a_news, "topic", a_tick, i);
        tr_yield();
    }
    await_all(a_done);
    bench_report_rate("pubsub-deliveries", broadcasts * SUBSCRIBERS, start, "per-second");
}

static void body(tr_term args)
{
    tr_pid pid;

    (void)args;
    if (!tr_match(tr_registry_start_link(TR_REGISTRY_OPTS(.name = a_reg, .keys = TR_UNIQUE)), a_ok,
                  &pid) ||
        !tr_match(tr_pubsub_start_link(TR_PUBSUB_OPTS(.name = a_news)), a_ok, &pid))
        exit(1);
    measure_lookups();
    measure_deliveries();
}

int main(int argc, char **argv)
{
    broadcasts = bench_size(argc, argv, 10000);
    return tr_main(argc, argv, body);
}
