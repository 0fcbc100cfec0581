/* SPDX-License-Identifier: MIT */
/*
 * What one operation costs when there are few of a thing, and when there are many: `growth SIZE
 * spawn|pingpong|table|timers`, in ns.
 *
 *     spawn      a process is started while SIZE others wait
 *     pingpong   a message between the two of a pair; SIZE processes take turns
 *     table      a lookup in a table of SIZE keys
 *     timers     a timer is started and cancelled while SIZE are pending
 */
#include "bench.h"

tr_atoms(go, back, done, tick, table);

enum { OPERATIONS = 1000000, AT_ONCE = 100 };

static int64_t size;

static int64_t next_random(int64_t x)
{
    return x * 48271 % 2147483647;
}

static void never(tr_term arg)
{
    (void)arg;
}

static void waits(tr_term arg)
{
    tr_hibernate(never, arg);
}

static void ends(tr_term arg)
{
    (void)arg;
}

static int64_t grow_spawn(void)
{
    for (int64_t i = 0; i < size; i++)
        tr_spawn(waits);
    int64_t before = tr_process_count(), start = tr_monotonic_ns();
    for (int64_t i = 0; i < OPERATIONS; i++) {
        tr_spawn(ends);
        if (i % AT_ONCE == 0)
            tr_yield();
    }
    while (tr_process_count() > before)
        tr_yield();
    return tr_monotonic_ns() - start;
}

static void answers(tr_term arg)
{
    tr_pid from;

    (void)arg;
    for (;;)
        tr_receive (m)
            tr_on (m, a_go, &from)
                tr_send(from, a_back);
}

/* The process visits its peers in turn: each is cold by the time it is met again. */
static int64_t grow_pingpong(void)
{
    tr_pid *peers = tr_alloc((size_t)size * sizeof *peers);

    for (int64_t i = 0; i < size; i++)
        peers[i] = tr_spawn(answers);
    int64_t start = tr_monotonic_ns();
    for (int64_t i = 0; i < OPERATIONS / 2; i++) {
        tr_send(peers[i % size], a_go, tr_self());
        tr_receive (m)
            tr_on (m, a_back) {
            }
    }
    return tr_monotonic_ns() - start;
}

static int64_t grow_table(void)
{
    tr_term table = tr_ets_new(a_table, &(struct tr_ets_opts){ .access = TR_ETS_PUBLIC });
    int64_t x = 1, value;
    tr_term object;

    for (int64_t key = 0; key < size; key++)
        tr_ets_insert(table, key, key);
    int64_t start = tr_monotonic_ns();
    for (int64_t i = 0; i < OPERATIONS; i += AT_ONCE)
        tr_scope
        {
            for (int j = 0; j < AT_ONCE; j++) {
                x = next_random(x);
                if (!tr_ets_get(table, &object, x % size) || !tr_match(object, x % size, &value))
                    tr_exit(a_done);
            }
        }
    return tr_monotonic_ns() - start;
}

static int64_t grow_timers(void)
{
    for (int64_t i = 0; i < size; i++)
        tr_send_after(1000000 + i, tr_self(), a_tick);
    int64_t start = tr_monotonic_ns();
    for (int64_t i = 0; i < OPERATIONS; i++)
        tr_cancel_timer(tr_send_after(1000 + i % 1000, tr_self(), a_tick), NULL);
    return tr_monotonic_ns() - start;
}

static const struct {
    const char *name;
    int64_t (*run)(void);
} parts[] = {
    { "spawn", grow_spawn },
    { "pingpong", grow_pingpong },
    { "table", grow_table },
    { "timers", grow_timers },
};

static int64_t (*chosen)(void) = grow_spawn;

static void body(tr_term args)
{
    (void)args;
    bench_report("growth", (double)chosen() / OPERATIONS, "ns");
    fflush(stdout);
    _Exit(0); /* the end of ten million processes is not what is measured */
}

int main(int argc, char **argv)
{
    size = bench_size(argc, argv, 100000);
    for (size_t i = 0; argc > 2 && i < sizeof parts / sizeof *parts; i++)
        if (!strcmp(argv[2], parts[i].name))
            chosen = parts[i].run;
    return tr_main(argc, argv, body);
}
