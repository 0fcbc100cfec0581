/* SPDX-License-Identifier: MIT */
/*
 * The process of a cache: a server with a hash table of kept terms.
 *
 * An entry is there for a key that has a value, an owner (who fills or updates it), or both. Those
 * with a value are also in a list in the order of their use, and have a timer unless they last for
 * ever. A request that changes an owned key waits in its entry, and is served when the owner has
 * given the key back, as if it had come then. Only find and use are needed to read, so that reads
 * could be made on a table that is shared.
 */
#include "kit/cache.h"

#include "troupe.h"
#include "troupe/kit/cache.h"

#define FIRST_CHAINS 64

tr_atoms(ok, none, badarg, deadlock, max_size, get, put, take, fill, update, release, status,
         expire, expired, evicted, timeout, DOWN, process, size);
tr_atom_as(a_delete, "delete");

struct waiter {
    struct waiter *next;
    tr_term request, from; /* kept */
};

struct entry {
    struct entry *chain;
    struct entry *older, *newer; /* in the order of use, when it has a value */
    struct entry *next_owned;
    uint64_t hash;
    tr_term key;    /* kept */
    tr_term value;  /* kept; w is 0: none */
    int64_t ttl_ms; /* what the value was put with */
    int64_t due_ms; /* TR_INFINITY: for ever */
    tr_ref timer;
    tr_pid owner; /* w is 0: nobody */
    tr_ref watch; /* of the owner */
    struct waiter *first, *last;
    bool serving; /* its waiters are being served: it must stay */
};

struct cache {
    int64_t ttl_ms, max_size;
    int jitter_percent;
    tr_term notify; /* kept; the empty list: nobody */
    struct entry **chains;
    size_t mask, nentries;
    struct entry *oldest, *newest, *owned;
    struct tr_cache_status counts;
};

/* --- the table --- */

static struct entry *find(const struct cache *c, tr_term key)
{
    uint64_t hash = tr_hash(key);
    struct entry *e = c->chains[hash & c->mask];

    while (e && !(e->hash == hash && tr_equal(e->key, key)))
        e = e->chain;
    return e;
}

static void grow(struct cache *c)
{
    size_t n = c->mask + 1;
    struct entry **old = c->chains;

    c->chains = tr_alloc(2 * n * sizeof *c->chains);
    c->mask = 2 * n - 1;
    for (size_t i = 0; i < n; i++)
        for (struct entry *next, *e = old[i]; e; e = next) {
            next = e->chain;
            e->chain = c->chains[e->hash & c->mask];
            c->chains[e->hash & c->mask] = e;
        }
    tr_free(old);
}

static struct entry *find_or_add(struct cache *c, tr_term key)
{
    struct entry *e = find(c, key);

    if (e)
        return e;
    if (c->nentries > c->mask)
        grow(c);
    e = tr_alloc(sizeof *e);
    e->hash = tr_hash(key);
    e->key = tr_keep(key);
    e->chain = c->chains[e->hash & c->mask];
    c->chains[e->hash & c->mask] = e;
    c->nentries++;
    return e;
}

/* Frees an entry that nothing needs any more. */
static void tidy(struct cache *c, struct entry *e)
{
    struct entry **at = &c->chains[e->hash & c->mask];

    if (e->value.w || e->owner.w || e->first || e->serving)
        return;
    while (*at != e)
        at = &(*at)->chain;
    *at = e->chain;
    c->nentries--;
    tr_release(e->key);
    tr_free(e);
}

/* --- values --- */

static void list_remove(struct cache *c, struct entry *e)
{
    *(e->older ? &e->older->newer : &c->oldest) = e->newer;
    *(e->newer ? &e->newer->older : &c->newest) = e->older;
}

static void list_add(struct cache *c, struct entry *e)
{
    e->newer = NULL;
    e->older = c->newest;
    *(c->newest ? &c->newest->newer : &c->oldest) = e;
    c->newest = e;
}

static void use(struct cache *c, struct entry *e)
{
    list_remove(c, e);
    list_add(c, e);
}

static void drop(struct cache *c, struct entry *e)
{
    if (e->due_ms != TR_INFINITY)
        tr_cancel_timer(e->timer, NULL);
    list_remove(c, e);
    c->counts.size--;
    tr_release(e->value);
    e->value.w = 0;
}

