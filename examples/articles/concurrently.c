/* SPDX-License-Identifier: MIT */
/* Why processes: three slow operations, one after the other and then all at the same time. */
#include <stdio.h>

#include "await.h"

tr_atoms(begun, answer, ended);

enum { N = 3 };

/* Tells the device that it has begun, waits for the answer, and tells that it has ended. */
static void operation(tr_term arg)
{
    tr_pid device;

    if (!tr_match(arg, &device))
        return;
    tr_send(device, a_begun, tr_self());
    tr_receive (m)
        tr_on (m, a_answer) {
        }
    tr_send(device, a_ended, tr_self());
}

/* Stands for a disk or a network: answers when so many wait, and prints what happens. */
static void device(tr_term arg)
{
    tr_pid waiting[N], pid = { 0 };
    int together = 1, nwaiting = 0;
    tr_atom what = { 0 };

    tr_match(arg, &together);
    for (int i = 0; i < 2 * N; i++) {
        tr_receive (m)
            tr_on (m, &what, &pid)
                printf(" %s", tr_atom_name(what, NULL));
        if (what.w == a_begun.w)
            waiting[nwaiting++] = pid;
        if (nwaiting == together)
            while (nwaiting > 0)
                tr_send(waiting[--nwaiting], a_answer);
    }
    putchar('\n');
}

static void body(tr_term args)
{
    (void)args;
    printf("one after the other:");
    tr_pid to = tr_spawn(device, 1);
    for (int i = 0; i < N; i++)
        operation(tr_build(to));
    await_end_of(to);

    printf("at the same time:");
    to = tr_spawn(device, N);
    for (int i = 0; i < N; i++)
        tr_spawn(operation, to);
    await_end_of(to);
}

int main(int argc, char **argv)
{
    return tr_main(argc, argv, body);
}
