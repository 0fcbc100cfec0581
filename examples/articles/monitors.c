/* SPDX-License-Identifier: MIT */
/* Monitors: one process watches another and is told of its end by a message, whether it crashed or
   finished; it does not end with it. */
#include <stdio.h>

#include "await.h"

static void crash_soon(tr_term arg)
{
    (void)arg;
    tr_sleep(100);
    tr_error("Oops");
}

static void finish_soon(tr_term arg)
{
    (void)arg;
    tr_sleep(100);
}

static void body(tr_term args)
{
    tr_ref ref;
    tr_term reason;

    (void)args;
    tr_pid pid = tr_spawn_monitor(crash_soon, &ref);
    tr_receive (m) {
        tr_on (m, a_DOWN, ref, a_process, pid, &reason)
            printf("Process died: %s\n", tr_inspect(reason));
    }

    pid = tr_spawn(finish_soon);
    ref = tr_monitor(pid);
    tr_receive (m) {
        tr_on (m, a_DOWN, ref, a_process, pid, &reason)
            printf("Process finished: %s\n", tr_inspect(reason));
        tr_after (m, 2000)
            puts("Timeout");
    }
}

int main(int argc, char **argv)
{
    return tr_main(argc, argv, body);
}
