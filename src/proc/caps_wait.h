/* SPDX-License-Identifier: MIT */
/* What the files of mailboxes with caps share: who waits to put a message there. */
#ifndef TROUPE_PROC_CAPS_WAIT_H
#define TROUPE_PROC_CAPS_WAIT_H

#include "proc/caps.h"

/* In the frame of a sender that waits. */
struct tr_caps_place {
    bool queued;   /* its waiter is on the receiver's list; guarded by the receiver's lock */
    bool admitted; /* it was told; sender only */
};

struct tr_caps_waiter {
    struct tr_sig_call call;      /* tells the sender, whose it is from then on */
    struct tr_caps_waiter *next;  /* the list of the receiver; then of those to be told */
    struct tr_caps_waiter **link; /* what points to this one */
    struct tr_sig *message;
    struct tr_caps_place *place; /* lasts as long as it is on the list, or its signal served */
};

/* --- caps_wait.c --- */

/* A message of the running process, which waits; NULL without memory. The lock is held. */
struct tr_caps_waiter *tr__caps_queue(struct tr_caps *c, struct tr_sig *message,
                                      struct tr_caps_place *place);

/* Lets in as many as there is room for; those to be told, in order. The lock is held. */
struct tr_caps_waiter *tr__caps_admit(struct tr_proc *p, struct tr_caps *c);

/* Tells those senders that they wait no more. The lock is not held. */
void tr__caps_tell(struct tr_caps_waiter *w);

/* Waits until the message is in the mailbox of `p`, which may have ended; does not return when
   `self` is to end. The lock is not held. */
void tr__caps_wait(struct tr_proc *self, struct tr_proc *p, struct tr_caps_waiter *w,
                   const struct tr_caps_place *place);

/* --- caps_mailbox.c --- */

/* Puts a message there, counted. The lock is held. */
void tr__caps_append(struct tr_proc *p, struct tr_caps *c, struct tr_sig *sig);

#endif
