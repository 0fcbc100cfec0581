/* SPDX-License-Identifier: MIT */
/* The one piece of arithmetic that counters need. */
#ifndef TROUPE_ETS_BIGNUM_H
#define TROUPE_ETS_BIGNUM_H

#include "mem/heap.h"

/* The sum of two integers of any size, in a heap; 0 when memory is short, or it has more than
   1,048,576 bits. */
uint64_t tr__integer_add(struct tr_heap *heap, uint64_t a, uint64_t b);

#endif
