/* SPDX-License-Identifier: MIT */
/*
 * Token buckets in one word.
 *
 * The word is the time, in ns, at which the bucket was or would have been empty, if its tokens had
 * come all along: it holds min(burst, (now - word) / token_ns) tokens. Taking n tokens moves the
 * word n * token_ns ahead; waiting moves nothing. A bucket that has been full for long is one whose
 * word lies more than burst * token_ns back, and is brought up to that first. So time and tokens
 * are one number, and one compare-and-swap takes tokens from it.
 *
 * All its accesses are relaxed. The word is the only thing that threads share: what was allowed is
 * told by the swap that succeeded, swaps of one word happen one after the other in an order that
 * all threads agree on whatever the memory order, and a token publishes no other memory that its
 * taker would read. A clock read before another thread's swap is late by that much: it finds fewer
 * tokens than there are, never more.
 *
 * Zero is a bucket that nobody has used, at any time of a clock that may begin at 0 or below.
 */
#include "kit/rate.h"
#include "troupe.h"

#define NS_PER_MS INT64_C(1000000)

int64_t tr__bucket_next(const struct tr_bucket *b, int64_t word, int64_t n, int64_t now_ns,
                        int64_t *wait_ns)
{
    int64_t full = now_ns - b->burst * b->token_ns;

    if (!word || word < full)
        word = full;
    word += n * b->token_ns;
    *wait_ns = word > now_ns ? word - now_ns : 0;
    return word ? word : 1;
}

int64_t tr__rate_ms(int64_t ns)
{
    return (ns + NS_PER_MS - 1) / NS_PER_MS;
}

tr_err tr_bucket_init(struct tr_bucket *bucket, const struct tr_rate *rate, const char **bad_option)
{
    const char *bad = tr__rate_check(rate);

    if (!bad && rate->kind != TR_TOKEN_BUCKET)
        bad = "kind";
    if (bad) {
        if (bad_option)
            *bad_option = bad;
        return TR_EINVAL;
    }
    *bucket = (struct tr_bucket){ .token_ns = rate->per_ms * NS_PER_MS / rate->limit,
                                  .burst = rate->burst ? rate->burst : rate->limit };
    return TR_OK;
}

int64_t tr_bucket_take(struct tr_bucket *bucket, int64_t n)
{
    if (n < 1 || n > bucket->burst)
        return TR_INFINITY;
    int64_t now = tr_monotonic_ns(), wait, next;
    int64_t word = __atomic_load_n(&bucket->word, __ATOMIC_RELAXED);

    do {
        next = tr__bucket_next(bucket, word, n, now, &wait);
        if (wait)
            return tr__rate_ms(wait);
    } while (!__atomic_compare_exchange_n(&bucket->word, &word, next, true, __ATOMIC_RELAXED,
                                          __ATOMIC_RELAXED));
    return 0;
}