static void drop_and_tell(struct cache *c, struct entry *e, tr_atom why)
{
    /* A name may be nobody's for a while: the cache goes on. */
    if (!tr_is_nil(c->notify) && tr_try_send(c->notify, why, e->key, e->value))
        tr_log_debug("a cache could not tell that a value is gone");
    drop(c, e);
    tidy(c, e);
}

/* The entry of a key that has a value. One whose time is over is gone, though its timer is late. */
static struct entry *lookup(struct cache *c, tr_term key)
{
    struct entry *e = find(c, key);

    if (!e || !e->value.w)
        return NULL;
    if (e->due_ms == TR_INFINITY || e->due_ms > tr_monotonic_ms())
        return e;
    c->counts.expired++;
    drop_and_tell(c, e, a_expired);
    return NULL;
}

/* The timer tells the hash, and is told from others by its reference. */
static void start_time(struct cache *c, struct entry *e)
{
    static const struct tr_timer_opts opts = { .absolute = true, .wrap = true };
    int64_t ms = e->ttl_ms ? e->ttl_ms : c->ttl_ms;

    e->due_ms = TR_INFINITY;
    if (ms == TR_INFINITY)
        return;
    uint64_t jitter = (uint64_t)ms / 100 * (uint64_t)c->jitter_percent +
                      (uint64_t)ms % 100 * (uint64_t)c->jitter_percent / 100;
    e->due_ms = tr_monotonic_ms() + ms - (jitter ? (int64_t)tr_random(jitter + 1) : 0);
    e->timer = tr_timer_opt(e->due_ms, tr_self(), &opts, a_expire, e->hash);
}

static void put(struct cache *c, tr_term key, tr_term value, int64_t ttl_ms)
{
    struct entry *e = find_or_add(c, key);
    tr_term kept = tr_keep(value);

    if (e->value.w)
        drop(c, e);
    e->value = kept;
    e->ttl_ms = ttl_ms;
    list_add(c, e);
    c->counts.size++;
    start_time(c, e);
    if (c->max_size && c->counts.size > c->max_size) {
        c->counts.evicted++;
        drop_and_tell(c, c->oldest, a_evicted);
    }
}

static void on_timer(struct cache *c, tr_ref timer, uint64_t hash)
{
    struct entry *e = c->chains[hash & c->mask];

    while (e && !(e->value.w && e->due_ms != TR_INFINITY && e->timer.w == timer.w))
        e = e->chain;
    if (!e)
        return;
    c->counts.expired++;
    drop_and_tell(c, e, a_expired);
}

/* --- owners --- */

static void own(struct cache *c, tr_term key, tr_pid owner)
{
    struct entry *e = find_or_add(c, key);

    e->owner = owner;
    e->watch = tr_monitor(owner);
    e->next_owned = c->owned;
    c->owned = e;
}

static void serve(struct cache *c, tr_term request, tr_term from);

static void disown(struct cache *c, struct entry *e)
{
    struct entry **at = &c->owned;
    struct waiter *w;

    while (*at != e)
        at = &(*at)->next_owned;
    *at = e->next_owned;
    tr_demonitor_flush(e->watch);
    e->owner.w = 0;
    e->serving = true;
    while (!e->owner.w && (w = e->first)) {
        e->first = w->next;
        serve(c, w->request, w->from);
        tr_release(w->request);
        tr_release(w->from);
        tr_free(w);
    }
    e->serving = false;
    tidy(c, e);
}

static void wait_for(struct entry *e, tr_term request, tr_term from)
{
    struct waiter *w = tr_alloc(sizeof *w);

    w->request = tr_keep(request);
    w->from = tr_keep(from);
    *(e->first ? &e->last->next : &e->first) = w;
    e->last = w;
}

/* --- requests: {Op, Key, Value, Ttl} --- */

static void read_value(struct cache *c, tr_term key, tr_term from)
{
    struct entry *e = lookup(c, key);

    if (e)
        use(c, e);
    *(e ? &c->counts.hits : &c->counts.misses) += 1;
    if (e)
        tr_reply(from, a_ok, e->value);
    else
        tr_reply(from, a_none);
}

