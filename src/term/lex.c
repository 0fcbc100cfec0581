/* SPDX-License-Identifier: MIT */
/* Scalars from text: everything the parser reads that holds no other term. */
#include "term/lex.h"

#include "mem/block.h"
#include "mem/heap.h"
#include "term/bin.h"
#include "term/integer.h"
#include "term/number_text.h"
#include "term/utf8.h"

#include <math.h>

#define ATOM_BYTES_MAX (255 * 4)

static bool is_digit(int c)
{
    return c >= '0' && c <= '9';
}

bool tr__accept(struct tr__text *text, const char *what)
{
    size_t n = strlen(what);

    if ((size_t)(text->end - text->at) < n || memcmp(text->at, what, n) != 0)
        return false;
    text->at += n;
    return true;
}

void tr__skip_space(struct tr__text *text)
{
    for (;; text->at++) {
        int c = tr__peek(text);
        if (c == '%') {
            const char *line_end = memchr(text->at, '\n', (size_t)(text->end - text->at));
            text->at = line_end ? line_end : text->end;
            c = tr__peek(text);
        }
        if (c != ' ' && c != '\t' && c != '\n' && c != '\r')
            return;
    }
}

/* --- characters --- */

static tr_err read_hex(struct tr__text *text, uint32_t *code)
{
    bool braces = tr__accept(text, "{");
    uint32_t c = 0;
    int n = 0;

    while (n < (braces ? 8 : 2) && tr__peek(text) >= 0 && tr__digit(*text->at) < 16) {
        c = c * 16 + tr__digit(*text->at++);
        n++;
    }
    if (n == 0 || (!braces && n != 2) || (braces && !tr__accept(text, "}")))
        return TR_ESYNTAX;
    if (c > 0x10ffff || (c >= 0xd800 && c <= 0xdfff))
        return TR_ESYNTAX;
    *code = c;
    return TR_OK;
}

static uint32_t read_octal(struct tr__text *text, uint32_t first)
{
    uint32_t c = first;

    for (int i = 0; i < 2 && tr__peek(text) >= '0' && tr__peek(text) <= '7'; i++)
        c = c * 8 + (uint32_t)(*text->at++ - '0');
    return c;
}

static tr_err read_escape(struct tr__text *text, uint32_t *code)
{
    static const char letters[] = "btnvfresd";
    static const char codes[] = "\b\t\n\v\f\r\033 \177";
    uint32_t c;
    size_t n = tr__utf8_read(text->at, (size_t)(text->end - text->at), &c);

    if (n == 0)
        return TR_ESYNTAX;
    text->at += n;
    const char *letter = c && c < 128 ? strchr(letters, (int)c) : NULL;
    if (letter)
        *code = (unsigned char)codes[letter - letters];
    else if (c == 'x')
        return read_hex(text, code);
    else if (c >= '0' && c <= '7')
        *code = read_octal(text, c - '0');
    else
        *code = c;
    return TR_OK;
}

tr_err tr__read_char(struct tr__text *text, uint32_t *code)
{
    if (tr__accept(text, "\\"))
        return read_escape(text, code);
    size_t n = tr__utf8_read(text->at, (size_t)(text->end - text->at), code);
    text->at += n;
    return n ? TR_OK : TR_ESYNTAX;
}

/* --- numbers --- */

tr_err tr__read_decimal(struct tr__text *text, uint64_t *number)
{
    uint64_t n = 0;

    if (!is_digit(tr__peek(text)))
        return TR_ESYNTAX;
    for (; is_digit(tr__peek(text)); text->at++) {
        n = n * 10 + (uint64_t)(*text->at - '0');
        if (n > INT64_MAX / 16)
            return TR_ELIMIT;
    }
    *number = n;
    return TR_OK;
}

static void skip_digits(struct tr__text *text)
{
    while (is_digit(tr__peek(text)))
        text->at++;
}

