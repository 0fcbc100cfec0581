/* SPDX-License-Identifier: MIT */
/* The guards and bodies of match specifications. */
#ifndef TROUPE_ETS_EVAL_H
#define TROUPE_ETS_EVAL_H

#include "ets/spec.h"

/* The index of a variable, -1 for what is none. */
int tr__spec_variable(const struct tr_spec *spec, uint64_t w);

/* Is it the atom const? */
bool tr__eval_is_const(uint64_t w);

/* Is there a function of that name with so many arguments? */
bool tr__eval_known(uint64_t name, size_t n);

/* Are all of a list of conditions true? */
bool tr__eval_guards(const struct tr_spec *spec, uint64_t guards, uint64_t object);

/* The value of the last of a list of expressions, 'EXIT' when it has none. */
tr_term tr__eval_body(const struct tr_spec *spec, uint64_t body, uint64_t object);

#endif