/* The caller is to run its function: it has the key from now on. */
static void take(struct cache *c, tr_atom op, tr_term key, tr_pid caller, tr_term from)
{
    struct entry *e = lookup(c, key);

    if (op.w == a_fill.w && e) {
        read_value(c, key, from);
        return;
    }
    if (op.w == a_fill.w)
        c->counts.misses++;
    own(c, key, caller);
    if (e)
        tr_reply(from, a_take, e->value);
    else
        tr_reply(from, a_take);
}

static void change(struct cache *c, tr_atom op, tr_term key, tr_term from)
{
    struct entry *e = lookup(c, key);
    bool found = e != NULL;

    if (e && op.w == a_delete.w) {
        drop(c, e);
        tidy(c, e);
    } else if (e) {
        if (e->due_ms != TR_INFINITY)
            tr_cancel_timer(e->timer, NULL);
        start_time(c, e);
    }
    tr_reply(from, found);
}

static void serve(struct cache *c, tr_term request, tr_term from)
{
    tr_term key, value;
    tr_atom op;
    tr_pid caller;
    int64_t ttl_ms;

    if (!tr_match(request, &op, &key, &value, &ttl_ms) || !tr_match(from, &caller, tr_any()))
        return;
    if (op.w == a_get.w) {
        read_value(c, key, from);
        return;
    }
    struct entry *e = find(c, key);
    bool mine = e && e->owner.w == caller.w;
    bool takes = op.w == a_fill.w || op.w == a_update.w;
    if (mine && takes) {
        tr_reply(from, a_deadlock);
    } else if (e && e->owner.w && !mine) {
        wait_for(e, request, from);
    } else if (takes) {
        take(c, op, key, caller, from);
    } else if (op.w == a_put.w) {
        put(c, key, value, ttl_ms);
        tr_reply(from, a_ok);
    } else {
        change(c, op, key, from);
    }
}

static tr_gen_result handle_call(void *state, tr_term request, tr_term from)
{
    struct cache *c = state;

    if (tr_match(request, a_status))
        return tr_gen_reply(c->counts.size, c->counts.hits, c->counts.misses, c->counts.expired,
                            c->counts.evicted);
    serve(c, request, from);
    return tr_gen_noreply();
}

static tr_gen_result handle_cast(void *state, tr_term request)
{
    tr_term key;
    tr_pid owner;

    if (!tr_match(request, a_release, &key, &owner))
        return tr_gen_unknown();
    struct entry *e = find(state, key);
    if (e && e->owner.w == owner.w)
        disown(state, e);
    return tr_gen_noreply();
}

static tr_gen_result handle_info(void *state, tr_term message)
{
    struct cache *c = state;
    struct entry *e = c->owned;
    tr_ref ref;
    uint64_t hash;

    if (tr_match(message, a_timeout, &ref, tr_tuple(a_expire, &hash)))
        on_timer(c, ref, hash);
    if (!tr_match(message, a_DOWN, &ref, a_process, tr_any(), tr_any()))
        return tr_gen_noreply();
    while (e && e->watch.w != ref.w)
        e = e->next_owned;
    if (e)
        disown(c, e);
    return tr_gen_noreply();
}

static tr_gen_result init(void *state, tr_term arg)
{
    struct cache *c = state;

    if (!tr_match(arg, &c->ttl_ms, &c->jitter_percent, &c->max_size, &c->notify))
        return tr_gen_stop(a_badarg);
    c->notify = tr_keep(c->notify);
    c->chains = tr_alloc(FIRST_CHAINS * sizeof *c->chains);
    c->mask = FIRST_CHAINS - 1;
    return tr_gen_ok();
}

static tr_term get_state(const void *state)
{
    const struct cache *c = state;

    return tr_build(tr_map(a_size, c->counts.size, a_max_size, c->max_size));
}

const struct tr_gen_server tr__cache_server = {
    .name = "cache",
    .state_size = sizeof(struct cache),
    .init = init,
    .handle_call = handle_call,
    .handle_cast = handle_cast,
    .handle_info = handle_info,
    .get_state = get_state,
};
