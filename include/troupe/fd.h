/* SPDX-License-Identifier: MIT */
/*
 * Descriptors: a process waits for one without holding up a thread.
 *
 *     while ((n = read(fd, buffer, sizeof buffer)) < 0 && errno == EAGAIN)
 *         if (tr_wait_fd(fd, TR_FD_READ, 5000))
 *             return;
 *
 * Any library that works on non-blocking descriptors can be used in this way. While a process
 * waits it takes exit signals; messages stay in its mailbox.
 */
#ifndef TROUPE_FD_H
#define TROUPE_FD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "troupe/error.h"
#include "troupe/version.h"

TR_HEADER_BEGIN

enum {
    TR_FD_READ = 1, /* bytes to read, a connection to accept, or the end of the stream */
    TR_FD_WRITE = 2 /* room to write, or a connection that is made */
};

/*
 * Waits until the descriptor is ready for one of the events, or in error, or until `ms`
 * milliseconds have passed (TR_INFINITY: no limit; 0: looks and returns). Several processes may
 * wait for one descriptor, for the same events or others. Ready is a hint: another process may be
 * faster, so the descriptor should be non-blocking.
 *
 *     TR_OK        ready; a regular file always is
 *     TR_ETIMEOUT  not ready in time
 *     TR_ECLOSED   closed by tr_close_fd meanwhile, or found to have been closed otherwise
 *     TR_EINVAL    no such descriptor, no event, or a negative time
 *     TR_ENOMEM, TR_ESYS  the system has no room to watch it
 *
 * A descriptor that is closed with close() while processes wait for it leaves them waiting: until
 * their time is over, or somebody else has to wait for its number. They are not woken by what then
 * happens to another file of that number. Process only; blocks. (Erlang: sockets and ports;
 * enif_select)
 */
TR_MUST_USE tr_err tr_wait_fd(int fd, int events, int64_t ms);

/*
 * Closes a descriptor; all who wait for it get TR_ECLOSED, and who comes to wait while it is closed
 * gets that or TR_EINVAL. TR_EINVAL: not open. May block where close() does: a socket with
 * SO_LINGER, a file on a network. Any thread.
 */
tr_err tr_close_fd(int fd);

/*
 * The descriptor is closed, by tr_close_fd, when the calling process ends, whatever the way. Until
 * then it is closed by tr_close_fd only, not by close: so the library may watch it once for all,
 * and to wait for it takes no system call in the best case, which is tr_read on a TCP connection.
 * Without memory it is closed at once, and the process ends with out_of_memory. Process only.
 */
void tr_own_fd(int fd);

/* Takes that back, before a descriptor is closed otherwise, or when it has been handed to another
   process; false when the caller does not own it. Process only. */
bool tr_disown_fd(int fd);

/* Makes a descriptor non-blocking. TR_EINVAL: not open. Any thread. */
tr_err tr_nonblock_fd(int fd);

/*
 * read, write and accept for non-blocking descriptors: where these would block, the process waits.
 * `ms` is the limit of each wait. Process only; block.
 *
 * tr_read: the number of bytes, 0 at the end of the stream, or a negative tr_err: those of
 * tr_wait_fd, or TR_ESYS with the cause in errno.
 *
 * tr_write: writes everything; TR_OK, or an error as above, in which case an unknown part has been
 * written. Raises no SIGPIPE on sockets.
 *
 * tr_accept: a new descriptor, non-blocking and closed on exec, or a negative tr_err.
 */
ssize_t tr_read(int fd, void *buffer, size_t size, int64_t ms);
TR_MUST_USE tr_err tr_write(int fd, const void *bytes, size_t size, int64_t ms);
int tr_accept(int fd, int64_t ms);

TR_HEADER_END

#endif
