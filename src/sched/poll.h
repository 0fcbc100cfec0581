/* SPDX-License-Identifier: MIT */
/*
 * Waiting for descriptors: one epoll set, and one thread that sleeps in it.
 *
 * The thread starts with the first wait. It does nothing but tell those who wait, so what it adds
 * to the way from the kernel to the process is one wake-up. It is apart from the workers: an idle
 * worker sleeps on its own futex (idle.c), and a busy one need not look at descriptors at all.
 */
#ifndef TROUPE_SCHED_POLL_H
#define TROUPE_SCHED_POLL_H

#include "troupe/error.h"

#include <stdbool.h>
#include <stdint.h>

enum { TR__POLL_READ = 1, TR__POLL_WRITE = 2, TR__POLL_ANY = 3 };

/*
 * One wait. From tr__poll_add on it belongs to this file, until `done` is called, by the thread
 * above or by who closes the descriptor, or tr__poll_remove says that it will not be.
 */
struct tr_poll_wait {
    struct tr_poll_wait *next; /* on the list of its descriptor */
    int fd;
    int events;
    void (*done)(struct tr_poll_wait *wait, bool closed);
};

/* TR_EINVAL: no such descriptor. TR_EBUSY: of a kind that is always ready, such as a file.
   TR_ENOMEM, TR_ESYS: cannot be watched. Any thread. */
tr_err tr__poll_add(struct tr_poll_wait *wait);

/* False when `done` has been, or is being, called. Any thread. */
bool tr__poll_remove(struct tr_poll_wait *wait);

/* Tells all who wait for the descriptor that it is closed. Any thread. */
void tr__poll_forget(int fd);

/* Closes an open descriptor, but keeps its number: until that is closed as well, all that is done
   with it fails with EBADF, and nobody else gets it. False, with nothing done, when nobody has ever
   waited, or the system refuses. Blocks where close would. Any thread. */
bool tr__poll_bury(int fd);

/* Ends the thread; nobody waits any more. */
void tr__poll_stop(void);

#endif
