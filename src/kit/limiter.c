/* SPDX-License-Identifier: MIT */
/*
 * Rate limits for keys: a hash table in stripes, each with a lock of its own.
 *
 * Under a lock (kit/lock.h) there are only a few instructions. The key is looked up by its bytes,
 * which are made before the lock is taken: the word of an immediate, the bytes of a binary, the
 * text of anything else. A stripe is swept of the keys that no longer matter when it has twice as
 * many entries as after the last sweep: sweeping costs each take a constant share, and no timer is
 * needed.
 */
#include "kit/lock.h"
#include "kit/rate.h"
#include "troupe.h"

#include <stdlib.h>

#define NS_PER_MS   INT64_C(1000000)
#define MAX_LIMIT   INT64_C(1000000)
#define MAX_PER_MS  (INT64_C(1) << 31)
#define MIN_TOKEN   1000 /* ns */
#define NSTRIPES    64
#define FIRST_SWEEP 16

tr_atoms(out_of_memory);

/* A key as bytes. */
struct key {
    uint64_t hash;
    const void *bytes;
    size_t size;
    char kind; /* so that the text of a term is not taken for a binary */
};

struct entry {
    struct entry *next; /* chain of its bucket in the stripe */
    uint64_t hash;
    size_t size;
    char kind;
    union {
        int64_t word; /* token bucket */
        struct {
            int64_t window, count;
        } fixed;
        struct {
            int64_t *at; /* when each was taken, in ns: a ring of `room` */
            uint32_t first, n, room;
        } sliding;
    } is;
    char bytes[];
};

struct stripe {
    pthread_mutex_t lock;
    struct entry **chains;
    size_t mask; /* number of chains - 1 */
    size_t n;
    size_t sweep_at; /* when n comes to this */
};

struct tr_limiter {
    struct tr_rate rate;
    struct tr_bucket bucket; /* the constants of a token bucket */
    int64_t per_ns;
    struct stripe stripes[NSTRIPES];
};

const char *tr__rate_check(const struct tr_rate *rate)
{
    bool tokens = rate->kind == TR_TOKEN_BUCKET;

    if (!tokens && rate->kind != TR_FIXED_WINDOW && rate->kind != TR_SLIDING_WINDOW)
        return "kind";
    if (rate->limit < 1 || rate->limit > MAX_LIMIT)
        return "limit";
    if (rate->per_ms < 1 || rate->per_ms > MAX_PER_MS ||
        (tokens && rate->per_ms * NS_PER_MS / rate->limit < MIN_TOKEN))
        return "per_ms";
    /* The time in which a bucket fills must be a number of ns that can be added to a time. */
    if (rate->burst < 0 || rate->burst > MAX_LIMIT || (!tokens && rate->burst) ||
        rate->burst > INT64_MAX / 4 / (rate->per_ms * NS_PER_MS / rate->limit))
        return "burst";
    return NULL;
}

/* --- one key: each returns how long to wait, in ns, and counts when it is 0 --- */

static int64_t take_token(const struct tr_limiter *l, struct entry *e, int64_t n, int64_t now)
{
    int64_t wait, next = tr__bucket_next(&l->bucket, e->is.word, n, now, &wait);

    if (!wait)
        e->is.word = next;
    return wait;
}

static int64_t take_fixed(const struct tr_limiter *l, struct entry *e, int64_t n, int64_t now)
{
    int64_t window = now / l->per_ns;

    /* A clock that was read before another one's may be one window behind: that one counts. */
    if (window > e->is.fixed.window || !e->is.fixed.count) {
        e->is.fixed.window = window;
        e->is.fixed.count = 0;
    }
    if (e->is.fixed.count + n > l->rate.limit)
        return (e->is.fixed.window + 1) * l->per_ns - now;
    e->is.fixed.count += n;
    return 0;
}

static int64_t taken_at(const struct entry *e, int64_t i)
{
    return e->is.sliding.at[(e->is.sliding.first + (uint32_t)i) % e->is.sliding.room];
}

