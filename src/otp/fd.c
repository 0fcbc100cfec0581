/* SPDX-License-Identifier: MIT */
/* What can be built on tr_wait_fd: write and accept. */
#define _GNU_SOURCE
#include "troupe/fd.h"

#include "troupe/errno.h"

#include <fcntl.h>
#include <stdbool.h>
#include <sys/socket.h>
#include <unistd.h>

tr_err tr_nonblock_fd(int fd)
{
    int flags = fcntl(fd, F_GETFL);

    return flags >= 0 && fcntl(fd, F_SETFL, flags | O_NONBLOCK) == 0 ? TR_OK : TR_EINVAL;
}

/* After an operation that has failed: TR_OK to try again. */
static tr_err wait_after_failure(int fd, int events, int64_t ms)
{
    if (errno == EINTR || errno == ECONNABORTED)
        return TR_OK;
    return errno == EAGAIN || errno == EWOULDBLOCK ? tr_wait_fd(fd, events, ms) : TR_ESYS;
}

static ssize_t write_some(int fd, const char *bytes, size_t size)
{
    ssize_t n = send(fd, bytes, size, MSG_NOSIGNAL);

    return n < 0 && errno == ENOTSOCK ? write(fd, bytes, size) : n;
}

tr_err tr_write(int fd, const void *bytes, size_t size, int64_t ms)
{
    const char *rest = bytes;

    while (size > 0) {
        ssize_t n = write_some(fd, rest, size);
        tr_err err = n < 0 ? wait_after_failure(fd, TR_FD_WRITE, ms) : TR_OK;
        if (err)
            return err;
        if (n > 0) {
            rest += n;
            size -= (size_t)n;
        }
    }
    return TR_OK;
}

int tr_accept(int fd, int64_t ms)
{
    int connection;

    while ((connection = accept4(fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC)) < 0) {
        tr_err err = wait_after_failure(fd, TR_FD_READ, ms);
        if (err)
            return err;
    }
    return connection;
}
