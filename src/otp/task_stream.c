/* SPDX-License-Identifier: MIT */
/*
 * Streams: what the process does that uses one.
 *
 * It fills batches from the iterator, keeps as many processes running as it may, and delivers
 * results from the list of batches, which is in the order of the items. When a process ends before
 * its batch is done, what it had not begun becomes a batch of its own, in the same place of the
 * list.
 *
 * While batches of several items run, it looks at them every few milliseconds: what waits behind an
 * item that takes long is taken back and started elsewhere, and each item has its time. So a batch
 * of one item is exact; in a longer one an item may have TICK_MS more.
 */
#include "otp/task_stream.h"
#include "otp/report.h"
#include "otp/task.h"

tr_atoms(DOWN, kill, normal, timeout, stream, trap_exit, badarg, undef, max_concurrency, timeout_ms,
         on_timeout, max_batch);
tr_atom_as(a_supervised, "Elixir.Task.Supervised");

#define TIMEOUT_MS 5000
#define TICK_MS    2
#define MAX_BATCH  1024
#define DELIVERIES 16 /* in long batches so many go between two looks at the mailbox */

/* --- making one --- */

struct tr_stream tr_stream_args(tr_task_fn fn, struct tr_iter *iter,
                                const struct tr_stream_opts *opts, const char *site)
{
    struct tr_stream s = { .fn = fn, .iter = iter, .opts = *opts, .site = site };

    if (!fn || !iter || !iter->next)
        tr_error(a_badarg, a_undef);
    if (opts->max_concurrency < 0)
        tr_error(a_badarg, a_max_concurrency);
    if (opts->timeout_ms < 0 && opts->timeout_ms != TR_INFINITY)
        tr_error(a_badarg, a_timeout_ms);
    if ((unsigned)opts->on_timeout > TR_STREAM_KILL)
        tr_error(a_badarg, a_on_timeout);
    if (opts->max_batch < 0)
        tr_error(a_badarg, a_max_batch);
    if (!s.opts.max_concurrency)
        s.opts.max_concurrency = tr_schedulers_online();
    if (!s.opts.timeout_ms)
        s.opts.timeout_ms = TIMEOUT_MS;
    if (!s.opts.max_batch)
        s.opts.max_batch = MAX_BATCH;
    return s;
}

/* --- ending --- */

static void release_held(struct tr_stream_state *s)
{
    for (int i = 0; i < 2; i++) {
        if (s->held[i].w)
            tr_release(s->held[i]);
        s->held[i].w = 0;
    }
}

/* Takes what has come from tasks that have all ended. */
static void flush(struct tr_stream_state *s)
{
    bool more = true;

    tr_unalias(s->alias);
    while (more) {
        tr_receive (m) {
            tr_on (m, s->alias, tr_any(), tr_any(), tr_any()) {
            }
            tr_after (m, 0)
                more = false;
        }
    }
}

/* A task under a supervisor also sends a result as other tasks do. */
static void flush_reply(const struct tr_batch *b)
{
    tr_receive (m) {
        tr_on (m, b->task.ref, tr_any()) {
        }
        tr_after (m, 0) {
        }
    }
}

/* Ends all tasks, and returns when they have ended: they use memory of the caller. For tr_defer. */
static void abandon(void *state)
{
    struct tr_stream_state *s = state;

    for (struct tr_batch *b = s->first; b; b = b->next)
        if (b->state == TR__BATCH_RUNNING && b->task.pid.w)
            tr_exit_to(b->task.pid, a_kill);
    for (struct tr_batch *b = s->first; b; b = b->next) {
        /* One without a monitor has got no work yet; it ends with its owner. */
        if (b->state != TR__BATCH_RUNNING || !b->task.ref.w)
            continue;
        tr_receive (m)
            tr_on (m, a_DOWN, b->task.ref, tr_any(), tr_any(), tr_any())
                b->state = TR__BATCH_ENDED;
        flush_reply(b);
    }
}

static void free_batch(struct tr_stream_state *s, struct tr_batch *b)
{
    size_t n = tr__batch_end(atomic_load_explicit(&b->range, memory_order_relaxed));

    for (size_t i = b->delivered; i < n; i++) {
        tr_term result = { atomic_load_explicit(&b->items[i].result, memory_order_relaxed) };
        if (!s->lasting)
            tr_release(b->items[i].input);
        if (result.w)
            tr_release(result);
    }
    if (b->reason.w)
        tr_release(b->reason);
    tr_free(b);
}

