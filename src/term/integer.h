/* SPDX-License-Identifier: MIT */
/*
 * Integers beyond 61 bits: made, compared, converted; no arithmetic.
 *
 * Magnitudes are 64-bit limbs, the lowest first.
 */
#ifndef TROUPE_TERM_INTEGER_H
#define TROUPE_TERM_INTEGER_H

#include "term/term.h"

#define TR__BIG_LIMBS_MAX 16384 /* 1,048,576 bits */

static inline bool tr__is_big(uint64_t w)
{
    return tr__is_kind(w, TR__KIND_BIGPOS) || tr__is_kind(w, TR__KIND_BIGNEG);
}

static inline bool tr__is_int(uint64_t w)
{
    return tr__is_small(w) || tr__is_big(w);
}

static inline bool tr__is_float_w(uint64_t w)
{
    return tr__is_kind(w, TR__KIND_FLOAT);
}

static inline double tr__float(uint64_t w)
{
    double f;

    memcpy(&f, tr__box(w) + 1, sizeof(f));
    return f;
}

/* Numbers by value; both words are numbers. */
int tr__number_compare(uint64_t a, uint64_t b);

/* Text of a big integer: bytes at most, then the text itself, whose length is returned. */
size_t tr__big_text_max(uint64_t w);
/* scratch has as many words as the integer has limbs. */
size_t tr__big_text(uint64_t w, char *text, uint64_t *scratch);

/* An integer in a base from 2 to 36, from digits that were checked; as tr_integer_from_text. */
TR_MUST_USE tr_err tr__integer_from_digits(const char *digits, size_t n, unsigned base,
                                           bool negative, tr_term *integer);

/* The value of a digit, 36 if none. */
unsigned tr__digit(char c);

#endif
