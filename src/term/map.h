/* SPDX-License-Identifier: MIT */
/*
 * Maps from the inside: flat ones in map.c, hashed ones in hamt.c.
 *
 * A flat map is pairs key, value in tr_compare_exact order of the keys. A hashed map is a trie:
 * level L of a node takes five bits of the key's hash from the top (the last level four). Both
 * forms are canonical: equal maps are equal trees, whatever the history.
 */
#ifndef TROUPE_TERM_MAP_H
#define TROUPE_TERM_MAP_H

#include "term/term.h"

#define TR__HAMT_LEVELS 13

struct tr__pair {
    uint64_t hash; /* of the key; hamt.c only */
    uint64_t key;
    uint64_t value;
    size_t order; /* of equal keys the last wins */
};

static inline bool tr__is_hashmap(uint64_t w)
{
    return tr__is_kind(w, TR__KIND_HASHMAP);
}

static inline bool tr__is_flatmap(uint64_t w)
{
    return tr__is_kind(w, TR__KIND_FLATMAP);
}

/* Sorts n pairs (2n words) by key in place and drops all but the last of equal keys; how many are
 * left. */
size_t tr__flatmap_sort(uint64_t *pairs, size_t n);

/* A map in the current heap of pairs in any order, which are moved about; 0 when memory is short.
 */
uint64_t tr__map_from_pairs(struct tr__pair *pairs, size_t n);

/* The place of the value of a key, or NULL. */
const uint64_t *tr__map_find(uint64_t map, uint64_t key);
const uint64_t *tr__hamt_find(uint64_t map, uint64_t key);

/* A new map in the current heap; 0 when memory is short. */
uint64_t tr__hamt_put(uint64_t map, uint64_t key, uint64_t value);

/* The same of a map that has the key; the caller sees to a result of 32 pairs, which must be flat.
 */
uint64_t tr__hamt_remove(uint64_t map, uint64_t key);

/* A hashed map of n > 32 pairs, sorted by hash, no two keys equal. */
uint64_t tr__hamt_build(const struct tr__pair *pairs, size_t n);

#endif
