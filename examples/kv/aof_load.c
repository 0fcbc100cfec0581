/* SPDX-License-Identifier: MIT */
/* Reading the log at the start. */
#define _GNU_SOURCE
#include "aof.h"
#include "commands.h"
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

struct reader {
    char *bytes;
    size_t size;
    struct request request;
    bool (*fn)(const struct request *r, void *arg);
    void *arg;
};

/* The request at a place, which then is behind it. In the log all requests are arrays. */
static enum request_result next(struct reader *l, size_t *at)
{
    struct request *r = &l->request;

    r->begun = false;
    if (*at == l->size)
        return REQUEST_PART;
    if (l->bytes[*at] != '*')
        return REQUEST_BAD;
    enum request_result result = request_read(r, l->bytes + *at, l->size - *at);
    if (result == REQUEST_WHOLE && r->n == 0)
        return REQUEST_BAD;
    *at += result == REQUEST_WHOLE ? r->size : 0;
    return result;
}

/* Finds the end of the transaction whose first request is at `from`. */
static enum request_result find_exec(struct reader *l, size_t from, size_t *end)
{
    enum request_result result;

    *end = from;
    do
        result = next(l, end);
    while (result == REQUEST_WHOLE && !text_is(l->request.args[0], "exec"));
    return result;
}

/* The next request, or the whole of a transaction; *at moves behind what was run. */
static enum request_result read_unit(struct reader *l, size_t *at)
{
    size_t to = *at, end;
    enum request_result result = next(l, &to);

    if (result != REQUEST_WHOLE)
        return result;
    if (!text_is(l->request.args[0], "multi")) {
        if (!l->fn(&l->request, l->arg))
            return REQUEST_BAD;
        *at = to;
        return REQUEST_WHOLE;
    }
    result = find_exec(l, to, &end);
    while (result == REQUEST_WHOLE && next(l, &to) == REQUEST_WHOLE && to < end)
        if (!l->fn(&l->request, l->arg))
            return REQUEST_BAD;
    if (result == REQUEST_WHOLE)
        *at = end;
    return result;
}

static tr_err read_all(struct reader *l, const char *path)
{
    size_t at = 0;
    enum request_result result;

    do
        tr_scope
        {
            result = read_unit(l, &at);
        }
    while (result == REQUEST_WHOLE);
    if (at == l->size)
        return TR_OK;
    if (result == REQUEST_BAD) {
        tr_log_error("%s: bad format behind byte %zu; nothing was changed", path, at);
        return TR_ESYNTAX;
    }
    tr_log_warning("%s: cut off the last %zu bytes, which are not whole", path, l->size - at);
    return truncate(path, (off_t)at) == 0 ? TR_OK : TR_ESYS;
}

tr_err aof_load(bool (*fn)(const struct request *r, void *arg), void *arg)
{
    struct reader l = { .fn = fn, .arg = arg };
    char path[4096];
    struct stat status;

    if (!aof_path(path, sizeof path))
        return TR_ESYS;
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0 || fstat(fd, &status) != 0)
        return TR_ESYS;
    l.size = (size_t)status.st_size;
    tr_err err = TR_OK;
    if (l.size) {
        l.bytes = mmap(NULL, l.size, PROT_READ, MAP_PRIVATE, fd, 0);
        err = l.bytes == MAP_FAILED ? TR_ESYS : read_all(&l, path);
        if (l.bytes != MAP_FAILED)
            munmap(l.bytes, l.size);
        request_free(&l.request);
    }
    close(fd);
    return err;
}
