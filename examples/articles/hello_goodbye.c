/* SPDX-License-Identifier: MIT */
/* The first message passed: a process waits for one of two, prints it and ends. */
#include <stdio.h>

#include "await.h"

tr_atoms(hello, goodbye);

static void wait_for_word(tr_term arg)
{
    const char *text;

    (void)arg;
    tr_receive (m) {
        tr_on (m, a_hello, &text)
            printf("Got hello: %s\n", text);
        tr_on (m, a_goodbye, &text)
            printf("Got goodbye: %s\n", text);
    }
}

static void body(tr_term args)
{
    (void)args;
    tr_pid pid = tr_spawn(wait_for_word);

    tr_send(pid, a_hello, "world");
    await_end_of(pid);
}

int main(int argc, char **argv)
{
    return tr_main(argc, argv, body);
}
