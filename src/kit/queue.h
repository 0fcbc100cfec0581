/* SPDX-License-Identifier: MIT */
/*
 * What the files of job queues share: a queue, as its process sees it, and what becomes of its jobs
 * in the store. Without a store the functions do nothing.
 */
#ifndef KIT_QUEUE_H
#define KIT_QUEUE_H

#include "troupe.h"
#include "troupe/kit/queue.h"

struct tr__queue_job {
    struct tr__queue_job *next;
    int64_t number;
    tr_term term;   /* kept */
    tr_term reason; /* kept: of the last failure */
    int nattempts;
    tr_ref watch; /* of its task */
    tr_ref timer; /* that kills it; w is 0: none */
};

/* Jobs in the order in which they came. */
struct tr__queue_list {
    struct tr__queue_job *first, *last;
    int64_t n;
};

struct tr__queue {
    struct tr_queue opts;
    struct tr__queue_list waiting, paused, running, dead;
    int64_t last_number, ndone, ndropped;
    tr_pid tasks;
    void *store; /* the state of opts.store */
};

/* --- queue_store.c --- */

/* Opens the store, to be closed when the caller ends, and takes its jobs. NULL, or what is wrong.
 */
const char *tr__queue_open_store(struct tr__queue *q);

/* Writes down a new job. TR_EINVAL: it cannot be read again; TR_ESYS: the store could not. */
tr_err tr__queue_add_to_store(struct tr__queue *q, int64_t number, tr_term job);

/* Writes down how a job stands, and that it is gone. A store that cannot ends the queue. */
void tr__queue_write_down(struct tr__queue *q, const struct tr__queue_job *j, int64_t pause_ms,
                          bool dead);
void tr__queue_forget(struct tr__queue *q, const struct tr__queue_job *j);

/* --- queue.c --- */

void tr__queue_append(struct tr__queue_list *l, struct tr__queue_job *j);

/* Drops the oldest of the dead, until there are no more than .max_dead. */
void tr__queue_drop_dead(struct tr__queue *q);

#endif
