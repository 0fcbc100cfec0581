/* SPDX-License-Identifier: MIT */
#define _GNU_SOURCE
#include "out.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/uio.h>

tr_atoms(out_of_memory);

enum { VECTORS = 64, FIRST_CAPACITY = 1024, TRIM_SIZE = 256 * 1024 };

void buffer_reserve(char **bytes, size_t used, size_t *capacity, size_t size)
{
    size_t n = *capacity ? *capacity : FIRST_CAPACITY;

    if (*capacity - used >= size)
        return;
    while (n - used < size)
        n *= 2;
    char *more = malloc(n), *before = *bytes;
    if (!more)
        tr_exit(a_out_of_memory);
    if (used)
        memcpy(more, before, used);
    /* No realloc: who is killed at any point leaves a buffer that can be freed. */
    *bytes = more;
    *capacity = n;
    free(before);
}

void out_add(struct out *out, const void *bytes, size_t size)
{
    buffer_reserve(&out->bytes, out->size, &out->capacity, size);
    if (size)
        memcpy(out->bytes + out->size, bytes, size);
    out->size += size;
}

void out_add_text(struct out *out, const char *text)
{
    out_add(out, text, strlen(text));
}

static void share(struct out *out, tr_term binary)
{
    if (out->npieces == out->pieces_capacity) {
        size_t n = out->pieces_capacity ? out->pieces_capacity * 2 : 4;
        struct out_piece *more = malloc(n * sizeof *more), *before = out->pieces;
        if (!more)
            tr_exit(a_out_of_memory);
        if (before)
            memcpy(more, before, out->npieces * sizeof *more);
        out->pieces = more;
        out->pieces_capacity = n;
        free(before);
    }
    struct out_piece *piece = &out->pieces[out->npieces];
    piece->at = out->size;
    piece->kept = tr_keep(binary);
    tr_binary_get(piece->kept, &piece->bytes);
    out->npieces++;
    out->shared += piece->bytes.size;
}

void out_add_term(struct out *out, tr_term bytes)
{
    tr_bin b;
    tr_term part;

    if (!tr_binary_get(bytes, &b)) {
        while (tr_list_next(&bytes, &part))
            out_add_term(out, part);
    } else if (b.size < OUT_SHARE) {
        out_add(out, b.data, b.size);
    } else {
        share(out, bytes);
    }
}

struct out_mark out_mark(const struct out *out)
{
    return (struct out_mark){ out->size, out->npieces, out->shared };
}

static void release_from(struct out *out, size_t i)
{
    while (out->npieces > i)
        tr_release(out->pieces[--out->npieces].kept);
}

void out_rewind(struct out *out, struct out_mark mark)
{
    release_from(out, mark.npieces);
    out->size = mark.size;
    out->shared = mark.shared;
}

void out_insert(struct out *out, struct out_mark mark, const void *bytes, size_t size)
{
    size_t after = out->size - mark.size;

    buffer_reserve(&out->bytes, out->size, &out->capacity, size);
    memmove(out->bytes + mark.size + size, out->bytes + mark.size, after);
    memcpy(out->bytes + mark.size, bytes, size);
    out->size += size;
    for (size_t i = mark.npieces; i < out->npieces; i++)
        out->pieces[i].at += size;
}

size_t out_left(const struct out *out)
{
    return out->size + out->shared - out->sent;
}

tr_term out_to_term(const struct out *out)
{
    size_t end = out->size;
    tr_term list = tr_nil();

    if (!out->npieces)
        return tr_binary(out->bytes, out->size);
    /* From the end to the beginning, as lists are made. */
    for (size_t i = out->npieces; i-- > 0;) {
        const struct out_piece *piece = &out->pieces[i];
        if (end > piece->at)
            list = tr_list_push(list, tr_binary(out->bytes + piece->at, end - piece->at));
        list = tr_list_push(list, tr_copy(piece->kept)); /* which shares the bytes */
        end = piece->at;
    }
    return end ? tr_list_push(list, tr_binary(out->bytes, end)) : list;
}

