/* SPDX-License-Identifier: MIT */
/* A task: its result is a message to its owner, and await takes it. */
#include <stdio.h>

#include <troupe.h>

static tr_term add(tr_term arg)
{
    int64_t a, b;

    return tr_match(arg, &a, &b) ? tr_build(a + b) : tr_nil();
}

static int waiting_messages(void)
{
    return (int)tr_mailbox_length();
}

static void body(tr_term args)
{
    struct tr_task task = tr_async(add, 5, 5);
    tr_ref ended = tr_monitor(task.pid);

    (void)args;
    tr_receive (m)
        tr_on (m, tr_any(), ended, tr_any(), tr_any(), tr_any()) {
        }
    printf("alive: %s\n", tr_is_alive(task.pid) ? "true" : "false");
    printf("messages: %d\n", waiting_messages());
    printf("result: %s\n", tr_inspect(tr_await(task)));
    printf("messages: %d\n", waiting_messages());
}

int main(int argc, char **argv)
{
    return tr_main(argc, argv, body);
}
