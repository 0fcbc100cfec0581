/* SPDX-License-Identifier: MIT */
/* Crashes of a supervised server: it is killed, its supervisor starts it again, and so on. */
#include "bench.h"

tr_atoms(ok, boss, up, kill);

static int64_t restarts;

static tr_gen_result child_init(void *state, tr_term arg)
{
    (void)state;
    (void)arg;
    tr_send(a_boss, a_up, tr_self());
    return tr_gen_ok();
}

static const struct tr_gen_server child = { .name = "child", .init = child_init };

static const struct tr_supervisor keeper = { .strategy = TR_ONE_FOR_ONE,
                                             .max_restarts = 100000000,
                                             .max_seconds = 1,
                                             .children = TR_CHILDREN({ .server = &child }) };

static tr_pid await_up(void)
{
    tr_pid pid = { 0 };

    tr_receive (m)
        tr_on (m, a_up, &pid)
            return pid;
    return pid;
}

static void body(tr_term args)
{
    tr_pid pid;

    (void)args;
    tr_log_set_level(TR_LOG_EMERGENCY);
    if (tr_register(a_boss, tr_self()) ||
        !tr_match(tr_supervisor_start_link(&keeper, NULL), a_ok, &pid))
        return;
    int64_t start = tr_monotonic_ns();
    for (int64_t i = 0; i < restarts; i++)
        tr_exit_to(await_up(), a_kill);
    await_up();
    bench_report_rate("restart", restarts, start, "restarts/s");
}

int main(int argc, char **argv)
{
    restarts = bench_size(argc, argv, 200000);
    return tr_main(argc, argv, body);
}
