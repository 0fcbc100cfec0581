/* SPDX-License-Identifier: MIT */
/*
 * The fault: a large structure in each message, which is copied for each receiver. In Troupe, as in
 * Erlang, a binary of more than 64 bytes is not: all share it. Otherwise the data stays with one
 * process, and the message says with whom.
 */
#include <stdio.h>

#include "await.h"

tr_atoms(memory, get, item, large);

enum { LENGTH = 100000, SIZE = LENGTH * sizeof(int64_t) };

static int64_t numbers[LENGTH];

static tr_term list_of_numbers(void)
{
    tr_term list = tr_nil();

    for (int i = LENGTH; i-- > 0;)
        list = tr_list_push(list, tr_build(numbers[i]));
    return list;
}

static void wait_here(tr_term unused)
{
    (void)unused;
    tr_sleep(TR_INFINITY);
}

/* Sends a message to a process that leaves it in its mailbox, and shows what it costs there. */
static void show_cost(const char *what, tr_term message)
{
    tr_pid pid = tr_spawn(wait_here);
    int64_t before = 0, after = 0;
    tr_term bytes;

    if (tr_process_info(pid, a_memory, &bytes))
        tr_match(bytes, &before);
    tr_send(pid, a_large, message);
    if (tr_process_info(pid, a_memory, &bytes))
        tr_match(bytes, &after);
    printf("%s: %s\n", what, after - before >= SIZE ? "a copy of all of it" : "next to nothing");
}

/* Keeps the numbers, and answers what somebody wants to know of them. */
static void owner(tr_term unused)
{
    tr_pid caller;
    int i;

    (void)unused;
    for (;;)
        tr_receive (m)
            tr_on (m, a_get, &i, &caller)
                tr_send(caller, a_item, numbers[i]);
}

static void body(tr_term args)
{
    tr_pid pid;
    int number;

    (void)args;
    for (int i = 0; i < LENGTH; i++)
        numbers[i] = i;
    show_cost("a list of 100000 numbers", list_of_numbers());
    show_cost("the same as a binary", tr_binary(numbers, SIZE));

    tr_term reference = tr_build(tr_spawn(owner));
    show_cost("the pid of who has them", reference);
    if (!tr_match(reference, &pid))
        return;
    tr_send(pid, a_get, 4711, tr_self());
    tr_receive (m)
        tr_on (m, a_item, &number)
            printf("asked for one of them: %d\n", number);
}

int main(int argc, char **argv)
{
    return tr_main(argc, argv, body);
}
