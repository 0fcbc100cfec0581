/* SPDX-License-Identifier: MIT */
/*
 * How many restarts there may be in a time, and how long one waits.
 *
 * All restarts of one millisecond are one entry, so a supervisor that allows a million restarts in
 * five seconds remembers five thousand moments.
 */
#include "otp/supervisor.h"

enum { LEAST_MOMENTS = 4 };

static struct tr_restart_moment *moment(const struct tr_restart_limit *l, size_t i)
{
    return &l->moments[(l->first + i) & (l->size - 1)];
}

static void forget_old(struct tr_restart_limit *l, int64_t now)
{
    while (l->used && moment(l, 0)->at_ms < now - l->period_ms) {
        l->n -= moment(l, 0)->n;
        l->first++;
        l->used--;
    }
}

static void grow(struct tr_restart_limit *l)
{
    size_t size = l->size ? l->size * 2 : LEAST_MOMENTS;
    struct tr_restart_moment *moments = tr_alloc(size * sizeof *moments);

    for (size_t i = 0; i < l->used; i++)
        moments[i] = *moment(l, i);
    tr_free(l->moments);
    l->moments = moments;
    l->size = size;
    l->first = 0;
}

bool tr__restart_allowed(struct tr_restart_limit *l)
{
    int64_t now = tr_monotonic_ms();

    forget_old(l, now);
    if (l->n >= l->most)
        return false;
    l->n++;
    if (l->used && moment(l, l->used - 1)->at_ms == now) {
        moment(l, l->used - 1)->n++;
        return true;
    }
    if (l->used == l->size)
        grow(l);
    *moment(l, l->used++) = (struct tr_restart_moment){ now, 1 };
    return true;
}

/* --- back-off --- */

int64_t tr__restart_delay(struct tr_sup *s, struct tr_child *c)
{
    const struct tr_backoff *b = &s->backoff;

    if (!b->first_ms)
        return 0;
    if (c->started_ms && tr_monotonic_ms() - c->started_ms >= b->max_ms)
        c->attempts = 0;
    int64_t delay = b->first_ms;
    for (int i = 0; i < c->attempts && delay < b->max_ms; i++)
        delay *= 2;
    if (delay > b->max_ms)
        delay = b->max_ms;
    if (c->attempts < UINT8_MAX)
        c->attempts++;
    int64_t share = delay * b->jitter_percent / 100;
    return delay - (int64_t)tr_random((uint64_t)share + 1);
}
