/* SPDX-License-Identifier: MIT */
/*
 * A table of words and how often each was seen.
 *
 *     struct words *words = words_new();
 *     words_count(words, text, size);
 *     words_free(words);
 *
 * A table belongs to one process. It is written here because it takes a hundred lines, and the
 * ready-made uthash would ask for one allocation per word and another package for `make demo`.
 */
#ifndef WORDCOUNT_WORDS_H
#define WORDCOUNT_WORDS_H

#include <stddef.h>
#include <stdint.h>

struct word {
    const char *text; /* not terminated; owned by the table; NULL marks an empty slot */
    uint32_t length;
    uint32_t hash;
    int64_t count;
};

struct words;

/* An empty table, or the program ends: nothing here can go on without memory. */
struct words *words_new(void);

/* Takes void * so that tr_defer can call it. NULL is allowed. */
void words_free(void *words);

/* Adds `count` to a word. The text is copied when the word is new. */
void words_add(struct words *words, const char *text, size_t length, int64_t count);

/* Adds one for each word of a text. */
void words_count(struct words *words, const char *text, size_t size);

/* Different words, and all of them with their counts summed. */
size_t words_distinct(const struct words *words);
int64_t words_total(const struct words *words);

/* Steps through the table in the order of its slots; *at starts at 0. NULL at the end. */
const struct word *words_next(const struct words *words, size_t *at);

/*
 * A new array of all words, their number in *n: in alphabetical order (of bytes), or the most
 * frequent first and equal ones in alphabetical order. To be freed; its texts belong to the table.
 */
struct word *words_sorted(const struct words *words, size_t *n);
struct word *words_ranked(const struct words *words, size_t *n);

#endif
