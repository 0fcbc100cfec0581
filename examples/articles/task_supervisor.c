/* SPDX-License-Identifier: MIT */
/* Tasks under a supervisor: one to forget, one whose result is wanted, and a stream of many, some
   of which fail. */
#include <stdio.h>

#include "await.h"

tr_atoms(ok, tasks, report, out_of_order);

static tr_term send_welcome(tr_term user)
{
    tr_puts(tr_inspect(tr_build("welcome", user)));
    return tr_nil();
}

static tr_term generate_report(tr_term month)
{
    return tr_build(a_report, month);
}

static tr_term process_item(tr_term item)
{
    int64_t n;

    tr_sleep(5);
    if (!tr_match(item, &n) || n % 10 == 0)
        tr_exit(a_out_of_order, n);
    return tr_build(n);
}

/* Ten at a time, in whatever order they get ready. */
static void process_items(void)
{
    struct tr_iter items = tr_iter_range(1, 50);
    int64_t n, sum = 0;
    int nfailed = 0;

    tr_async_stream (r, process_item, &items, .max_concurrency = 10, .unordered = true,
                     .timeout_ms = 30000, .nolink = true, .supervisor = tr_build(a_tasks)) {
        if (r.err)
            nfailed++;
        else if (tr_match(r.value, &n))
            sum += n;
    }
    printf("failed: %d, the sum of the others: %d\n", nfailed, (int)sum);
}

static void body(tr_term args)
{
    tr_pid pid;

    (void)args;
    tr_task_supervisor_start_link(TR_TASK_SUPERVISOR_OPTS(.name = a_tasks));
    if (tr_match(tr_task_start_child(a_tasks, send_welcome, "anna"), a_ok, &pid))
        await_end_of(pid);

    struct tr_task task = tr_async_under(a_tasks, generate_report, "May");
    printf("%s\n", tr_inspect(tr_await(task)));

    tr_log_set_level(TR_LOG_CRITICAL); /* the failures are expected */
    process_items();
}

int main(int argc, char **argv)
{
    return tr_main(argc, argv, body);
}
