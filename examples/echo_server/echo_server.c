/* SPDX-License-Identifier: MIT */
/*
 * A TCP server that sends back what it receives: one process per connection.
 *
 *     echo_server [PORT]      on the loopback address; port 0, the default: any free one
 *
 * Three kinds of process, linked in a line: the server, which waits for the order to stop; the
 * acceptor; and the connections. When the server ends, the acceptor and then the connections
 * get its exit signal, by their links. A connection that waits for input ends at once; one that has
 * taken some sends it back first, and all that has come after it.
 */
#include "troupe.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

tr_atoms(EXIT, shutdown);

enum { PATIENCE_MS = 5000 }; /* with a client that does not take what it asked for */

static _Atomic long served, bytes;

/* Has the order to stop come while exit signals were trapped? */
static bool told_to_stop(void)
{
    bool told = false;

    tr_receive (m) {
        tr_on (m, a_EXIT, tr_any(), tr_any())
            told = true;
        tr_after (m, 0) {
        }
    }
    return told;
}

/* Sends back what has come, to the last byte; false when the connection is to end. */
static bool send_back(int fd)
{
    char buffer[4096];
    ssize_t n;

    tr_trap_exit(true);
    while ((n = tr_read(fd, buffer, sizeof buffer, 0)) > 0) {
        if (tr_write(fd, buffer, (size_t)n, PATIENCE_MS))
            return false;
        atomic_fetch_add(&bytes, n);
    }
    tr_trap_exit(false);
    return n == TR_ETIMEOUT && !told_to_stop();
}

static void connection(tr_term arg)
{
    int fd = -1;

    tr_match(arg, &fd);
    tr_own_fd(fd);
    atomic_fetch_add(&served, 1);
    /* In this wait the exit signal ends it: nothing is in its hands. */
    while (tr_wait_fd(fd, TR_FD_READ, TR_INFINITY) == TR_OK && send_back(fd))
        ;
}

static void acceptor(tr_term arg)
{
    int listener = -1;

    tr_match(arg, &listener);
    tr_own_fd(listener);
    for (;;) {
        int fd = tr_accept(listener, TR_INFINITY);
        if (fd >= 0)
            tr_spawn_link(connection, fd);
        else
            tr_sleep(10); /* too many descriptors: until some are closed */
    }
}

/* A socket that listens on the loopback address; the port it got, or -1. */
static int listen_on(int port, int *listener)
{
    struct sockaddr_in address = { .sin_family = AF_INET, .sin_port = htons((uint16_t)port) };
    socklen_t size = sizeof address;
    int on = 1;

    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    *listener = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    setsockopt(*listener, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    if (bind(*listener, (struct sockaddr *)&address, sizeof address) != 0 ||
        listen(*listener, 4096) != 0 ||
        getsockname(*listener, (struct sockaddr *)&address, &size) != 0)
        return -1;
    return ntohs(address.sin_port);
}

static void server(tr_term args)
{
    tr_term port_text, rest = args;
    tr_bin text = { 0 };
    int listener;

    tr_list_next(&rest, &port_text); /* the name of the program */
    if (tr_list_next(&rest, &port_text))
        tr_binary_get(port_text, &text);
    int port = listen_on(text.size ? atoi((const char *)text.data) : 0, &listener);
    if (port < 0) {
        perror("echo_server");
        tr_exit(tr_intern("cannot_listen"));
    }
    printf("listening on port %d\n", port);
    fflush(stdout);
    tr_trap_exit(true);
    tr_spawn_link(acceptor, listener);
    tr_receive (m) {
        tr_on (m, a_EXIT, tr_any(), tr_any())
            printf("served %ld connections, %ld bytes\n", atomic_load(&served),
                   atomic_load(&bytes));
    }
    fflush(stdout);
    tr_exit(a_shutdown);
}

int main(int argc, char **argv)
{
    struct rlimit files;

    getrlimit(RLIMIT_NOFILE, &files);
    files.rlim_cur = files.rlim_max;
    setrlimit(RLIMIT_NOFILE, &files);
    return tr_main(argc, argv, server);
}
