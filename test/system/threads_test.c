/* SPDX-License-Identifier: MIT */
/* The pool of threads at its limit. */
#include "check_proc.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { LIMIT = 8, BLOCKED = 12 };

static int channel[2];
static _Atomic(char *) told;

/* On a thread of the log's: no process may be able to run. */
static void remember(const struct tr_log_event *event, void *unused)
{
    char *none = NULL;

    (void)unused;
    if (strstr(event->text, "threads are in use") &&
        atomic_compare_exchange_strong(&told, &none, strdup(event->text)))
        close(channel[1]);
}

static void blocks(tr_term arg)
{
    char c;

    (void)arg;
    CHECK(read(channel[0], &c, 1) == 0);
}

static bool says(const char *part)
{
    return strstr(atomic_load(&told), part) != NULL;
}

static void meet_the_limit(tr_term arg)
{
    (void)arg;
    CHECK_INT(tr_log_remove_sink("default"), TR_OK);
    CHECK_INT(tr_log_add_sink("test", &(struct tr_sink){ .write = remember }), TR_OK);
    CHECK(pipe(channel) == 0);
    for (int i = 0; i < BLOCKED; i++)
        tr_spawn(blocks);
    CHECK_WITHIN(10000, atomic_load(&told));
    CHECK(says("all 8 threads are in use"));
    CHECK(says(" of blocks at "));
    CHECK(says("threads_test.c:"));
    CHECK(says(", such as <0."));
    CHECK(says("on thread troupe/"));
    CHECK_WITHIN(10000, tr_process_count() == 1);
}

TEST(log_says_who_holds_the_threads_when_there_are_no_more)
{
    tr_set_thread_limit(LIMIT);
    CHECK_INT(tr_main(0, NULL, meet_the_limit), 0);
    free(atomic_load(&told));
}
