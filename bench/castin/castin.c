/* SPDX-License-Identifier: MIT */
/* Casts of eight clients to one server: `castin SIZE` of each. */
#include "bench.h"

tr_atoms(ok, add, sum);

enum { CLIENTS = 8 };

static int64_t casts;

struct adder {
    int64_t received;
};

static tr_gen_result adder_init(void *state, tr_term arg)
{
    (void)state;
    (void)arg;
    return tr_gen_ok();
}

static tr_gen_result adder_cast(void *state, tr_term request)
{
    struct adder *a = state;
    int64_t n;

    if (!tr_match(request, a_add, &n))
        return tr_gen_unknown();
    a->received++;
    return tr_gen_noreply();
}

static tr_gen_result adder_call(void *state, tr_term request, tr_term from)
{
    struct adder *a = state;

    (void)request;
    (void)from;
    return tr_gen_reply(a->received);
}

static const struct tr_gen_server adder = { .name = "adder",
                                            .state_size = sizeof(struct adder),
                                            .init = adder_init,
                                            .handle_call = adder_call,
                                            .handle_cast = adder_cast };

static void client(tr_term arg)
{
    tr_pid server;

    if (!tr_match(arg, &server))
        return;
    for (int64_t i = 0; i < casts; i++)
        tr_cast(server, a_add, i);
}

static void body(tr_term args)
{
    tr_pid server;
    int64_t received = 0;

    (void)args;
    if (!tr_match(tr_gen_server_start(&adder, NULL), a_ok, &server))
        return;
    int64_t start = tr_monotonic_ns();
    for (int i = 0; i < CLIENTS; i++)
        tr_spawn(client, server);
    while (received < CLIENTS * casts)
        tr_scope
        {
            tr_sleep(1);
            tr_match(tr_call_within(TR_INFINITY, server, a_sum), &received);
        }
    bench_report_rate("castin", CLIENTS * casts, start, "casts/s");
}

int main(int argc, char **argv)
{
    casts = bench_size(argc, argv, 500000);
    return tr_main(argc, argv, body);
}
