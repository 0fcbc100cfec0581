/* SPDX-License-Identifier: MIT */
/*
 * A process that waits for a descriptor.
 *
 * The wait is a signal that already knows its receiver: when the descriptor is ready it is pushed
 * to the inbox like any other, which wakes the process by the usual way and loses nothing. A
 * process waits for one descriptor at a time; the signal of a wait that was given up, but was on
 * its way already, is freed where it arrives.
 */
#define _GNU_SOURCE
#include "troupe/fd.h"

#include "base/clock.h"
#include "proc/proc.h"
#include "sched/poll.h"
#include "sched/replay.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <unistd.h>

#define MS_MAX (INT64_C(1) << 43) /* in nanoseconds it still fits 64 bits */

struct tr_fd_wait {
    struct tr_sig sig;
    struct tr_poll_wait poll;
    bool closed;
};

static void done(struct tr_poll_wait *poll, bool closed)
{
    struct tr_fd_wait *wait = tr__container_of(poll, struct tr_fd_wait, poll);

    wait->closed = closed;
    tr__sig_send(&wait->sig);
}

void tr__fd_arrived(struct tr_proc *p, struct tr_sig *sig)
{
    struct tr_fd_wait *wait = tr__container_of(sig, struct tr_fd_wait, sig);

    if (tr__rare_of(p)->fd_wait == wait) {
        tr__rare(p)->fd_wait = NULL;
        tr__rare(p)->fd_closed = wait->closed;
    }
    tr__sig_discard(p, sig);
}

void tr__fd_forget(struct tr_proc *p)
{
    struct tr_fd_wait *wait = tr__rare_of(p)->fd_wait;

    if (!wait)
        return;
    tr__rare(p)->fd_wait = NULL;
    /* One that is on its way is freed where it arrives. */
    if (tr__poll_remove(&wait->poll))
        tr__sig_free(&wait->sig);
}

static struct tr_fd_wait *new_wait(struct tr_proc *p, const struct tr_poll_wait *poll)
{
    struct tr_fd_wait *wait = (struct tr_fd_wait *)(void *)tr__sig_new(
        TR__SIG_READY, atomic_load_explicit(&p->id, memory_order_relaxed), sizeof *wait);

    if (!wait)
        return NULL;
    wait->poll = *poll;
    wait->closed = false;
    return wait;
}

/* Waits until the signal has come, or the time is over; false then. */
static TR__OPAQUE bool await(struct tr_proc *p, int64_t deadline)
{
    while (tr__rare_of(p)->fd_wait) {
        if (tr__inbox_has_new(p)) {
            tr__resumed(p);
            continue;
        }
        if (deadline != TR__NEVER && tr__clock_ns() >= deadline)
            return false;
        p->wake_at = deadline;
        tr__wait(p);
        p->wake_at = TR__NEVER;
    }
    return true;
}

/* Is it ready now? */
static tr_err look(int fd, int events)
{
    int saved = errno;
    struct pollfd one = { .fd = fd };

    one.events = (short)((events & TR_FD_READ ? POLLIN | POLLRDHUP : 0) |
                         (events & TR_FD_WRITE ? POLLOUT : 0));
    int n = fd < 0 ? -1 : poll(&one, 1, 0);
    errno = saved;
    if (n < 0 || one.revents & POLLNVAL)
        return TR_EINVAL;
    return n > 0 ? TR_OK : TR_ETIMEOUT;
}

tr_err tr_wait_fd(int fd, int events, int64_t ms)
{
    TR__ENTER();
    struct tr_proc *p = TR__SELF();
    int64_t deadline = ms == TR_INFINITY
                           ? TR__NEVER
                           : tr__clock_ns() + (ms < MS_MAX ? ms : MS_MAX) * TR__NS_PER_MS;

    if (events == 0 || events & ~(TR_FD_READ | TR_FD_WRITE) || (ms < 0 && ms != TR_INFINITY))
        return TR_EINVAL;
    tr__replay_breaks("tr_wait_fd");
    tr__spend(p, TR__COST_CALL);
    struct tr_poll_wait poll = { .fd = fd, .events = events, .done = done };
    tr__poll_mark(&poll);
    bool drained = ms != 0 && events == TR_FD_READ && tr__poll_is_drained(fd);
    tr_err err = drained ? TR_ETIMEOUT : look(fd, events);
    if (err == TR_OK || ms == 0)
        return err;
    struct tr_proc_rare *rare = tr__rare(p);
    /* A wait that was ended by an exit: this one is part of the clean-up. */
    tr__fd_forget(p);
    struct tr_fd_wait *wait = new_wait(p, &poll);
    if (!wait)
        return TR_ENOMEM;
    /* Before it is added: its signal may come at once. */
    rare->fd_wait = wait;
    rare->fd = fd;
    err = tr__poll_add(&wait->poll);
    if (err) {
        rare->fd_wait = NULL;
        tr__sig_free(&wait->sig);
        return err == TR_EBUSY ? TR_OK : err;
    }
    if (await(p, deadline))
        return rare->fd_closed ? TR_ECLOSED : TR_OK;
    tr__fd_forget(p);
    return TR_ETIMEOUT;
}

/* Takes the number away from its file, and from those who wait for it. *file: another number, under
   which the file stays open; -1 when there is none to be had, and it is closed. False when it is
   not open. */
static bool free_number(int fd, int *file)
{
    TR__ENTER();

    *file = fcntl(fd, F_DUPFD_CLOEXEC, 0);
    if (*file < 0 && errno == EBADF)
        return false;
    tr__poll_forget(fd);
    bool buried = tr__poll_bury(fd);
    /* Those who came meanwhile. */
    if (buried)
        tr__poll_forget(fd);
    close(fd);
    if (!buried)
        tr__poll_forget(fd);
    return true;
}

tr_err tr_close_fd(int fd)
{
    int saved = errno;
    int file;
    bool open = free_number(fd, &file);

    /* Outside the library, since it may block: then others get the worker, and an exit signal may
       end the process in it. */
    if (file >= 0)
        close(file);
    errno = saved;
    return open ? TR_OK : TR_EINVAL;
}
