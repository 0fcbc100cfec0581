/* SPDX-License-Identifier: MIT */
/*
 * Servers with 16 bytes of state, started by one process and idle then: how many a second; with
 * `memory`, the bytes of each, resident pages and page tables.
 */
#include "bench.h"

tr_atoms(ok);

static int64_t servers;
static bool memory;

struct state {
    int64_t number, calls;
};

static tr_gen_result server_init(void *state, tr_term arg)
{
    struct state *s = state;

    tr_match(arg, &s->number);
    return tr_gen_ok();
}

static const struct tr_gen_server server = { .name = "server",
                                             .state_size = sizeof(struct state),
                                             .init = server_init };

static bool start_all(void)
{
    bool started = true;

    for (int64_t i = 0; i < servers && started; i++)
        tr_scope
        {
            started = tr_match(tr_gen_server_start(&server, NULL, i), a_ok, tr_any());
        }
    return started;
}

static void body(tr_term args)
{
    (void)args;
    int64_t before = bench_memory_kib();
    int64_t start = tr_monotonic_ns();
    if (!start_all())
        return;
    if (memory)
        bench_report("servers", (double)(bench_memory_kib() - before) * 1024 / (double)servers,
                     "bytes");
    else
        bench_report_rate("servers", servers, start, "servers/s");
}

int main(int argc, char **argv)
{
    servers = bench_size(argc, argv, 1000000);
    memory = argc > 2 && !strcmp(argv[2], "memory");
    return tr_main(argc, argv, body);
}
