/* SPDX-License-Identifier: MIT */
/* Request and reply: the request names who asks, and the answer goes there. */
#include <stdio.h>

#include <troupe.h>

tr_atoms(add, result, stop);

static void calculator(tr_term arg)
{
    int64_t a, b;
    tr_pid caller;

    (void)arg;
    for (;;) {
        tr_receive (m) {
            tr_on (m, a_add, &a, &b, &caller)
                tr_send(caller, a_result, a + b);
            tr_on (m, a_stop)
                return;
        }
    }
}

static void body(tr_term args)
{
    int64_t value;

    (void)args;
    tr_pid pid = tr_spawn(calculator);

    tr_send(pid, a_add, 5, 3, tr_self());
    tr_receive (m) {
        tr_on (m, a_result, &value)
            printf("Result: %lld\n", (long long)value);
        tr_after (m, 1000)
            puts("Timeout");
    }
    tr_send(pid, a_stop);
}

int main(int argc, char **argv)
{
    return tr_main(argc, argv, body);
}
