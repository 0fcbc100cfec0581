/* SPDX-License-Identifier: MIT */
/*
 * Fan-out: a stream of tasks over an iterator that sleeps.
 *
 * The iterator is asked when a task is free, by the process that uses the stream, so sleeping there
 * is all it takes. A step is due one distance after the step before, or after now if that is later.
 * Sleep counts milliseconds and may end late by one: so much, and no more, is made up for.
 */
#include "troupe/kit/fan_out.h"
#include "troupe.h"

#include <string.h>

#define NS_PER_MS   INT64_C(1000000)
#define MAX_RATE    INT64_C(1000000)
#define MAX_PER_MS  (INT64_C(1) << 31)
#define MAX_TASKS   1000000
#define MAX_TIME_MS (INT64_C(1) << 43)
#define FIRST_ROOM  64

tr_atoms(ok);
tr_atom_as(a_exit, "exit");

/* --- the pace --- */

static bool paced_next(struct tr_iter *iter, tr_term *item)
{
    struct tr_paced *p = (struct tr_paced *)iter;

    if (!tr_iter_next(p->items, item))
        return false;
    int64_t now = tr_monotonic_ns();
    if (p->due_ns > now) {
        tr_sleep((p->due_ns - now + NS_PER_MS - 1) / NS_PER_MS);
        now = tr_monotonic_ns();
    }
    if (p->due_ns < now - NS_PER_MS)
        p->due_ns = now;
    p->due_ns += p->distance_ns;
    return true;
}

tr_err tr_paced_init(struct tr_paced *paced, struct tr_iter *items, int64_t rate, int64_t per_ms)
{
    if (rate < 1 || rate > MAX_RATE || per_ms < 1 || per_ms > MAX_PER_MS)
        return TR_EINVAL;
    /* Rounded up: rather too slow by a nanosecond than too fast. */
    *paced = (struct tr_paced){ .iter = { .next = paced_next, .lasting = items->lasting },
                                .items = items,
                                .distance_ns = (per_ms * NS_PER_MS + rate - 1) / rate,
                                .due_ns = tr_monotonic_ns() };
    return TR_OK;
}

/* --- the results --- */

/* Kept terms; the memory is the caller's process's. */
struct results {
    tr_term *at;
    size_t n, room;
};

static void add(struct results *r, tr_term result)
{
    if (r->n == r->room) {
        size_t room = r->room ? 2 * r->room : FIRST_ROOM;
        tr_term *at = tr_alloc(room * sizeof *at);

        if (r->n)
            memcpy(at, r->at, r->n * sizeof *at);
        tr_free(r->at);
        r->at = at;
        r->room = room;
    }
    r->at[r->n++] = tr_keep(result);
}

/* The list, in the current heap; the results are freed. */
static tr_term take_list(struct results *r)
{
    tr_term list = tr_nil();

    while (r->n > 0) {
        list = tr_list_push(list, tr_copy(r->at[--r->n]));
        tr_release(r->at[r->n]);
    }
    tr_free(r->at);
    return list;
}

static tr_term run(tr_task_fn fn, struct tr_iter *items, const struct tr_fan_out_opts *o,
                   int max_batch)
{
    struct results results = { .n = 0 };

    tr_async_stream (r, fn, items, .max_concurrency = o->max_concurrency,
                     .timeout_ms = o->timeout_ms, .on_timeout = TR_STREAM_KILL, .nolink = true,
                     .supervisor = o->supervisor, .max_batch = max_batch) {
        tr_scope
        {
            add(&results, tr_build(r.err ? a_exit : a_ok, r.value));
        }
    }
    return take_list(&results);
}

static const char *wrong(const struct tr_fan_out_opts *o)
{
    if (o->max_concurrency < 0 || o->max_concurrency > MAX_TASKS)
        return "max_concurrency";
    if (o->rate < 0 || o->rate > MAX_RATE)
        return "rate";
    if (o->per_ms < 0 || o->per_ms > MAX_PER_MS || (o->per_ms && !o->rate))
        return "per_ms";
    if (o->timeout_ms != TR_INFINITY && (o->timeout_ms < 0 || o->timeout_ms > MAX_TIME_MS))
        return "timeout_ms";
    return NULL;
}

tr_err tr_fan_out(tr_term *results, tr_task_fn fn, struct tr_iter *items,
                  const struct tr_fan_out_opts *opts, const char **bad_option)
{
    static const struct tr_fan_out_opts defaults;
    const struct tr_fan_out_opts *o = opts ? opts : &defaults;
    const char *bad = fn ? wrong(o) : "fn";
    struct tr_paced paced;

    if (bad) {
        if (bad_option)
            *bad_option = bad;
        return TR_EINVAL;
    }
    if (!o->rate) {
        *results = run(fn, items, o, 0);
        return TR_OK;
    }
    tr_err err = tr_paced_init(&paced, items, o->rate, o->per_ms ? o->per_ms : 1000);
    if (!err)
        *results = run(fn, &paced.iter, o, 1);
    return err;
}
