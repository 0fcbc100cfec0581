/* SPDX-License-Identifier: MIT */
/* Children of a dynamic supervisor, each a server: started and ended, one at a time. */
#include "bench.h"

tr_atoms(ok);

static int64_t children;

static tr_gen_result child_init(void *state, tr_term arg)
{
    (void)state;
    (void)arg;
    return tr_gen_ok();
}

static const struct tr_gen_server child = { .name = "child", .init = child_init };

static void body(tr_term args)
{
    static const struct tr_child_spec spec = { .server = &child, .restart = TR_TEMPORARY };
    tr_pid sup, pid;

    (void)args;
    tr_log_set_level(TR_LOG_EMERGENCY);
    if (!tr_match(tr_dynamic_supervisor_start_link(NULL, NULL), a_ok, &sup))
        return;
    int64_t start = tr_monotonic_ns();
    for (int64_t i = 0; i < children; i++)
        tr_scope
        {
            if (tr_match(tr_dynamic_supervisor_start_child(sup, &spec), a_ok, &pid))
                tr_dynamic_supervisor_terminate_child(sup, pid);
        }
    bench_report_rate("children", children, start, "children/s");
}

int main(int argc, char **argv)
{
    children = bench_size(argc, argv, 200000);
    return tr_main(argc, argv, body);
}
