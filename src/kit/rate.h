/* SPDX-License-Identifier: MIT */
#ifndef KIT_RATE_H
#define KIT_RATE_H

/* What the two kinds of rate limits share. */

#include "troupe/kit/rate.h"

/* The name of the option that is wrong; NULL when none is. */
const char *tr__rate_check(const struct tr_rate *rate);

/* The word of a bucket after n tokens were taken; *wait_ns is not 0 when they may not be yet. */
int64_t tr__bucket_next(const struct tr_bucket *b, int64_t word, int64_t n, int64_t now_ns,
                        int64_t *wait_ns);

/* Milliseconds, rounded up. */
int64_t tr__rate_ms(int64_t ns);

#endif
