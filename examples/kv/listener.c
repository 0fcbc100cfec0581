/* SPDX-License-Identifier: MIT */
#include "listener.h"

#include "config.h"
#include "connection.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>

tr_atoms(connections, ok, noproc);

enum { BACKLOG = 4096, PAUSE_MS = 10 };

static int listening = -1;

bool listener_open(void)
{
    struct sockaddr_in address = { .sin_family = AF_INET,
                                   .sin_port = htons((uint16_t)config.port) };
    socklen_t size = sizeof address;
    int on = 1;

    listening = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    setsockopt(listening, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    if (inet_pton(AF_INET, config.bind, &address.sin_addr) != 1 ||
        bind(listening, (struct sockaddr *)&address, sizeof address) != 0 ||
        listen(listening, BACKLOG) != 0 ||
        getsockname(listening, (struct sockaddr *)&address, &size) != 0) {
        fprintf(stderr, "kv: cannot listen on %s:%d: ", config.bind, config.port);
        perror("");
        return false;
    }
    config.port = ntohs(address.sin_port);
    return true;
}

static void refuse(int fd)
{
    static const char text[] = "-ERR max number of clients reached\r\n";

    (void)!tr_write(fd, text, sizeof text - 1, 0);
    tr_close_fd(fd);
}

/* From its first step on the connection owns the descriptor. */
static void start_connection(void *arg)
{
    const int *fd = arg;
    tr_term started = tr_dynamic_supervisor_start_child(
        a_connections, TR_CHILD(.process = connection, .id = "connection",
                                .arg_term = tr_build(*fd), .restart = TR_TEMPORARY));

    if (!tr_match(started, a_ok, tr_any()))
        tr_exit(a_noproc);
}

/* While the service starts again there is nobody who could serve: the client has to come back. */
static void serve(int fd)
{
    int on = 1;
    tr_term reason;

    tr_own_fd(fd);
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    bool failed = tr_catch(start_connection, &fd, &reason);
    tr_disown_fd(fd);
    if (failed)
        tr_close_fd(fd);
}

void listener(tr_term arg)
{
    (void)arg;
    for (;;) {
        int fd = tr_accept(listening, TR_INFINITY);
        if (fd < 0)
            tr_sleep(PAUSE_MS); /* too many descriptors: until some are closed */
        else if (connection_counts().open >= config.maxclients)
            refuse(fd);
        else
            tr_scope
            {
                serve(fd);
            }
    }
}
