/* SPDX-License-Identifier: MIT */
/*
 * A table of words: open addressing with linear probing.
 *
 * The number of slots is a power of two and at most three quarters of them are in use, so a probe
 * always ends. Texts lie one behind the other in blocks that never move; they go all at once.
 */
#include "words.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "text.h"

#define FIRST_CAPACITY 128
#define FIRST_BLOCK    1024
#define LARGEST_BLOCK  (1 << 20)

struct block {
    struct block *next;
    size_t size, used;
    char text[];
};

struct words {
    struct word *slots;
    size_t capacity, distinct;
    int64_t total;
    struct block *blocks; /* the newest first */
};

static void *or_die(void *memory)
{
    if (memory)
        return memory;
    fputs("wordcount: out of memory\n", stderr);
    abort();
}

struct words *words_new(void)
{
    struct words *words = or_die(calloc(1, sizeof(*words)));

    words->capacity = FIRST_CAPACITY;
    words->slots = or_die(calloc(words->capacity, sizeof(*words->slots)));
    return words;
}

void words_free(void *memory)
{
    struct words *words = memory;

    if (!words)
        return;
    while (words->blocks) {
        struct block *block = words->blocks;
        words->blocks = block->next;
        free(block);
    }
    free(words->slots);
    free(words);
}

/* FNV-1a: short, and good enough for words of a few letters. */
static uint32_t hash_of(const char *text, size_t length)
{
    uint32_t hash = 2166136261u;

    for (size_t i = 0; i < length; i++)
        hash = (hash ^ (unsigned char)text[i]) * 16777619u;
    return hash;
}

static const char *store(struct words *words, const char *text, size_t length)
{
    struct block *block = words->blocks;

    if (!block || block->size - block->used < length) {
        size_t size = block ? block->size * 2 : FIRST_BLOCK;
        if (size > LARGEST_BLOCK)
            size = LARGEST_BLOCK;
        if (size < length)
            size = length;
        block = or_die(malloc(sizeof(*block) + size));
        block->next = words->blocks;
        block->size = size;
        block->used = 0;
        words->blocks = block;
    }
    char *copy = block->text + block->used;
    block->used += length;
    return memcpy(copy, text, length);
}

/* The slot of a word, or the empty one where it belongs. */
static struct word *find(const struct words *words, const char *text, size_t length, uint32_t hash)
{
    size_t mask = words->capacity - 1;

    for (size_t i = hash & mask;; i = (i + 1) & mask) {
        struct word *slot = &words->slots[i];
        if (!slot->text ||
            (slot->hash == hash && slot->length == length && memcmp(slot->text, text, length) == 0))
            return slot;
    }
}

static void grow(struct words *words)
{
    struct word *old = words->slots;
    size_t n = words->capacity;

    words->capacity = n * 2;
    words->slots = or_die(calloc(words->capacity, sizeof(*words->slots)));
    for (size_t i = 0; i < n; i++) {
        if (old[i].text)
            *find(words, old[i].text, old[i].length, old[i].hash) = old[i];
    }
    free(old);
}

void words_add(struct words *words, const char *text, size_t length, int64_t count)
{
    uint32_t hash = hash_of(text, length);
    struct word *slot = find(words, text, length, hash);

    words->total += count;
    if (slot->text) {
        slot->count += count;
        return;
    }
    slot->text = store(words, text, length);
    slot->length = (uint32_t)length;
    slot->hash = hash;
    slot->count = count;
    if (++words->distinct > words->capacity / 4 * 3)
        grow(words);
}

void words_count(struct words *words, const char *text, size_t size)
{
    const char *word;
    size_t at = 0, length;

    while (text_next_word(text, size, &at, &word, &length))
        words_add(words, word, length, 1);
}

size_t words_distinct(const struct words *words)
{
    return words->distinct;
}

int64_t words_total(const struct words *words)
{
    return words->total;
}

const struct word *words_next(const struct words *words, size_t *at)
{
    while (*at < words->capacity) {
        const struct word *slot = &words->slots[(*at)++];
        if (slot->text)
            return slot;
    }
    return NULL;
}

static int by_text(const void *left, const void *right)
{
    const struct word *a = left, *b = right;
    uint32_t shorter = a->length < b->length ? a->length : b->length;
    int order = memcmp(a->text, b->text, shorter);

    return order ? order : (a->length > b->length) - (a->length < b->length);
}

static int by_count(const void *left, const void *right)
{
    const struct word *a = left, *b = right;

    if (a->count != b->count)
        return a->count < b->count ? 1 : -1;
    return by_text(left, right);
}

static struct word *sorted(const struct words *words, size_t *n,
                           int (*order)(const void *, const void *))
{
    struct word *array = or_die(malloc((words->distinct + 1) * sizeof(*array)));
    const struct word *word;
    size_t at = 0;

    for (*n = 0; (word = words_next(words, &at));)
        array[(*n)++] = *word;
    qsort(array, *n, sizeof(*array), order);
    return array;
}

struct word *words_sorted(const struct words *words, size_t *n)
{
    return sorted(words, n, by_text);
}

struct word *words_ranked(const struct words *words, size_t *n)
{
    return sorted(words, n, by_count);
}
