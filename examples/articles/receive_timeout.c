/* SPDX-License-Identifier: MIT */
/* Receive with a timeout: what to do when nothing that is wanted has come for a while. */
#include <stdio.h>

#include <troupe.h>

tr_atoms(hello);

static void wait_a_second(void)
{
    const char *text;

    tr_receive (m) {
        tr_on (m, a_hello, &text)
            printf("Got: %s\n", text);
        tr_after (m, 1000)
            puts("No message in 1 second");
    }
}

static void body(tr_term args)
{
    (void)args;
    wait_a_second();

    tr_send(tr_self(), a_hello, "to myself");
    wait_a_second();
}

int main(int argc, char **argv)
{
    return tr_main(argc, argv, body);
}
