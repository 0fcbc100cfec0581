/* SPDX-License-Identifier: MIT */
/*
 * Caches: values that are forgotten after a while, and filled once however many ask.
 *
 *     static const struct tr_cache pages = { .name = "pages", .ttl_ms = 60000, .max_size = 1000 };
 *
 *     tr_cache_start_link(&pages);
 *     tr_err err = tr_cache_get_or_store(a_pages, &page, url, fetch);
 *
 * A cache is a server; keys and values are terms, copied in and out. While a process fills or
 * updates a key it has that key: puts, deletes, touches, fills and updates of others wait for it,
 * in the order in which they came; gets, and other keys, do not. A process that ends no longer has
 * its keys. (ConCache)
 *
 * Of a full cache, the value goes that was put or read (get, get_or_store) longest ago.
 *
 * This header is not part of <troupe.h>. `cache` is a pid, a name, or a term that is one of these;
 * `key` is one argument, as tr_build takes it. All functions end the caller as tr_call does when
 * there is no such cache. Process only; all block.
 */
#ifndef TROUPE_KIT_CACHE_H
#define TROUPE_KIT_CACHE_H

#include <stdbool.h>
#include <stdint.h>

#include "troupe/message.h"

TR_HEADER_BEGIN

/* Zero is the default of each. */
struct tr_cache {
    const char *name;   /* registered; NULL: none */
    int64_t ttl_ms;     /* how long a value lasts; for ever; TR_INFINITY; up to 2^43 */
    int jitter_percent; /* each lasts shorter by a random time, up to this share; 0 to 100 */
    int64_t max_size;   /* so many values; no bound */
    tr_term notify;     /* a pid or a name: gets {expired, Key, Value} and {evicted, Key, Value} */
};

/*
 * Starts a cache, linked with the caller. {ok, Pid}, or in the current heap
 *
 *     {error, {bad_option, Name}}      name, ttl_ms, jitter_percent, max_size or notify
 *     {error, {already_started, Pid}}  the name is taken
 */
tr_term tr_cache_start_link(const struct tr_cache *cache);

/* The same as the start function of a child: { .start = tr_cache_child, .arg_pointer = &pages,
   .id = "pages" }. */
tr_term tr_cache_child(tr_term arg);

/* The value, in the current heap; false, *value untouched, when there is none. */
bool tr_cache_get_term(tr_term cache, tr_term *value, tr_term key);
#define tr_cache_get(cache, value, key) tr_cache_get_term(TR__DEST(cache), value, tr_build(key))

/* Puts a value, which lasts as the cache says, or for ttl_ms: 1 or more, or TR_INFINITY; anything
   else ends the caller with {badarg, ttl_ms}. */
void tr_cache_put_term(tr_term cache, int64_t ttl_ms, tr_term key, tr_term value);
#define tr_cache_put(cache, key, value) tr_cache_put_ttl(cache, 0, key, value)
#define tr_cache_put_ttl(cache, ttl_ms, key, value)                                                \
    tr_cache_put_term(TR__DEST(cache), ttl_ms, tr_build(key), tr_build(value))

/* Forgets a value; false when there was none. */
bool tr_cache_delete_term(tr_term cache, tr_term key);
#define tr_cache_delete(cache, key) tr_cache_delete_term(TR__DEST(cache), tr_build(key))

/* Lets a value last as long again as when it was put; false when there is none. */
bool tr_cache_touch_term(tr_term cache, tr_term key);
#define tr_cache_touch(cache, key) tr_cache_touch_term(TR__DEST(cache), tr_build(key))

/* Makes a value in the caller. `old` is what is there, w is 0 when nothing is. *ttl_ms is 0, how
   long a value lasts by default, and may be set. A term whose w is 0: nothing is stored. */
typedef tr_term (*tr_cache_fn)(tr_term key, tr_term old, int64_t *ttl_ms);

/*
 * get_or_store: the value; when there is none, what fn makes, which is stored. One process at a
 * time runs fn for a key; those who wait get its value. If it fails, ends, or stores nothing, the
 * next of them runs its own.
 *
 * update: stores what fn makes of the value; nobody else changes the key meanwhile.
 *
 *     TR_OK         *value (may be NULL) is the value, in the current heap
 *     TR_ENOTFOUND  fn has stored nothing
 *     TR_EDEADLOCK  the caller is in fn for that key already
 *
 * What fn fails with ends the caller. Waits as long as the fn of others takes.
 */
TR_MUST_USE tr_err tr_cache_get_or_store_term(tr_term cache, tr_term *value, tr_term key,
                                              tr_cache_fn fn);
TR_MUST_USE tr_err tr_cache_update_term(tr_term cache, tr_term *value, tr_term key, tr_cache_fn fn);
#define tr_cache_get_or_store(cache, value, key, fn)                                               \
    tr_cache_get_or_store_term(TR__DEST(cache), value, tr_build(key), fn)
#define tr_cache_update(cache, value, key, fn)                                                     \
    tr_cache_update_term(TR__DEST(cache), value, tr_build(key), fn)

/* What has happened, and how many values there are. */
struct tr_cache_status {
    int64_t size;
    int64_t hits, misses; /* of get and get_or_store */
    int64_t expired, evicted;
};

struct tr_cache_status tr_cache_status_term(tr_term cache);
#define tr_cache_status(cache) tr_cache_status_term(TR__DEST(cache))

TR_HEADER_END

#endif
