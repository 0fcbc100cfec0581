/* SPDX-License-Identifier: MIT */
/*
 * Reads a file window by window. The buffer holds the last window and behind it what was read of
 * the next one, at most a window in all; the rest moves to the front when the next is asked for.
 */
#include "reader.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "text.h"

bool reader_open(struct reader *reader, const char *path)
{
    struct stat st;

    memset(reader, 0, sizeof(*reader));
    /* What was a file when the folder was walked may have become a pipe. */
    reader->fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
    if (reader->fd < 0) {
        reader->error = errno;
        return false;
    }
    reader->buffer = malloc(READER_WINDOW);
    if (!reader->buffer)
        reader->error = ENOMEM;
    else if (fstat(reader->fd, &st) != 0)
        reader->error = errno;
    else if (!S_ISREG(st.st_mode))
        reader->error = EINVAL;
    else
        return true;

    reader_close(reader);
    return false;
}

void reader_close(void *opened)
{
    struct reader *reader = opened;

    close(reader->fd);
    free(reader->buffer);
}

static bool fill(struct reader *reader)
{
    while (reader->filled < READER_WINDOW && !reader->ended) {
        ssize_t n =
            read(reader->fd, reader->buffer + reader->filled, READER_WINDOW - reader->filled);
        if (n < 0 && errno != EINTR) {
            reader->error = errno;
            return false;
        }
        if (n == 0)
            reader->ended = true;
        if (n > 0)
            reader->filled += (size_t)n;
    }
    return true;
}

static bool is_binary(const struct reader *reader)
{
    size_t probe = reader->filled < READER_PROBE ? reader->filled : READER_PROBE;

    return probe > 0 && memchr(reader->buffer, 0, probe);
}

enum reader_status reader_next(struct reader *reader)
{
    size_t rest = reader->filled - reader->size;

    memmove(reader->buffer, reader->buffer + reader->size, rest);
    reader->filled = rest;
    reader->size = 0;
    if (!fill(reader))
        return READER_ERROR;
    if (!reader->begun && is_binary(reader))
        return READER_BINARY;
    reader->begun = true;
    if (reader->filled == 0)
        return READER_END;

    reader->text = reader->buffer;
    reader->size = reader->filled;
    if (!reader->ended) {
        size_t cut = text_last_cut(reader->buffer, reader->filled);
        if (cut > 0)
            reader->size = cut;
    }
    text_fold(reader->text, reader->size);
    return READER_TEXT;
}
