/* SPDX-License-Identifier: MIT */
/* Exercise: a process that sends each message back to the one who sent it. */
#include <stdio.h>

#include <troupe.h>

tr_atoms(echo);

static void echo(tr_term arg)
{
    tr_pid sender;
    tr_term message;

    (void)arg;
    for (;;) {
        tr_receive (m) {
            tr_on (m, &sender, &message)
                tr_send(sender, a_echo, message);
        }
    }
}

static void body(tr_term args)
{
    const char *text;

    (void)args;
    tr_pid pid = tr_spawn(echo);

    tr_send(pid, tr_self(), "Hello");
    tr_receive (m) {
        tr_on (m, a_echo, &text)
            printf("Got: %s\n", text);
    }
}

int main(int argc, char **argv)
{
    return tr_main(argc, argv, body);
}
