/* SPDX-License-Identifier: MIT */
/*
 * Characters made bytes. Lists may nest as deep as memory allows: what is still to be written is
 * on a stack of terms in a buffer of its own, not on that of the process.
 */
#include "otp/text.h"

#include "troupe/memory.h"

#include <string.h>

static void reserve(struct tr_text *t, size_t more)
{
    size_t room = t->room ? t->room : 64;

    if (t->room - t->size >= more)
        return;
    while (room - t->size < more && room <= SIZE_MAX / 2)
        room *= 2;
    char *data = tr_alloc(room);
    if (t->size)
        memcpy(data, t->data, t->size);
    tr_free(t->data);
    t->data = data;
    t->room = room;
}

void tr__text_add(struct tr_text *t, const void *bytes, size_t size)
{
    if (!size)
        return;
    reserve(t, size);
    memcpy(t->data + t->size, bytes, size);
    t->size += size;
}

void tr__text_cut(struct tr_text *t, size_t size)
{
    t->size -= size;
    if (t->size)
        memmove(t->data, t->data + size, t->size);
}

void tr__text_fini(struct tr_text *t)
{
    tr_free(t->data);
    *t = (struct tr_text){ NULL, 0, 0 };
}

/* --- characters --- */

static void push(struct tr_text *stack, tr_term term)
{
    tr__text_add(stack, &term, sizeof term);
}

static bool pop(struct tr_text *stack, tr_term *term)
{
    if (!stack->size)
        return false;
    stack->size -= sizeof *term;
    memcpy(term, stack->data + stack->size, sizeof *term);
    return true;
}

static void add_code_point(struct tr_text *t, uint32_t c)
{
    unsigned char b[4];
    size_t n = c < 0x80 ? 1 : c < 0x800 ? 2 : c < 0x10000 ? 3 : 4;
    static const unsigned char first[] = { 0, 0, 0xc0, 0xe0, 0xf0 };

    for (size_t i = n - 1; i > 0; i--, c >>= 6)
        b[i] = (unsigned char)(0x80 | (c & 0x3f));
    b[0] = (unsigned char)(first[n] | c);
    tr__text_add(t, b, n);
}

static bool add_integer(struct tr_text *t, tr_term integer, bool latin1)
{
    uint64_t c;

    if (!tr_to_uint64(integer, &c) || c > (latin1 ? 0xff : 0x10ffff) || (c >= 0xd800 && c < 0xe000))
        return false;
    add_code_point(t, (uint32_t)c);
    return true;
}

static void add_binary(struct tr_text *t, tr_bin bytes, bool latin1)
{
    if (!latin1) {
        tr__text_add(t, bytes.data, bytes.size);
        return;
    }
    for (size_t i = 0; i < bytes.size; i++)
        add_code_point(t, ((const unsigned char *)bytes.data)[i]);
}

/* Adds one term; of a list, the head is next and the tail after it. */
static bool add_one(struct tr_text *t, struct tr_text *stack, tr_term term, bool latin1)
{
    tr_bin bytes;

    if (tr_is_nil(term))
        return true;
    if (tr_is_list(term)) {
        tr_term tail = tr_tail(term);
        push(stack, tail);
        push(stack, tr_head(term));
        return tr_is_list(tail) || tr_is_binary(tail);
    }
    if (tr_binary_get(term, &bytes)) {
        add_binary(t, bytes, latin1);
        return true;
    }
    return tr_is_integer(term) && add_integer(t, term, latin1);
}

bool tr__text_add_chars(struct tr_text *t, tr_term chars, bool latin1)
{
    struct tr_text stack = { NULL, 0, 0 };
    bool valid = tr_is_list(chars) || tr_is_binary(chars);
    tr_term term = chars;

    if (valid)
        push(&stack, chars);
    while (valid && pop(&stack, &term))
        valid = add_one(t, &stack, term, latin1);
    tr__text_fini(&stack);
    return valid;
}
