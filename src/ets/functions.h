/* SPDX-License-Identifier: MIT */
/* The functions of match specifications: what guards and bodies may call. */
#ifndef TROUPE_ETS_FUNCTIONS_H
#define TROUPE_ETS_FUNCTIONS_H

#include "term/term.h"

/* Of as many arguments as it is found by; 0 for none that it can be applied to. */
typedef uint64_t tr__ets_fn(const uint64_t *args);

/* NULL when there is none of that name with so many arguments. */
tr__ets_fn *tr__ets_function(uint64_t name, size_t n);

#endif
