/* SPDX-License-Identifier: MIT */
/*
 * Calls of a server, with the default timeout: `gencall SIZE [CLIENTS]`. Each client makes its
 * share of the calls, one after the other.
 */
#include "bench.h"

tr_atoms(ok, echo, done);

static int64_t calls;
static int clients = 1;

static tr_gen_result echo_init(void *state, tr_term arg)
{
    (void)state;
    (void)arg;
    return tr_gen_ok();
}

static tr_gen_result echo_call(void *state, tr_term request, tr_term from)
{
    int64_t n;

    (void)state;
    (void)from;
    return tr_match(request, a_echo, &n) ? tr_gen_reply(n) : tr_gen_unknown();
}

static const struct tr_gen_server echo = { .name = "echo",
                                           .init = echo_init,
                                           .handle_call = echo_call };

static void client(tr_term arg)
{
    tr_pid parent, server;

    if (!tr_match(arg, &parent, &server))
        return;
    for (int64_t i = 0; i < calls / clients; i++)
        tr_scope
        {
            tr_call(server, a_echo, i);
        }
    tr_send(parent, a_done);
}

static void body(tr_term args)
{
    tr_pid server;

    (void)args;
    if (!tr_match(tr_gen_server_start(&echo, NULL), a_ok, &server))
        return;
    int64_t start = tr_monotonic_ns();
    for (int i = 0; i < clients; i++)
        tr_spawn(client, tr_self(), server);
    for (int i = 0; i < clients; i++) {
        tr_receive (m)
            tr_on (m, a_done)
                continue;
    }
    bench_report_rate("gencall", calls, start, "calls/s");
}

int main(int argc, char **argv)
{
    calls = bench_size(argc, argv, 1000000);
    if (argc > 2)
        clients = atoi(argv[2]);
    return tr_main(argc, argv, body);
}
