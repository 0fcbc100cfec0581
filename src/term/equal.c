/* SPDX-License-Identifier: MIT */
/*
 * Exact equality.
 *
 * Simpler than the order: since both forms of a map are canonical, equal terms are equal trees, and
 * all kinds whose words are terms are compared word by word.
 */
#include "os/tls.h"
#include "term/bin.h"
#include "term/pending.h"
#include "term/raise.h"

struct pair {
    const uint64_t *a, *b;
    size_t n;
};

static bool equal_raw(const uint64_t *a, const uint64_t *b)
{
    if (TR__HEADER_KIND(*a) != TR__KIND_COUNTED)
        return memcmp(a, b, (TR__HEADER_N(*a) + 1) * sizeof(uint64_t)) == 0;
    struct tr__bits x = tr__bits(tr__box_w(a)), y = tr__bits(tr__box_w(b));
    return x.nbits == y.nbits && memcmp(x.data, y.data, (size_t)((x.nbits + 7) / 8)) == 0;
}

/* Two different words: are they equal, as far as they go? What is inside is left in *into. */
static bool equal_words(uint64_t a, uint64_t b, struct pair *into)
{
    into->n = 0;
    if ((a & 7) != (b & 7) || tr__is_immediate(a))
        return false;
    if (tr__is_cons(a)) {
        *into = (struct pair){ tr__cons(a), tr__cons(b), 2 };
        return true;
    }
    const uint64_t *x = tr__box(a), *y = tr__box(b);
    if (*x != *y)
        return false;
    if (TR__HEADER_KIND(*x) >= TR__KIND_RAW)
        return equal_raw(x, y);
    *into = (struct pair){ x + 1, y + 1, TR__HEADER_N(*x) };
    return true;
}

int tr__equal(tr_term a, tr_term b)
{
    TR__GUARD();
    struct tr__pending pending;
    struct pair now = { &a.w, &b.w, 1 }, into;
    bool equal = true;

    if (a.w == b.w)
        return true;
    if (!a.w || !b.w)
        return false;
    tr__pending_init(&pending);
    do {
        while (now.n && equal) {
            uint64_t x = *now.a++, y = *now.b++;
            now.n--;
            if (x == y)
                continue;
            equal = equal_words(x, y, &into);
            if (!into.n || !equal)
                continue;
            if (now.n && !tr__pending_push(&pending, &now, sizeof(now))) {
                tr__pending_free(&pending);
                return -1;
            }
            now = into;
        }
    } while (equal && tr__pending_pop(&pending, &now, sizeof(now)));
    tr__pending_free(&pending);
    return equal;
}

bool tr_equal(tr_term a, tr_term b)
{
    int equal = tr__equal(a, b);

    if (equal < 0)
        tr__raise_oom();
    return equal;
}
