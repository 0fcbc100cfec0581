/* SPDX-License-Identifier: MIT */
/*
 * kv: a server that speaks the Redis protocol.
 *
 *     kv [--port N] [--bind ADDRESS] [--dir FOLDER] [--appendonly yes|no]
 *        [--appendfsync always|everysec|no] ...
 *
 *     tree
 *     ├── service
 *     │   ├── aof           writes the log            (with --appendonly yes)
 *     │   ├── store         keeps the data, in its tables
 *     │   ├── channels      process groups of those who listen to a channel,
 *     │   ├── patterns      and to a pattern
 *     │   └── connections   a process for each client, and one more for a subscriber
 *     └── listener          accepts clients
 *
 * What is in memory and what is in the log are one thing: when any part of the service fails, all
 * of it starts again, from the log, as after a crash; when it has to give up, the program ends. The
 * listener comes back alone, and a connection that fails concerns nobody else.
 */
#include "aof.h"
#include "config.h"
#include "connection.h"
#include "listener.h"
#include "store.h"
#include "subscriber.h"

#include <stdio.h>
#include <sys/resource.h>

tr_atoms(ok);

static const struct tr_dynamic_supervisor connections = { .name = "connections" };

static const struct tr_child_spec children[] = {
    { .server = &aof, .name = "aof" },
    { .server = &store, .name = "store" },
    { .start = channels_start, .id = "channels" },
    { .start = patterns_start, .id = "patterns" },
    { .dynamic_supervisor = &connections, .name = "connections" },
    { .restart = TR_PERMANENT },
};

static tr_term service_start(tr_term arg)
{
    /* Without a log the first one is left out. */
    const struct tr_supervisor service = { .name = "service",
                                           .strategy = TR_ONE_FOR_ALL,
                                           .max_seconds = 60,
                                           .children = children + !config.appendonly };

    (void)arg;
    return tr_supervisor_start_link(&service, NULL);
}

static const struct tr_supervisor tree = {
    .name = "tree",
    .auto_shutdown = TR_ANY_SIGNIFICANT,
    .children = TR_CHILDREN({ .start = service_start,
                              .id = "service",
                              .type = TR_SUPERVISOR,
                              .restart = TR_TEMPORARY,
                              .significant = true,
                              .shutdown_ms = TR_INFINITY },
                            { .process = listener, .name = "listener" }),
};

static tr_term tree_start(tr_term arg)
{
    (void)arg;
    tr_term started = tr_supervisor_start_link(&tree, NULL);
    if (tr_match(started, a_ok, tr_any())) {
        printf("listening on port %d\n", config.port);
        fflush(stdout);
    }
    return started;
}

static const struct tr_application kv = { .name = "kv", .start = tree_start };

int main(int argc, char **argv)
{
    struct rlimit files;

    if (!config_read(argc, argv) || !listener_open())
        return 1;
    getrlimit(RLIMIT_NOFILE, &files);
    files.rlim_cur = files.rlim_max;
    setrlimit(RLIMIT_NOFILE, &files);
    return tr_application_main(argc, argv, &kv);
}
