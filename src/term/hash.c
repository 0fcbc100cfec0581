/* SPDX-License-Identifier: MIT */
/*
 * The hash of a term: its tree walked from the root, every object mixed in by kind and content.
 *
 * Never by address and never by atom number: those differ from run to run.
 */
#include "term/hash.h"

#include "term/bin.h"
#include "term/pending.h"
#include "term/raise.h"

#define BEGIN UINT64_C(1)
#define END   UINT64_C(0xa0761d6478bd642f) /* mixed in last */

static inline uint64_t hash_immediate(uint64_t hash, uint64_t w)
{
    return tr__mix(hash, tr__is_atom_w(w) ? tr__atom_hash(w) : w);
}

static uint64_t hash_raw(uint64_t hash, uint64_t w)
{
    const uint64_t *box = tr__box(w);
    size_t n = TR__HEADER_N(*box);

    switch (TR__HEADER_KIND(*box)) {
    case TR__KIND_BINARY:
    case TR__KIND_COUNTED: {
        struct tr__bits bits = tr__bits(w);
        return tr__mix_bytes(tr__mix(hash, bits.nbits), bits.data, (size_t)((bits.nbits + 7) / 8));
    }
    case TR__KIND_EXT_PID:
    case TR__KIND_EXT_REF:
        hash = tr__mix(hash, tr__atom_hash(box[1]));
        return tr__mix_bytes(hash, box + 2, (n - 1) * sizeof(uint64_t));
    default:
        return tr__mix_bytes(tr__mix(hash, *box), box + 1, n * sizeof(uint64_t));
    }
}

/* Apart from tr_hash for its room on the stack. */
static TR__NOINLINE uint64_t hash_objects(tr_term term)
{
    struct tr__pending pending;
    struct tr__span span = { &term.w, 1 };
    uint64_t hash = BEGIN;

    tr__pending_init(&pending);
    do {
        while (span.n) {
            uint64_t w = *span.at++;
            span.n--;
            if (tr__is_immediate(w)) {
                hash = hash_immediate(hash, w);
                continue;
            }
            if (tr__is_box(w) && TR__HEADER_KIND(*tr__box(w)) >= TR__KIND_RAW) {
                hash = hash_raw(hash, w);
                continue;
            }
            struct tr__span inner = { tr__cons(w), 2 };
            if (tr__is_box(w))
                inner = (struct tr__span){ tr__box(w) + 1, TR__HEADER_N(*tr__box(w)) };
            hash = tr__mix(hash, tr__is_box(w) ? *tr__box(w) : TR__TAG_CONS);
            if (span.n && !tr__pending_push(&pending, &span, sizeof(span))) {
                tr__pending_free(&pending);
                tr__raise_oom();
            }
            span = inner;
        }
    } while (tr__pending_pop(&pending, &span, sizeof(span)));
    tr__pending_free(&pending);
    return tr__mix(hash, END);
}

uint64_t tr_hash(tr_term term)
{
    if (tr__likely(tr__is_immediate(term.w)))
        return tr__mix(hash_immediate(BEGIN, term.w), END);
    if (!term.w)
        tr__raise_badarg(term);
    return hash_objects(term);
}
