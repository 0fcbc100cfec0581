/* SPDX-License-Identifier: MIT */
/*
 * A client of the echo server, without the library: holds N connections at once, and has each
 * echo a line three times.
 *
 *     client PORT N
 */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

enum { ROUNDS = 3, SPARE = 50 };

static int open_connection(int port)
{
    struct sockaddr_in address = { .sin_family = AF_INET, .sin_port = htons((uint16_t)port) };
    int fd = socket(AF_INET, SOCK_STREAM, 0);

    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    if (fd < 0 || connect(fd, (struct sockaddr *)&address, sizeof address) != 0) {
        perror("client: connect");
        exit(1);
    }
    return fd;
}

static void echo(int fd, int number, int round)
{
    char line[64], got[64];
    size_t n = 0;
    size_t size = (size_t)snprintf(line, sizeof line, "connection %d, round %d\n", number, round);

    if (write(fd, line, size) != (ssize_t)size) {
        perror("client: write");
        exit(1);
    }
    while (n < size) {
        ssize_t more = read(fd, got + n, size - n);
        if (more <= 0) {
            fprintf(stderr, "client: connection %d was closed\n", number);
            exit(1);
        }
        n += (size_t)more;
    }
    if (memcmp(line, got, size) != 0) {
        fprintf(stderr, "client: connection %d got something else back\n", number);
        exit(1);
    }
}

int main(int argc, char **argv)
{
    int port = argc > 2 ? atoi(argv[1]) : 0, n = argc > 2 ? atoi(argv[2]) : 0;
    struct rlimit files;

    getrlimit(RLIMIT_NOFILE, &files);
    files.rlim_cur = files.rlim_max;
    setrlimit(RLIMIT_NOFILE, &files);
    if ((rlim_t)n > files.rlim_max - SPARE)
        n = (int)files.rlim_max - SPARE;
    int *fds = calloc((size_t)n + 1, sizeof *fds);
    if (!fds)
        return 1;
    for (int i = 0; i < n; i++)
        fds[i] = open_connection(port);
    for (int round = 1; round <= ROUNDS; round++)
        for (int i = 0; i < n; i++)
            echo(fds[i], i, round);
    printf("%d connections at once, %d echoes\n", n, n * ROUNDS);
    for (int i = 0; i < n; i += 2)
        close(fds[i]);
    free(fds); /* the others stay open until the program ends */
    return 0;
}
