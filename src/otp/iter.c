/* SPDX-License-Identifier: MIT */
/* Iterators over lists, ranges, arrays and files. */
#include "troupe/iter.h"

#include "troupe.h"

#include <string.h>

#define LINE_MAX_STACK 4096u

static bool next_of_list(struct tr_iter *iter, tr_term *item)
{
    return tr_list_next(&iter->of.list, item);
}

struct tr_iter tr_iter_list(tr_term list)
{
    return (struct tr_iter){ .next = next_of_list, .lasting = true, .of.list = list };
}

static bool next_of_range(struct tr_iter *iter, tr_term *item)
{
    if (iter->of.range.next > iter->of.range.end)
        return false;
    *item = tr_build(iter->of.range.next);
    if (iter->of.range.next == INT64_MAX)
        iter->of.range.end = INT64_MIN; /* the last one there is */
    else
        iter->of.range.next++;
    return true;
}

struct tr_iter tr_iter_range(int64_t first, int64_t last)
{
    return (struct tr_iter){ .next = next_of_range, .of.range = { first, last } };
}

/* The rest of a line that was longer than the buffer. */
static tr_term long_line(FILE *file, const char *start, size_t size)
{
    size_t room = 4 * size;
    char *line = tr_alloc(room);

    memcpy(line, start, size);
    while (fgets(line + size, (int)(room - size), file)) {
        size += strlen(line + size);
        if (line[size - 1] == '\n') {
            size--;
            break;
        }
        char *larger = tr_alloc(2 * room);
        memcpy(larger, line, size);
        tr_free(line);
        line = larger;
        room *= 2;
    }
    tr_term term = tr_binary(line, size);
    tr_free(line);
    return term;
}

static bool next_of_lines(struct tr_iter *iter, tr_term *item)
{
    char line[LINE_MAX_STACK];

    if (!fgets(line, sizeof line, iter->of.file))
        return false;
    size_t size = strlen(line);
    if (size > 0 && line[size - 1] == '\n')
        *item = tr_binary(line, size - 1);
    else if (size < sizeof line - 1)
        *item = tr_binary(line, size); /* the last one, without a line feed */
    else
        *item = long_line(iter->of.file, line, size);
    return true;
}

struct tr_iter tr_iter_lines(FILE *file)
{
    return (struct tr_iter){ .next = next_of_lines, .of.file = file };
}

static bool next_of_array(struct tr_iter *iter, tr_term *item)
{
    if (iter->of.array.at == iter->of.array.end)
        return false;
    *item = iter->of.array.item(iter->of.array.at);
    iter->of.array.at += iter->of.array.size;
    return true;
}

struct tr_iter tr_iter_array(const void *items, size_t n, size_t size,
                             tr_term (*fn)(const void *element))
{
    const char *at = items;

    return (struct tr_iter){ .next = next_of_array,
                             .of.array = { at, n ? at + n * size : at, size, fn } };
}