static void forget_old(const struct tr_limiter *l, struct entry *e, int64_t now)
{
    while (e->is.sliding.n && taken_at(e, 0) <= now - l->per_ns) {
        e->is.sliding.first = (e->is.sliding.first + 1) % e->is.sliding.room;
        e->is.sliding.n--;
    }
}

/* Room for n more; false without memory. */
static bool grow(const struct tr_limiter *l, struct entry *e, int64_t n)
{
    int64_t room = e->is.sliding.room ? e->is.sliding.room : 4;

    while (room < e->is.sliding.n + n)
        room *= 2;
    if (room > l->rate.limit)
        room = l->rate.limit;
    if (room == e->is.sliding.room)
        return true;
    int64_t *at = malloc((size_t)room * sizeof *at);
    if (!at)
        return false;
    for (int64_t i = 0; i < e->is.sliding.n; i++)
        at[i] = taken_at(e, i);
    free(e->is.sliding.at);
    e->is.sliding.at = at;
    e->is.sliding.first = 0;
    e->is.sliding.room = (uint32_t)room;
    return true;
}

/* -1 without memory. */
static int64_t take_sliding(const struct tr_limiter *l, struct entry *e, int64_t n, int64_t now)
{
    forget_old(l, e, now);
    int64_t too_many = e->is.sliding.n + n - l->rate.limit;
    if (too_many > 0)
        return taken_at(e, too_many - 1) + l->per_ns - now;
    if (!grow(l, e, n))
        return -1;
    for (int64_t i = 0; i < n; i++) {
        uint32_t end = (e->is.sliding.first + e->is.sliding.n++) % e->is.sliding.room;
        e->is.sliding.at[end] = now;
    }
    return 0;
}

static int64_t take(const struct tr_limiter *l, struct entry *e, int64_t n, int64_t now)
{
    switch (l->rate.kind) {
    case TR_TOKEN_BUCKET:
        return take_token(l, e, n, now);
    case TR_FIXED_WINDOW:
        return take_fixed(l, e, n, now);
    default:
        return take_sliding(l, e, n, now);
    }
}

/* Whether the key is as good as one that was never seen. */
static bool is_idle(const struct tr_limiter *l, struct entry *e, int64_t now)
{
    switch (l->rate.kind) {
    case TR_TOKEN_BUCKET:
        return e->is.word <= now - l->bucket.burst * l->bucket.token_ns;
    case TR_FIXED_WINDOW:
        return e->is.fixed.window < now / l->per_ns;
    default:
        forget_old(l, e, now);
        return e->is.sliding.n == 0;
    }
}

/* --- a stripe, under its lock --- */

static void free_entry(const struct tr_limiter *l, struct entry *e)
{
    if (l->rate.kind == TR_SLIDING_WINDOW)
        free(e->is.sliding.at);
    free(e);
}

static void sweep(const struct tr_limiter *l, struct stripe *s, int64_t now)
{
    for (size_t i = 0; i <= s->mask; i++)
        for (struct entry **at = &s->chains[i], *e; (e = *at);) {
            if (!is_idle(l, e, now)) {
                at = &e->next;
                continue;
            }
            *at = e->next;
            free_entry(l, e);
            s->n--;
        }
    s->sweep_at = 2 * s->n > FIRST_SWEEP ? 2 * s->n : FIRST_SWEEP;
}

/* As many chains as entries, so that chains stay short; without memory they grow longer. */
static void widen(struct stripe *s)
{
    size_t mask = 2 * s->mask + 1;
    struct entry **chains = calloc(mask + 1, sizeof *chains);

    if (!chains)
        return;
    for (size_t i = 0; i <= s->mask; i++)
        for (struct entry *e = s->chains[i], *next; e; e = next) {
            next = e->next;
            e->next = chains[e->hash / NSTRIPES & mask];
            chains[e->hash / NSTRIPES & mask] = e;
        }
    free(s->chains);
    s->chains = chains;
    s->mask = mask;
}

/* The entry of a key, new if there is none; NULL without memory. */
static struct entry *find(struct stripe *s, const struct key *key)
{
    struct entry *e;

