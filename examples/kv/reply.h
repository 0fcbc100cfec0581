/* SPDX-License-Identifier: MIT */
/*
 * Answers in the Redis protocol. Version 2 knows simple strings, errors, integers, bulk strings and
 * arrays; version 3 has a null, maps, sets and pushed messages of its own, which version 2 shows
 * as arrays. `proto` is 2 or 3.
 */
#ifndef KV_REPLY_H
#define KV_REPLY_H

#include "out.h"

enum { NUMBER_MAX = 24 }; /* bytes of a number as text */

/* The digits of a number, without NUL; how many. */
size_t number_format(char *text, int64_t number);

/* A whole number as Redis reads them: no spaces, no plus, no leading zeros; false otherwise. */
bool number_parse(tr_bin text, int64_t *number);

void reply_simple(struct out *out, const char *text); /* without the plus */
void reply_error(struct out *out, const char *format, ...) __attribute__((format(printf, 2, 3)));
void reply_integer(struct out *out, int64_t number);
void reply_bulk(struct out *out, tr_bin bytes);
void reply_bulk_text(struct out *out, const char *text);
void reply_bulk_term(struct out *out, tr_term binary); /* shared when it is large */
void reply_null(struct out *out, int proto);
void reply_null_array(struct out *out, int proto);

/* What comes next are n elements, n pairs. */
void reply_array(struct out *out, size_t n);
void reply_set(struct out *out, int proto, size_t n);
void reply_push(struct out *out, int proto, size_t n);
void reply_map(struct out *out, int proto, size_t n);

/* An array of n, a map of n pairs, whose elements have been written since the mark. */
void reply_array_at(struct out *out, struct out_mark mark, size_t n);
void reply_map_at(struct out *out, struct out_mark mark, int proto, size_t n);

/* A request: an array of n bulk strings. */
void reply_request(struct out *out, const tr_bin *args, int n);

#endif
