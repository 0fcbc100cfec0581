/* SPDX-License-Identifier: MIT */
/*
 * The fault: work that matters in a process that nobody looks after. It fails, nothing says so, and
 * the work is never done. Troupe writes a report of each crash, with place and reason; and a task
 * under a supervisor is tried again.
 */
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>

#include "await.h"

tr_atoms(tasks, sent, server_busy);

static atomic_int nreports;

static void count_report(const struct tr_log_event *event, void *unused)
{
    (void)unused;
    if (strstr(event->text, "server_busy"))
        nreports++;
}

/* The first two attempts fail. */
static tr_term send_invoice(tr_term boss)
{
    static atomic_int nattempts;

    if (nattempts++ < 2)
        tr_error(a_server_busy);
    tr_send(boss, a_sent);
    return tr_nil();
}

static void unsupervised(tr_term boss)
{
    send_invoice(boss);
}

static void show(const char *what)
{
    tr_log_flush(TR_INFINITY);
    tr_receive (m) {
        tr_on (m, a_sent)
            printf("%s: sent", what);
        tr_after (m, 0)
            printf("%s: not sent", what);
    }
    printf(", reports so far: %d\n", nreports);
}

static void body(tr_term args)
{
    const struct tr_sink sink = { .write = count_report };

    (void)args;
    if (tr_log_remove_sink("default") || tr_log_add_sink("reports", &sink))
        return;
    await_end_of(tr_spawn(unsupervised, tr_self()));
    show("spawned");

    tr_task_supervisor_start_link(TR_TASK_SUPERVISOR_OPTS(.name = a_tasks));
    tr_task_start_child_opt(a_tasks, send_invoice, TR_TASK_OPTS(.restart = TR_TASK_TRANSIENT),
                            tr_self());
    while (!tr_is_nil(tr_task_children(a_tasks)))
        tr_sleep(1);
    show("supervised");
}

int main(int argc, char **argv)
{
    return tr_main(argc, argv, body);
}
