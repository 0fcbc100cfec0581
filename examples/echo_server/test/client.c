/* SPDX-License-Identifier: MIT */
/*
 * A client of the echo server, without the library: holds N connections at once, has each echo a
 * line three times, then stops the server and looks at how it ends.
 *
 *     client PORT N PID
 *
 * Some connections have then sent what they have not read yet. All of it comes back after the
 * order to stop; and each connection, of these and of those that are idle, ends in order and is not
 * reset.
 */
#include <arpa/inet.h>
#include <linux/sockios.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

enum {
    ROUNDS = 3,
    SPARE = 50,       /* descriptors that are not connections */
    UNREAD = 10,      /* connections that have not read what they asked for */
    BULK = 64 * 1024, /* bytes that each of these has sent */
    PATIENCE_S = 120
};

static void fail(const char *what)
{
    perror(what);
    exit(1);
}

static void require(bool condition, const char *what, int number)
{
    if (condition)
        return;
    fprintf(stderr, "client: connection %d %s\n", number, what);
    exit(1);
}

static int open_connection(int port)
{
    struct sockaddr_in address = { .sin_family = AF_INET, .sin_port = htons((uint16_t)port) };
    int fd = socket(AF_INET, SOCK_STREAM, 0);

    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    if (fd < 0 || connect(fd, (struct sockaddr *)&address, sizeof address) != 0)
        fail("client: connect");
    return fd;
}

static void send_all(int fd, const char *bytes, size_t size)
{
    while (size > 0) {
        ssize_t n = write(fd, bytes, size);
        if (n < 0)
            fail("client: write");
        bytes += n;
        size -= (size_t)n;
    }
}

/* Takes back exactly these bytes. */
static void expect(int fd, const char *bytes, size_t size, int number)
{
    char got[4096];

    while (size > 0) {
        ssize_t n = read(fd, got, size < sizeof got ? size : sizeof got);
        require(n > 0, "was closed too early", number);
        require(memcmp(got, bytes, (size_t)n) == 0, "got something else back", number);
        bytes += n;
        size -= (size_t)n;
    }
}

static void echo(int fd, int number, int round)
{
    char line[64];
    size_t size = (size_t)snprintf(line, sizeof line, "connection %d, round %d\n", number, round);

    send_all(fd, line, size);
    expect(fd, line, size, number);
}

/* Sends a lot, and returns when the server's side has it. */
static void send_bulk(int fd, const char *bulk)
{
    int waiting;

    send_all(fd, bulk, BULK);
    do {
        usleep(1000);
        if (ioctl(fd, SIOCOUTQ, &waiting) != 0)
            fail("client: ioctl");
    } while (waiting > 0);
}

/* As many connections as are wanted, or as the limit of descriptors allows. */
static int how_many(int wanted)
{
    struct rlimit files;

    getrlimit(RLIMIT_NOFILE, &files);
    files.rlim_cur = files.rlim_max;
    setrlimit(RLIMIT_NOFILE, &files);
    if ((rlim_t)wanted + SPARE <= files.rlim_max)
        return wanted;
    printf("only %d descriptors are allowed\n", (int)files.rlim_max);
    return (int)files.rlim_max - SPARE;
}

int main(int argc, char **argv)
{
    if (argc != 4)
        return 2;
    int port = atoi(argv[1]), n = how_many(atoi(argv[2]));
    pid_t server = (pid_t)atoi(argv[3]);
    int unread = n < UNREAD ? n : UNREAD;
    int *fds = calloc((size_t)n + 1, sizeof *fds);
    char *bulk = calloc(1, BULK);
    char c;

    if (!fds || !bulk)
        fail("client");
    alarm(PATIENCE_S);
    for (int i = 0; i < n; i++)
        fds[i] = open_connection(port);
    for (int round = 1; round <= ROUNDS; round++)
        for (int i = 0; i < n; i++)
            echo(fds[i], i, round);
    printf("held %d connections at once\n", n);

    for (int i = 0; i < BULK; i++)
        bulk[i] = (char)('a' + i % 26);
    for (int i = 0; i < unread; i++)
        send_bulk(fds[i], bulk);
    if (kill(server, SIGTERM) != 0)
        fail("client: kill");
    for (int i = 0; i < n; i++) {
        if (i < unread)
            expect(fds[i], bulk, BULK, i);
        require(read(fds[i], &c, 1) == 0, "did not end in order", i);
    }
    printf("all ended in order, %d of them after %d bytes more\n", unread, BULK);
    free(bulk);
    free(fds);
    return 0;
}
