/* SPDX-License-Identifier: MIT */
/* Receive in a loop: a process that prints what it is sent until it is told to stop. */
#include <stdio.h>

#include "await.h"

tr_atoms(echo, stop);

static void echo(tr_term arg)
{
    const char *text;

    (void)arg;
    for (;;) {
        tr_receive (m) {
            tr_on (m, a_echo, &text)
                printf("Echo: %s\n", text);
            tr_on (m, a_stop) {
                puts("Stopping");
                return;
            }
        }
    }
}

static void body(tr_term args)
{
    (void)args;
    tr_pid pid = tr_spawn(echo);

    tr_send(pid, a_echo, "hello");
    tr_send(pid, a_echo, "world");
    tr_send(pid, a_stop);
    await_end_of(pid);
}

int main(int argc, char **argv)
{
    return tr_main(argc, argv, body);
}
