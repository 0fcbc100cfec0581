/* SPDX-License-Identifier: MIT */
/*
 * The fault: messages that come faster than they are handled, until memory is full. Troupe tells of
 * long mailboxes, and bounds one that was given a bound: it drops, or makes senders wait. A call is
 * a bound of its own, as its sender waits for the answer.
 */
#include <stdio.h>

#include "await.h"

tr_atoms(work, go, monitor, long_message_queue, message_queue_len, messages_dropped);

enum { MESSAGES = 10000, BOUND = 100 };

/* Does nothing until it is told to, then handles so many. */
static void slow(tr_term arg)
{
    size_t longest = 0;
    int n = 0, wanted = 0;

    tr_match(arg, &wanted);
    tr_receive (m)
        tr_on (m, a_go) {
        }
    while (n < wanted)
        tr_receive (m)
            tr_on (m, a_work, tr_any()) {
                n++;
                if (tr_mailbox_length() > longest)
                    longest = tr_mailbox_length();
            }
    printf("handled %d, %s\n", n, longest > BOUND ? "a long mailbox" : "never more than 100 there");
}

static void produce(tr_term arg)
{
    tr_pid pid;

    if (tr_match(arg, &pid))
        for (int i = 0; i < MESSAGES; i++)
            tr_send(pid, a_work, i);
}

static int64_t number(tr_pid pid, tr_atom item)
{
    int64_t n = -1;
    tr_term value;

    if (tr_process_info(pid, item, &value))
        tr_match(value, &n);
    return n;
}

static void no_bound(void)
{
    tr_pid pid = tr_spawn(slow, MESSAGES);

    tr_system_monitor(&(struct tr_watch_opts){ .to = tr_self(), .long_message_queue = 1000 });
    await_end_of(tr_spawn(produce, pid));
    printf("without a bound: %d wait\n", (int)number(pid, a_message_queue_len));
    tr_receive (m)
        tr_on (m, a_monitor, pid, a_long_message_queue, tr_any())
            puts("and the watch has told of it");
    tr_system_monitor(NULL);
    tr_send(pid, a_go);
    await_end_of(pid);
}

static void dropped(void)
{
    struct tr_spawn_opts opts = { .max_mailbox = BOUND, .mailbox_policy = TR_MAILBOX_DROP_NEWEST };
    tr_pid pid = tr_spawn_opt(slow, &opts, BOUND);

    await_end_of(tr_spawn(produce, pid));
    printf("dropped: %d, %d wait\n", (int)number(pid, a_messages_dropped),
           (int)number(pid, a_message_queue_len));
}

static void senders_wait(void)
{
    struct tr_spawn_opts opts = { .max_mailbox = BOUND, .mailbox_policy = TR_MAILBOX_WAIT };
    tr_pid pid = tr_spawn_opt(slow, &opts, MESSAGES);

    tr_send(pid, a_go);
    tr_spawn(produce, pid);
    await_end_of(pid);
}

static void body(tr_term args)
{
    (void)args;
    no_bound();
    dropped();
    senders_wait();
}

int main(int argc, char **argv)
{
    return tr_main(argc, argv, body);
}
