/* SPDX-License-Identifier: MIT */
/* Maps: the public functions, and flat maps of up to 32 pairs. */
#include "term/map.h"

#include "mem/block.h"
#include "mem/heap.h"
#include "os/tls.h"
#include "term/raise.h"

#include <stdlib.h>

static int order(uint64_t a, uint64_t b)
{
    return a == b ? 0 : tr_compare_exact((tr_term){ a }, (tr_term){ b });
}

static bool is_map(uint64_t w)
{
    return tr__is_flatmap(w) || tr__is_hashmap(w);
}

static void check_map(tr_term map)
{
    if (!is_map(map.w))
        tr__raise_badarg(map);
}

static size_t pairs_of(uint64_t w)
{
    const uint64_t *box = tr__box(w);

    return tr__is_hashmap(w) ? (size_t)TR__SMALL_V(box[1]) : TR__HEADER_N(*box) / 2;
}

bool tr_is_map(tr_term term)
{
    return is_map(term.w);
}

size_t tr_map_size(tr_term map)
{
    check_map(map);
    return pairs_of(map.w);
}

/* --- flat maps --- */

/* The place of a key among n sorted pairs, or where it would be; *found says which. */
static size_t search(const uint64_t *pairs, size_t n, uint64_t key, bool *found)
{
    size_t low = 0, high = n;

    while (low < high) {
        size_t middle = (low + high) / 2;
        int c = order(pairs[2 * middle], key);
        if (c == 0) {
            *found = true;
            return middle;
        }
        if (c < 0)
            low = middle + 1;
        else
            high = middle;
    }
    *found = false;
    return low;
}

size_t tr__flatmap_sort(uint64_t *pairs, size_t n)
{
    size_t used = 0;

    for (size_t i = 0; i < n; i++) {
        bool found;
        uint64_t key = pairs[2 * i], value = pairs[2 * i + 1];
        size_t at = search(pairs, used, key, &found);
        uint64_t *place = pairs + 2 * at;
        if (!found) {
            memmove(place + 2, place, (used - at) * 2 * sizeof(uint64_t));
            used++;
        }
        place[0] = key;
        place[1] = value;
    }
    return used;
}

static const uint64_t *flat_find(uint64_t map, uint64_t key)
{
    const uint64_t *pairs = tr__box(map) + 1;
    size_t n = pairs_of(map);

    /* Most keys are atoms: the same word, or another key. */
    for (size_t i = 0; i < n; i++)
        if (pairs[2 * i] == key)
            return &pairs[2 * i + 1];
    if (tr__is_immediate(key))
        return NULL;
    bool found;
    size_t at = search(pairs, n, key, &found);
    return found ? &pairs[2 * at + 1] : NULL;
}

const uint64_t *tr__map_find(uint64_t map, uint64_t key)
{
    return tr__is_hashmap(map) ? tr__hamt_find(map, key) : flat_find(map, key);
}

/* A flat map of so many pairs, still to be filled in; NULL when memory is short. */
static uint64_t *flat_new(size_t n)
{
    uint64_t *words = tr__heap_alloc(tr__heap_current(), 1 + 2 * n);

    if (words)
        words[0] = TR__HEADER(TR__KIND_FLATMAP, 2 * n);
    return words;
}

/* Of pairs in any order, equal keys allowed. */
static uint64_t flat_build(const struct tr__pair *pairs, size_t n)
{
    uint64_t *words = flat_new(n);

    if (!words)
        return 0;
    for (size_t i = 0; i < n; i++) {
        words[1 + 2 * i] = pairs[i].key;
        words[2 + 2 * i] = pairs[i].value;
    }
    size_t used = tr__flatmap_sort(words + 1, n);
    words[0] = TR__HEADER(TR__KIND_FLATMAP, 2 * used);
    return tr__box_w(words);
}

/* --- from pairs --- */

static int by_hash(const void *x, const void *y)
{
    const struct tr__pair *a = x, *b = y;

    if (a->hash != b->hash)
        return a->hash < b->hash ? -1 : 1;
    int c = order(a->key, b->key);
    if (c)
        return c;
    return a->order < b->order ? -1 : a->order > b->order;
}

