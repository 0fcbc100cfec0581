/* SPDX-License-Identifier: MIT */
/*
 * Caches, from outside: what is asked of the process, and what the owner of a key runs itself.
 *
 * The process is in cache_server.c.
 */
#include "troupe/kit/cache.h"

#include "kit/cache.h"
#include "troupe.h"

#include <string.h>

#define MAX_MS (INT64_C(1) << 43)

tr_atoms(ok, error, bad_option, badarg, deadlock, name, ttl_ms, jitter_percent, max_size, notify,
         get, put, take, fill, update, release, touch, status);
tr_atom_as(a_delete, "delete");

/* --- the start --- */

/* The option that is wrong; w is 0 when none is. */
static tr_atom wrong(const struct tr_cache *c)
{
    tr_atom name;

    if (c->name && tr_try_intern(c->name, strlen(c->name), &name))
        return a_name;
    if (c->ttl_ms != TR_INFINITY && (c->ttl_ms < 0 || c->ttl_ms > MAX_MS))
        return a_ttl_ms;
    if (c->jitter_percent < 0 || c->jitter_percent > 100)
        return a_jitter_percent;
    if (c->max_size < 0)
        return a_max_size;
    if (c->notify.w && !tr_is_pid(c->notify) && !tr_is_atom(c->notify))
        return a_notify;
    return (tr_atom){ 0 };
}

tr_term tr_cache_start_link(const struct tr_cache *cache)
{
    tr_atom bad = wrong(cache), name = { 0 };

    if (bad.w)
        return tr_build(a_error, tr_tuple(a_bad_option, bad));
    if (cache->name)
        name = tr_intern(cache->name);
    return tr_gen_server_start_link(&tr__cache_server, TR_GEN_SERVER_OPTS(.name = name),
                                    cache->ttl_ms ? cache->ttl_ms : (int64_t)TR_INFINITY,
                                    cache->jitter_percent, cache->max_size,
                                    cache->notify.w ? cache->notify : tr_nil());
}

tr_term tr_cache_child(tr_term arg)
{
    return tr_cache_start_link(tr_child_pointer(arg));
}

/* --- what is asked --- */

static tr_term ask(tr_term cache, tr_atom op, tr_term key, tr_term value, int64_t ttl_ms)
{
    return tr_call_within(TR_INFINITY, cache, op, key, value, ttl_ms);
}

bool tr_cache_get_term(tr_term cache, tr_term *value, tr_term key)
{
    tr_term reply = ask(cache, a_get, key, tr_nil(), 0);

    return tr_match(reply, a_ok, value);
}

void tr_cache_put_term(tr_term cache, int64_t ttl_ms, tr_term key, tr_term value)
{
    if (ttl_ms != TR_INFINITY && (ttl_ms < 0 || ttl_ms > MAX_MS))
        tr_error(a_badarg, a_ttl_ms);
    ask(cache, a_put, key, value, ttl_ms);
}

bool tr_cache_delete_term(tr_term cache, tr_term key)
{
    bool found = false;

    return tr_match(ask(cache, a_delete, key, tr_nil(), 0), &found) && found;
}

bool tr_cache_touch_term(tr_term cache, tr_term key)
{
    bool found = false;

    return tr_match(ask(cache, a_touch, key, tr_nil(), 0), &found) && found;
}

/* --- what the owner of a key runs --- */

struct work {
    tr_term cache, key, old, value;
    tr_cache_fn fn;
};

static void work(void *arg)
{
    struct work *w = arg;
    int64_t ttl_ms = 0;

    w->value = w->fn(w->key, w->old, &ttl_ms);
    if (w->value.w)
        tr_cache_put_term(w->cache, ttl_ms, w->key, w->value);
}

static tr_err own_and_run(tr_atom op, tr_term *value, struct work *w)
{
    tr_term reason, trace, reply = ask(w->cache, op, w->key, tr_nil(), 0);

    if (tr_match(reply, a_ok, &w->value)) {
        if (value)
            *value = w->value;
        return TR_OK;
    }
    if (tr_match(reply, a_deadlock))
        return TR_EDEADLOCK;
    (void)tr_match(reply, a_take, &w->old);
    bool failed = tr_catch(work, w, &reason);
    tr_cast(w->cache, a_release, w->key, tr_self());
    if (failed) {
        /* An error, and no exit that was meant: it is still reported. */
        if (tr_match(reason, tr_any(), &trace) && tr_is_list(trace))
            tr_report_exits();
        tr_exit(reason);
    }
    if (!w->value.w)
        return TR_ENOTFOUND;
    if (value)
        *value = w->value;
    return TR_OK;
}

tr_err tr_cache_get_or_store_term(tr_term cache, tr_term *value, tr_term key, tr_cache_fn fn)
{
    struct work w = { .cache = cache, .key = key, .fn = fn };

    return own_and_run(a_fill, value, &w);
}

tr_err tr_cache_update_term(tr_term cache, tr_term *value, tr_term key, tr_cache_fn fn)
{
    struct work w = { .cache = cache, .key = key, .fn = fn };

    return own_and_run(a_update, value, &w);
}

struct tr_cache_status tr_cache_status_term(tr_term cache)
{
    struct tr_cache_status s = { .size = 0 };
    tr_term reply = tr_call_within(TR_INFINITY, cache, a_status);

    tr_match(reply, &s.size, &s.hits, &s.misses, &s.expired, &s.evicted);
    return s;
}
