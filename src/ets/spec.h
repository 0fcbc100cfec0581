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

/* The keys that objects must have which match, distinct and in order as `compare` sees it, as a
   list in the current heap; no term where not every clause tells its key. May raise out_of_memory.
 */
tr_term tr__spec_keys(const struct tr_spec *spec, uint32_t keypos,
                      int (*compare)(tr_term, tr_term));

/*
 * The patterns of the keys of all clauses, a list in the current heap, if each is good for more
 * than to match everything; else 0. All keys that match them lie in a range of the order of terms.
 */
uint64_t tr__spec_range(const struct tr_spec *spec, uint32_t keypos);

/*
 * How such a range lies to a key: below 0 before it, above 0 behind it, 0 when the key is in it. It
 * goes by what the patterns bind before the first place that they leave open, and reaches from the
 * first of them to the last, so not all of the range is matched. May raise out_of_memory.
 */
int tr__range_order(uint64_t range, uint64_t key);

#endif
