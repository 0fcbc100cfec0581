/* SPDX-License-Identifier: MIT */
#ifndef KIT_BACKOFF_H
#define KIT_BACKOFF_H

/* Pauses that grow, with a random share left out. */

#include "troupe.h"

/* The defaults of the kit; first_ms as given. */
static inline void tr__backoff_defaults(struct tr_backoff *b, int64_t first_ms)
{
    b->first_ms = b->first_ms ? b->first_ms : first_ms;
    b->max_ms = b->max_ms ? b->max_ms : 30000;
    b->jitter_percent = b->jitter_percent ? b->jitter_percent : 50;
}

static inline bool tr__backoff_is_good(const struct tr_backoff *b)
{
    return b->first_ms >= 0 && b->max_ms >= 0 && b->max_ms <= INT64_C(1) << 40 &&
           b->jitter_percent >= 0 && b->jitter_percent <= 100;
}

/* The nth pause; 1 is the first. */
static inline int64_t tr__backoff_ms(const struct tr_backoff *b, int64_t nth)
{
    int64_t ms = b->first_ms;

    for (int64_t i = 1; i < nth && ms < b->max_ms; i++)
        ms *= 2;
    if (ms > b->max_ms)
        ms = b->max_ms;
    return ms - (int64_t)tr_random((uint64_t)(ms * b->jitter_percent / 100 + 1));
}

#endif
