/* SPDX-License-Identifier: MIT */
/* The batches of a stream: filled from the iterator, started, and as long as takes a millisecond.
 */
#include "otp/task_stream.h"

#define BATCH_TARGET_NS 1000000

tr_atoms(out_of_memory, system_limit);

static struct tr_batch *new_batch(struct tr_stream *stream, size_t room)
{
    struct tr_batch *b = tr_alloc(sizeof *b + room * sizeof b->items[0]);

    b->fn = stream->fn;
    b->alias = stream->state->alias;
    return b;
}

static void insert_after(struct tr_stream_state *s, struct tr_batch **at, struct tr_batch *b)
{
    b->next = *at;
    *at = b;
    if (s->last == at)
        s->last = &b->next;
    s->ready++;
}

static void set_length(struct tr_batch *b, size_t n)
{
    atomic_store_explicit(&b->range, tr__batch_range(0, n), memory_order_relaxed);
}

void tr__stream_split(struct tr_stream *stream, struct tr_batch *b)
{
    size_t first;
    size_t n = tr__batch_withdraw(b, &first);

    if (n == 0)
        return;
    struct tr_batch *rest = new_batch(stream, n);
    for (size_t i = 0; i < n; i++)
        rest->items[i].input = b->items[first + i].input;
    set_length(rest, n);
    insert_after(stream->state, &b->next, rest);
}

/* Takes items from the iterator; false when there are none left. */
static bool fill(struct tr_stream *stream)
{
    struct tr_stream_state *s = stream->state;
    size_t n = 0, room = s->size;

    if (s->exhausted)
        return false;
    struct tr_batch *b = new_batch(stream, room);
    for (; n < room && !s->exhausted; n++) {
        tr_term item = { 0 };
        if (s->lasting) {
            s->exhausted = !tr_iter_next(stream->iter, &item);
        } else {
            tr_scope
            {
                s->exhausted = !tr_iter_next(stream->iter, &item);
                if (!s->exhausted)
                    item = tr_keep(item);
            }
        }
        if (s->exhausted)
            break;
        b->items[n].input = item;
    }
    if (n == 0) {
        tr_free(b);
        return false;
    }
    set_length(b, n);
    insert_after(s, s->last, b);
    return true;
}

/* The first batch that waits for a process. */
static struct tr_batch *find_ready(struct tr_stream *stream)
{
    struct tr_stream_state *s = stream->state;

    if (s->ready == 0 && !fill(stream))
        return NULL;
    struct tr_batch *b = s->first;
    while (b->state != TR__BATCH_READY)
        b = b->next;
    return b;
}

void tr__stream_start_all(struct tr_stream *stream)
{
    struct tr_stream_state *s = stream->state;
    struct tr_batch *b;

    while (s->running < stream->opts.max_concurrency && (b = find_ready(stream))) {
        tr_err err = tr__batch_start(b, stream->opts.supervisor, stream->site);
        s->starved = err && s->running > 0;
        if (s->starved)
            return;
        if (err)
            tr_exit(err == TR_ENOMEM   ? a_out_of_memory
                    : err == TR_ELIMIT ? a_system_limit
                                       : tr_intern(tr_err_name(err)));
        s->ready--;
        s->running++;
        /* The time of a single item begins now. */
        b->seen = tr__stream_length(b) == 1 ? 1 : 0;
        b->since = tr_monotonic_ms();
    }
}

/* As many as take BATCH_TARGET_NS, but not too many more than the last time. */
void tr__stream_adapt(struct tr_stream *stream, const struct tr_batch *b)
{
    struct tr_stream_state *s = stream->state;
    size_t n = tr__stream_length(b);
    size_t most = (size_t)stream->opts.max_batch;

    if (b->elapsed_ns <= 0 || n == 0) {
        s->size = 1;
        return;
    }
    size_t wanted = (size_t)(BATCH_TARGET_NS * (int64_t)n / b->elapsed_ns);
    wanted = wanted > 4 * s->size ? 4 * s->size : wanted;
    wanted = wanted > most ? most : wanted;
    s->size = wanted ? wanted : 1;
}
