/* SPDX-License-Identifier: MIT */
/*
 * What the files of streams share: the state behind a struct tr_stream, and its batches
 * (task_stream_batches.c). Of the process that uses the stream alone.
 */
#ifndef OTP_TASK_STREAM_H
#define OTP_TASK_STREAM_H

#include "otp/batch.h"

struct tr_stream_state {
    struct tr_batch *first; /* list of all batches, in the order of the items */
    struct tr_batch **last;
    int running; /* batches that have a process */
    int ready;   /* batches that wait for one */
    size_t size; /* items of the next batch */
    unsigned deliveries;
    bool exhausted;  /* the iterator has no more */
    bool starved;    /* nothing can be started until something ends */
    bool lasting;    /* inputs are not copies */
    tr_ref alias;    /* through which results come */
    tr_term held[2]; /* kept: result and input that the user has at the moment */
};

/* How many items a batch has. */
static inline size_t tr__stream_length(const struct tr_batch *b)
{
    return tr__batch_end(atomic_load_explicit(&b->range, memory_order_relaxed));
}

/* What was not begun becomes a batch of its own. */
void tr__stream_split(struct tr_stream *stream, struct tr_batch *b);

/* Starts as many batches as may run, which are filled from the iterator. Ends the caller when
   nothing can be started and nothing runs that could end. */
void tr__stream_start_all(struct tr_stream *stream);

/* How long the next batch is to be, going by one that has ended. */
void tr__stream_adapt(struct tr_stream *stream, const struct tr_batch *b);

#endif
