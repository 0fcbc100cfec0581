/* SPDX-License-Identifier: MIT */
/*
 * Match specifications: what select and its like ask of each object.
 *
 * A specification is checked once, and then interpreted as the term that it is.
 */
#ifndef TROUPE_ETS_SPEC_H
#define TROUPE_ETS_SPEC_H

#include "term/term.h"

#define TR__SPEC_VARIABLES 100

struct tr_spec {
    tr_term clauses; /* list of {Head, Guards, Body} */
    int nvariables;
    uint64_t variables[TR__SPEC_VARIABLES]; /* atoms '$N', by number */
    uint64_t values[TR__SPEC_VARIABLES];    /* of the clause that is tried; 0: not bound */
};

/* Checks a specification; raises {badarg, {Text, Path}}. */
void tr__spec_check(struct tr_spec *spec, tr_term clauses);

/*
 * What the specification makes of an object: false when no clause matches. The result refers to the
 * object, and to the current heap. May raise out_of_memory.
 */
bool tr__spec_run(struct tr_spec *spec, uint64_t object, tr_term *result);

/* The key that all objects must have which match, where the only clause tells it; else no term. */
tr_term tr__spec_key(const struct tr_spec *spec, uint32_t keypos);

/*
 * The pattern that all their keys match, where the only clause has one that is good for more than
 * to match everything; else 0. Together they are a range of the order of terms.
 */
uint64_t tr__spec_range(const struct tr_spec *spec, uint32_t keypos);

/*
 * How such a range lies to a key: below 0 before it, above 0 behind it, 0 when the key is in it. It
 * goes by what the pattern binds before the first place that it leaves open, so not all of the
 * range is matched. May raise out_of_memory.
 */
int tr__range_order(uint64_t range, uint64_t key);

#endif