static tr_err float_new(const char *from, size_t size, tr_term *term)
{
    char few[512], *copy = few;

    if (size >= sizeof(few)) {
        copy = tr__block_alloc(size + 1);
        if (!copy)
            return TR_ENOMEM;
    }
    memcpy(copy, from, size);
    copy[size] = 0;
    double f = tr__float_of_text(copy);
    if (copy != few)
        tr__block_free(copy, size + 1);
    if (!isfinite(f))
        return TR_ESYNTAX;
    uint64_t *words = tr__heap_alloc(tr__heap_current(), 2);
    if (!words)
        return TR_ENOMEM;
    words[0] = TR__HEADER(TR__KIND_FLOAT, 1);
    memcpy(words + 1, &f, sizeof(f));
    term->w = tr__box_w(words);
    return TR_OK;
}

/* The fraction and exponent of a float whose whole part was read; text is at the point. */
static tr_err read_float(struct tr__text *text, const char *from, tr_term *term)
{
    text->at++;
    skip_digits(text);
    const char *whole = text->at;
    if (tr__accept(text, "e") || tr__accept(text, "E")) {
        if (!tr__accept(text, "-"))
            (void)tr__accept(text, "+");
        if (is_digit(tr__peek(text)))
            skip_digits(text);
        else
            text->at = whole;
    }
    return float_new(from, (size_t)(text->at - from), term);
}

static tr_err read_based(struct tr__text *text, uint64_t base, bool negative, tr_term *term)
{
    const char *from = ++text->at;

    if (base < 2 || base > 36)
        return TR_ESYNTAX;
    while (tr__peek(text) >= 0 && tr__digit(*text->at) < base)
        text->at++;
    if (text->at == from)
        return TR_ESYNTAX;
    return tr__integer_from_digits(from, (size_t)(text->at - from), (unsigned)base, negative, term);
}

static tr_err read_dollar(struct tr__text *text, tr_term *term)
{
    uint32_t code;
    tr_err err = tr__read_char(text, &code);

    if (!err)
        term->w = TR__SMALL_W(code);
    return err;
}

tr_err tr__read_number(struct tr__text *text, tr_term *term)
{
    const char *from = text->at;

    if (tr__accept(text, "$"))
        return read_dollar(text, term);
    bool negative = tr__accept(text, "-");
    if (!negative)
        (void)tr__accept(text, "+");
    const char *digits = text->at;
    skip_digits(text);
    size_t n = (size_t)(text->at - digits);
    if (n == 0)
        return TR_ESYNTAX;
    if (tr__peek(text) == '.' && text->end - text->at > 1 && is_digit((unsigned char)text->at[1]))
        return read_float(text, from, term);
    if (tr__peek(text) != '#' || n > 2)
        return tr__integer_from_digits(digits, n, 10, negative, term);
    uint64_t base = 0;
    for (size_t i = 0; i < n; i++)
        base = base * 10 + (uint64_t)(digits[i] - '0');
    return read_based(text, base, negative, term);
}

/* --- atoms --- */