    for (e = s->chains[key->hash / NSTRIPES & s->mask]; e; e = e->next)
        if (e->hash == key->hash && e->size == key->size && e->kind == key->kind &&
            memcmp(e->bytes, key->bytes, key->size) == 0)
            return e;
    e = calloc(1, sizeof *e + key->size);
    if (!e)
        return NULL;
    e->hash = key->hash;
    e->size = key->size;
    e->kind = key->kind;
    memcpy(e->bytes, key->bytes, key->size);
    if (++s->n > s->mask)
        widen(s);
    e->next = s->chains[key->hash / NSTRIPES & s->mask];
    s->chains[key->hash / NSTRIPES & s->mask] = e;
    return e;
}

/* --- the interface --- */

tr_err tr_limiter_new(struct tr_limiter **limiter, const struct tr_rate *rate,
                      const char **bad_option)
{
    const char *bad = tr__rate_check(rate);
    struct tr_limiter *l;

    if (bad) {
        if (bad_option)
            *bad_option = bad;
        return TR_EINVAL;
    }
    if (!(l = calloc(1, sizeof *l)))
        return TR_ENOMEM;
    l->rate = *rate;
    l->per_ns = rate->per_ms * NS_PER_MS;
    l->bucket = (struct tr_bucket){ .token_ns = l->per_ns / rate->limit,
                                    .burst = rate->burst ? rate->burst : rate->limit };
    for (struct stripe *s = l->stripes; s < l->stripes + NSTRIPES; s++) {
        pthread_mutex_init(&s->lock, NULL);
        s->sweep_at = FIRST_SWEEP;
        if (!(s->chains = calloc(1, sizeof *s->chains))) {
            tr_limiter_free(l);
            return TR_ENOMEM;
        }
    }
    *limiter = l;
    return TR_OK;
}

void tr_limiter_free(struct tr_limiter *limiter)
{
    if (!limiter)
        return;
    for (struct stripe *s = limiter->stripes; s < limiter->stripes + NSTRIPES && s->chains; s++) {
        for (size_t i = 0; i <= s->mask; i++)
            for (struct entry *e = s->chains[i], *next; e; e = next) {
                next = e->next;
                free_entry(limiter, e);
            }
        free(s->chains);
        pthread_mutex_destroy(&s->lock);
    }
    free(limiter);
}

static struct key key_of(tr_term *term)
{
    struct key key = { .hash = tr_hash(*term) };
    tr_bin bin;

    if (tr__is_immediate(term->w)) {
        key.bytes = &term->w;
        key.size = sizeof term->w;
        key.kind = 'i';
    } else if (tr_binary_get(*term, &bin)) {
        key.bytes = bin.data;
        key.size = bin.size;
        key.kind = 'b';
    } else {
        key.bytes = tr_inspect(*term);
        key.size = strlen(key.bytes);
        key.kind = 't';
    }
    return key;
}

int64_t tr_limiter_take_args(struct tr_limiter *limiter, int64_t n, const struct tr_arg *args,
                             int nargs)
{
    int64_t most =
        limiter->rate.kind == TR_TOKEN_BUCKET ? limiter->bucket.burst : limiter->rate.limit;
    int64_t wait = -1;

    if (n < 1 || n > most)
        return TR_INFINITY;
    tr_scope
    {
        tr_term term = tr_build_args(args, nargs);
        struct key key = key_of(&term);
        struct stripe *s = &limiter->stripes[key.hash % NSTRIPES];
        int64_t now = tr_monotonic_ns();
        sigset_t signals;

        tr__kit_lock(&s->lock, &signals);
        if (s->n >= s->sweep_at)
            sweep(limiter, s, now);
        struct entry *e = find(s, &key);
        if (e)
            wait = take(limiter, e, n, now);
        tr__kit_unlock(&s->lock, &signals);
    }
    if (wait < 0)
        tr_exit(a_out_of_memory);
    return tr__rate_ms(wait);
}

size_t tr_limiter_size(struct tr_limiter *limiter)
{
    sigset_t signals;
    size_t n = 0;

    for (struct stripe *s = limiter->stripes; s < limiter->stripes + NSTRIPES; s++) {
        tr__kit_lock(&s->lock, &signals);
        n += s->n;
        tr__kit_unlock(&s->lock, &signals);
    }
    return n;
}
