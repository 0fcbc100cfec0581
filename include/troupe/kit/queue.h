/* SPDX-License-Identifier: MIT */
/*
 * Job queues: jobs that wait in line, are worked off so many at a time, and tried again when they
 * fail. In memory: what waits is gone when the queue ends.
 *
 *     static tr_term send_mail(tr_term job);      returns when the mail is sent, else ends itself
 *
 *     static const struct tr_queue mails = { .name = "mails", .run = send_mail, .workers = 4 };
 *
 *     tr_queue_start_link(&mails);
 *     if (tr_queue_push(a_mails, "anna@localhost", "hello") == TR_EBUSY)
 *         ...                                      as many wait as may
 *
 * Each job runs in a process of its own, under a supervisor. That run(job) returns acknowledges the
 * job; when its process ends otherwise, it runs again after a pause. So a job runs at least once,
 * and may run twice: when it is killed at its end. One that has failed too often is put on a list
 * of dead jobs. Jobs start in the order in which they were pushed; one that is tried again has lost
 * its place.
 *
 * This header is not part of <troupe.h>. `queue` is a pid, a name, or a term that is one of these.
 */
#ifndef TROUPE_KIT_QUEUE_H
#define TROUPE_KIT_QUEUE_H

#include <stdint.h>

#include "troupe/message.h"
#include "troupe/supervisor.h"
#include "troupe/task.h"

TR_HEADER_BEGIN

/* Zero is the default of each but `run`. */
struct tr_queue {
    const char *name;          /* registered; NULL: none */
    tr_task_fn run;            /* what it returns is dropped */
    int workers;               /* so many jobs run at once; 1 */
    int capacity;              /* so many may wait, those between two attempts included; 1,000 */
    int max_attempts;          /* 5 */
    int64_t timeout_ms;        /* one that runs longer is killed, which is a failure; no limit */
    struct tr_backoff backoff; /* between two attempts; first_ms: 1,000 */
};

/*
 * Starts a queue, linked with the caller. {ok, Pid}, {error, {already_started, Pid}}, or {error,
 * {bad_option, Name}}. Process only; blocks. tr_queue_child is the same as the start function of a
 * child: { .start = tr_queue_child, .arg_pointer = &mails, .id = "mails" }.
 */
tr_term tr_queue_start_link(const struct tr_queue *queue);
tr_term tr_queue_child(tr_term arg);

/* tr_err tr_queue_push(queue, job...): TR_OK when the job is in the queue, TR_EBUSY when that is
   full, else as tr_try_call; after TR_ETIMEOUT it may be in the queue. Process only; blocks. */
TR_MUST_USE tr_err tr_queue_push_args(tr_term queue, const struct tr_arg *args, int n);
#define tr_queue_push(queue, ...) tr_queue_push_args(TR__DEST(queue), TR_ARGS(__VA_ARGS__))

/* How many jobs there are. */
struct tr_queue_status {
    int64_t waiting; /* for a worker */
    int64_t paused;  /* between two attempts */
    int64_t running;
    int64_t done; /* since the queue was started */
    int64_t dead;
};

/* Ends the caller as tr_call does. Process only; blocks. */
struct tr_queue_status tr_queue_status_term(tr_term queue);
#define tr_queue_status(queue) tr_queue_status_term(TR__DEST(queue))

/* Takes all dead jobs out of the queue: [{Job, Reason}], the oldest first, with the reason of the
   last failure. Who wants them tried again pushes them. As above. */
tr_term tr_queue_take_dead_term(tr_term queue);
#define tr_queue_take_dead(queue) tr_queue_take_dead_term(TR__DEST(queue))

TR_HEADER_END

#endif
