/* SPDX-License-Identifier: MIT */
/* Demonitor: the watcher looks away, and no message comes. */
#include <stdio.h>

#include <troupe.h>

tr_atoms(stop, DOWN, process);

static void wait_for_stop(tr_term arg)
{
    (void)arg;
    tr_receive (m) {
        tr_on (m, a_stop) {
        }
    }
}

static void body(tr_term args)
{
    (void)args;
    tr_pid pid = tr_spawn(wait_for_stop);
    tr_ref dropped = tr_monitor(pid), kept = tr_monitor(pid);

    tr_demonitor(dropped);
    tr_send(pid, a_stop);
    tr_receive (m) {
        tr_on (m, a_DOWN, kept, a_process, pid, tr_any())
            puts("The monitor that was kept: it ended");
    }
    tr_receive (m) {
        tr_on (m, a_DOWN, dropped, a_process, pid, tr_any())
            puts("This is never printed");
        tr_after (m, 100)
            puts("The one that was dropped: nothing");
    }
}

int main(int argc, char **argv)
{
    return tr_main(argc, argv, body);
}
