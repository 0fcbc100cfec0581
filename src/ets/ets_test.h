/* SPDX-License-Identifier: MIT */
#ifndef ETS_TEST_H
#define ETS_TEST_H

/* What the tests of tables share. */

#include "conformance/puppet.h"

tr_atoms(t, badarg);

static const enum tr_ets_type all_types[]
    __attribute__((unused)) = { TR_ETS_SET, TR_ETS_ORDERED_SET, TR_ETS_BAG, TR_ETS_DUPLICATE_BAG };

/* One that all may write to. */
static inline tr_term table_of(enum tr_ets_type type)
{
    return tr_ets_new(a_t, &(struct tr_ets_opts){ .type = type, .access = TR_ETS_PUBLIC });
}

/* A block that must end with {badarg, _}. */
#define CHECK_IS_BADARG(fn, arg) CHECK(is_badarg(fn, arg))

static inline bool is_badarg(void (*fn)(void *), void *arg)
{
    tr_term reason, inner;
    tr_atom what;

    if (!tr_catch(fn, arg, &reason))
        return false;
    return tr_match(reason, &inner, tr_any()) &&
           (tr_equal(inner, tr_build(a_badarg)) ||
            (tr_match(inner, &what, tr_any()) && what.w == a_badarg.w));
}

/* To be refused. */
static inline void insert_into(void *arg)
{
    tr_ets_insert(*(tr_term *)arg, 1, 2);
}

/* What a text says. */
static inline tr_term parse(const char *text)
{
    tr_term term;

    CHECK_INT(tr_parse(text, strlen(text), &term, NULL), TR_OK);
    return term;
}

#endif
