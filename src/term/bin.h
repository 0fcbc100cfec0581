/* SPDX-License-Identifier: MIT */
/* Binaries from the inside: shared by build, match and binary.c. */
#ifndef TROUPE_TERM_BIN_H
#define TROUPE_TERM_BIN_H

#include "term/term.h"

/* The bits of a bitstring wherever they are. */
struct tr__bits {
    const uint8_t *data;
    uint64_t nbits;
};

static inline bool tr__is_bits(uint64_t w)
{
    return tr__is_kind(w, TR__KIND_BINARY) || tr__is_kind(w, TR__KIND_COUNTED);
}

/* Of a word that tr__is_bits. */
static inline struct tr__bits tr__bits(uint64_t w)
{
    const uint64_t *box = tr__box(w);

    if (TR__HEADER_KIND(*box) == TR__KIND_BINARY)
        return (struct tr__bits){ (const uint8_t *)(box + 2), box[1] };
    const struct tr_counted *counted = (const struct tr_counted *)(const void *)box;
    return (struct tr__bits){ counted->data, counted->size };
}

/* Words for a binary of so many bytes in a block. */
static inline size_t tr__bin_words(size_t size)
{
    return size <= TR__BIN_INLINE_MAX ? 2 + size / 8 + 1 : TR__COUNTED_WORDS;
}

/* Writes a binary of nbits at *out; 0 when memory for the counted bytes is short. */
uint64_t tr__bin_build(uint64_t **out, struct tr_counted **list, const void *data, uint64_t nbits);

/* A reference to a shared object in five words; takes over the caller's count. */
struct tr_counted *tr__counted_put(uint64_t **out, struct tr_counted **list, unsigned kind,
                                   struct tr_shared *shared);

#endif
