/* SPDX-License-Identifier: MIT */
/* Addition of integers beyond 61 bits: signs and magnitudes, limbs of 64 bits, the lowest first. */
#include "ets/bignum.h"

#include "term/integer.h"

struct number {
    const uint64_t *limbs;
    size_t n;
    bool negative;
    uint64_t small; /* its limb, if it is a small one */
};

static void read_number(struct number *x, uint64_t w)
{
    if (tr__is_small(w)) {
        int64_t i = TR__SMALL_V(w);
        x->negative = i < 0;
        x->small = i < 0 ? -(uint64_t)i : (uint64_t)i;
        x->limbs = &x->small;
        x->n = i != 0;
        return;
    }
    x->negative = TR__HEADER_KIND(*tr__box(w)) == TR__KIND_BIGNEG;
    x->limbs = tr__box(w) + 1;
    x->n = TR__HEADER_N(*tr__box(w));
}

static int compare(const struct number *x, const struct number *y)
{
    if (x->n != y->n)
        return x->n < y->n ? -1 : 1;
    for (size_t i = x->n; i-- > 0;)
        if (x->limbs[i] != y->limbs[i])
            return x->limbs[i] < y->limbs[i] ? -1 : 1;
    return 0;
}

/* x + y or x - y, where x has at least as many limbs, and is not less. */
static void combine(uint64_t *out, const struct number *x, const struct number *y, bool subtract)
{
    uint64_t carry = 0;

    for (size_t i = 0; i < x->n; i++) {
        uint64_t a = x->limbs[i], b = i < y->n ? y->limbs[i] : 0, c, d;
        bool over = subtract ? __builtin_sub_overflow(a, b, &c) : __builtin_add_overflow(a, b, &c);
        bool more =
            subtract ? __builtin_sub_overflow(c, carry, &d) : __builtin_add_overflow(c, carry, &d);
        carry = over || more;
        out[i] = d;
    }
    out[x->n] = carry;
}

/* The shortest form of a magnitude of n limbs, which stand behind a word for the header. */
static uint64_t finish(uint64_t *words, size_t n, bool negative)
{
    while (n && words[n] == 0)
        n--;
    if (n == 0)
        return TR__SMALL_W(0);
    uint64_t low = words[1];
    if (n == 1 && low <= (uint64_t)TR__SMALL_MAX + negative)
        return TR__SMALL_W(negative ? -(int64_t)low : (int64_t)low);
    words[0] = TR__HEADER(negative ? TR__KIND_BIGNEG : TR__KIND_BIGPOS, n);
    return tr__box_w(words);
}

uint64_t tr__integer_add(struct tr_heap *heap, uint64_t a, uint64_t b)
{
    struct number x, y;

    if (tr__is_small(a) && tr__is_small(b)) {
        int64_t sum = TR__SMALL_V(a) + TR__SMALL_V(b);
        if (tr__small_fits(sum))
            return TR__SMALL_W(sum);
    }
    read_number(&x, a);
    read_number(&y, b);
    const struct number *more = compare(&x, &y) >= 0 ? &x : &y, *less = more == &x ? &y : &x;
    uint64_t *words = more->n < TR__BIG_LIMBS_MAX ? tr__heap_alloc(heap, more->n + 2) : NULL;
    if (!words)
        return 0;
    combine(words + 1, more, less, x.negative != y.negative);
    /* What is not used is no part of any term. */
    return finish(words, more->n + 1, more->negative);
}
