/* SPDX-License-Identifier: MIT */
/*
 * Iterators: one item after the other, from anywhere.
 *
 *     struct tr_iter lines = tr_iter_lines(file);
 *     tr_term line;
 *
 *     while (tr_iter_next(&lines, &line))
 *         tr_puts(tr_inspect(line));
 *
 * One of the program's own is a struct that begins with a struct tr_iter whose `next` is a function
 * of its own:
 *
 *     struct countdown {
 *         struct tr_iter iter;
 *         int left;
 *     };
 *
 *     static bool count_down(struct tr_iter *iter, tr_term *item)
 *     {
 *         struct countdown *c = (struct countdown *)iter;
 *
 *         *item = tr_build(c->left);
 *         return c->left-- > 0;
 *     }
 */
#ifndef TROUPE_ITER_H
#define TROUPE_ITER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "troupe/term.h"

TR_HEADER_BEGIN

struct tr_iter {
    /* The next item, in the current heap or a part of something that lasts longer; false when there
       is none. It is not called again then. */
    bool (*next)(struct tr_iter *iter, tr_term *item);
    bool lasting; /* the items last longer than whoever uses the iterator: they are not copied */

    /* --- private part: of the iterators below --- */
    union {
        tr_term list;
        struct {
            int64_t next, end;
        } range;
        FILE *file;
        struct {
            const char *at, *end;
            size_t size;
            tr_term (*item)(const void *element);
        } array;
    } of;
};

/* The items of a proper list, which must last as long as the iterator. */
struct tr_iter tr_iter_list(tr_term list);

/* The integers from first to last, both included; none when last is less. */
struct tr_iter tr_iter_range(int64_t first, int64_t last);

/* The lines of a file as binaries, without the line feed. The file must stay open and is not
   closed. Each step blocks as the file does. */
struct tr_iter tr_iter_lines(FILE *file);

/* fn(&items[0]), fn(&items[1]) ... of an array of n elements of so many bytes, which must last as
   long as the iterator. */
struct tr_iter tr_iter_array(const void *items, size_t n, size_t size,
                             tr_term (*fn)(const void *element));

/* Takes one step. */
static inline bool tr_iter_next(struct tr_iter *iter, tr_term *item)
{
    return iter->next(iter, item);
}

TR_HEADER_END

#endif
