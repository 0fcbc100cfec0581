/* SPDX-License-Identifier: MIT */
/*
 * Big integers from and to text, compared with floats, converted.
 *
 * Subtle: an integer and a float are compared exactly, never by rounding the integer to a double,
 * since 2^53 + 1 and the double 2^53 differ.
 */
#include "term/integer.h"

#include "mem/block.h"
#include "mem/heap.h"
#include "os/tls.h"
#include "term/raise.h"

#include <math.h>

typedef unsigned __int128 u128;

#define CHUNK        UINT64_C(10000000000000000000) /* 10^19, the largest power below 2^64 */
#define CHUNK_DIGITS 19

/* Sign and magnitude of any integer; a small one is put into *room. */
struct magnitude {
    const uint64_t *limbs;
    size_t n; /* 0 for zero */
    bool negative;
};

static struct magnitude magnitude_of(uint64_t w, uint64_t *room)
{
    if (tr__is_small(w)) {
        int64_t i = TR__SMALL_V(w);
        *room = i < 0 ? -(uint64_t)i : (uint64_t)i;
        return (struct magnitude){ room, i != 0, i < 0 };
    }
    uint64_t header = *tr__box(w);
    return (struct magnitude){ tr__box(w) + 1, TR__HEADER_N(header),
                               TR__HEADER_KIND(header) == TR__KIND_BIGNEG };
}

bool tr_is_integer(tr_term term)
{
    return tr__is_int(term.w);
}

bool tr_is_float(tr_term term)
{
    return tr__is_float_w(term.w);
}

bool tr_is_number(tr_term term)
{
    return tr__is_int(term.w) || tr__is_float_w(term.w);
}

bool tr_to_int64(tr_term term, int64_t *value)
{
    if (tr__is_small(term.w)) {
        *value = TR__SMALL_V(term.w);
        return true;
    }
    if (!tr__is_big(term.w))
        return false;
    uint64_t room;
    struct magnitude m = magnitude_of(term.w, &room);
    if (m.n != 1 || m.limbs[0] > (uint64_t)INT64_MAX + m.negative)
        return false;
    *value = (int64_t)(m.negative ? -m.limbs[0] : m.limbs[0]);
    return true;
}

bool tr_to_uint64(tr_term term, uint64_t *value)
{
    uint64_t room;

    if (!tr__is_int(term.w))
        return false;
    struct magnitude m = magnitude_of(term.w, &room);
    if (m.n > 1 || m.negative)
        return false;
    *value = m.n ? m.limbs[0] : 0;
    return true;
}

/* Rounds to nearest, ties to even: the bits below the top 64 only matter as "some are set". */
static double magnitude_to_double(struct magnitude m)
{
    if (m.n == 0)
        return 0;
    uint64_t top = m.limbs[m.n - 1];
    int shift = __builtin_clzll(top);
    bool rest = false;
    if (m.n > 1 && shift)
        top = top << shift | m.limbs[m.n - 2] >> (64 - shift);
    else
        top <<= shift;
    if (m.n > 1)
        rest = (m.limbs[m.n - 2] << shift) != 0;
    for (size_t i = 0; i + 2 < m.n && !rest; i++)
        rest = m.limbs[i] != 0;
    double f = ldexp((double)(top | rest), (int)(64 * (m.n - 1)) - shift);
    return m.negative ? -f : f;
}

bool tr_to_double(tr_term term, double *value)
{
    uint64_t room;

    if (tr__is_float_w(term.w)) {
        *value = tr__float(term.w);
        return true;
    }
    if (!tr__is_int(term.w))
        return false;
    double f = magnitude_to_double(magnitude_of(term.w, &room));
    if (!isfinite(f))
        return false;
    *value = f;
    return true;
}

/* --- order --- */

