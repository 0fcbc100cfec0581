/* SPDX-License-Identifier: MIT */
/*
 * A program for the tools to look at: processes in each state there is, with known functions open
 * on their stacks and known messages in their mailboxes. With the argument `stop` it ends once all
 * is in place, with `wrong` it also looks at memory that holds no value; otherwise it says "ready"
 * and waits.
 */
#include "troupe.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

tr_atoms(wanted, unwanted, ready, deep, status, waiting);

static volatile int sink;

static __attribute__((noinline)) void wait_here(int depth)
{
    volatile char room[200];

    memset((char *)room, depth, sizeof room);
    tr_receive (m)
        tr_on (m, a_wanted) {
        }
    sink = room[depth];
}

static __attribute__((noinline)) void go_down(int depth)
{
    if (depth == 0)
        wait_here(depth);
    else
        go_down(depth - 1);
    sink = depth;
}

static void waits_deep(tr_term arg)
{
    tr_pid boss;

    tr_match(arg, &boss);
    tr_send(boss, a_ready);
    go_down(3);
}

static void sleeps(tr_term arg)
{
    tr_pid boss;

    tr_match(arg, &boss);
    tr_send(boss, a_ready);
    tr_sleep(1000000);
}

static void never(tr_term arg)
{
    (void)arg;
}

static void hibernates(tr_term arg)
{
    tr_pid boss;

    tr_match(arg, &boss);
    tr_send(boss, a_ready);
    tr_hibernate(never);
}

static void loops_in_its_own_code(tr_term arg)
{
    tr_pid boss;
    tr_term status;

    tr_match(arg, &boss);
    tr_send(boss, a_ready);
    tr_receive (m)
        tr_on (m, a_ready) {
        }
    /* Said by this one, so that the first process waits already. */
    do
        tr_sleep(10);
    while (!tr_process_info(boss, a_status, &status) || !tr_match(status, a_waiting));
    puts("ready");
    fflush(stdout);
    for (;;)
        sink++;
}

/* Many that come and go, so that stacks and blocks are used again. */
static void churn(void)
{
    for (int i = 0; i < 200; i++) {
        tr_ref ref;
        tr_spawn_monitor(sleeps, &ref, tr_self());
        tr_receive (m)
            tr_on (m, a_ready) {
            }
        tr_demonitor_flush(ref);
    }
}

static void await_ready(int n)
{
    for (int i = 0; i < n; i++)
        tr_receive (m)
            tr_on (m, a_ready) {
            }
}

static void body(tr_term args)
{
    static struct tr_spawn_opts named;

    named.name = a_deep;
    tr_term rest = args, word = tr_nil();

    tr_list_next(&rest, &word);
    bool stops = tr_list_next(&rest, &word);
    tr_pid pid = tr_spawn_opt(waits_deep, &named, tr_self());
    await_ready(1);
    tr_send(pid, a_unwanted, 42, "text", tr_list(1, 2.5, tr_tuple()));
    tr_spawn(hibernates, tr_self());
    tr_spawn(sleeps, tr_self());
    tr_pid looping = { 0 };
    if (!stops)
        looping = tr_spawn(loops_in_its_own_code, tr_self());
    await_ready(stops ? 2 : 3);
    if (tr_match(word, "wrong")) {
        int *value = malloc(sizeof *value);
        if (value && *value)
            sink = 1;
        free(value);
    }
    if (stops) {
        churn();
        return;
    }
    tr_send(looping, a_ready);
    tr_sleep(60000);
}

int main(int argc, char **argv)
{
    return tr_main(argc, argv, body);
}
