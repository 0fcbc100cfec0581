/* SPDX-License-Identifier: MIT */
/*
 * Reads a file window by window, each ending between two words.
 *
 * Both ways of counting read through this, so that they see the same words: a run of letters
 * larger than a window is the one thing that is cut.
 */
#ifndef WORDCOUNT_READER_H
#define WORDCOUNT_READER_H

#include <stdbool.h>
#include <stddef.h>

#define READER_WINDOW (64 * 1024)

/* A file is binary when its first bytes, so many, hold a NUL. */
#define READER_PROBE         (8 * 1024)
#define READER_BINARY_REASON "a NUL byte in its first 8 KiB"

enum reader_status {
    READER_TEXT,   /* a window is there */
    READER_END,    /* the file is read */
    READER_BINARY, /* found before its first window */
    READER_ERROR   /* see `error` */
};

struct reader {
    char *text; /* the window, case folded, until the next call */
    size_t size;
    int error; /* errno */

    /* --- private part --- */
    char *buffer;
    size_t filled; /* the window, and behind it the start of the next one */
    int fd;
    bool begun, ended;
};

/* False, with `error`, when there is nothing to read: such a reader needs no close. Blocks as the
   disk does. */
bool reader_open(struct reader *reader, const char *path);

enum reader_status reader_next(struct reader *reader);

/* Takes void * so that tr_defer can call it. */
void reader_close(void *reader);

#endif
