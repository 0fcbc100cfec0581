/* SPDX-License-Identifier: MIT */
/*
 * Batches: the items of a stream that one process runs, one after the other.
 *
 * A batch lies in the memory of the stream's user, who fills it and later reads it. The process
 * that runs it takes slots from the front of `range`, an atomic word {first, end}; the user may
 * take the rest back by lowering `end`. So a slot before `first` was begun, and one before `first -
 * 1` has its result.
 *
 * An immediate result is put into its slot. Any other is sent, {Alias, Batch, Index, Value}, since
 * it has to be copied into the user's heap anyway.
 */
#ifndef TROUPE_OTP_BATCH_H
#define TROUPE_OTP_BATCH_H

#include "troupe.h"

#include <stdatomic.h>

enum tr_batch_state {
    TR__BATCH_READY,   /* waits for a process */
    TR__BATCH_RUNNING, /* has one */
    TR__BATCH_ENDED    /* had one */
};

struct tr_item {
    tr_term input;            /* kept by the user, unless its iterator's items last */
    _Atomic(uint64_t) result; /* 0: none yet; an immediate, or a term kept by the user */
};

struct tr_batch {
    /* The user's own. */
    struct tr_batch *next; /* list of all batches, in the order of the items */
    enum tr_batch_state state;
    struct tr_task task; /* the process; pid is 0 before it is started */
    size_t delivered;    /* slots before this one were delivered */
    size_t seen;         /* `first` when it was looked at last ... */
    int64_t since;       /* ... and since when, ms, it has had that value */
    bool late;           /* the item that runs was killed because its time was over */
    tr_err err;          /* once ended: of the item that has no result; TR_OK when all have */
    tr_term reason;      /* kept, the same */

    /* Set before the process starts. */
    tr_task_fn fn;
    tr_ref alias;

    /* Shared with the process; a cache line away from the rest. */
    char apart[64];
    _Atomic(uint64_t) range;
    int64_t elapsed_ns; /* how long all of it took, when it ended by itself; else 0 */
    struct tr_item items[];
};

static inline uint64_t tr__batch_range(uint64_t first, uint64_t end)
{
    return first | end << 32;
}

static inline size_t tr__batch_first(uint64_t range)
{
    return (size_t)(range & UINT32_MAX);
}

static inline size_t tr__batch_end(uint64_t range)
{
    return (size_t)(range >> 32);
}

/* Takes back what was not begun; how many, and they begin at slot *first. User only. */
size_t tr__batch_withdraw(struct tr_batch *batch, size_t *first);

/* Starts a process for the batch, under `supervisor` unless that is 0. On failure nothing was
   started. User only; blocks. */
tr_err tr__batch_start(struct tr_batch *batch, tr_term supervisor, const char *site);

#endif
