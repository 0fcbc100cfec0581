/* SPDX-License-Identifier: MIT */
/*
 * Size and copy of terms; sharing a copy between blocks.
 *
 * The copy needs no stack: the words already written are the queue of what is still to be copied,
 * since headers tell raw words from terms. So the root comes first and a list lies in a row.
 *
 * Most words of large objects are immediates, so both passes look at eight at a time.
 */
#include "mem/block.h"
#include "mem/heap.h"
#include "os/tls.h"
#include "term/atom_table.h"
#include "term/pending.h"
#include "term/raise.h"
#include "term/term.h"
#include "term/words.h"

#define GROUP 8u /* words looked at together */

static inline bool group_immediate(const uint64_t *at)
{
    uint64_t common = at[0] & at[1] & at[2] & at[3] & at[4] & at[5] & at[6] & at[7];

    return tr__likely(common & TR__COMMON) || tr__words_immediate(at, GROUP);
}

size_t tr__term_size(tr_term term)
{
    struct tr__pending pending;
    struct tr__span span = { &term.w, 1 };
    size_t size = 0;

    if (tr__is_immediate(term.w))
        return 0;
    tr__pending_init(&pending);
    do {
        while (span.n) {
            if (span.n >= GROUP && group_immediate(span.at)) {
                span.at += GROUP;
                span.n -= GROUP;
                continue;
            }
            uint64_t w = *span.at++;
            span.n--;
            if (tr__is_immediate(w))
                continue;
            struct tr__span inner = { tr__cons(w), 2 };
            if (!tr__is_cons(w)) {
                uint64_t header = *tr__box(w);
                inner.at = tr__box(w) + 1;
                inner.n = TR__HEADER_N(header);
                size++;
                if (TR__HEADER_KIND(header) >= TR__KIND_RAW) {
                    size += inner.n;
                    continue;
                }
            }
            size += inner.n;
            if (span.n && !tr__pending_push(&pending, &span, sizeof(span))) {
                tr__pending_free(&pending);
                return SIZE_MAX;
            }
            span = inner;
        }
    } while (tr__pending_pop(&pending, &span, sizeof(span)));
    tr__pending_free(&pending);
    return size;
}

/* Puts the copy of a member for a counted object on the list of its block. */
static inline struct tr_shared *chain(struct tr_counted **list, uint64_t *words)
{
    struct tr_counted *counted = (struct tr_counted *)(void *)words;

    counted->next = *list;
    *list = counted;
    return counted->shared;
}

bool tr__object_copy(struct tr_tls *tls, uint64_t *to, struct tr_counted **list,
                     const uint64_t *from)
{
    size_t n = TR__HEADER_N(*from);

    to[0] = from[0];
    if (TR__HEADER_KIND(*from) < TR__KIND_RAW)
        return tr__words_copy(to + 1, from + 1, n);
    if (TR__HEADER_KIND(*from) != TR__KIND_COUNTED) {
        memcpy(to + 1, from + 1, n * sizeof(uint64_t));
        return true;
    }
    memcpy(to + 1, from + 1, (TR__COUNTED_WORDS - 1) * sizeof(uint64_t));
    tr__shared_retain_inside(tls, chain(list, to));
    return true;
}

/* Copies one object as it is; what it points to is copied when the scan comes to it. */
static uint64_t copy_object(uint64_t **out, struct tr_counted **list, uint64_t w)
{
    uint64_t *to = *out;

    if (tr__is_cons(w)) {
        memcpy(to, tr__cons(w), 2 * sizeof(uint64_t));
        *out = to + 2;
        return tr__cons_w(to);
    }
    const uint64_t *from = tr__box(w);
    size_t n = TR__HEADER_N(*from) + 1;
    memcpy(to, from, n * sizeof(uint64_t));
    *out = to + n;
    if (TR__HEADER_KIND(*from) == TR__KIND_COUNTED)
        tr__shared_retain(chain(list, to));
    return tr__box_w(to);
}

