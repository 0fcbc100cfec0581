/* SPDX-License-Identifier: MIT */
/*
 * Descriptors that a process owns, and reading.
 *
 * An owned descriptor is closed by nobody behind the library's back, so it is watched without being
 * asked for each wait (sched/poll.c); and who reads leaves a note when nothing is left, so that the
 * next wait need not look.
 */
#include "proc/proc.h"
#include "sched/poll.h"
#include "troupe/errno.h"
#include "troupe/fd.h"
#include "troupe/memory.h"

#include <errno.h>
#include <unistd.h>

static void close_owned(void *fd)
{
    tr_close_fd((int)(intptr_t)fd);
}

void tr_own_fd(int fd)
{
    TR__ENTER();

    tr_defer(close_owned, (void *)(intptr_t)fd);
    tr__poll_hold(fd);
}

bool tr_disown_fd(int fd)
{
    TR__ENTER();
    bool owned = tr_defer_cancel(close_owned, (void *)(intptr_t)fd);

    if (owned)
        tr__poll_release(fd);
    return owned;
}

/* Outside the library, since it may block: then others get the worker. */
ssize_t tr_read(int fd, void *buffer, size_t size, int64_t ms)
{
    struct tr_poll_wait poll = { .fd = fd };

    for (;;) {
        tr__poll_mark(&poll);
        ssize_t n = read(fd, buffer, size);
        if (n >= 0) {
            if (n > 0 && (size_t)n < size)
                tr__poll_drained(fd, poll.seen_in, true);
            return n;
        }
        if (errno == EINTR)
            continue;
        if (errno != EAGAIN && errno != EWOULDBLOCK)
            return TR_ESYS;
        tr__poll_drained(fd, poll.seen_in, false);
        tr_err err = tr_wait_fd(fd, TR_FD_READ, ms);
        if (err)
            return err;
    }
}
