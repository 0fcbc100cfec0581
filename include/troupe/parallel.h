/* SPDX-License-Identifier: MIT */
/*
 * From a loop to all cores.
 *
 *     for (size_t i = 0; i < n; i++)                    one core
 *         brighten(&photos[i], &results[i]);
 *
 *     tr_parallel_map(brighten, photos, results, n);    all of them
 *
 * where `static void brighten(const void *photo, void *result)`. Nothing is copied: a process for
 * each core takes indexes from a share of its own, and from that of another when its own is empty,
 * so that items of unequal length do not leave a core idle. An item costs a few nanoseconds more
 * than in the loop.
 *
 * The items must not depend on each other: they run in any order, several at a time, and what they
 * share they share as threads do. Each call returns when all of it is done and no process of it is
 * left. A function that fails (tr_exit, tr_error, a fault) ends its process; the others are killed
 * then, and what was written stays half written. Also when the caller is ended meanwhile nobody
 * touches the arrays after it has. While an item waits (tr_sleep, tr_call, a descriptor) its core
 * does other work, but no further items of the call start in its place: to wait for many things at
 * once there are streams (troupe/task_stream.h).
 */
#ifndef TROUPE_PARALLEL_H
#define TROUPE_PARALLEL_H

#include <stddef.h>

#include "troupe/message.h"
#include "troupe/process.h"
#include "troupe/task.h"

TR_HEADER_BEGIN

/*
 * void tr_parallel_for(n, fn, arg): runs fn(i, arg) for each i from 0 to n - 1. The caller ends
 * with the reason of the first item that failed, as if it was linked with a task; with system_limit
 * or out_of_memory when not even one process can be started. Process only; blocks.
 */
typedef void (*tr_index_fn)(size_t i, void *arg);

void tr_parallel_for_args(size_t n, tr_index_fn fn, void *arg, const char *site);
#define tr_parallel_for(n, fn, arg) tr_parallel_for_args(n, fn, arg, TR__SITE(fn))

/* The same with a result: TR_ECLOSED, an item failed, with *reason; TR_ELIMIT, TR_ENOMEM, nothing
   has run; TR_EINVAL, fn is NULL. Process only; blocks. */
TR_MUST_USE tr_err tr_try_parallel_for_args(size_t n, tr_index_fn fn, void *arg, const char *site,
                                            tr_term *reason);
#define tr_try_parallel_for(n, fn, arg, reason)                                                    \
    tr_try_parallel_for_args(n, fn, arg, TR__SITE(fn), reason)

/*
 * void tr_parallel_map(fn, in, out, n): runs fn(&in[i], &out[i]) for each i; `in` and `out` are
 * pointers to their element types, and may be the same array. Failures as above. Process only;
 * blocks.
 */
typedef void (*tr_item_fn)(const void *in, void *out);

void tr_parallel_map_args(tr_item_fn fn, const void *in, size_t in_size, void *out, size_t out_size,
                          size_t n, const char *site);
#define tr_parallel_map(fn, in, out, n)                                                            \
    tr_parallel_map_args(fn, in, sizeof *(in), out, sizeof *(out), n, TR__SITE(fn))

TR_MUST_USE tr_err tr_try_parallel_map_args(tr_item_fn fn, const void *in, size_t in_size,
                                            void *out, size_t out_size, size_t n, const char *site,
                                            tr_term *reason);
#define tr_try_parallel_map(fn, in, out, n, reason)                                                \
    tr_try_parallel_map_args(fn, in, sizeof *(in), out, sizeof *(out), n, TR__SITE(fn), reason)

/*
 * tr_term tr_parallel_map_list(fn, list): the list of fn(item) for each item of a proper list, in
 * the same order, in the current heap. The items are not copied, the results are unless they are
 * immediates. What is no proper list ends the caller with badarg. Process only; blocks.
 */
tr_term tr_parallel_map_list_args(tr_task_fn fn, tr_term list, const char *site);
#define tr_parallel_map_list(fn, list) tr_parallel_map_list_args(fn, list, TR__SITE(fn))

/* The same with a result, as tr_try_parallel_for; *result is the list, or the reason. Process only;
   blocks. */
TR_MUST_USE tr_err tr_try_parallel_map_list_args(tr_task_fn fn, tr_term list, const char *site,
                                                 tr_term *result);
#define tr_try_parallel_map_list(fn, list, result)                                                 \
    tr_try_parallel_map_list_args(fn, list, TR__SITE(fn), result)

TR_HEADER_END

#endif
