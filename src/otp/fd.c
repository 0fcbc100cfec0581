/* SPDX-License-Identifier: MIT */
/* What can be built on tr_wait_fd: descriptors that a process owns; read, write and accept. */
#define _GNU_SOURCE
#include "troupe/fd.h"

#include "troupe/errno.h"
#include "troupe/memory.h"

#include <fcntl.h>
#include <stdbool.h>
#include <sys/socket.h>
#include <unistd.h>

static void close_owned(void *fd)
{
    tr_close_fd((int)(intptr_t)fd);
}

void tr_own_fd(int fd)
{
    tr_defer(close_owned, (void *)(intptr_t)fd);
}

bool tr_disown_fd(int fd)
{
    return tr_defer_cancel(close_owned, (void *)(intptr_t)fd);
}

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

ssize_t tr_read(int fd, void *buffer, size_t size, int64_t ms)
{
    ssize_t n;

    while ((n = read(fd, buffer, size)) < 0) {
        tr_err err = wait_after_failure(fd, TR_FD_READ, ms);
        if (err)
            return err;
    }
    return n;
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