/* Copies what the n words there, copies themselves, point to. */
static inline void copy_pointees(uint64_t **out, struct tr_counted **list, uint64_t *at, size_t n)
{
    while (n) {
        if (n >= GROUP && group_immediate(at)) {
            at += GROUP;
            n -= GROUP;
            continue;
        }
        if (!tr__is_immediate(*at))
            *at = copy_object(out, list, *at);
        at++;
        n--;
    }
}

tr_term tr__term_copy(uint64_t **out, struct tr_counted **list, tr_term term)
{
    uint64_t *scan = *out;

    if (tr__is_immediate(term.w))
        return term;
    tr_term root = { copy_object(out, list, term.w) };
    while (scan < *out) {
        uint64_t w = *scan;
        size_t n = 1; /* half of a list's pair */
        if ((w & 7) == TR__TAG_HEADER) {
            n = TR__HEADER_N(w);
            scan++;
        }
        if ((w & 7) != TR__TAG_HEADER || TR__HEADER_KIND(w) < TR__KIND_RAW)
            copy_pointees(out, list, scan, n);
        scan += n;
    }
    return root;
}

/* --- shared terms --- */

struct share {
    struct tr_shared base;
    tr_term root;
    struct tr_counted *counted;
    uint64_t words[];
};

static void share_destroy(struct tr_shared *base)
{
    struct share *share = (struct share *)base;

    tr__counted_release(share->counted);
    tr__block_free(share, base->size);
}

struct tr_shared *tr__share(tr_term term)
{
    size_t n = tr__term_size(term);

    if (n > (SIZE_MAX - sizeof(struct share)) / sizeof(uint64_t))
        return NULL;
    size_t size = sizeof(struct share) + n * sizeof(uint64_t);
    struct share *share = tr__block_alloc(size);
    if (!share)
        return NULL;
    uint64_t *out = share->words;
    atomic_init(&share->base.refs, 1);
    share->base.size = size;
    share->base.destroy = share_destroy;
    share->counted = NULL;
    share->root = tr__term_copy(&out, &share->counted, term);
    return &share->base;
}

tr_term tr__share_term(const struct tr_shared *base)
{
    return ((const struct share *)base)->root;
}

/* --- in heaps --- */

tr_term tr_copy(tr_term term)
{
    if (!term.w)
        tr__raise_badarg(term);
    if (tr__is_immediate(term.w))
        return term;
    TR__GUARD();
    struct tr_heap *heap = tr__heap_current();
    size_t n = tr__term_size(term);
    if (n == 0)
        return term;
    uint64_t *out = n == SIZE_MAX ? NULL : tr__heap_alloc(heap, n);
    if (!out)
        tr__raise_oom();
    return tr__term_copy(&out, &heap->counted, term);
}

tr_term tr_keep(tr_term term)
{
    TR__GUARD();
    if (!term.w)
        tr__raise_badarg(term);
    size_t n = tr__term_size(term);
    if (n == 0)
        return term;
    struct tr_kept *kept = n == SIZE_MAX ? NULL : tr__heap_keep(tr__heap_current(), n);
    if (!kept)
        tr__raise_oom();
    uint64_t *out = kept->words;
    return tr__term_copy(&out, &kept->counted, term);
}

void tr_release(tr_term kept)
{
    TR__GUARD();
    if (!kept.w || tr__is_immediate(kept.w))
        return;
    /* The root of a copy comes first in its block. */
    char *words = (char *)(uintptr_t)(kept.w & ~UINT64_C(7));
    tr__heap_unkeep((struct tr_kept *)(void *)(words - offsetof(struct tr_kept, words)));
}

struct tr_scope_mark tr_scope_begin(void)
{
    struct tr_heap *heap = tr__heap_current();
    struct tr_heap_mark mark = tr__heap_mark(heap);

    return (struct tr_scope_mark){ { heap, mark.chunk, mark.top, mark.counted }, 1 };
}

void tr_scope_end(struct tr_scope_mark *mark)
{
    struct tr_heap_mark to = { mark->part[1], mark->part[2], mark->part[3] };

    tr__heap_reset(mark->part[0], to);
}
