/* SPDX-License-Identifier: MIT */
/*
 * Job queues: jobs that wait in line, are worked off so many at a time, and tried again when they
 * fail. They are in memory, and gone when the queue ends, unless it has a store
 * (troupe/kit/queue_sqlite.h).
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
 * of dead jobs, of which the last 1,000 are kept. Jobs start in the order in which they were
 * pushed; one that is tried again has lost its place.
 *
 * This header is not part of <troupe.h>. `queue` is a pid, a name, or a term that is one of these.
 */
#ifndef TROUPE_KIT_QUEUE_H
#define TROUPE_KIT_QUEUE_H

#include <stdbool.h>
#include <stdint.h>

#include "troupe/message.h"
#include "troupe/supervisor.h"
#include "troupe/task.h"

TR_HEADER_BEGIN

/* A job as a store keeps it. Texts are terms as tr_inspect writes them. */
struct tr_queue_record {
    int64_t number; /* of two jobs, that of the one pushed later is larger */
    const char *job;
    const char *reason; /* of the last failure; NULL: none */
    int64_t nattempts;  /* that have begun */
    int64_t due_ms;     /* not tried again before; ms since 1970 began */
    bool dead;
};

/*
 * Where a queue writes down its jobs. Only the queue's process calls these, and they may block it:
 * between tr_blocking_begin and tr_blocking_end. Each returns NULL, or a text that says what is
 * wrong, which lasts until the next call.
 */
struct tr_queue_store {
    /* `where` is as in the queue. *state is for the other functions, also after an error. */
    const char *(*open)(void **state, const char *where);

    /* Calls each for each job, in the order of their numbers; what that returns, if not NULL, ends
       the loop and is returned. */
    const char *(*load)(void *state,
                        const char *(*each)(void *queue, const struct tr_queue_record *record),
                        void *queue);

    /* When it returns NULL, the job outlasts whatever may happen to the machine. */
    const char *(*add)(void *state, const struct tr_queue_record *record);

    /* Changes the record of that number, all but `job`. This and remove need only outlast the
       program: a job that comes back runs once more. */
    const char *(*update)(void *state, const struct tr_queue_record *record);
    const char *(*remove)(void *state, int64_t number);

    /* Frees it; NULL is allowed. Runs when the queue ends, whatever the way. */
    void (*close)(void *state);
};

/* Zero is the default of each but `run`. */
struct tr_queue {
    const char *name;          /* registered; NULL: none */
    tr_task_fn run;            /* what it returns is dropped */
    int workers;               /* so many jobs run at once; 1 */
    int capacity;              /* so many may wait, those between two attempts included; 1,000 */
    int max_attempts;          /* 5 */
    int max_dead;              /* so many dead jobs are kept, of more the oldest goes; 1,000 */
    int64_t timeout_ms;        /* one that runs longer is killed, which is a failure; no limit */
    struct tr_backoff backoff; /* between two attempts; first_ms: 1,000 */

    /* Jobs are written down before a push returns, and are there again when a queue is started with
       the same store and place: those that ran as well, as that attempt has failed. */
    const struct tr_queue_store *store;
    const char *where; /* what the store takes: the path of a file */
};

/*
 * Starts a queue, linked with the caller. {ok, Pid}, {error, {already_started, Pid}}, {error,
 * {bad_option, Name}}, or {error, {store, Text}}. Process only; blocks. tr_queue_child is the same
 * as the start function of a child: { .start = tr_queue_child, .arg_pointer = &mails, .id = "mails"
 * }. A queue that can no longer write down what becomes of its jobs ends with {store, Text}.
 */
tr_term tr_queue_start_link(const struct tr_queue *queue);
tr_term tr_queue_child(tr_term arg);

/*
 * tr_err tr_queue_push(queue, job...): puts a job in the queue.
 *
 *     TR_OK      it is there, and in the store
 *     TR_EBUSY   the queue is full
 *     TR_ESYS    the store could not take it, which is logged
 *     TR_EINVAL  it has no text that can be read again, as a store needs it: a fun is in it
 *
 * Else as tr_try_call; after TR_ETIMEOUT it may be in the queue. Process only; blocks.
 */
TR_MUST_USE tr_err tr_queue_push_args(tr_term queue, const struct tr_arg *args, int n);
#define tr_queue_push(queue, ...) tr_queue_push_args(TR__DEST(queue), TR_ARGS(__VA_ARGS__))

/* How many jobs there are. */
struct tr_queue_status {
    int64_t waiting; /* for a worker */
    int64_t paused;  /* between two attempts */
    int64_t running;
    int64_t done; /* since the queue was started */
    int64_t dead;
    int64_t dropped; /* dead ones that went because of .max_dead, since the queue was started */
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
