/* SPDX-License-Identifier: MIT */
/*
 * What the test kills: pushes jobs until it is ended, and writes a line for each that was pushed,
 * and for each that was run. With `poison` there is one job, which ends the program.
 */
#include "troupe.h"
#include "troupe/kit/queue_sqlite.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

tr_atoms(ok);

/* At once and as a whole. */
static void say(const char *what, int64_t n)
{
    char line[64];
    int size = snprintf(line, sizeof line, "%s %d\n", what, (int)n);

    if (write(1, line, (size_t)size) != size)
        _exit(1);
}

static tr_term work(tr_term job)
{
    int64_t n = 0;

    if (!tr_match(job, &n))
        raise(SIGKILL);
    say("ran", n);
    return tr_nil();
}

static const char *path;
static bool poison;

static void body(tr_term args)
{
    const struct tr_queue opts = { .run = work,
                                   .workers = 2,
                                   .capacity = 1000000,
                                   .max_attempts = 3,
                                   .store = &tr_queue_sqlite,
                                   .where = path };
    tr_pid queue;

    (void)args;
    if (!tr_match(tr_queue_start_link(&opts), a_ok, &queue))
        _exit(1);
    if (poison && (tr_queue_status(queue).dead || tr_queue_push(queue, "poison")))
        _exit(2);
    for (int64_t n = 0; !poison; n++) {
        if (tr_queue_push(queue, n))
            _exit(3);
        say("pushed", n);
    }
    tr_sleep(10000);
}

int main(int argc, char **argv)
{
    path = argc > 1 ? argv[1] : "";
    poison = argc > 2;
    return tr_main(argc, argv, body);
}
