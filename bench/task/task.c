/* SPDX-License-Identifier: MIT */
/* Tasks: started and awaited, one at a time. */
#include "bench.h"

static int64_t tasks;

static tr_term same(tr_term arg)
{
    return arg;
}

static void body(tr_term args)
{
    (void)args;
    int64_t start = tr_monotonic_ns();
    for (int64_t i = 0; i < tasks; i++)
        tr_scope
        {
            tr_await(tr_async(same, i));
        }
    bench_report_rate("task", tasks, start, "tasks/s");
}

int main(int argc, char **argv)
{
    tasks = bench_size(argc, argv, 500000);
    return tr_main(argc, argv, body);
}
