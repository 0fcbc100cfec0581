/* SPDX-License-Identifier: MIT */
/*
 * Streams: one task for each item, so many at a time, and their results.
 *
 *     struct tr_iter urls = tr_iter_lines(file);
 *
 *     tr_async_stream (page, fetch, &urls, .max_concurrency = 20, .timeout_ms = 10000) {
 *         if (page.err)
 *             printf("%s: %s\n", tr_inspect(page.input), tr_inspect(page.value));
 *         else
 *             store(page.value);
 *     }
 *
 * The body runs once for each item, in the order of the items; result and input live until the next
 * turn. `break`, `return` and the end of the process leave the loop early: then the tasks that are
 * running are killed, no more are started, and nothing of them arrives any more.
 *
 * Items are taken from the iterator (troupe/iter.h) as tasks get free. Each task has its own
 * failures: a crash is the result of its item. Tasks are not linked with the caller, yet they end
 * with it, and their failure ends it as a link would, when its turn in the loop has come, unless it
 * traps exits or the option nolink is set.
 *
 * Where items take much less time than the start of a process, a process runs several of them, one
 * after the other: as many as it can in about a millisecond, and never more than max_batch.
 * It goes on to the next only if the one before has left nothing behind in it (tr_footprint), and
 * items that wait behind a slow one are given to others. Apart from tr_self no item can tell. With
 * max_batch = 1 each has a process of its own, and no more items are taken ahead than run.
 */
#ifndef TROUPE_TASK_STREAM_H
#define TROUPE_TASK_STREAM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "troupe/iter.h"
#include "troupe/task.h"

TR_HEADER_BEGIN

enum tr_stream_late {
    TR_STREAM_EXIT, /* the caller ends with {timeout, {'Elixir.Task.Supervised', stream, [Ms]}} */
    TR_STREAM_KILL  /* the task is killed; TR_ETIMEOUT is the result */
};

/* Options of a stream; zero is the default of each. */
struct tr_stream_opts {
    int max_concurrency; /* items at a time; as many as there are schedulers */
    int64_t timeout_ms;  /* for one item; 5 seconds; TR_INFINITY */
    enum tr_stream_late on_timeout;
    bool unordered;     /* results come as they are ready */
    bool nolink;        /* failures never end the caller */
    tr_term supervisor; /* whose children the tasks are (troupe/task_supervisor.h) */
    int max_batch;      /* items that one process may run; 1024 */
};

struct tr_stream_result {
    tr_err err;    /* TR_OK; TR_ECLOSED, the task failed; TR_ETIMEOUT, it was late and killed */
    tr_term value; /* what the function returned; the reason; the atom timeout */
    tr_term input;
};

/* A stream; to be made by tr_stream. */
struct tr_stream {
    tr_task_fn fn;
    struct tr_iter *iter;
    struct tr_stream_opts opts;
    const char *site;
    struct tr_stream_state *state; /* NULL until the first result was asked for */
};

/*
 * struct tr_stream tr_stream(fn, iter, ...): a stream that has not begun: nothing runs until the
 * first result is asked for. It may be used by another process than the one that made it: the
 * tasks belong to whoever uses it. Options out of range end the caller with badarg.
 * (Task.async_stream/3)
 */
struct tr_stream tr_stream_args(tr_task_fn fn, struct tr_iter *iter,
                                const struct tr_stream_opts *opts, const char *site);
#define tr_stream(fn, iter, ...)                                                                   \
    tr_stream_args(fn, iter, &(const struct tr_stream_opts){ __VA_ARGS__ }, TR__SITE(fn))

/* The next result; false when there is none any more, and then the stream is closed. What is in
 *result lives until the next call. One process only; blocks. */
bool tr_stream_next(struct tr_stream *stream, struct tr_stream_result *result);

/* Ends a stream; returns when all its tasks have ended. Does nothing for one that has ended. The
   process that used it. */
void tr_stream_close(struct tr_stream *stream);

/* The loop described above; `r` is a struct tr_stream_result. */
#define tr_async_stream(r, fn, iter, ...)                                                          \
    for (struct tr_stream tr__stream_##r                                                           \
         __attribute__((cleanup(tr_stream_close))) = tr_stream(fn, iter, ##__VA_ARGS__),           \
         *tr__once_##r = &tr__stream_##r;                                                          \
         tr__once_##r; tr__once_##r = NULL)                                                        \
        for (struct tr_stream_result r; tr_stream_next(&tr__stream_##r, &r);)

TR_HEADER_END

#endif
