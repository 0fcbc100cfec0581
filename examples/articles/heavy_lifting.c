/* SPDX-License-Identifier: MIT */
/*
 * A process handles one request at a time: a slow function that runs in an agent holds up all who
 * ask it. So the agent hands out what is needed, and the work is done by who wants its result.
 */
#include <stdio.h>

#include <troupe.h>

tr_atoms(numbers, begun, heavy, quick, served);

static tr_term initial(tr_term list)
{
    return list;
}

static tr_term state_of(tr_term list, tr_term unused)
{
    (void)unused;
    return list;
}

/* The heavy lifting: tells when it begins and when it is done. It takes until there is a message
   for the process in which it runs: for the agent the next request, for a task that this has been
   served. */
static tr_term sum_slowly(tr_term list, tr_term boss)
{
    int64_t sum = 0, n;
    tr_term item;

    tr_send(boss, a_begun, tr_self());
    while (tr_mailbox_length() == 0)
        tr_sleep(1);
    while (tr_list_next(&list, &item))
        sum += tr_match(item, &n) ? n : 0;
    tr_send(boss, a_heavy, sum);
    return tr_build(sum);
}

static tr_term in_the_agent(tr_term boss)
{
    return tr_agent_get(a_numbers, sum_slowly, boss);
}

static tr_term in_the_caller(tr_term boss)
{
    return sum_slowly(tr_agent_get(a_numbers, state_of), boss);
}

/* Starts the work somewhere, asks a quick question, and shows which was done first. */
static void show(const char *where, tr_task_fn work)
{
    struct tr_task task = tr_async(work, tr_self());
    tr_pid worker;
    tr_atom first;
    size_t n = 0;

    tr_receive (m)
        tr_on (m, a_begun, &worker)
            tr_list_length(tr_agent_get(a_numbers, state_of), &n);
    tr_send(tr_self(), a_quick, n);
    if (worker.w == task.pid.w)
        tr_send(worker, a_served);
    tr_receive (m)
        tr_on (m, &first, tr_any())
            printf("%s: first the %s one\n", where, tr_atom_name(first, NULL));
    tr_receive (m)
        tr_on (m, &first, tr_any()) {
        }
    printf("    the sum is %s\n", tr_inspect(tr_await(task)));
}

static void body(tr_term args)
{
    (void)args;
    tr_agent_start_link(initial, TR_AGENT_OPTS(.name = a_numbers), tr_list(1, 2, 3));
    show("in the agent", in_the_agent);
    show("in the caller", in_the_caller);
}

int main(int argc, char **argv)
{
    return tr_main(argc, argv, body);
}