/* Drops all but the last of equal keys of sorted pairs. */
static size_t unique(struct tr__pair *pairs, size_t n)
{
    size_t used = 0;

    for (size_t i = 0; i < n; i++) {
        bool same = used && pairs[used - 1].hash == pairs[i].hash &&
                    order(pairs[used - 1].key, pairs[i].key) == 0;
        if (same)
            used--;
        pairs[used++] = pairs[i];
    }
    return used;
}

uint64_t tr__map_from_pairs(struct tr__pair *pairs, size_t n)
{
    if (n <= TR__MAP_FLAT_MAX)
        return flat_build(pairs, n);
    for (size_t i = 0; i < n; i++) {
        pairs[i].hash = tr_hash((tr_term){ pairs[i].key });
        pairs[i].order = i;
    }
    qsort(pairs, n, sizeof(*pairs), by_hash);
    n = unique(pairs, n);
    return n <= TR__MAP_FLAT_MAX ? flat_build(pairs, n) : tr__hamt_build(pairs, n);
}

/* Goes back to the mark and raises when the map could not be made. */
static tr_term done(struct tr_heap_mark mark, uint64_t map)
{
    if (!map) {
        tr__heap_reset(tr__heap_current(), mark);
        tr__raise_oom();
    }
    return (tr_term){ map };
}

tr_term tr_map_from_arrays(const tr_term *keys, const tr_term *values, size_t n)
{
    TR__GUARD();
    struct tr_heap_mark mark = tr__heap_mark(tr__heap_current());
    struct tr__pair few[TR__MAP_FLAT_MAX], *pairs = few;

    for (size_t i = 0; i < n; i++)
        if (!keys[i].w || !values[i].w)
            tr__raise_badarg((tr_term){ 0 });
    if (n > SIZE_MAX / sizeof(*pairs))
        tr__raise_limit();
    if (n > TR__MAP_FLAT_MAX) {
        pairs = tr__block_alloc(n * sizeof(*pairs));
        if (!pairs)
            tr__raise_oom();
    }
    for (size_t i = 0; i < n; i++)
        pairs[i] = (struct tr__pair){ 0, keys[i].w, values[i].w, i };
    uint64_t map = tr__map_from_pairs(pairs, n);
    if (pairs != few)
        tr__block_free(pairs, n * sizeof(*pairs));
    return done(mark, map);
}

/* --- one key --- */

bool tr_map_get(tr_term map, tr_term key, tr_term *value)
{
    TR__GUARD();
    check_map(map);
    const uint64_t *found = tr__map_find(map.w, key.w);
    if (!found)
        return false;
    if (value)
        value->w = *found;
    return true;
}

/* The 33rd pair makes the map a hashed one. */
static uint64_t outgrow(const uint64_t *pairs, uint64_t key, uint64_t value)
{
    struct tr__pair all[TR__MAP_FLAT_MAX + 1];

    for (size_t i = 0; i < TR__MAP_FLAT_MAX; i++)
        all[i] = (struct tr__pair){ 0, pairs[2 * i], pairs[2 * i + 1], i };
    all[TR__MAP_FLAT_MAX] = (struct tr__pair){ 0, key, value, TR__MAP_FLAT_MAX };
    return tr__map_from_pairs(all, TR__MAP_FLAT_MAX + 1);
}

static uint64_t flat_put(uint64_t map, uint64_t key, uint64_t value)
{
    const uint64_t *pairs = tr__box(map) + 1;
    size_t n = pairs_of(map);
    bool found;
    size_t at = search(pairs, n, key, &found);

    if (!found && n == TR__MAP_FLAT_MAX)
        return outgrow(pairs, key, value);
    uint64_t *words = flat_new(found ? n : n + 1);
    if (!words)
        return 0;
    uint64_t *to = words + 1;
    size_t after = found ? at + 1 : at;
    memcpy(to, pairs, 2 * at * sizeof(uint64_t));
    to[2 * at] = key;
    to[2 * at + 1] = value;
    memcpy(to + 2 * at + 2, pairs + 2 * after, 2 * (n - after) * sizeof(uint64_t));
    return tr__box_w(words);
}

