/* SPDX-License-Identifier: MIT */
/*
 * Rate limits: so much in so much time, for all together or for each key.
 *
 *     static struct tr_bucket uploads;                    10 per second, up to 30 at once
 *
 *     tr_bucket_init(&uploads, &(const struct tr_rate){ .limit = 10, .per_ms = 1000,
 *                                                       .burst = 30 }, NULL);
 *     int64_t wait_ms = tr_bucket_take(&uploads, 1);
 *     if (wait_ms)
 *         ...                                             refused; there is room in wait_ms
 *
 *     struct tr_limiter *logins;                          5 per minute for each user
 *
 *     tr_limiter_new(&logins, &(const struct tr_rate){ .kind = TR_SLIDING_WINDOW, .limit = 5,
 *                                                      .per_ms = 60000 }, NULL);
 *     if (tr_limiter_take(logins, 1, user))
 *         return tr_gen_reply(a_too_many);
 *
 * Neither has a process: whoever asks does the work. Take answers 0 when the caller may go on, and
 * then it has been counted. Else nothing was counted, and the answer is in how many milliseconds
 * (rounded up) it would be allowed if nobody else came: so tr_sleep(wait_ms) and asking again is a
 * way to wait. TR_INFINITY: never, as it is more than the limit allows at once.
 *
 * This header is not part of <troupe.h>.
 */
#ifndef TROUPE_KIT_RATE_H
#define TROUPE_KIT_RATE_H

#include <stdint.h>

#include "troupe/error.h"
#include "troupe/message.h"

TR_HEADER_BEGIN

enum tr_rate_kind {
    TR_TOKEN_BUCKET,  /* `burst` at once, then `limit` per_ms, evenly; 16 bytes for each key */
    TR_FIXED_WINDOW,  /* `limit` in each window; windows begin at multiples of per_ms, so twice the
                         limit may pass around the edge of two */
    TR_SLIDING_WINDOW /* `limit` in any stretch of per_ms, exactly; up to 8 * limit bytes a key */
};

/* A rate. limit and per_ms must be set. */
struct tr_rate {
    enum tr_rate_kind kind;
    int64_t limit;  /* 1 to 1,000,000 */
    int64_t per_ms; /* 1 to 2^31; for a token bucket at most a million tokens a second */
    int64_t burst;  /* token bucket: how many tokens it holds, `limit` if 0, up to 1,000,000; 0 for
                       the other kinds */
};

/*
 * A token bucket in the program's own memory. Constant after tr_bucket_init but for `word`, in
 * which time and tokens are one number that is changed by compare-and-swap.
 */
struct tr_bucket {
    int64_t token_ns; /* the time in which a token comes */
    int64_t burst;
    int64_t word;
};

/* Sets up a bucket, full. TR_EINVAL: an option is wrong; *bad_option (may be NULL) is its name. Any
   thread; before others use it. */
TR_MUST_USE tr_err tr_bucket_init(struct tr_bucket *bucket, const struct tr_rate *rate,
                                  const char **bad_option);

/* Takes n tokens, or none; see above. n must be 1 or more: else TR_INFINITY. Any thread; never
   blocks. */
TR_MUST_USE int64_t tr_bucket_take(struct tr_bucket *bucket, int64_t n);

/* Limits for keys: any terms. What is known of a key is forgotten when it no longer matters. */
struct tr_limiter;

/* Makes a limiter. TR_EINVAL as above; TR_ENOMEM. Any thread. */
TR_MUST_USE tr_err tr_limiter_new(struct tr_limiter **limiter, const struct tr_rate *rate,
                                  const char **bad_option);

/* Frees it, when nobody uses it any more; NULL is allowed. Any thread. */
void tr_limiter_free(struct tr_limiter *limiter);

/*
 * int64_t tr_limiter_take(limiter, n, key...): takes n for that key, or none; see above. Several
 * arguments are a tuple, none is one key for all. Without memory the caller ends with
 * out_of_memory. Any thread; never waits for more than the few instructions of another take.
 */
TR_MUST_USE int64_t tr_limiter_take_args(struct tr_limiter *limiter, int64_t n,
                                         const struct tr_arg *args, int nargs);
#define tr_limiter_take(limiter, n, ...) tr_limiter_take_args(limiter, n, TR_ARGS(__VA_ARGS__))

/* How many keys it knows. Any thread. */
size_t tr_limiter_size(struct tr_limiter *limiter);

TR_HEADER_END

#endif
