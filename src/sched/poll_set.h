/* SPDX-License-Identifier: MIT */
/* What the two files behind poll.h ask of each other. */
#ifndef TROUPE_SCHED_POLL_SET_H
#define TROUPE_SCHED_POLL_SET_H

#include "troupe/error.h"

#include <sys/epoll.h>

/* --- poll_set.c --- */

/* Makes the set, if there is none. TR_ESYS. Any thread. */
tr_err tr__poll_start(void);

/* epoll_ctl on the set. */
int tr__poll_control(int operation, int fd, struct epoll_event *event);

/* --- poll.c --- */

/* An event of a descriptor: tells those whom it concerns. */
void tr__poll_handle(const struct epoll_event *event);

/* Frees what is known of descriptors; nobody waits any more. */
void tr__poll_forget_all(void);

#endif
