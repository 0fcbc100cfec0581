/* SPDX-License-Identifier: MIT */
/*
 * Binaries: up to 64 bytes inline, more in a counted object.
 *
 * A zero byte follows the last byte of every object, so that most binaries are C strings in place.
 */
#include "mem/block.h"
#include "mem/heap.h"
#include "os/tls.h"
#include "term/bin.h"
#include "term/raise.h"

struct bytes {
    struct tr_shared base;
    uint8_t data[];
};

static void bytes_destroy(struct tr_shared *base)
{
    tr__block_free(base, base->size);
}

static struct bytes *bytes_new(const void *data, size_t size)
{
    struct bytes *bytes;

    if (size > SIZE_MAX - sizeof(*bytes) - 1)
        return NULL;
    bytes = tr__block_alloc(sizeof(*bytes) + size + 1);
    if (!bytes)
        return NULL;
    atomic_init(&bytes->base.refs, 1);
    bytes->base.size = sizeof(*bytes) + size + 1;
    bytes->base.destroy = bytes_destroy;
    memcpy(bytes->data, data, size);
    bytes->data[size] = 0;
    return bytes;
}

struct tr_counted *tr__counted_put(uint64_t **out, struct tr_counted **list, unsigned kind,
                                   struct tr_shared *shared)
{
    struct tr_counted *counted = (struct tr_counted *)(void *)*out;

    counted->header = TR__HEADER(kind, TR__COUNTED_WORDS - 1);
    counted->shared = shared;
    counted->data = shared;
    counted->size = 0;
    counted->next = *list;
    *list = counted;
    *out += TR__COUNTED_WORDS;
    return counted;
}

/* Clears the bits of the last byte that are not part of the bitstring. */
static void clear_unused(uint8_t *data, uint64_t nbits)
{
    if (nbits % 8)
        data[nbits / 8] &= (uint8_t)(0xff00u >> (nbits % 8));
}

uint64_t tr__bin_build(uint64_t **out, struct tr_counted **list, const void *data, uint64_t nbits)
{
    size_t size = (size_t)(nbits / 8 + (nbits % 8 != 0));

    if (size <= TR__BIN_INLINE_MAX) {
        uint64_t *words = *out;
        size_t n = tr__bin_words(size);
        words[0] = TR__HEADER(TR__KIND_BINARY, n - 1);
        words[1] = nbits;
        words[n - 1] = 0;
        if (size)
            memcpy(words + 2, data, size);
        clear_unused((uint8_t *)(words + 2), nbits);
        *out += n;
        return tr__box_w(words);
    }
    struct bytes *bytes = bytes_new(data, size);
    if (!bytes)
        return 0;
    clear_unused(bytes->data, nbits);
    struct tr_counted *counted = tr__counted_put(out, list, TR__KIND_COUNTED, &bytes->base);
    counted->data = bytes->data;
    counted->size = nbits;
    return tr__box_w(&counted->header);
}

tr_term tr_bitstring(const void *data, size_t nbits)
{
    TR__GUARD();
    struct tr_heap *heap = tr__heap_current();
    size_t n = tr__bin_words(nbits / 8 + (nbits % 8 != 0));
    uint64_t *words = tr__heap_alloc(heap, n);

    if (!words)
        tr__raise_oom();
    uint64_t *out = words;
    tr_term term = { tr__bin_build(&out, &heap->counted, data, nbits) };
    heap->top = out;
    if (!term.w) {
        heap->top = words;
        tr__raise_oom();
    }
    return term;
}

tr_term tr_binary(const void *data, size_t size)
{
    TR__GUARD();
    if ((!data && size) || size > SIZE_MAX / 8)
        tr__raise_badarg((tr_term){ 0 });
    return tr_bitstring(data, size * 8);
}

tr_term tr_sub_binary(tr_term binary, size_t from, size_t size)
{
    TR__GUARD();
    struct tr_heap *heap = tr__heap_current();

    if (!tr_is_binary(binary))
        tr__raise_badarg(binary);
    struct tr__bits bits = tr__bits(binary.w);
    if (from > bits.nbits / 8 || size > bits.nbits / 8 - from)
        tr__raise_badarg(binary);
    if (size <= TR__BIN_INLINE_MAX)
        return tr_binary(bits.data + from, size);

    const struct tr_counted *whole = (const struct tr_counted *)(const void *)tr__box(binary.w);
    uint64_t *out = tr__heap_alloc(heap, TR__COUNTED_WORDS);
    if (!out)
        tr__raise_oom();
    tr__shared_retain(whole->shared);
    struct tr_counted *part =
        tr__counted_put(&out, &heap->counted, TR__KIND_COUNTED, whole->shared);
    part->data = bits.data + from;
    part->size = size * 8;
    return (tr_term){ tr__box_w(&part->header) };
}

bool tr_is_bitstring(tr_term term)
{
    return tr__is_bits(term.w);
}

bool tr_is_binary(tr_term term)
{
    return tr__is_bits(term.w) && tr__bits(term.w).nbits % 8 == 0;
}

bool tr_binary_get(tr_term binary, tr_bin *bytes)
{
    if (!tr_is_binary(binary))
        return false;
    struct tr__bits bits = tr__bits(binary.w);
    bytes->data = bits.data;
    bytes->size = (size_t)(bits.nbits / 8);
    return true;
}

bool tr_bitstring_get(tr_term bitstring, tr_bin *bytes, size_t *nbits)
{
    if (!tr__is_bits(bitstring.w))
        return false;
    struct tr__bits bits = tr__bits(bitstring.w);
    bytes->data = bits.data;
    bytes->size = (size_t)(bits.nbits / 8 + (bits.nbits % 8 != 0));
    *nbits = (size_t)bits.nbits;
    return true;
}