void tr_stream_close(struct tr_stream *stream)
{
    struct tr_stream_state *s = stream->state;

    if (!s)
        return;
    abandon(s);
    tr_defer_cancel(abandon, s);
    flush(s);
    release_held(s);
    while (s->first) {
        struct tr_batch *b = s->first;
        s->first = b->next;
        free_batch(s, b);
    }
    tr_free(s);
    stream->state = NULL;
    stream->opts.max_concurrency = 0; /* it is not to begin again */
}

/* --- what comes from the processes --- */

struct news {
    struct tr_batch *batch;
    size_t index;
    tr_term term; /* a result, or the reason of an end */
    enum { RESULT, END, REPLY } what;
};

static struct tr_batch *find_running(const struct tr_stream_state *s, tr_ref ref)
{
    struct tr_batch *b = s->first;

    while (b && !(b->state == TR__BATCH_RUNNING && b->task.ref.w == ref.w))
        b = b->next;
    return b;
}

static bool is_news(const struct tr_stream_state *s, tr_term message, struct news *n)
{
    uint64_t address;
    tr_ref ref;

    if (tr_match(message, s->alias, &address, &n->index, &n->term)) {
        n->batch = (struct tr_batch *)(uintptr_t)address;
        n->what = RESULT;
        return true;
    }
    if (tr_match(message, a_DOWN, &ref, tr_any(), tr_any(), &n->term))
        n->what = END;
    else if (tr_match(message, &ref, tr_any()))
        n->what = REPLY;
    else
        return false;
    n->batch = find_running(s, ref);
    return n->batch != NULL;
}

/* A process has ended. The item that it had begun last has no result if it ended in the midst. */
static void on_end(struct tr_stream *stream, struct tr_batch *b, tr_term reason)
{
    struct tr_stream_state *s = stream->state;

    b->state = TR__BATCH_ENDED;
    s->running--;
    tr__stream_split(stream, b);
    size_t n = tr__stream_length(b);
    if (n > 0 && !atomic_load_explicit(&b->items[n - 1].result, memory_order_acquire)) {
        b->err = b->late ? TR_ETIMEOUT : TR_ECLOSED;
        b->reason = b->late ? tr_build(a_timeout) : tr_keep(reason);
    }
    tr__stream_adapt(stream, b);
}

/* --- time --- */

static _Noreturn void too_late(struct tr_stream *stream)
{
    int64_t ms = stream->opts.timeout_ms;

    tr_stream_close(stream);
    tr_exit(a_timeout, tr_tuple(a_supervised, a_stream, tr_list(ms)));
}

/* Looks at one that runs; when it is to be looked at again. */
static int64_t look_at(struct tr_stream *stream, struct tr_batch *b, int64_t now)
{
    uint64_t r = atomic_load_explicit(&b->range, memory_order_relaxed);
    size_t begun = tr__batch_first(r);
    bool alone = begun == tr__batch_end(r) || tr__stream_length(b) == 1;
    int64_t timeout = stream->opts.timeout_ms;

    if (b->late)
        return TR_INFINITY;
    if (begun > b->seen) {
        b->seen = begun;
        b->since = now;
    } else if (begun > 0 && !alone && now - b->since >= TICK_MS) {
        tr__stream_split(stream, b);
        alone = true;
    }
    if (!alone)
        return now + TICK_MS;
    if (timeout == TR_INFINITY || now - b->since < timeout)
        return timeout == TR_INFINITY ? TR_INFINITY : b->since + timeout;
    if (stream->opts.on_timeout == TR_STREAM_EXIT)
        too_late(stream);
    b->late = true;
    tr_exit_to(b->task.pid, a_kill);
    return TR_INFINITY;
}

/* How long there is nothing to be looked at. */
static int64_t patience(struct tr_stream *stream)
{
    int64_t now = tr_monotonic_ms();
    int64_t soonest = TR_INFINITY;

    for (struct tr_batch *b = stream->state->first; b; b = b->next) {
        if (b->state != TR__BATCH_RUNNING)
            continue;
        int64_t at = look_at(stream, b, now);
        if (at != TR_INFINITY && (soonest == TR_INFINITY || at < soonest))
            soonest = at;
    }
    /* What was taken back may be started at once. */
    const struct tr_stream_state *s = stream->state;
    if (s->ready > 0 && s->running < stream->opts.max_concurrency && !s->starved)
        return 0;
    return soonest == TR_INFINITY ? TR_INFINITY : soonest - now;
}

