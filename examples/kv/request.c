/* SPDX-License-Identifier: MIT */
#include "request.h"

#include "config.h"
#include "reply.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

tr_atoms(out_of_memory);

enum { LINE_MAX_SIZE = 64 * 1024, SHORT_LINE = 16, ARGS_MAX = 1024 * 1024 };

static enum request_result bad(struct request *r, const char *text)
{
    snprintf(r->error, sizeof r->error, "%s", text);
    return REQUEST_BAD;
}

/* While a request is read, `data` is the distance from its beginning: the bytes may move. */
static void add_arg(struct request *r, size_t at, size_t size)
{
    if (r->n == r->capacity) {
        int n = r->capacity ? r->capacity * 2 : 8;
        tr_bin *more = realloc(r->args, (size_t)n * sizeof *more);
        if (!more)
            tr_exit(a_out_of_memory);
        r->args = more;
        r->capacity = n;
    }
    r->args[r->n++] = (tr_bin){ (const void *)(uintptr_t)at, size };
}

static enum request_result whole(struct request *r, const char *bytes)
{
    for (int i = 0; i < r->n; i++)
        r->args[i].data = bytes + (uintptr_t)r->args[i].data;
    r->size = r->at;
    r->begun = false;
    return REQUEST_WHOLE;
}

/* --- arrays of bulk strings --- */

/* The size of a line such as *3, and its number, when it is whole and nothing but a few digits
   without a zero before them, as nearly all are; else 0. */
static size_t read_short_number(const char *line, size_t left, int64_t *number)
{
    const char *end = line + (left < SHORT_LINE ? left : SHORT_LINE), *p = line + 1;
    int64_t n = 0;

    for (; p < end && *p >= '0' && *p <= '9'; p++)
        n = n * 10 + (*p - '0');
    if (p == line + 1 || end - p < 2 || *p != '\r' || (line[1] == '0' && p > line + 2))
        return 0;
    *number = n;
    return (size_t)(p - line) + 2;
}

/* The number of a line such as *3 that begins at r->at, which moves behind the line. */
static enum request_result read_number(struct request *r, const char *bytes, size_t size,
                                       int64_t *number, const char *too_long)
{
    const char *line = bytes + r->at;
    size_t left = size - r->at;
    size_t whole_line = read_short_number(line, left, number);

    r->at += whole_line;
    if (whole_line)
        return REQUEST_WHOLE;
    const char *end = memchr(line, '\r', left);
    if (!end || end + 1 == bytes + size)
        return left > LINE_MAX_SIZE ? bad(r, too_long) : REQUEST_PART;
    /* A number that cannot be read is the least one, which nobody accepts. */
    if (!number_parse((tr_bin){ line + 1, (size_t)(end - line) - 1 }, number))
        *number = INT64_MIN;
    r->at += (size_t)(end - line) + 2;
    return REQUEST_WHOLE;
}

static enum request_result read_bulk(struct request *r, const char *bytes, size_t size)
{
    enum request_result result;

    if (r->bulk < 0) {
        if (r->at == size)
            return REQUEST_PART;
        if (bytes[r->at] != '$') {
            snprintf(r->error, sizeof r->error, "expected '$', got '%c'", bytes[r->at]);
            return REQUEST_BAD;
        }
        result = read_number(r, bytes, size, &r->bulk, "too big bulk count string");
        if (result != REQUEST_WHOLE)
            return result;
        if (r->bulk < 0 || (uint64_t)r->bulk > config.max_bulk)
            return bad(r, "invalid bulk length");
    }
    if (size - r->at < (size_t)r->bulk + 2)
        return REQUEST_PART;
    add_arg(r, r->at, (size_t)r->bulk);
    r->at += (size_t)r->bulk + 2;
    r->bulk = -1;
    r->left--;
    return REQUEST_WHOLE;
}

static enum request_result read_array(struct request *r, const char *bytes, size_t size)
{
    enum request_result result = REQUEST_WHOLE;

    if (!r->begun) {
        result = read_number(r, bytes, size, &r->left, "too big mbulk count string");
        if (result != REQUEST_WHOLE)
            return result;
        if (r->left == INT64_MIN || r->left > ARGS_MAX)
            return bad(r, "invalid multibulk length");
        r->begun = true;
        r->bulk = -1;
    }
    while (r->left > 0 && result == REQUEST_WHOLE)
        result = read_bulk(r, bytes, size);
    return result == REQUEST_WHOLE ? whole(r, bytes) : result;
}

/* --- lines of words --- */

static int hex(char c)
{
    return isdigit((unsigned char)c) ? c - '0' : tolower((unsigned char)c) - 'a' + 10;
}

/* The byte that a backslash and what follows stand for. */
static char unescape(const char **from, const char *end)
{
    static const char names[] = "nrtba", values[] = "\n\r\t\b\a";
    const char *p = *from + 1;

    if (end - p >= 3 && *p == 'x' && isxdigit((unsigned char)p[1]) &&
        isxdigit((unsigned char)p[2])) {
        *from = p + 3;
        return (char)(hex(p[1]) * 16 + hex(p[2]));
    }
    *from = p + 1;
    const char *name = strchr(names, *p);
    return name && *p ? values[name - names] : *p;
}

/* A word, in quotes or not, written back without them; false when a quote is not closed. */
static bool read_word(struct request *r, char *bytes, const char **at, const char *end)
{
    const char *p = *at;
    char *to = bytes + (p - bytes), *first = to;
    char quote = 0;

    while (p < end && (quote || !isspace((unsigned char)*p))) {
        if (quote && *p == quote) {
            /* What follows must be the end, or a space. */
            if (p + 1 < end && !isspace((unsigned char)p[1]))
                return false;
            quote = 0;
            p++;
            break;
        }
        if (!quote && (*p == '"' || *p == '\''))
            quote = *p++;
        else if (quote == '"' && *p == '\\' && p + 1 < end)
            *to++ = unescape(&p, end);
        else if (quote == '\'' && *p == '\\' && p + 1 < end && p[1] == '\'')
            *to++ = *++p, p++;
        else
            *to++ = *p++;
    }
    add_arg(r, (size_t)(first - bytes), (size_t)(to - first));
    *at = p;
    return !quote;
}

static enum request_result read_line(struct request *r, char *bytes, size_t size)
{
    char *newline = memchr(bytes, '\n', size);

    if (!newline)
        return size > LINE_MAX_SIZE ? bad(r, "too big inline request") : REQUEST_PART;
    const char *p = bytes, *end = newline;
    for (;;) {
        while (p < end && isspace((unsigned char)*p))
            p++;
        if (p == end)
            break;
        if (!read_word(r, bytes, &p, end))
            return bad(r, "unbalanced quotes in request");
    }
    r->at = (size_t)(newline - bytes) + 1;
    return whole(r, bytes);
}

enum request_result request_read(struct request *r, char *bytes, size_t size)
{
    if (!r->begun) {
        r->n = 0;
        r->at = 0;
    }
    if (size == 0)
        return REQUEST_PART;
    return bytes[0] == '*' ? read_array(r, bytes, size) : read_line(r, bytes, size);
}

void request_free(struct request *r)
{
    free(r->args);
    memset(r, 0, sizeof *r);
}
