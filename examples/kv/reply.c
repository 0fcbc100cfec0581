/* SPDX-License-Identifier: MIT */
#include "reply.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

enum { ERROR_MAX = 512 };

size_t number_format(char *text, int64_t number)
{
    char digits[NUMBER_MAX];
    uint64_t n = number < 0 ? -(uint64_t)number : (uint64_t)number;
    size_t size = 0, at = 0;

    do
        digits[size++] = (char)('0' + n % 10);
    while (n /= 10);
    if (number < 0)
        text[at++] = '-';
    while (size)
        text[at++] = digits[--size];
    return at;
}

bool number_parse(tr_bin text, int64_t *number)
{
    const char *p = text.data, *end = p + text.size;
    bool negative = text.size && *p == '-';
    uint64_t n = 0, max = negative ? (uint64_t)INT64_MAX + 1 : INT64_MAX;

    p += negative;
    if (p == end || (*p == '0' && (end - p > 1 || negative)))
        return false;
    for (; p < end; p++) {
        uint64_t digit = (uint64_t)(unsigned char)*p - '0';
        if (digit > 9 || n > (max - digit) / 10)
            return false;
        n = n * 10 + digit;
    }
    *number = (int64_t)(negative ? -n : n);
    return true;
}

/* A type byte, a number, the end of the line. */
static size_t header_format(char text[NUMBER_MAX + 3], char type, int64_t number)
{
    size_t n = 1;

    text[0] = type;
    n += number_format(text + 1, number);
    text[n++] = '\r';
    text[n++] = '\n';
    return n;
}

static void header(struct out *out, char type, int64_t number)
{
    char text[NUMBER_MAX + 3];

    out_add(out, text, header_format(text, type, number));
}

void reply_simple(struct out *out, const char *text)
{
    out_add(out, "+", 1);
    out_add_text(out, text);
    out_add(out, "\r\n", 2);
}

void reply_error(struct out *out, const char *format, ...)
{
    char text[ERROR_MAX];
    va_list args;

    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    /* It may quote what the client sent, and is one line. */
    for (char *p = text; *p; p++)
        if (*p == '\r' || *p == '\n')
            *p = ' ';
    out_add(out, "-", 1);
    out_add_text(out, text);
    out_add(out, "\r\n", 2);
}

void reply_integer(struct out *out, int64_t number)
{
    header(out, ':', number);
}

void reply_bulk(struct out *out, tr_bin bytes)
{
    header(out, '$', (int64_t)bytes.size);
    out_add(out, bytes.data, bytes.size);
    out_add(out, "\r\n", 2);
}

void reply_bulk_text(struct out *out, const char *text)
{
    reply_bulk(out, (tr_bin){ text, strlen(text) });
}

void reply_bulk_term(struct out *out, tr_term binary)
{
    tr_bin bytes = { 0 };

    tr_binary_get(binary, &bytes);
    header(out, '$', (int64_t)bytes.size);
    out_add_term(out, binary);
    out_add(out, "\r\n", 2);
}

void reply_null(struct out *out, int proto)
{
    out_add_text(out, proto == 3 ? "_\r\n" : "$-1\r\n");
}

void reply_null_array(struct out *out, int proto)
{
    out_add_text(out, proto == 3 ? "_\r\n" : "*-1\r\n");
}

void reply_array(struct out *out, size_t n)
{
    header(out, '*', (int64_t)n);
}

void reply_set(struct out *out, int proto, size_t n)
{
    header(out, proto == 3 ? '~' : '*', (int64_t)n);
}

void reply_push(struct out *out, int proto, size_t n)
{
    header(out, proto == 3 ? '>' : '*', (int64_t)n);
}

void reply_map(struct out *out, int proto, size_t n)
{
    if (proto == 3)
        header(out, '%', (int64_t)n);
    else
        header(out, '*', (int64_t)n * 2);
}

void reply_array_at(struct out *out, struct out_mark mark, size_t n)
{
    char text[NUMBER_MAX + 3];

    out_insert(out, mark, text, header_format(text, '*', (int64_t)n));
}

void reply_map_at(struct out *out, struct out_mark mark, int proto, size_t n)
{
    char text[NUMBER_MAX + 3];
    size_t size = proto == 3 ? header_format(text, '%', (int64_t)n)
                             : header_format(text, '*', (int64_t)n * 2);

    out_insert(out, mark, text, size);
}

void reply_request(struct out *out, const tr_bin *args, int n)
{
    reply_array(out, (size_t)n);
    for (int i = 0; i < n; i++)
        reply_bulk(out, args[i]);
}
