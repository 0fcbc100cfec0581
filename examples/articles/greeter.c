/* SPDX-License-Identifier: MIT */
/* A greeter: one process, one message, and its end. */
#include <stdio.h>

#include "await.h"

tr_atoms(greet, stop);

static void greeter(tr_term arg)
{
    const char *name;

    (void)arg;
    tr_receive (m) {
        tr_on (m, a_greet, &name)
            printf("Hello, %s!\n", name);
        tr_on (m, a_stop)
            puts("Stopping");
    }
}

static void body(tr_term args)
{
    (void)args;
    tr_pid alice = tr_spawn(greeter);
    tr_send(alice, a_greet, "Alice");
    await_end_of(alice);

    tr_pid other = tr_spawn(greeter);
    tr_send(other, a_stop);
    await_end_of(other);
}

int main(int argc, char **argv)
{
    return tr_main(argc, argv, body);
}
