/* SPDX-License-Identifier: MIT */
/* What the sorters share: the check of the numbers that come out, each a message {value, V}. */
#ifndef BENCH_SAVINA_SORTED_H
#define BENCH_SAVINA_SORTED_H

#include "savina.h"

tr_atoms(value, unsorted);

/* Takes n numbers, which must be in order; a sum that depends on where each stands. */
static inline int64_t savina_check_sorted(int64_t n)
{
    int64_t last = 0, sum = 0, value;

    for (int64_t i = 0; i < n; i++) {
        tr_receive (m) {
            tr_on (m, a_value, &value) {
                if (value < last)
                    tr_exit(a_unsorted);
                last = value;
                sum += value * (i % 10);
            }
        }
    }
    return sum;
}

#endif
