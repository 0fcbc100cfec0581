/* SPDX-License-Identifier: MIT */
/*
 * Floats as text.
 *
 * The C library prints and reads exactly, so the shortest text is found by asking for more digits
 * until it reads back as the same float: 15 digits at first, which nearly every float somebody
 * typed needs at most. The layout (plain or with an exponent, whichever is shorter) is Erlang's.
 */
#define _GNU_SOURCE
#include "term/number_text.h"

#include <float.h>
#include <locale.h>
#include <math.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static locale_t c_locale;
static pthread_once_t c_locale_once = PTHREAD_ONCE_INIT;

static void c_locale_make(void)
{
    c_locale = newlocale(LC_ALL_MASK, "C", (locale_t)0);
}

static locale_t enter_c_locale(void)
{
    pthread_once(&c_locale_once, c_locale_make);
    return c_locale ? uselocale(c_locale) : (locale_t)0;
}

static void leave_c_locale(locale_t before)
{
    if (before)
        uselocale(before);
}

double tr__float_of_text(const char *text)
{
    locale_t before = enter_c_locale();
    double f = strtod(text, NULL);

    leave_c_locale(before);
    return f;
}

/* Digits without trailing zeros; the value is 0.DIGITS times ten to the *place. */
static int shortest_digits(double f, char digits[24], int *place)
{
    char text[32];
    locale_t before = enter_c_locale();

    for (int precision = f < DBL_MIN ? 0 : 14; precision <= 16; precision++) {
        snprintf(text, sizeof(text), "%.*e", precision, f);
        if (strtod(text, NULL) == f)
            break;
    }
    leave_c_locale(before);
    char *exponent = strchr(text, 'e');
    int n = 0;
    for (char *c = text; c < exponent; c++)
        if (*c != '.')
            digits[n++] = *c;
    while (n > 1 && digits[n - 1] == '0')
        n--;
    *place = atoi(exponent + 1) + 1;
    return n;
}

/* Erlang's choice: plain text unless the one with an exponent is shorter, or the value is above
 * 2^53. */
static int is_plain(double f, int n, int place)
{
    char text[16];
    int exponent_size = snprintf(text, sizeof(text), "%d", place - 1) + 1 + (n == 1 ? 2 : 1);

    if (f >= 9007199254740992.0)
        return 0;
    if (place < 0)
        return 2 - place <= exponent_size;
    return place < n || place - n + 2 <= exponent_size;
}

static char *put_zeros(char *to, int n)
{
    for (; n > 0; n--)
        *to++ = '0';
    return to;
}

static char *put_digits(char *to, const char *digits, int n)
{
    memcpy(to, digits, (size_t)n);
    return to + n;
}

size_t tr__float_text(double f, char text[TR__FLOAT_TEXT_MAX])
{
    char digits[24], *to = text;
    int place;

    if (signbit(f)) {
        *to++ = '-';
        f = -f;
    }
    if (f == 0) {
        memcpy(to, "0.0", 3);
        return (size_t)(to + 3 - text);
    }
    int n = shortest_digits(f, digits, &place);
    if (!is_plain(f, n, place)) {
        *to++ = digits[0];
        *to++ = '.';
        to = n == 1 ? put_zeros(to, 1) : put_digits(to, digits + 1, n - 1);
        to += snprintf(to, 8, "e%d", place - 1);
    } else if (place <= 0) {
        to = put_digits(to, "0.", 2);
        to = put_zeros(to, -place);
        to = put_digits(to, digits, n);
    } else if (place < n) {
        to = put_digits(to, digits, place);
        *to++ = '.';
        to = put_digits(to, digits + place, n - place);
    } else {
        to = put_digits(to, digits, n);
        to = put_zeros(to, place - n);
        to = put_digits(to, ".0", 2);
    }
    return (size_t)(to - text);
}