tr_term tr_map_put(tr_term map, tr_term key, tr_term value)
{
    TR__GUARD();
    struct tr_heap_mark mark = tr__heap_mark(tr__heap_current());

    check_map(map);
    if (!key.w || !value.w)
        tr__raise_badarg((tr_term){ 0 });
    return done(mark, tr__is_hashmap(map.w) ? tr__hamt_put(map.w, key.w, value.w)
                                            : flat_put(map.w, key.w, value.w));
}

/* A hashed map of 33 pairs without one of them. */
static uint64_t shrink(tr_term map, uint64_t key)
{
    struct tr__pair all[TR__MAP_FLAT_MAX];
    struct tr_map_iter iter;
    tr_term k, v;
    size_t n = 0;

    tr_map_iter_init(&iter, map);
    while (tr_map_next(&iter, &k, &v))
        if (order(k.w, key) != 0) {
            all[n] = (struct tr__pair){ 0, k.w, v.w, n };
            n++;
        }
    return flat_build(all, n);
}

static uint64_t flat_remove(uint64_t map, const uint64_t *value)
{
    const uint64_t *pairs = tr__box(map) + 1;
    size_t n = pairs_of(map), at = (size_t)(value - pairs) / 2;
    uint64_t *words = flat_new(n - 1);

    if (!words)
        return 0;
    memcpy(words + 1, pairs, 2 * at * sizeof(uint64_t));
    memcpy(words + 1 + 2 * at, pairs + 2 * at + 2, 2 * (n - 1 - at) * sizeof(uint64_t));
    return tr__box_w(words);
}

tr_term tr_map_remove(tr_term map, tr_term key)
{
    TR__GUARD();
    struct tr_heap_mark mark = tr__heap_mark(tr__heap_current());

    check_map(map);
    const uint64_t *value = tr__map_find(map.w, key.w);
    if (!value)
        return map;
    if (!tr__is_hashmap(map.w))
        return done(mark, flat_remove(map.w, value));
    if (pairs_of(map.w) == TR__MAP_FLAT_MAX + 1)
        return done(mark, shrink(map, key.w));
    return done(mark, tr__hamt_remove(map.w, key.w));
}

/* --- stepping --- */

/* In a flat map level 0 counts pairs and depth is -1; else each level counts children of a node. */
void tr_map_iter_init(struct tr_map_iter *iter, tr_term map)
{
    check_map(map);
    if (tr__is_hashmap(map.w)) {
        iter->level[0].at = tr__box(map.w) + 2;
        iter->level[0].left = 1;
        iter->depth = 0;
        return;
    }
    iter->level[0].at = tr__box(map.w) + 1;
    iter->level[0].left = pairs_of(map.w);
    iter->depth = -1;
}

static bool flat_next(struct tr_map_iter *iter, tr_term *key, tr_term *value)
{
    if (iter->level[0].left == 0)
        return false;
    const uint64_t *pair = iter->level[0].at;
    key->w = pair[0];
    value->w = pair[1];
    iter->level[0].at = pair + 2;
    iter->level[0].left--;
    return true;
}

bool tr_map_next(struct tr_map_iter *iter, tr_term *key, tr_term *value)
{
    if (iter->depth == -1)
        return flat_next(iter, key, value);
    for (;;) {
        while (iter->level[iter->depth].left == 0)
            if (iter->depth-- == 0) {
                iter->depth = 0;
                return false;
            }
        uint64_t child = *iter->level[iter->depth].at++;
        iter->level[iter->depth].left--;
        if (tr__is_cons(child)) {
            key->w = tr__cons(child)[0];
            value->w = tr__cons(child)[1];
            return true;
        }
        const uint64_t *node = tr__box(child);
        /* A node has its bitmap before its children, a collision has not. */
        size_t skip = TR__HEADER_KIND(*node) == TR__KIND_NODE;
        iter->depth++;
        iter->level[iter->depth].at = node + 1 + skip;
        iter->level[iter->depth].left = TR__HEADER_N(*node) - skip;
    }
}