static int compare_magnitudes(struct magnitude a, struct magnitude b)
{
    if (a.n != b.n)
        return a.n < b.n ? -1 : 1;
    for (size_t i = a.n; i-- > 0;)
        if (a.limbs[i] != b.limbs[i])
            return a.limbs[i] < b.limbs[i] ? -1 : 1;
    return 0;
}

static int compare_signed(struct magnitude a, struct magnitude b)
{
    if (a.negative != b.negative)
        return a.negative ? -1 : 1;
    return a.negative ? compare_magnitudes(b, a) : compare_magnitudes(a, b);
}

/* The whole part of a finite float, exactly, as limbs; room for 17 (2^1024). */
static struct magnitude whole_part(double f, uint64_t room[17])
{
    int exponent;
    double fraction = frexp(fabs(f), &exponent);

    if (exponent <= 0)
        return (struct magnitude){ room, 0, false };
    memset(room, 0, 17 * sizeof(*room));
    u128 mantissa = (u128)(uint64_t)ldexp(fraction, 53);
    int shift = exponent - 53;
    if (shift <= 0) {
        room[0] = (uint64_t)(mantissa >> -shift);
    } else {
        mantissa <<= shift % 64;
        room[shift / 64] = (uint64_t)mantissa;
        room[shift / 64 + 1] = (uint64_t)(mantissa >> 64);
    }
    size_t n = 17;
    while (n && room[n - 1] == 0)
        n--;
    return (struct magnitude){ room, n, f < 0 };
}

static int compare_int_float(uint64_t i, double f)
{
    uint64_t room, limbs[17];
    struct magnitude a = magnitude_of(i, &room), b = whole_part(f, limbs);
    /* From 2^53 on there is no fraction; below, the whole part fits an integer. */
    double fraction = fabs(f) < 0x1p53 ? f - (double)(int64_t)f : 0;

    b.negative = f < 0 && b.n > 0;
    int c = compare_signed(a, b);
    if (c)
        return c;
    return fraction > 0 ? -1 : fraction < 0;
}

int tr__number_compare(uint64_t a, uint64_t b)
{
    uint64_t room_a, room_b;

    if (tr__is_small(a) && tr__is_small(b))
        return TR__SMALL_V(a) < TR__SMALL_V(b) ? -1 : TR__SMALL_V(a) > TR__SMALL_V(b);
    if (tr__is_float_w(a) && tr__is_float_w(b))
        return tr__float(a) < tr__float(b) ? -1 : tr__float(a) > tr__float(b);
    if (tr__is_float_w(b))
        return compare_int_float(a, tr__float(b));
    if (tr__is_float_w(a))
        return -compare_int_float(b, tr__float(a));
    return compare_signed(magnitude_of(a, &room_a), magnitude_of(b, &room_b));
}

/* --- text --- */

size_t tr__big_text_max(uint64_t w)
{
    return TR__HEADER_N(*tr__box(w)) * 20 + 2;
}

/* Divides in place by 10^19; the remainder. */
static uint64_t divide(uint64_t *limbs, size_t n)
{
    u128 rest = 0;

    for (size_t i = n; i-- > 0;) {
        rest = rest << 64 | limbs[i];
        limbs[i] = (uint64_t)(rest / CHUNK);
        rest %= CHUNK;
    }
    return (uint64_t)rest;
}

size_t tr__big_text(uint64_t w, char *text, uint64_t *scratch)
{
    size_t n = TR__HEADER_N(*tr__box(w)), used = 0;
    char *out = text;

    memcpy(scratch, tr__box(w) + 1, n * sizeof(uint64_t));
    while (n) {
        uint64_t rest = divide(scratch, n);
        while (n && scratch[n - 1] == 0)
            n--;
        for (int i = 0; n ? i < CHUNK_DIGITS : rest != 0; i++) {
            out[used++] = (char)('0' + rest % 10);
            rest /= 10;
        }
    }
    if (TR__HEADER_KIND(*tr__box(w)) == TR__KIND_BIGNEG)
        out[used++] = '-';
    for (size_t i = 0; i < used / 2; i++) {
        char c = out[i];
        out[i] = out[used - 1 - i];
        out[used - 1 - i] = c;
    }
    return used;
}

