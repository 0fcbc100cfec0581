/* SPDX-License-Identifier: MIT */
/* Send and receive: a process that listens for one kind of message until it is told to stop. What
   it does not accept stays in its mailbox and stops nothing. */
#include <stdio.h>

#include "await.h"

tr_atoms(ok, stop);

static void listen(tr_term arg)
{
    (void)arg;
    for (;;) {
        tr_receive (m) {
            tr_on (m, a_ok, "hello")
                puts("World");
            tr_on (m, a_stop) {
                printf("never looked for: %zu message\n", tr_mailbox_length());
                return;
            }
        }
    }
}

static void body(tr_term args)
{
    (void)args;
    tr_pid pid = tr_spawn(listen);

    tr_send(pid, a_ok, "hello");
    tr_send(pid, a_ok);
    tr_send(pid, a_ok, "hello");
    tr_send(pid, a_stop);
    await_end_of(pid);
}

int main(int argc, char **argv)
{
    return tr_main(argc, argv, body);
}
