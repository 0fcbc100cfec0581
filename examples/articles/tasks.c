/* SPDX-License-Identifier: MIT */
/* Three ways to start a task: to wait for its result, to forget it, to be told when it fails. */
#include <stdio.h>

#include "await.h"

tr_atoms(disk_full, EXIT);

static tr_term work(tr_term arg)
{
    (void)arg;
    tr_sleep(100);
    return tr_build("Done!");
}

static tr_term send_email(tr_term to)
{
    printf("mail sent to %s\n", tr_inspect(to));
    return tr_nil();
}

static tr_term critical_work(tr_term arg)
{
    (void)arg;
    tr_exit(a_disk_full);
}

static void body(tr_term args)
{
    tr_term reason;

    (void)args;
    struct tr_task task = tr_async(work);
    puts("other work");
    printf("%s\n", tr_inspect(tr_await(task)));

    await_end_of(tr_task_start(send_email, "anna"));

    tr_trap_exit(true); /* or this process would fail, too */
    tr_pid pid = tr_task_start_link(critical_work);
    tr_receive (m)
        tr_on (m, a_EXIT, pid, &reason)
            printf("critical work failed: %s\n", tr_inspect(reason));
}

int main(int argc, char **argv)
{
    return tr_main(argc, argv, body);
}
