/* SPDX-License-Identifier: MIT */
/*
 * Hashed maps: a persistent trie of the keys' hashes.
 *
 * Invariants: a child is a pair (cons key|value) or a node; a node never has a single pair for its
 * only child, unless it is the root; keys with one hash lie in a collision below the last level,
 * sorted. Changing a key copies the nodes on its path, at most 14. All functions return 0 when
 * memory is short.
 */
#include "term/map.h"

#include "mem/heap.h"

static unsigned digit(uint64_t hash, int level)
{
    return level < TR__HAMT_LEVELS - 1 ? (unsigned)(hash >> (59 - 5 * level)) & 31
                                       : (unsigned)hash & 15;
}

static bool same(uint64_t a, uint64_t b)
{
    return a == b || tr_equal((tr_term){ a }, (tr_term){ b });
}

static int order(uint64_t a, uint64_t b)
{
    return tr_compare_exact((tr_term){ a }, (tr_term){ b });
}

static uint64_t hash_of(uint64_t key)
{
    return tr_hash((tr_term){ key });
}

static uint32_t bitmap_of(const uint64_t *node)
{
    return (uint32_t)TR__SMALL_V(node[1]);
}

/* The place of a digit's child in a node. */
static size_t place(uint32_t bitmap, unsigned d)
{
    return 2 + (size_t)__builtin_popcount(bitmap & ((UINT32_C(1) << d) - 1));
}

static uint64_t *alloc(size_t n)
{
    return tr__heap_alloc(tr__heap_current(), n);
}

static uint64_t *node_new(uint32_t bitmap)
{
    size_t n = 1 + (size_t)__builtin_popcount(bitmap);
    uint64_t *node = alloc(1 + n);

    if (node) {
        node[0] = TR__HEADER(TR__KIND_NODE, n);
        node[1] = TR__SMALL_W(bitmap);
    }
    return node;
}

static uint64_t pair_new(uint64_t key, uint64_t value)
{
    uint64_t *words = alloc(2);

    if (!words)
        return 0;
    words[0] = key;
    words[1] = value;
    return tr__cons_w(words);
}

static uint64_t root_new(size_t n, uint64_t node)
{
    uint64_t *words = node ? alloc(3) : NULL;

    if (!words)
        return 0;
    words[0] = TR__HEADER(TR__KIND_HASHMAP, 2);
    words[1] = TR__SMALL_W(n);
    words[2] = node;
    return tr__box_w(words);
}

/* A copy of a node or collision with one child replaced. */
static uint64_t with_child(const uint64_t *node, size_t at, uint64_t child)
{
    size_t n = TR__HEADER_N(*node) + 1;
    uint64_t *copy = child ? alloc(n) : NULL;

    if (!copy)
        return 0;
    memcpy(copy, node, n * sizeof(uint64_t));
    copy[at] = child;
    return tr__box_w(copy);
}

/* A copy with a child more before place `at`; the caller corrects a bitmap. */
static uint64_t *with_more(const uint64_t *node, size_t at, uint64_t child)
{
    size_t n = TR__HEADER_N(*node) + 1;
    uint64_t *copy = child ? alloc(n + 1) : NULL;

    if (!copy)
        return NULL;
    memcpy(copy, node, at * sizeof(uint64_t));
    copy[at] = child;
    memcpy(copy + at + 1, node + at, (n - at) * sizeof(uint64_t));
    copy[0] = TR__HEADER(TR__HEADER_KIND(*node), n);
    return copy;
}

/* --- find --- */

static const uint64_t *value_in(uint64_t pair, uint64_t key)
{
    const uint64_t *cons = tr__cons(pair);

    return same(cons[0], key) ? &cons[1] : NULL;
}

static const uint64_t *find_in_collision(const uint64_t *collision, uint64_t key)
{
    size_t n = TR__HEADER_N(*collision);

    for (size_t i = 1; i <= n; i++) {
        const uint64_t *value = value_in(collision[i], key);
        if (value)
            return value;
    }
    return NULL;
}

const uint64_t *tr__hamt_find(uint64_t map, uint64_t key)
{
    uint64_t hash = hash_of(key);
    uint64_t w = tr__box(map)[2];

    for (int level = 0; !tr__is_cons(w); level++) {
        const uint64_t *node = tr__box(w);
        if (TR__HEADER_KIND(*node) == TR__KIND_COLLISION)
            return find_in_collision(node, key);
        uint32_t bitmap = bitmap_of(node);
        unsigned d = digit(hash, level);
        if (!(bitmap >> d & 1))
            return NULL;
        w = node[place(bitmap, d)];
    }
    return value_in(w, key);
}

/* --- put --- */

struct put {
    uint64_t hash, key, value;
    bool added;
};

/* A tree of two pairs with different keys, from this level on. */
static uint64_t fork_pairs(uint64_t old, uint64_t old_hash, uint64_t new, uint64_t new_hash,
                           int level)
{
    if (!new)
        return 0;
    if (level == TR__HAMT_LEVELS) {
        bool old_first = order(tr__cons(old)[0], tr__cons(new)[0]) < 0;
        uint64_t *collision = alloc(3);
        if (!collision)
            return 0;
        collision[0] = TR__HEADER(TR__KIND_COLLISION, 2);
        collision[1] = old_first ? old : new;
        collision[2] = old_first ? new : old;
        return tr__box_w(collision);
    }
    unsigned a = digit(old_hash, level), b = digit(new_hash, level);
    uint64_t below = a == b ? fork_pairs(old, old_hash, new, new_hash, level + 1) : 0;
    uint64_t *node = a == b && !below ? NULL : node_new(UINT32_C(1) << a | UINT32_C(1) << b);
    if (!node)
        return 0;
    if (a == b) {
        node[2] = below;
    } else {
        node[2] = a < b ? old : new;
        node[3] = a < b ? new : old;
    }
    return tr__box_w(node);
}

