/* SPDX-License-Identifier: MIT */
/* A process with state. Where a functional language calls itself with the new state, C has a loop
   and a variable, which nobody else can reach. */
#include <stdio.h>

#include "await.h"

tr_atoms(increment, get, count, stop);

static void counter(tr_term arg)
{
    int64_t total = 0, amount;
    tr_pid caller;

    tr_match(arg, &total);
    for (;;) {
        tr_receive (m) {
            tr_on (m, a_increment, &amount)
                total += amount;
            tr_on (m, a_get, &caller)
                tr_send(caller, a_count, total);
            tr_on (m, a_stop)
                return;
        }
    }
}

static void body(tr_term args)
{
    int64_t value;

    (void)args;
    tr_pid pid = tr_spawn(counter, 0);

    tr_send(pid, a_increment, 5);
    tr_send(pid, a_get, tr_self());
    tr_receive (m) {
        tr_on (m, a_count, &value)
            printf("Count: %lld\n", (long long)value);
    }
    tr_send(pid, a_stop);
    await_end_of(pid);
}

int main(int argc, char **argv)
{
    return tr_main(argc, argv, body);
}