/* Takes one message of a process; false when none has come in so many ms. */
static bool take_news(struct tr_stream *stream, int64_t ms)
{
    struct tr_stream_state *s = stream->state;
    bool took = true;
    struct news n;

    tr_receive (m) {
        tr_when (m, is_news(s, m.message, &n)) {
            if (n.what == END)
                on_end(stream, n.batch, n.term);
            else if (n.what == RESULT)
                atomic_store_explicit(&n.batch->items[n.index].result, tr_keep(n.term).w,
                                      memory_order_relaxed);
        }
        tr_after (m, ms)
            took = false;
    }
    return took;
}

/* --- delivering --- */

static bool traps_exits(void)
{
    bool traps = false;
    tr_term value;

    if (tr_process_info(tr_self(), a_trap_exit, &value))
        tr_match(value, &traps);
    return traps;
}

/* A failure ends the caller as a link would. */
static void end_as_linked(struct tr_stream *stream, tr_term reason)
{
    if (stream->opts.nolink || tr_match(reason, a_normal) || traps_exits())
        return;
    tr_term copy = tr_copy(reason);
    tr_stream_close(stream);
    tr_exit(copy);
}

/* The next result of a batch; false when there is none yet, or no more. */
static bool deliver(struct tr_stream *stream, struct tr_batch *b, struct tr_stream_result *r)
{
    struct tr_stream_state *s = stream->state;
    size_t i = b->delivered;

    if (i == tr__stream_length(b))
        return false;
    tr_term value = { atomic_load_explicit(&b->items[i].result, memory_order_acquire) };
    tr_err err = TR_OK;
    if (!value.w) {
        if (b->state != TR__BATCH_ENDED)
            return false;
        err = b->err;
        value = b->reason;
        b->reason.w = 0;
        if (err == TR_ECLOSED)
            end_as_linked(stream, value);
    }
    b->delivered++;
    *r = (struct tr_stream_result){ err, value, b->items[i].input };
    s->held[0] = value;
    if (!s->lasting)
        s->held[1] = r->input;
    return true;
}

/* Drops the batches from which nothing more will come, and delivers the first result there is. */
static bool deliver_any(struct tr_stream *stream, struct tr_stream_result *r)
{
    struct tr_stream_state *s = stream->state;
    struct tr_batch **at = &s->first;

    while (*at) {
        struct tr_batch *b = *at;
        if (deliver(stream, b, r))
            return true;
        if (b->state == TR__BATCH_ENDED && b->delivered == tr__stream_length(b)) {
            *at = b->next;
            if (s->last == &b->next)
                s->last = at;
            free_batch(s, b);
            continue;
        }
        if (!stream->opts.unordered)
            return false;
        at = &b->next;
    }
    return false;
}

/* Between deliveries, so that processes do not idle while there are results to be delivered. */
static void keep_going(struct tr_stream *stream)
{
    struct tr_stream_state *s = stream->state;

    if (s->running == 0 || (s->size > 1 && ++s->deliveries % DELIVERIES))
        return;
    while (take_news(stream, 0))
        ;
    tr__stream_start_all(stream);
}

static void begin(struct tr_stream *stream)
{
    struct tr_stream_state *s = tr_alloc(sizeof *s);

    s->last = &s->first;
    s->size = 1;
    s->lasting = stream->iter->lasting;
    s->alias = tr_alias();
    stream->state = s;
    tr_defer(abandon, s);
}

bool tr_stream_next(struct tr_stream *stream, struct tr_stream_result *result)
{
    if (stream->opts.max_concurrency == 0)
        return false;
    if (!stream->state)
        begin(stream);
    release_held(stream->state);
    keep_going(stream);
    while (!deliver_any(stream, result)) {
        tr__stream_start_all(stream);
        if (stream->state->running == 0) {
            tr_stream_close(stream);
            return false;
        }
        take_news(stream, patience(stream));
    }
    return true;
}
