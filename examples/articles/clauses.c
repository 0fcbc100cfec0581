/* SPDX-License-Identifier: MIT */
/* Receive with several clauses: the first that accepts the message runs, and the last accepts
   any. A message to a process that has ended is lost, which is no error. */
#include <stdio.h>

#include "await.h"

tr_atoms(add, multiply, divide);

static void compute(tr_term arg)
{
    int a, b;

    (void)arg;
    tr_receive (m) {
        tr_on (m, a_add, &a, &b)
            printf("%d + %d = %d\n", a, b, a + b);
        tr_on (m, a_multiply, &a, &b)
            printf("%d * %d = %d\n", a, b, a * b);
        tr_on (m, tr_any())
            puts("Unknown message");
    }
}

static void body(tr_term args)
{
    (void)args;
    tr_pid pid = tr_spawn(compute);
    tr_send(pid, a_add, 5, 3);
    tr_send(pid, a_multiply, 4, 7); /* one message is all it takes */
    await_end_of(pid);

    pid = tr_spawn(compute);
    tr_send(pid, a_multiply, 4, 7);
    await_end_of(pid);

    pid = tr_spawn(compute);
    tr_send(pid, a_divide, 4, 7);
    await_end_of(pid);
}

int main(int argc, char **argv)
{
    return tr_main(argc, argv, body);
}
