/* SPDX-License-Identifier: MIT */
/* A link and a monitor on the same process: when it fails the link would end this process too,
   unless it traps exits; the monitor only tells. */
#include <stdio.h>

#include "await.h"

tr_atoms(EXIT, go);

static void fail_when_told(tr_term arg)
{
    (void)arg;
    tr_receive (m)
        tr_on (m, a_go) {
        }
    tr_error("boom");
}

static void body(tr_term args)
{
    tr_term reason;

    (void)args;
    tr_trap_exit(true);
    tr_pid pid = tr_spawn_link(fail_when_told);
    tr_ref ref = tr_monitor(pid);

    tr_send(pid, a_go);
    tr_receive (m)
        tr_on (m, a_DOWN, ref, a_process, pid, &reason)
            printf("Process died: %s\n", tr_inspect(reason));
    tr_receive (m)
        tr_on (m, a_EXIT, pid, &reason)
            printf("and by the link: %s\n", tr_inspect(reason));
}

int main(int argc, char **argv)
{
    return tr_main(argc, argv, body);
}
