/* SPDX-License-Identifier: MIT */
/*
 * Requests in the Redis protocol: arrays of bulk strings, or a line of words.
 *
 *     struct request r = { 0 };
 *
 *     while ((result = request_read(&r, bytes, size)) == REQUEST_WHOLE) {
 *         ... r.args[0] to r.args[r.n - 1] ...
 *         bytes += r.size, size -= r.size;
 *     }
 *
 * A request that is not whole yet is gone on with where reading stopped, so what arrives in small
 * parts is read once. Nothing is allocated for what a request announces, only for what has come.
 */
#ifndef KV_REQUEST_H
#define KV_REQUEST_H

#include <troupe.h>

enum request_result {
    REQUEST_WHOLE,
    REQUEST_PART, /* more bytes are needed */
    REQUEST_BAD   /* what has come can never become one; `error` says why */
};

/* All zeros is the beginning. Borrows the bytes: `args` are valid as long as these stay. */
struct request {
    int n; /* may be 0: an empty line */
    tr_bin *args;
    size_t size; /* of the whole request, once it is whole */
    char error[80];

    /* Where reading has stopped. */
    bool begun;
    int64_t left; /* arguments to come */
    int64_t bulk; /* bytes of the one that has begun, -1 before that is known */
    size_t at;
    int capacity;
};

/* Reads a request that begins at `bytes`; may change the bytes of a line of words. */
enum request_result request_read(struct request *r, char *bytes, size_t size);

void request_free(struct request *r);

#endif
