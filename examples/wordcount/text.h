/* SPDX-License-Identifier: MIT */
/*
 * Text as words.
 *
 * A word is a run of ASCII letters and of bytes from 0x80 on, which are the letters beyond ASCII in
 * UTF-8 and in Latin-1 alike; all other bytes separate. Case is folded for ASCII.
 */
#ifndef WORDCOUNT_TEXT_H
#define WORDCOUNT_TEXT_H

#include <stdbool.h>
#include <stddef.h>

/* Folds the case of `size` bytes in place. */
void text_fold(char *text, size_t size);

/*
 * Finds the next word at or after *at: *word is its first byte, *length its bytes, and *at stands
 * behind it. False when there is none left.
 */
bool text_next_word(const char *text, size_t size, size_t *at, const char **word, size_t *length);

/* Where to cut text into two without cutting a word: the last such place up to `limit`, else the
   first one after it, else `size`. */
size_t text_cut(const char *text, size_t size, size_t limit);

/* The last such place in the whole text, or 0 when it is all one word. */
size_t text_last_cut(const char *text, size_t size);

#endif