void out_clear(struct out *out)
{
    release_from(out, 0);
    out->size = out->shared = out->sent = 0;
}

void out_free(struct out *out)
{
    release_from(out, 0);
    out_inherit(out);
}

void out_inherit(struct out *out)
{
    free(out->bytes);
    free(out->pieces);
    memset(out, 0, sizeof *out);
}

/* --- writing --- */

struct vectors {
    struct iovec at[VECTORS];
    size_t n;
    size_t skip; /* bytes that are gone already */
};

static void vector_add(struct vectors *v, const char *bytes, size_t size)
{
    size_t skipped = v->skip < size ? v->skip : size;

    v->skip -= skipped;
    if (size == skipped || v->n == VECTORS)
        return;
    v->at[v->n].iov_base = (char *)(uintptr_t)bytes + skipped;
    v->at[v->n].iov_len = size - skipped;
    v->n++;
}

/* What is to be written next: the copied bytes, with the pieces at their places. */
static void vectors_fill(struct vectors *v, const struct out *out)
{
    size_t from = 0;

    v->n = 0;
    v->skip = out->sent;
    for (size_t i = 0; i < out->npieces && v->n < VECTORS; i++) {
        const struct out_piece *piece = &out->pieces[i];
        vector_add(v, out->bytes + from, piece->at - from);
        vector_add(v, piece->bytes.data, piece->bytes.size);
        from = piece->at;
    }
    vector_add(v, out->bytes + from, out->size - from);
}

/* Forgets what is gone: else one who never takes quite all of it would make it grow for ever. */
static void trim(struct out *out)
{
    size_t left = out->sent; /* of what is gone, behind what has been looked at */
    size_t from = 0, n = 0;  /* copied bytes and pieces that are gone altogether */

    for (; n < out->npieces; n++) {
        const struct out_piece *piece = &out->pieces[n];
        if (left < piece->at - from)
            break;
        left -= piece->at - from;
        from = piece->at;
        if (left < piece->bytes.size)
            break;
        left -= piece->bytes.size;
        out->shared -= piece->bytes.size;
        tr_release(piece->kept);
    }
    if (n == out->npieces || left < out->pieces[n].at - from) {
        from += left;
        left = 0;
    }
    out->sent = left;
    out->size -= from;
    memmove(out->bytes, out->bytes + from, out->size);
    out->npieces -= n;
    for (size_t i = 0; i < out->npieces; i++) {
        out->pieces[i] = out->pieces[i + n];
        out->pieces[i].at -= from;
    }
}

/* One vector is less work for the kernel as a plain buffer. */
static ssize_t send_vectors(int fd, struct vectors *v)
{
    struct msghdr message = { .msg_iov = v->at, .msg_iovlen = v->n };
    const int flags = MSG_NOSIGNAL | MSG_DONTWAIT;

    return v->n == 1 ? send(fd, v->at[0].iov_base, v->at[0].iov_len, flags)
                     : sendmsg(fd, &message, flags);
}

tr_err out_send(struct out *out, int fd)
{
    struct vectors v;

    while (out_left(out)) {
        vectors_fill(&v, out);
        ssize_t n = send_vectors(fd, &v);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0 && errno != EAGAIN)
            return TR_ESYS;
        if (n < 0) {
            if (out->sent >= TRIM_SIZE)
                trim(out);
            return TR_EBUSY;
        }
        out->sent += (size_t)n;
    }
    out_clear(out);
    return TR_OK;
}

tr_err out_write(struct out *out, int fd)
{
    struct vectors v;

    while (out_left(out)) {
        vectors_fill(&v, out);
        ssize_t n = writev(fd, v.at, (int)v.n);
        if (n < 0 && errno != EINTR)
            return TR_ESYS;
        out->sent += n > 0 ? (size_t)n : 0;
    }
    out_clear(out);
    return TR_OK;
}
