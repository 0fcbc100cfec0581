/* SPDX-License-Identifier: MIT */
/* Links: two processes that end together, unless one of them traps exits. */
#include <stdio.h>

#include "await.h"

tr_atoms(EXIT);

static void crash(tr_term arg)
{
    (void)arg;
    tr_error("I crashed!");
}

static void go_down_with_it(tr_term arg)
{
    (void)arg;
    tr_spawn_link(crash);
    tr_sleep(TR_INFINITY);
}

static void body(tr_term args)
{
    tr_ref ref;
    tr_term reason;

    (void)args;
    tr_spawn_monitor(go_down_with_it, &ref);
    tr_receive (m) {
        tr_on (m, a_DOWN, ref, a_process, tr_any(), &reason)
            printf("The linked process crashed too: %s\n", tr_inspect(reason));
    }

    tr_trap_exit(true);
    tr_pid pid = tr_spawn_link(crash);
    tr_receive (m) {
        tr_on (m, a_EXIT, pid, &reason)
            printf("Process crashed: %s\n", tr_inspect(reason));
    }
}

int main(int argc, char **argv)
{
    return tr_main(argc, argv, body);
}