unsigned tr__digit(char c)
{
    if (c >= '0' && c <= '9')
        return (unsigned)(c - '0');
    if (c >= 'a' && c <= 'z')
        return (unsigned)(c - 'a') + 10;
    if (c >= 'A' && c <= 'Z')
        return (unsigned)(c - 'A') + 10;
    return 36;
}

/* limbs = limbs * factor + more; false when it grows beyond the limit. */
static bool multiply_add(uint64_t *limbs, size_t *n, uint64_t factor, uint64_t more)
{
    u128 carry = more;

    for (size_t i = 0; i < *n; i++) {
        carry += (u128)limbs[i] * factor;
        limbs[i] = (uint64_t)carry;
        carry >>= 64;
    }
    if (carry) {
        if (*n == TR__BIG_LIMBS_MAX)
            return false;
        limbs[(*n)++] = (uint64_t)carry;
    }
    return true;
}

/* Magnitude of digits, as many of them at a time as fit into a limb. */
static bool limbs_of(const char *digits, size_t count, unsigned base, uint64_t *limbs, size_t *n)
{
    uint64_t factor = 1, part = 0;

    *n = 0;
    for (size_t i = 0; i < count; i++) {
        part = part * base + tr__digit(digits[i]);
        factor *= base;
        if (factor > UINT64_MAX / 36 || i + 1 == count) {
            if (!multiply_add(limbs, n, factor, part))
                return false;
            factor = 1;
            part = 0;
        }
    }
    return true;
}

static tr_err from_limbs(const uint64_t *limbs, size_t n, bool negative, tr_term *integer)
{
    if (n <= 1) {
        uint64_t u = n ? limbs[0] : 0;
        if (u <= (uint64_t)TR__SMALL_MAX + negative) {
            integer->w = TR__SMALL_W(negative ? -u : u);
            return TR_OK;
        }
    }
    uint64_t *words = tr__heap_alloc(tr__heap_current(), 1 + n);
    if (!words)
        return TR_ENOMEM;
    words[0] = TR__HEADER(negative ? TR__KIND_BIGNEG : TR__KIND_BIGPOS, n);
    memcpy(words + 1, limbs, n * sizeof(uint64_t));
    integer->w = tr__box_w(words);
    return TR_OK;
}

tr_err tr__integer_from_digits(const char *digits, size_t n, unsigned base, bool negative,
                               tr_term *integer)
{
    uint64_t few[8], *limbs = few;
    size_t room = n * 6 / 64 + 2, used;
    tr_err err = TR_ELIMIT;

    while (n && *digits == '0') {
        digits++;
        n--;
    }
    if (room > TR__BIG_LIMBS_MAX)
        room = TR__BIG_LIMBS_MAX;
    if (room > 8) {
        limbs = tr__block_alloc(room * sizeof(uint64_t));
        if (!limbs)
            return TR_ENOMEM;
    }
    if (n <= (size_t)TR__BIG_LIMBS_MAX * 64 && limbs_of(digits, n, base, limbs, &used))
        err = from_limbs(limbs, used, negative, integer);
    if (limbs != few)
        tr__block_free(limbs, room * sizeof(uint64_t));
    return err;
}

tr_err tr_integer_from_text(const char *text, size_t size, tr_term *integer)
{
    TR__GUARD();
    bool negative = size && *text == '-';
    size_t from = size && (*text == '-' || *text == '+');

    if (from == size)
        return TR_ESYNTAX;
    for (size_t i = from; i < size; i++)
        if (text[i] < '0' || text[i] > '9')
            return TR_ESYNTAX;
    return tr__integer_from_digits(text + from, size - from, 10, negative, integer);
}
