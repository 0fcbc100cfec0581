/* SPDX-License-Identifier: MIT */
/*
 * Terms from the inside: layout, size, copy.
 *
 * Low bits of a word: 000 boxed object; 001 cons, two words head and tail; 010 local pid; x11 local
 * reference; 100 small integer; 101 atom or nil; 110 header, which is never a term. A boxed object
 * is a header word, `words that follow << 8 | kind << 3 | 6`, and its words. Kinds below
 * TR__KIND_RAW hold terms only; the others hold raw words only. So a walker over a block needs no
 * other knowledge: at a header of a raw kind it skips, everything else is a term.
 *
 * A term copied into a block is self-contained: its pointers stay inside the block. The one
 * exception is a shared term (tr__share): it lies in a counted object that the block holds a
 * reference to.
 */
#ifndef TROUPE_TERM_TERM_H
#define TROUPE_TERM_TERM_H

#include "mem/counted.h"
#include "troupe/term.h"

struct tr_tls;

enum {
    TR__KIND_FLATMAP = 1, /* up to 32 pairs key, value in exact order of the keys */
    TR__KIND_HASHMAP = 2, /* small integer count, root node: more than 32 pairs */
    TR__KIND_NODE = 3, /* small integer bitmap, then a child for each bit: node or cons key|value */
    TR__KIND_COLLISION = 4, /* cons key|value each, all keys of one hash, in exact order */
    TR__KIND_RAW = 8,
    /* 8 is TR__KIND_FLOAT: the bits of a double. */
    TR__KIND_BIGPOS = 9, /* 64-bit limbs, lowest first, the highest not 0; never in small range */
    TR__KIND_BIGNEG = 10,
    TR__KIND_BINARY = 11,  /* size in bits, then the bytes, then at least one zero byte */
    TR__KIND_COUNTED = 12, /* struct tr_counted of a binary */
    TR__KIND_HOLDER = 13,  /* struct tr_counted of a shared term; never a term itself */
    TR__KIND_EXT_PID = 14, /* node (atom word), id, serial << 32 | creation */
    TR__KIND_EXT_REF = 15, /* node (atom word), creation, then 32-bit id words, one in each */
    TR__KIND_FUN = 16,     /* size in bytes, then external format: opaque */
    TR__KIND_PORT = 17
};

#define TR__MAP_FLAT_MAX   32
#define TR__BIN_INLINE_MAX 64

#define TR__HEADER_KIND(h) ((unsigned)((h) >> 3) & 31)
#define TR__HEADER_N(h)    ((size_t)((h) >> 8))

/* Parts of local pids and references; slot 24 bits, generation 37 bits, counter 38 bits. */
#define TR__PID_W(slot, generation)                                                                \
    (((uint64_t)(generation) << 27) | ((uint64_t)(slot) << 3) | TR__TAG_PID)
#define TR__PID_SLOT(w)       ((uint32_t)((w) >> 3) & 0xffffff)
#define TR__PID_GENERATION(w) ((w) >> 27)
#define TR__REF_W(slot, counter)                                                                   \
    (((uint64_t)(counter) << 26) | ((uint64_t)(slot) << 2) | TR__TAG_REF)
#define TR__REF_SLOT(w)    ((uint32_t)((w) >> 2) & 0xffffff)
#define TR__REF_COUNTER(w) ((w) >> 26)

static inline bool tr__is_cons(uint64_t w)
{
    return (w & 7) == TR__TAG_CONS;
}

static inline const uint64_t *tr__cons(uint64_t w)
{
    return (const uint64_t *)(uintptr_t)(w - TR__TAG_CONS);
}

static inline uint64_t tr__box_w(const uint64_t *words)
{
    return (uint64_t)(uintptr_t)words;
}

static inline uint64_t tr__cons_w(const uint64_t *words)
{
    return (uint64_t)(uintptr_t)words + TR__TAG_CONS;
}

static inline bool tr__is_atom_w(uint64_t w)
{
    return (w & 63) == TR__TAG_OTHER;
}

/* A boxed object of this kind? */
static inline bool tr__is_kind(uint64_t w, unsigned kind)
{
    return tr__is_box(w) && TR__HEADER_KIND(*tr__box(w)) == kind;
}

/*
 * Copying. Words are written at *out, which moves on; members for counted objects are put at the
 * head of *list. Iterative, whatever the depth of the term; the object of the root comes first.
 */

/* As tr_equal; -1 when memory for the walk is short. */
int tr__equal(tr_term a, tr_term b);

/* Words that tr__term_copy writes, 0 for immediates; SIZE_MAX when memory for the walk is short. */
size_t tr__term_size(tr_term term);
tr_term tr__term_copy(uint64_t **out, struct tr_counted **list, tr_term term);

/* The same for one boxed object, header first, to where there is room for its words, if it refers
   to no other; false, *list untouched, if it does. The caller is inside; `tls` is its thread's. */
bool tr__object_copy(struct tr_tls *tls, uint64_t *to, struct tr_counted **list,
                     const uint64_t *object);

/*
 * The same for an argument list, as one term by the rule of troupe/shape.h; terms in it are copied.
 * tr__args_size raises badarg for arguments that cannot be built, and out_of_memory; it gives the
 * words needed at most (less are written only when keys of a tr_map are equal). tr__args_build
 * returns no term (w is 0) when memory for a counted binary is short: *list is then as it was, and
 * nothing leaks.
 */
size_t tr__args_size(const struct tr_arg *args, int n);
tr_term tr__args_build(uint64_t **out, struct tr_counted **list, const struct tr_arg *args, int n);

/*
 * A term shared by many blocks: copied once into a counted object, which starts with one reference,
 * the caller's. NULL when memory is short. For a term that is an immediate use the term itself.
 */
struct tr_shared *tr__share(tr_term term);
tr_term tr__share_term(const struct tr_shared *share);

/* As an argument it costs TR__COUNTED_WORDS in the block, which then holds its own reference. */
static inline struct tr_arg tr__arg_shared(struct tr_shared *share)
{
    struct tr_arg a = tr__arg_make(TR__ARG_SHARED, 0);
    a.as.to = share;
    return a;
}

/* The hash of an atom's text, the same on every run. */
uint64_t tr__atom_hash(uint64_t atom);

#endif
