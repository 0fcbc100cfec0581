/* SPDX-License-Identifier: MIT */
/*
 * Caps: what a process may use at most, and what happens when it would use more.
 *
 * A process without caps has no struct tr_caps, and pays one look at `capped` for each message sent
 * to it, each receive and each message accepted.
 *
 * The signals of a capped process do not go to its inbox but to a list here, under a lock, so that
 * a sender sees how many wait and can take the oldest out. The first one on the empty list pushes a
 * bell onto the inbox; when the owner comes to the bell it takes the whole list. So all signals
 * keep their order, and going to sleep and waking up are as for any process.
 */
#ifndef TROUPE_PROC_CAPS_H
#define TROUPE_PROC_CAPS_H

#include "proc/proc.h"

#define TR__CAPS_TOP 4

/* What the process is to be ended for. */
enum tr_caps_breach { TR__BREACH_NONE, TR__BREACH_MEMORY, TR__BREACH_MAILBOX };

enum tr_caps_sender {
    TR__CAPS_WAITS,      /* for room, if it is a process that may */
    TR__CAPS_TRIES,      /* and is told that there is none */
    TR__CAPS_NEVER_WAITS /* a timer */
};

/* A sender, and how much of what was sent it sent: too much rather than too little. */
struct tr_caps_count {
    uint64_t pid; /* 0: not a process */
    uint64_t count;
};

struct tr_caps_limits {
    size_t max_memory;             /* bytes; 0: none */
    uint32_t max_mailbox;          /* messages; 0: none */
    enum tr_mailbox_policy policy; /* of a full mailbox */
    uint64_t max_reductions;       /* without a receive; 0: none */
};

/*
 * Invariants, with the lock held: last points to the link at the end of the list at first;
 * queued >= arrived, the number of counted messages on that list; rung is true while a bell
 * is on the inbox, and where that list is not empty; there are waiters only with TR_MAILBOX_WAIT
 * and while queued >= max_mailbox.
 */
struct tr_caps {
    /* Guarded by caps_lock; the limits are written by the owner alone. */
    struct tr_caps_limits limits;
    struct tr_sig *first; /* signals that the owner has not sorted yet, oldest first */
    struct tr_sig **last;
    struct tr_sig **oldest;         /* no counted message stands before this link */
    struct tr_caps_waiter *waiters; /* senders, in the order in which they came */
    struct tr_caps_waiter **last_waiter;
    struct tr_sig bells[2]; /* used in turns: the one rung last may still be `seen` */
    uint8_t bell;           /* the one to be rung next */
    bool rung;
    bool full;                    /* has been, since it was empty last */
    uint8_t breach;               /* enum tr_caps_breach */
    uint32_t queued;              /* counted messages here and in the mailbox */
    uint32_t arrived;             /* those of them that are here */
    uint32_t waiting;             /* senders */
    uint64_t dropped;             /* messages, since the cap was set */
    _Atomic(size_t) queued_bytes; /* of counted messages; the owner reads it without the lock */
    struct tr_caps_count top[TR__CAPS_TOP];

    /* Owner only. */
    size_t own_bytes;                 /* in use apart from messages; too many rather than too few */
    uint64_t reductions;              /* at the last receive */
    struct tr_receive_scope *looking; /* the receive that looks for a message, or NULL */
    bool late;                        /* there may be more than the cap, for want of a moment */
};

/* True when the slow way is to be taken. A process that has just changed it told those whom it
   matters to; others may see the old value: under the lock it is looked at again. */
static inline bool tr__is_capped(struct tr_proc *p)
{
    return atomic_load_explicit(&p->capped, memory_order_relaxed);
}

/* Of a process that is capped. */
static inline struct tr_caps *tr__caps_of(const struct tr_proc *p)
{
    return p->extra->rare->caps;
}

static inline size_t tr__caps_queued_bytes(struct tr_caps *c)
{
    return atomic_load_explicit(&c->queued_bytes, memory_order_relaxed);
}

/* Gives a process that does not run yet the caps of its options, which has some; false without
   memory. */
TR__COLD bool tr__caps_init(struct tr_proc *p, const struct tr_spawn_opts *opts);

/* Puts other limits into force, those that wait go in where there is room now. Owner only. */
void tr__caps_replace(struct tr_proc *p, const struct tr_caps_limits *limits);

/* Ends all caps: senders that wait go on. Owner only. */
TR__COLD void tr__caps_close(struct tr_proc *p);

/* A message: TR_EBUSY when it was not taken; it is freed then. May block. */
TR__COLD tr_err tr__caps_send(struct tr_proc *p, struct tr_sig *sig, enum tr_caps_sender sender);

/* Any other signal: never refused, never waits. */
TR__COLD void tr__caps_push(struct tr_proc *p, struct tr_sig *sig);

/* Drops what a bell was to drop while the body of a receive had a message in its hands, if that has
   none now. Owner only. */
TR__COLD void tr__caps_catch_up(struct tr_proc *p);

/* The owner has come to a bell. */
TR__COLD void tr__caps_bell(struct tr_proc *p);

/* A receive begins; a message was accepted (NULL: the time was over). Owner only. */
TR__COLD void tr__caps_receive(struct tr_proc *p, struct tr_receive_scope *m);
TR__COLD void tr__caps_accepted(struct tr_proc *p, struct tr_sig *sig);

/* May the owner take `size` bytes more? */
bool tr__caps_room(struct tr_proc *p, size_t size);

/* The same as the term layer asks. */
bool tr__caps_heap_room(struct tr_heap *heap, size_t size);

/* What there is to say of a mailbox that has become full, once the lock is released. */
struct tr_caps_report {
    const char *site; /* where its owner was spawned; NULL: nothing */
    uint64_t pid;
    uint64_t top; /* the sender of most of it; 0: no process */
    uint32_t queued;
};

/* Says so in the log. */
TR__COLD void tr__caps_log(const struct tr_caps_report *r);

/* At the end of a turn: ends a process that has gone on for too long without a receive. */
TR__COLD void tr__caps_turn(struct tr_proc *p);

#endif
