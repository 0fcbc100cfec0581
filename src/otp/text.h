/* SPDX-License-Identifier: MIT */
/*
 * A growing buffer that belongs to the process, and Erlang's characters made bytes in it.
 *
 *     struct tr_text line = { NULL, 0, 0 };
 *     tr__text_add(&line, "abc", 3);
 *     tr__text_fini(&line);
 */
#ifndef TROUPE_OTP_TEXT_H
#define TROUPE_OTP_TEXT_H

#include "troupe/term.h"

/* All zero is empty. size <= room; data is NULL exactly if room is 0. */
struct tr_text {
    char *data;
    size_t size, room;
};

/* Adds bytes; without memory the process ends with out_of_memory. */
void tr__text_add(struct tr_text *t, const void *bytes, size_t size);

/* Removes the first bytes. */
void tr__text_cut(struct tr_text *t, size_t size);

void tr__text_fini(struct tr_text *t);

/*
 * Adds characters as UTF-8: a binary, or a list of code points, binaries and such lists. Binaries
 * are latin1 or UTF-8, and the latter is taken as it is. False for anything else; then part of it
 * may have been added.
 */
bool tr__text_add_chars(struct tr_text *t, tr_term chars, bool latin1);

#endif
