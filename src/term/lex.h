/* SPDX-License-Identifier: MIT */
/* What the parser reads character by character: white space, escapes, numbers, words. */
#ifndef TROUPE_TERM_LEX_H
#define TROUPE_TERM_LEX_H

#include "term/term.h"

/* Text being read; at never goes beyond end. */
struct tr__text {
    const char *at;
    const char *end;
};

static inline int tr__peek(const struct tr__text *text)
{
    return text->at < text->end ? (unsigned char)*text->at : -1;
}

/* Skips this text if it comes next. */
bool tr__accept(struct tr__text *text, const char *what);

/* Skips white space and %comments. */
void tr__skip_space(struct tr__text *text);

/* One character, escapes resolved, up to but not with the closing quote (0: none); TR_ESYNTAX. */
TR_MUST_USE tr_err tr__read_char(struct tr__text *text, uint32_t *code);

/* A decimal number of at most 63 bits. */
TR_MUST_USE tr_err tr__read_decimal(struct tr__text *text, uint64_t *number);

/* An integer, a based integer, a float or a $character. */
TR_MUST_USE tr_err tr__read_number(struct tr__text *text, tr_term *term);

/* An atom, bare or quoted; *found is false, nothing read, if what comes next is none. */
TR_MUST_USE tr_err tr__read_atom(struct tr__text *text, tr_term *term, bool *found);

/* After "<<": a bitstring up to and with ">>", in the current heap. */
TR_MUST_USE tr_err tr__read_bits(struct tr__text *text, tr_term *term);

#endif
