/* SPDX-License-Identifier: MIT */
/* Patterns, guards and bodies of match specifications, as troupe/registry.h describes them. */
#ifndef TROUPE_OTP_PATTERN_H
#define TROUPE_OTP_PATTERN_H

#include "troupe/term.h"

enum { TR__PATTERN_VARS = 32 };

/* What the variables '$0', '$1' ... stand for; w is 0: nothing. */
struct tr_bindings {
    tr_term whole;
    tr_term vars[TR__PATTERN_VARS];
};

/* Whether a term matches, and all guards are true. Guards may have w of 0: none. */
bool tr__pattern_match(tr_term pattern, tr_term guards, tr_term term, struct tr_bindings *b);

/* Whether it is a list of clauses {Head, Guards, Body} with heads of n elements. */
bool tr__pattern_is_spec(tr_term spec, size_t n);

/* What the first clause that accepts a term makes of it; w is 0 when none does, or it fails. */
tr_term tr__pattern_run(tr_term spec, tr_term term);

#endif
