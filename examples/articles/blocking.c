/* SPDX-License-Identifier: MIT */
/*
 * The fault: one process computes for a long time, or blocks, and with it all others of its
 * scheduler. Troupe notices this after some milliseconds, and the others go on on another thread;
 * who knows that it will block says so, and they need not even wait for that.
 */
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "await.h"

tr_atoms(monitor, long_schedule, closed);

static atomic_bool enough;
static int ends[2]; /* of a pipe */

/* Never calls the library; ends when another process has run. */
static void compute(tr_term unused)
{
    (void)unused;
    while (!enough) {
    }
}

static void say_enough(tr_term unused)
{
    (void)unused;
    tr_sleep(20);
    puts("another one has run");
    enough = true;
}

/* Blocks in the kernel until another process has run. */
static void wait_for_byte(tr_term unused)
{
    char byte;

    (void)unused;
    tr_blocking_begin(); /* otherwise it takes the few milliseconds again */
    ssize_t n = read(ends[0], &byte, 1);
    tr_blocking_end();
    printf("%zd byte has come\n", n);
}

static void send_byte(tr_term unused)
{
    (void)unused;
    if (write(ends[1], "x", 1) != 1)
        tr_exit(a_closed);
}

static void body(tr_term args)
{
    (void)args;
    tr_system_monitor(&(struct tr_watch_opts){ .to = tr_self(), .long_schedule_ms = 10 });
    tr_pid busy = tr_spawn(compute);
    await_end_of(tr_spawn(say_enough));
    await_end_of(busy);
    tr_receive (m)
        tr_on (m, a_monitor, busy, a_long_schedule, tr_any())
            puts("and the watch has told who held it up");
    tr_system_monitor(NULL);

    tr_pid blocked = tr_spawn(wait_for_byte);
    tr_spawn(send_byte);
    await_end_of(blocked);
}

int main(int argc, char **argv)
{
    if (pipe(ends) || setenv("TROUPE_SCHEDULERS", "1", 1)) /* one for all */
        return 1;
    return tr_main(argc, argv, body);
}
