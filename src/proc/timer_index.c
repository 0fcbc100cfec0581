/* SPDX-License-Identifier: MIT */
/*
 * Where timers are found: an index for each wheel, chains by number.
 *
 * The lock of the wheel is taken once for a start and once for a stop, which costs next to nothing
 * beside the rest, but more would: each time the processor waits until all that was stored before
 * is in the cache. So a worker takes numbers for references in advance.
 */
#include "base/fault.h"
#include "proc/timer.h"

#include <stdlib.h>

#define WHEEL_SLOT_BASE ((UINT32_C(1) << TR__SLOT_BITS) - TR__MAX_WORKERS)
#define BUCKETS_MIN     64u
#define NUMBERS         64u /* taken at once by a worker */
#define AHEAD           16u /* buckets: how early timers are fetched that are put into others */

struct timer_index {
    struct tr_timer **buckets;
    uint32_t mask;
    uint32_t count;
    uint64_t last; /* the number given last */
    /* Of the worker alone, not guarded: the numbers that it may give next. */
    uint64_t next, end;
};

static struct timer_index indexes[TR__MAX_WORKERS]; /* each guarded by its wheel's lock */

struct tr_worker *tr__timer_worker(uint64_t ref)
{
    uint32_t index = TR__REF_SLOT(ref) - WHEEL_SLOT_BASE;

    return (ref & 3) == TR__TAG_REF && TR__REF_SLOT(ref) >= WHEEL_SLOT_BASE &&
                   index < (uint32_t)tr__worker_count()
               ? tr__worker_at((int)index)
               : NULL;
}

static uint64_t take_numbers(struct tr_worker *w, uint64_t n)
{
    struct timer_index *x = &indexes[w->index];

    tr__spin_lock(&w->wheel.lock);
    uint64_t first = x->last + 1;
    x->last += n;
    tr__spin_unlock(&w->wheel.lock);
    return first;
}

uint64_t tr__timer_ref(struct tr_worker *w, bool own)
{
    struct timer_index *x = &indexes[w->index];
    uint64_t number;

    if (own) {
        if (x->next == x->end) {
            x->next = take_numbers(w, NUMBERS);
            x->end = x->next + NUMBERS;
        }
        number = x->next++;
    } else {
        number = take_numbers(w, 1);
    }
    return TR__REF_W(WHEEL_SLOT_BASE + (uint32_t)w->index, number);
}

/* --- the index; the wheel's lock is held --- */

static struct tr_timer **bucket_of(struct timer_index *x, uint64_t ref)
{
    return &x->buckets[TR__REF_COUNTER(ref) & x->mask];
}

static bool index_grow(struct timer_index *x)
{
    uint32_t size = x->buckets ? (x->mask + 1) * 4 : BUCKETS_MIN;
    struct tr_timer **old = x->buckets;
    uint32_t n = old ? x->mask + 1 : 0;
    struct tr_timer **fresh = tr__fault() ? NULL : calloc(size, sizeof(struct tr_timer *));

    if (!fresh)
        return old != NULL;
    x->buckets = fresh;
    x->mask = size - 1;
    for (uint32_t i = 0; i < n; i++) {
        if (i + AHEAD < n)
            __builtin_prefetch(old[i + AHEAD]);
        for (struct tr_timer *t = old[i]; t;) {
            struct tr_timer *next = t->index_next;
            struct tr_timer **bucket = bucket_of(x, t->ref);
            t->index_next = *bucket;
            *bucket = t;
            t = next;
        }
    }
    free(old);
    return true;
}

/* What points to the timer of a reference; NULL when there is none. */
static struct tr_timer **index_find(struct timer_index *x, uint64_t ref)
{
    struct tr_timer **at = x->buckets ? bucket_of(x, ref) : NULL;

    while (at && *at && (*at)->ref != ref)
        at = &(*at)->index_next;
    return at && *at ? at : NULL;
}

static void index_insert(struct timer_index *x, struct tr_timer *t)
{
    struct tr_timer **bucket = bucket_of(x, t->ref);

    t->index_next = *bucket;
    *bucket = t;
    x->count++;
}

static struct tr_timer *index_remove(struct timer_index *x, struct tr_timer **at)
{
    struct tr_timer *t = *at;

    *at = t->index_next;
    x->count--;
    return t;
}

/* --- starting and stopping --- */

bool tr__timer_start(struct tr_worker *w, struct tr_timer *t)
{
    struct timer_index *x = &indexes[w->index];

    tr__spin_lock(&w->wheel.lock);
    bool ok = (x->buckets && x->count <= 2 * x->mask) || index_grow(x);
    if (ok) {
        index_insert(x, t);
        tr__wheel_start(&w->wheel, &t->node);
    }
    tr__spin_unlock(&w->wheel.lock);
    return ok;
}

struct tr_timer *tr__timer_stop(uint64_t ref)
{
    struct tr_worker *w = tr__timer_worker(ref);

    if (!w)
        return NULL;
    struct timer_index *x = &indexes[w->index];
    tr__spin_lock(&w->wheel.lock);
    struct tr_timer **at = index_find(x, ref), *t = NULL;
    if (at) {
        t = index_remove(x, at);
        tr__wheel_cancel(&w->wheel, &t->node);
        t->state = TR__TIMER_CANCELLED;
    }
    tr__spin_unlock(&w->wheel.lock);
    return t;
}

bool tr__timer_look(uint64_t ref, int64_t *due, uint64_t *to)
{
    struct tr_worker *w = tr__timer_worker(ref);

    if (!w)
        return false;
    tr__spin_lock(&w->wheel.lock);
    struct tr_timer **at = index_find(&indexes[w->index], ref);
    if (at) {
        *due = (*at)->node.due;
        *to = (*at)->to;
    }
    tr__spin_unlock(&w->wheel.lock);
    return at != NULL;
}

void tr__timer_fired(struct tr_worker *w, struct tr_timer *t)
{
    struct timer_index *x = &indexes[w->index];

    index_remove(x, index_find(x, t->ref));
    t->state = TR__TIMER_FIRED;
}

void tr__timers_fini(void)
{
    for (int i = 0; i < TR__MAX_WORKERS; i++) {
        struct timer_index *x = &indexes[i];
        for (uint32_t b = 0; x->buckets && b <= x->mask; b++) {
            while (x->buckets[b]) {
                struct tr_timer *t = x->buckets[b];
                x->buckets[b] = t->index_next;
                tr__sig_free(&t->sig);
            }
        }
        free(x->buckets);
        x->buckets = NULL;
        x->mask = x->count = 0;
    }
}