static bool is_bare_char(uint32_t c, bool start)
{
    if ((c >= 'a' && c <= 'z') || (c >= 223 && c <= 255 && c != 247))
        return true;
    return !start && ((c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' || c == '@' ||
                      (c >= 192 && c <= 222 && c != 215));
}

static tr_err intern(const char *name, size_t size, tr_term *term)
{
    tr_atom atom;
    tr_err err = tr_try_intern(name, size, &atom);

    if (!err)
        term->w = atom.w;
    return err == TR_EINVAL ? TR_ELIMIT : err;
}

static tr_err read_quoted_atom(struct tr__text *text, tr_term *term)
{
    char name[ATOM_BYTES_MAX];
    size_t size = 0;

    while (!tr__accept(text, "'")) {
        uint32_t code;
        tr_err err = tr__read_char(text, &code);
        if (err)
            return err;
        if (size + 4 > sizeof(name))
            return TR_ELIMIT;
        size += tr__utf8_write(name + size, code);
    }
    return intern(name, size, term);
}

tr_err tr__read_atom(struct tr__text *text, tr_term *term, bool *found)
{
    const char *from = text->at;
    uint32_t c;
    size_t n;

    *found = true;
    if (tr__accept(text, "'"))
        return read_quoted_atom(text, term);
    while ((n = tr__utf8_read(text->at, (size_t)(text->end - text->at), &c)) > 0 &&
           is_bare_char(c, text->at == from))
        text->at += n;
    *found = text->at > from;
    return *found ? intern(from, (size_t)(text->at - from), term) : TR_OK;
}

/* --- bitstrings --- */

/* Bits being put together; bytes beyond nbits are zero. */
struct bits {
    uint8_t *data;
    size_t room;
    uint64_t nbits;
};

static bool bits_reserve(struct bits *bits, size_t more)
{
    size_t used = (size_t)(bits->nbits / 8) + 1;

    if (bits->room - used >= more && bits->room >= used)
        return true;
    size_t room = 2 * (used + more) + 64;
    uint8_t *data = tr__block_alloc(room);
    if (!data)
        return false;
    memset(data, 0, room);
    if (bits->data)
        memcpy(data, bits->data, used);
    tr__block_free(bits->data, bits->room);
    bits->data = data;
    bits->room = room;
    return true;
}

/* The low n bits of value, the highest first. */
static bool bits_put(struct bits *bits, uint64_t value, unsigned n)
{
    if (!bits_reserve(bits, 9))
        return false;
    while (n-- > 0) {
        unsigned bit = (unsigned)(value >> n) & 1;
        bits->data[bits->nbits / 8] |= (uint8_t)(bit << (7 - bits->nbits % 8));
        bits->nbits++;
    }
    return true;
}

/* The characters of "...", as bytes or as UTF-8: which of the two is known only after the quote. */
static tr_err read_string(struct tr__text *text, struct bits *bits)
{
    struct tr__text end = *text;
    uint32_t code;
    tr_err err;

    while (tr__peek(&end) != '"')
        if ((err = tr__read_char(&end, &code)))
            return err;
    end.at++;
    bool utf8 = tr__accept(&end, "/utf8");
    while (tr__peek(text) != '"') {
        char encoded[4];
        if ((err = tr__read_char(text, &code)))
            return err;
        if (!utf8 && code > 255)
            return TR_ESYNTAX;
        size_t n = utf8 ? tr__utf8_write(encoded, code) : 1;
        for (size_t i = 0; i < n; i++)
            if (!bits_put(bits, utf8 ? (unsigned char)encoded[i] : code, 8))
                return TR_ENOMEM;
    }
    *text = end;
    return TR_OK;
}

static tr_err read_integer_segment(struct tr__text *text, struct bits *bits)
{
    uint64_t value, size = 8;
    bool negative = tr__accept(text, "-");
    tr_err err = tr__read_decimal(text, &value);

    if (!err && tr__accept(text, ":"))
        err = tr__read_decimal(text, &size);
    if (!err && size > 64)
        err = TR_ELIMIT;
    if (err)
        return err;
    return bits_put(bits, negative ? -value : value, (unsigned)size) ? TR_OK : TR_ENOMEM;
}

static tr_err read_segments(struct tr__text *text, struct bits *bits)
{
    tr__skip_space(text);
    if (tr__accept(text, ">>"))
        return TR_OK;
    for (;;) {
        tr__skip_space(text);
        tr_err err =
            tr__accept(text, "\"") ? read_string(text, bits) : read_integer_segment(text, bits);
        if (err)
            return err;
        tr__skip_space(text);
        if (tr__accept(text, ">>"))
            return TR_OK;
        if (!tr__accept(text, ","))
            return TR_ESYNTAX;
    }
}

static tr_err bits_term(const struct bits *bits, tr_term *term)
{
    struct tr_heap *heap = tr__heap_current();
    size_t n = tr__bin_words((size_t)((bits->nbits + 7) / 8));
    uint64_t *words = tr__heap_alloc(heap, n), *out = words;

    if (!words)
        return TR_ENOMEM;
    uint64_t w = tr__bin_build(&out, &heap->counted, bits->data, bits->nbits);
    if (!w) {
        heap->top = words;
        return TR_ENOMEM;
    }
    term->w = w;
    return TR_OK;
}

tr_err tr__read_bits(struct tr__text *text, tr_term *term)
{
    struct bits bits = { NULL, 0, 0 };
    tr_err err = read_segments(text, &bits);

    if (!err)
        err = bits_term(&bits, term);
    tr__block_free(bits.data, bits.room);
    return err;
}
