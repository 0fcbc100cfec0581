/* SPDX-License-Identifier: MIT */
/* Processes: starting one with and without arguments, what it shares (nothing), who it is, and
   whether it is alive. */
#include <stdio.h>

#include "await.h"

tr_atoms(stop);

static void hello(tr_term arg)
{
    (void)arg;
    puts("Hello from process!");
}

static void compute(tr_term arg)
{
    (void)arg;
    printf("Result: %d\n", 1 + 1);
}

static void add(tr_term arg)
{
    int a, b;

    if (tr_match(arg, &a, &b))
        printf("%d + %d = %d\n", a, b, a + b);
}

/* Gets a copy: nothing it does to its own reaches the one who started it. */
static void change(tr_term arg)
{
    int mine = 0;

    tr_match(arg, &mine);
    mine += 1;
    printf("in the process: %d\n", mine);
}

static void say_who(tr_term arg)
{
    tr_pid starter;

    if (tr_match(arg, &starter))
        printf("one and the same: %s\n", starter.w == tr_self().w ? "true" : "false");
}

static void wait_for_stop(tr_term arg)
{
    (void)arg;
    tr_receive (m)
        tr_on (m, a_stop) {
        }
}

static void body(tr_term args)
{
    int mine = 1;

    (void)args;
    await_end_of(tr_spawn(hello));
    await_end_of(tr_spawn(compute));
    await_end_of(tr_spawn(add, 2, 3));

    await_end_of(tr_spawn(change, mine));
    printf("in the one that started it: %d\n", mine);
    await_end_of(tr_spawn(say_who, tr_self()));

    tr_pid pid = tr_spawn(wait_for_stop);
    printf("alive: %s\n", tr_is_alive(pid) ? "true" : "false");
    tr_send(pid, a_stop);
    await_end_of(pid);
    printf("alive: %s\n", tr_is_alive(pid) ? "true" : "false");
}

int main(int argc, char **argv)
{
    return tr_main(argc, argv, body);
}
