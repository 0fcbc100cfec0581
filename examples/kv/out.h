/* SPDX-License-Identifier: MIT */
/*
 * Bytes on their way out: the answers for a client, the records for the log.
 *
 * Small things are copied, one behind the other. A binary of OUT_SHARE bytes or more is not: it is
 * kept, which shares its bytes, and a mark says where between the others it belongs. So a large
 * value goes from the table to the socket, or from a request to the log, without being copied.
 */
#ifndef KV_OUT_H
#define KV_OUT_H

#include <troupe.h>

enum { OUT_SHARE = 16 * 1024 };

struct out_piece {
    size_t at; /* so many of the copied bytes come before it */
    tr_term kept;
    tr_bin bytes;
};

/* All zeros is empty. Belongs to the process that writes to it. */
struct out {
    char *bytes; /* what was copied */
    size_t size, capacity;
    struct out_piece *pieces;
    size_t npieces, pieces_capacity;
    size_t shared; /* bytes of all pieces */
    size_t sent;   /* how many of all bytes are gone, see out_send */
};

/* A moment of it, to which out_rewind goes back. */
struct out_mark {
    size_t size, npieces, shared;
};

/* `size` more bytes, at least, for a buffer from malloc; the caller ends when there is no memory.
 */
void buffer_reserve(char **bytes, size_t used, size_t *capacity, size_t size);

void out_add(struct out *out, const void *bytes, size_t size);
void out_add_text(struct out *out, const char *text);

/* The bytes of a binary, or of a list of binaries. */
void out_add_term(struct out *out, tr_term bytes);

struct out_mark out_mark(const struct out *out);
void out_rewind(struct out *out, struct out_mark mark);

/* Puts bytes where the mark is, before all that came after it. */
void out_insert(struct out *out, struct out_mark mark, const void *bytes, size_t size);

/* How many bytes are still to be sent. */
size_t out_left(const struct out *out);

/* All of it as a binary or a list of binaries, in the current heap. */
tr_term out_to_term(const struct out *out);

/* Empties it; what it has allocated stays. */
void out_clear(struct out *out);

/* Empties it and frees what it has. */
void out_free(struct out *out);

/* The same for what a process that was killed has left: what it shared has gone with it. */
void out_inherit(struct out *out);

/* Writes as much as the descriptor takes without waiting: TR_OK when nothing is left, TR_EBUSY when
   something is, TR_ESYS with errno. Sockets only; blocks nobody. */
tr_err out_send(struct out *out, int fd);

/* The same for a file: everything, or TR_ESYS. Blocks. */
tr_err out_write(struct out *out, int fd);

#endif
