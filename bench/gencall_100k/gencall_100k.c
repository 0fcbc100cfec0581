/* SPDX-License-Identifier: MIT */
/* Calls of a server while 100,000 other messages wait in the caller's mailbox. */
#include "bench.h"

tr_atoms(ok, echo);

enum { QUEUED = 100000 };

static int64_t calls;

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

static void body(tr_term args)
{
    tr_pid server;

    (void)args;
    if (!tr_match(tr_gen_server_start(&echo, NULL), a_ok, &server))
        return;
    for (int i = 0; i < QUEUED; i++)
        tr_send(tr_self(), i);
    int64_t start = tr_monotonic_ns();
    for (int64_t i = 0; i < calls; i++)
        tr_scope
        {
            tr_call(server, a_echo, i);
        }
    bench_report("gencall_100k", (double)(tr_monotonic_ns() - start) / 1e3 / (double)calls, "us");
}

int main(int argc, char **argv)
{
    calls = bench_size(argc, argv, 100000);
    return tr_main(argc, argv, body);
}