static uint64_t put_in_collision(const uint64_t *collision, struct put *put)
{
    size_t n = TR__HEADER_N(*collision), at = 1;

    while (at <= n && order(tr__cons(collision[at])[0], put->key) < 0)
        at++;
    uint64_t pair = pair_new(put->key, put->value);
    if (at <= n && same(tr__cons(collision[at])[0], put->key))
        return with_child(collision, at, pair);
    put->added = true;
    uint64_t *copy = with_more(collision, at, pair);
    return copy ? tr__box_w(copy) : 0;
}

static uint64_t put_at(uint64_t w, struct put *put, int level)
{
    if (tr__is_cons(w)) {
        uint64_t pair = pair_new(put->key, put->value);
        if (same(tr__cons(w)[0], put->key))
            return pair;
        put->added = true;
        return fork_pairs(w, hash_of(tr__cons(w)[0]), pair, put->hash, level);
    }
    const uint64_t *node = tr__box(w);
    if (TR__HEADER_KIND(*node) == TR__KIND_COLLISION)
        return put_in_collision(node, put);

    uint32_t bitmap = bitmap_of(node);
    unsigned d = digit(put->hash, level);
    size_t at = place(bitmap, d);
    if (bitmap >> d & 1)
        return with_child(node, at, put_at(node[at], put, level + 1));
    put->added = true;
    uint64_t *copy = with_more(node, at, pair_new(put->key, put->value));
    if (!copy)
        return 0;
    copy[1] = TR__SMALL_W(bitmap | UINT32_C(1) << d);
    return tr__box_w(copy);
}

uint64_t tr__hamt_put(uint64_t map, uint64_t key, uint64_t value)
{
    struct put put = { hash_of(key), key, value, false };
    const uint64_t *root = tr__box(map);
    uint64_t node = put_at(root[2], &put, 0);

    return root_new((size_t)TR__SMALL_V(root[1]) + put.added, node);
}

/* --- remove --- */

/* A copy without the child at a place; what is left of a single pair is the pair itself. */
static uint64_t without_child(const uint64_t *node, size_t at, uint32_t bitmap, size_t first,
                              bool root)
{
    size_t n = TR__HEADER_N(*node) + 1;

    if (n - first == 2 && !root) {
        uint64_t other = node[first + (at == first)];
        if (tr__is_cons(other))
            return other;
    }
    uint64_t *copy = alloc(n - 1);
    if (!copy)
        return 0;
    memcpy(copy, node, at * sizeof(uint64_t));
    memcpy(copy + at, node + at + 1, (n - at - 1) * sizeof(uint64_t));
    copy[0] = TR__HEADER(TR__HEADER_KIND(*node), n - 2);
    if (first == 2)
        copy[1] = TR__SMALL_W(bitmap);
    return tr__box_w(copy);
}

/* From a tree that has the key and more than this one pair. */
static uint64_t remove_at(uint64_t w, uint64_t hash, uint64_t key, int level)
{
    const uint64_t *node = tr__box(w);

    if (TR__HEADER_KIND(*node) == TR__KIND_COLLISION) {
        size_t at = 1;
        while (!same(tr__cons(node[at])[0], key))
            at++;
        return without_child(node, at, 0, 1, false);
    }
    uint32_t bitmap = bitmap_of(node);
    unsigned d = digit(hash, level);
    size_t at = place(bitmap, d);
    if (tr__is_cons(node[at]))
        return without_child(node, at, bitmap & ~(UINT32_C(1) << d), 2, level == 0);
    uint64_t child = remove_at(node[at], hash, key, level + 1);
    if (child && tr__is_cons(child) && TR__HEADER_N(*node) == 2 && level > 0)
        return child;
    return with_child(node, at, child);
}

uint64_t tr__hamt_remove(uint64_t map, uint64_t key)
{
    const uint64_t *root = tr__box(map);
    uint64_t node = remove_at(root[2], hash_of(key), key, 0);

    return root_new((size_t)TR__SMALL_V(root[1]) - 1, node);
}

/* --- build --- */

static uint64_t build_collision(const struct tr__pair *pairs, size_t n)
{
    uint64_t *collision = alloc(1 + n);

    if (!collision)
        return 0;
    collision[0] = TR__HEADER(TR__KIND_COLLISION, n);
    for (size_t i = 0; i < n; i++)
        if (!(collision[1 + i] = pair_new(pairs[i].key, pairs[i].value)))
            return 0;
    return tr__box_w(collision);
}

/* A tree of sorted pairs that agree in all digits above this level. */
static uint64_t build_at(const struct tr__pair *pairs, size_t n, int level)
{
    uint32_t bitmap = 0;

    if (n == 1 && level > 0)
        return pair_new(pairs->key, pairs->value);
    if (level == TR__HAMT_LEVELS)
        return build_collision(pairs, n);
    for (size_t i = 0; i < n; i++)
        bitmap |= UINT32_C(1) << digit(pairs[i].hash, level);
    uint64_t *node = node_new(bitmap);
    if (!node)
        return 0;
    size_t at = 2;
    for (size_t from = 0, to; from < n; from = to) {
        for (to = from + 1;
             to < n && digit(pairs[to].hash, level) == digit(pairs[from].hash, level);)
            to++;
        if (!(node[at++] = build_at(pairs + from, to - from, level + 1)))
            return 0;
    }
    return tr__box_w(node);
}

uint64_t tr__hamt_build(const struct tr__pair *pairs, size_t n)
{
    return root_new(n, build_at(pairs, n, 0));
}
