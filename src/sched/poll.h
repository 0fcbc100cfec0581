/* SPDX-License-Identifier: MIT */
/*
 * Waiting for descriptors: one epoll set, in which a worker sleeps that has nothing to do.
 *
 * One at a time does so; the others sleep each on its own futex (idle.c). While all workers are
 * busy the monitor looks, once in its tick. So between the kernel and a process that waits there is
 * no other thread, unless nobody had time for longer.
 */
#ifndef TROUPE_SCHED_POLL_H
#define TROUPE_SCHED_POLL_H

#include "troupe/error.h"

#include <stdbool.h>
#include <stdint.h>
#include <sys/epoll.h>

enum { TR__POLL_READ = 1, TR__POLL_WRITE = 2, TR__POLL_ANY = 3 };

/*
 * One wait. From tr__poll_add on it belongs to this file, until `done` is called, by who looks or
 * by who closes the descriptor, or tr__poll_remove says that it will not be.
 */
struct tr_poll_wait {
    struct tr_poll_wait *next; /* on the list of its descriptor */
    int fd;
    int events;
    uint32_t seen_in, seen_out; /* the events so far, to read and to write */
    void (*done)(struct tr_poll_wait *wait, bool closed);
};

/* Notes the events so far, before the caller finds out whether it has to wait. Any thread. */
void tr__poll_mark(struct tr_poll_wait *wait);

/* TR_EINVAL: no such descriptor. TR_EBUSY: something has happened since the mark, or it is of a
   kind that is always ready, such as a file. TR_ENOMEM, TR_ESYS: cannot be watched. Any thread. */
tr_err tr__poll_add(struct tr_poll_wait *wait);

/* False when `done` has been, or is being, called. Any thread. */
bool tr__poll_remove(struct tr_poll_wait *wait);

/* Tells all who wait for the descriptor that it is closed. Any thread. */
void tr__poll_forget(int fd);

/* Closes an open descriptor, but keeps its number: until that is closed as well, all that is done
   with it fails with EBADF, and nobody else gets it. False, with nothing done, when nobody has ever
   waited, or the system refuses. Blocks where close would. Any thread. */
bool tr__poll_bury(int fd);

/* From now on the number stays with its file until tr__poll_forget, or until as many have released
   it as held it: so waiting for it needs no system call. Any thread. */
void tr__poll_hold(int fd);
void tr__poll_release(int fd);

/* A read after that mark has found nothing left; `by_count`: it got less than it asked for, which
   does not always mean that. Any thread. */
void tr__poll_drained(int fd, uint32_t seen_in, bool by_count);

/* Is it known that there is nothing to read, or what there is will be an event? Any thread. */
bool tr__poll_is_drained(int fd);

/* Nobody waits any more, nor will. */
void tr__poll_stop(void);

/* --- looking --- */

enum { TR__POLL_EVENTS = 128 };

struct tr_poll_events {
    int n;
    struct epoll_event events[TR__POLL_EVENTS];
};

/* Makes the caller the one who looks, until tr__poll_end; false when there is one, or nothing to
   look at. Any thread. */
bool tr__poll_begin(void);
void tr__poll_end(void);

/* Sleeps until something happens, or somebody calls tr__poll_break, or the time is over (-1: never;
   0: does not sleep). It may end early, with nothing. Blocks the thread. */
void tr__poll_sleep(struct tr_poll_events *list, int64_t ns);

/* Tells those who wait. Any thread. */
void tr__poll_tell(const struct tr_poll_events *list);

/* Wakes who sleeps, or will sleep next. Any thread. */
void tr__poll_break(void);

/* Looks and tells, if nobody has since the last call; false when somebody has. Monitor only. */
bool tr__poll_tick(void);

#endif
