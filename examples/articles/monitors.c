/* SPDX-License-Identifier: MIT */
/* Monitors: one process watches another and is told of its end by a message, whether it crashed or
   finished; it does not end with it. */
#include <stdio.h>

#include "await.h"

tr_atoms(go);

static void crash(tr_term arg)
{
    (void)arg;
    tr_error("Oops");
}

static void finish_when_told(tr_term arg)
{
    (void)arg;
    tr_receive (m)
        tr_on (m, a_go) {
        }
}

static void body(tr_term args)
{
    tr_ref ref;
    tr_term reason;

    (void)args;
    tr_pid pid = tr_spawn_monitor(crash, &ref);
    tr_receive (m) {
        tr_on (m, a_DOWN, ref, a_process, pid, &reason)
            printf("Process died: %s\n", tr_inspect(reason));
    }

    pid = tr_spawn(finish_when_told);
    ref = tr_monitor(pid);
    tr_send(pid, a_go);
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
