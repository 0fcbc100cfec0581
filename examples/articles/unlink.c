/* SPDX-License-Identifier: MIT */
/* Unlinking: afterwards the crash of one is no business of the other. */
#include <stdio.h>

#include "await.h"

tr_atoms(boom);

static void wait_for_end(tr_term arg)
{
    (void)arg;
    tr_sleep(5000);
}

static void body(tr_term args)
{
    (void)args;
    tr_pid pid = tr_spawn_link(wait_for_end);

    tr_unlink(pid);
    tr_exit_to(pid, a_boom);
    await_end_of(pid);
    puts("No longer linked: it ended, this one goes on");
}

int main(int argc, char **argv)
{
    return tr_main(argc, argv, body);
}
