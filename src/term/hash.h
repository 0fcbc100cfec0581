/* SPDX-License-Identifier: MIT */
/* Mixing of words and bytes into a 64-bit hash; the same on every machine of little-endian words.
 */
#ifndef TROUPE_TERM_HASH_H
#define TROUPE_TERM_HASH_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

/* Both halves of a 128-bit product folded: each bit of the input reaches each bit of the result. */
static inline uint64_t tr__mix(uint64_t hash, uint64_t word)
{
    unsigned __int128 product = (unsigned __int128)(hash ^ UINT64_C(0x9e3779b97f4a7c15)) *
                                (word ^ UINT64_C(0xd6e8feb86659fd93));

    return (uint64_t)product ^ (uint64_t)(product >> 64) ^ word;
}

static inline uint64_t tr__mix_bytes(uint64_t hash, const void *data, size_t size)
{
    const unsigned char *at = data;
    uint64_t word;

    hash = tr__mix(hash, size);
    for (; size >= 8; at += 8, size -= 8) {
        memcpy(&word, at, 8);
        hash = tr__mix(hash, word);
    }
    word = 0;
    if (size)
        memcpy(&word, at, size);
    return tr__mix(hash, word);
}

#endif
