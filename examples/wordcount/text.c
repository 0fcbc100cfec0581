/* SPDX-License-Identifier: MIT */
/* Text as words. A cut is a place whose byte before or after is no letter. */
#include "text.h"

static bool is_letter(char c)
{
    unsigned char byte = (unsigned char)c;

    return (unsigned char)((byte | 0x20) - 'a') < 26 || byte >= 0x80;
}

void text_fold(char *text, size_t size)
{
    for (size_t i = 0; i < size; i++) {
        if (text[i] >= 'A' && text[i] <= 'Z')
            text[i] = (char)(text[i] | 0x20);
    }
}

bool text_next_word(const char *text, size_t size, size_t *at, const char **word, size_t *length)
{
    size_t from = *at;

    while (from < size && !is_letter(text[from]))
        from++;
    size_t to = from;
    while (to < size && is_letter(text[to]))
        to++;

    *at = to;
    *word = text + from;
    *length = to - from;
    return to > from;
}

size_t text_last_cut(const char *text, size_t size)
{
    while (size > 0 && is_letter(text[size - 1]))
        size--;
    return size;
}

size_t text_cut(const char *text, size_t size, size_t limit)
{
    if (limit >= size)
        return size;

    size_t cut = text_last_cut(text, limit);
    if (cut > 0)
        return cut;

    cut = limit;
    while (cut < size && is_letter(text[cut]))
        cut++;
    return cut;
}
