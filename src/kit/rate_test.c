/* SPDX-License-Identifier: MIT */
/* Rate limits: what is allowed when, to the millisecond, under virtual time. */
#include "check_proc.h"
#include "troupe/kit/rate.h"

#include <pthread.h>

tr_atoms(alice, bob, done);

#define BUCKET(...) bucket_of(&(const struct tr_rate){ __VA_ARGS__ })

static struct tr_bucket bucket_of(const struct tr_rate *rate)
{
    struct tr_bucket b;
    const char *bad = "";

    if (tr_bucket_init(&b, rate, &bad))
        FAIL(bad);
    return b;
}

#define LIMITER(...) limiter_of(&(const struct tr_rate){ __VA_ARGS__ })

static void free_limiter(void *limiter)
{
    tr_limiter_free(limiter);
}

static struct tr_limiter *limiter_of(const struct tr_rate *rate)
{
    struct tr_limiter *l;
    const char *bad = "";

    if (tr_limiter_new(&l, rate, &bad))
        FAIL(bad);
    tr_defer(free_limiter, l);
    return l;
}

/* Waits as long as it was told to, and shows that this is neither too short nor too long. */
#define CHECK_WAIT_IS_RIGHT(take, about_ms)                                                        \
    do {                                                                                           \
        int64_t wait_ = take;                                                                      \
        CHECK(wait_ > (about_ms)-15 && wait_ <= (about_ms));                                       \
        tr_sleep(wait_);                                                                           \
        CHECK_INT(take, 0);                                                                        \
        CHECK(take > 0);                                                                           \
    } while (0)

TEST_PROC_REAL(bucket_holds_its_burst_and_fills_evenly)
{
    struct tr_bucket b = BUCKET(.limit = 10, .per_ms = 1000, .burst = 3);

    for (int i = 0; i < 3; i++)
        CHECK_INT(tr_bucket_take(&b, 1), 0);
    CHECK_WAIT_IS_RIGHT(tr_bucket_take(&b, 1), 100);
    CHECK_INT(tr_bucket_take(&b, 4), TR_INFINITY);
    CHECK_INT(tr_bucket_take(&b, 0), TR_INFINITY);
    CHECK_INT(tr_bucket_take(&b, -1), TR_INFINITY);
}

/* In a replay time passes only where something takes time, and each call takes some. */
TEST_PROC_VIRTUAL(bucket_that_waits_as_told_is_served)
{
    struct tr_bucket b = BUCKET(.limit = 10, .per_ms = 100);
    int64_t before = tr_monotonic_ms(), wait;

    for (int i = 0; i < 50; i++)
        while ((wait = tr_bucket_take(&b, 1)))
            tr_sleep(wait);
    int64_t took = tr_monotonic_ms() - before;
    CHECK(took >= 400);
    CHECK(tr_replaying() ? took < 420 : took < 60000);
}

TEST_PROC_VIRTUAL(full_bucket_gets_no_fuller)
{
    struct tr_bucket b = BUCKET(.limit = 5, .per_ms = 500);

    CHECK_INT(tr_bucket_take(&b, 5), 0);
    tr_sleep(2000);
    CHECK_INT(tr_bucket_take(&b, 5), 0);
    CHECK(tr_bucket_take(&b, 5) > 0);
}

struct crowd {
    struct tr_bucket bucket;
    int nallowed;
};

static void *grabs(void *arg)
{
    struct crowd *c = arg;

    for (int i = 0; i < 20000; i++)
        if (tr_bucket_take(&c->bucket, 1) == 0)
            __atomic_add_fetch(&c->nallowed, 1, __ATOMIC_RELAXED);
    return NULL;
}

TEST_PROC_REAL(threads_get_no_token_twice)
{
    struct crowd c = { .bucket = BUCKET(.limit = 1, .per_ms = 3600000, .burst = 10000) };
    pthread_t threads[4];

    for (int i = 0; i < 4; i++)
        CHECK_INT(pthread_create(&threads[i], NULL, grabs, &c), 0);
    for (int i = 0; i < 4; i++)
        pthread_join(threads[i], NULL);
    CHECK_INT(c.nallowed, 10000);
}

/* --- keys --- */

TEST_PROC(each_key_has_a_bucket_of_its_own)
{
    struct tr_limiter *l = LIMITER(.limit = 1, .per_ms = 100000);
    tr_term big = tr_build(tr_list("a list", 1, 2.5));

    CHECK_INT(tr_limiter_take(l, 1, a_alice), 0);
    CHECK_INT(tr_limiter_take(l, 1, a_bob), 0);
    CHECK(tr_limiter_take(l, 1, a_alice) > 90000);
    CHECK_INT(tr_limiter_take(l, 1, "alice"), 0);
    CHECK_INT(tr_limiter_take(l, 1, a_alice, 1), 0);
    CHECK(tr_limiter_take(l, 1, a_alice, 1) > 90000);
    CHECK_INT(tr_limiter_take(l, 1, big), 0);
    CHECK(tr_limiter_take(l, 1, tr_list("a list", 1, 2.5)) > 90000);
    CHECK_INT(tr_limiter_take(l, 1, "{alice,1}"), 0);
    CHECK_INT(tr_limiter_take(l, 1), 0);
    CHECK(tr_limiter_take(l, 1) > 90000);
    CHECK_INT(tr_limiter_take(l, 2, 7), TR_INFINITY);
    CHECK_INT(tr_limiter_size(l), 7);
}

TEST_PROC_VIRTUAL(fixed_window_starts_anew_at_its_edge)
{
    struct tr_limiter *l = LIMITER(.kind = TR_FIXED_WINDOW, .limit = 3, .per_ms = 1000);

    tr_sleep(1000 - tr_monotonic_ms() % 1000);
    CHECK_INT(tr_limiter_take(l, 2, a_alice), 0);
    tr_sleep(500);
    CHECK(tr_limiter_take(l, 2, a_alice) <= 500);
    CHECK_INT(tr_limiter_take(l, 1, a_alice), 0);
    CHECK_INT(tr_limiter_take(l, 3, a_bob), 0);
    int64_t wait = tr_limiter_take(l, 1, a_alice);
    CHECK(wait > 0 && wait <= 500);
    tr_sleep(wait);
    CHECK_INT(tr_limiter_take(l, 3, a_alice), 0);
    CHECK(tr_limiter_take(l, 1, a_alice) > 0);
    CHECK_INT(tr_limiter_take(l, 4, a_alice), TR_INFINITY);
}

TEST_PROC(sliding_window_never_lets_more_than_the_limit_through)
{
    enum { N = 100, LIMIT = 7, PER = 50 };
    struct tr_limiter *l = LIMITER(.kind = TR_SLIDING_WINDOW, .limit = LIMIT, .per_ms = PER);
    int64_t before[N + 3], after[N + 3], n = 0;

    while (n < N) {
        int64_t many = 1 + (int64_t)tr_random(3);
        before[n] = tr_monotonic_ns();
        int64_t wait = tr_limiter_take(l, many, a_alice);
        for (int64_t i = 0; !wait && i < many; i++, n++) {
            before[n] = before[n - i];
            after[n] = tr_monotonic_ns();
        }
        tr_sleep(wait && tr_random(2) ? wait : (int64_t)tr_random(10));
    }
    for (int64_t i = LIMIT; i < N; i++)
        CHECK(after[i] - before[i - LIMIT] >= PER * INT64_C(1000000));
}

TEST_PROC_VIRTUAL(sliding_window_tells_when_there_is_room)
{
    struct tr_limiter *l = LIMITER(.kind = TR_SLIDING_WINDOW, .limit = 3, .per_ms = 1000);

    CHECK_INT(tr_limiter_take(l, 1), 0);
    tr_sleep(200);
    CHECK_INT(tr_limiter_take(l, 1), 0);
    tr_sleep(200);
    CHECK_INT(tr_limiter_take(l, 1), 0);
    int64_t one = tr_limiter_take(l, 1), two = tr_limiter_take(l, 2), all = tr_limiter_take(l, 3);
    CHECK(one > 0 && one <= 600);
    CHECK(two > one && two <= 800);
    CHECK(all > two && all <= 1000);
    tr_sleep(two);
    CHECK_INT(tr_limiter_take(l, 2), 0);
}

TEST_PROC_VIRTUAL(keys_that_no_longer_matter_are_forgotten)
{
    for (int kind = TR_TOKEN_BUCKET; kind <= TR_SLIDING_WINDOW; kind++) {
        struct tr_limiter *l = LIMITER(.kind = (enum tr_rate_kind)kind, .limit = 2, .per_ms = 20);
        for (int64_t i = 0; i < 20000; i++) {
            CHECK_INT(tr_limiter_take(l, 1, i), 0);
            if (i % 2000 == 0)
                tr_sleep(21);
        }
        CHECK(tr_limiter_size(l) < 12000);
    }
}

static void takes_keys(tr_term arg)
{
    struct tr_limiter *l;
    uint64_t address;
    tr_pid boss;
    int n = 0;

    CHECK(tr_match(arg, &address, &boss));
    l = (struct tr_limiter *)(uintptr_t)address;
    for (int64_t i = 0; i < 3000; i++)
        n += tr_limiter_take(l, 1, i % 100) == 0;
    tr_send(boss, a_done, n);
}

TEST_PROC(processes_share_the_limit_of_a_key)
{
    struct tr_limiter *l = LIMITER(.kind = TR_SLIDING_WINDOW, .limit = 50, .per_ms = 3600000);
    int64_t sum = 0, n;

    for (int i = 0; i < 4; i++)
        tr_spawn(takes_keys, (uint64_t)(uintptr_t)l, tr_self());
    for (int i = 0; i < 4; i++)
        tr_receive (m)
            tr_on (m, a_done, &n)
                sum += n;
    CHECK_INT(sum, 50 * 100);
}

/* --- options --- */

#define CHECK_BAD(option, ...)                                                                     \
    do {                                                                                           \
        const char *bad_ = "";                                                                     \
        struct tr_limiter *l_;                                                                     \
        CHECK_INT(tr_limiter_new(&l_, &(const struct tr_rate){ __VA_ARGS__ }, &bad_), TR_EINVAL);  \
        CHECK_STR(bad_, option);                                                                   \
    } while (0)

TEST(bad_options_are_named)
{
    struct tr_bucket b;
    const char *bad = "";

    CHECK_BAD("limit", .per_ms = 1000);
    CHECK_BAD("limit", .limit = -1, .per_ms = 1000);
    CHECK_BAD("limit", .limit = 1000001, .per_ms = 1000000);
    CHECK_BAD("per_ms", .limit = 1);
    CHECK_BAD("per_ms", .limit = 1001, .per_ms = 1);
    CHECK_BAD("per_ms", .limit = 1, .per_ms = (INT64_C(1) << 31) + 1);
    CHECK_BAD("burst", .limit = 1, .per_ms = 1, .burst = -1);
    CHECK_BAD("burst", .limit = 1, .per_ms = INT64_C(1) << 31, .burst = 1000000);
    CHECK_BAD("burst", .kind = TR_FIXED_WINDOW, .limit = 1, .per_ms = 1, .burst = 2);
    CHECK_BAD("kind", .kind = (enum tr_rate_kind)9, .limit = 1, .per_ms = 1);
    CHECK_INT(
        tr_bucket_init(
            &b, &(const struct tr_rate){ .kind = TR_FIXED_WINDOW, .limit = 1, .per_ms = 1 }, &bad),
        TR_EINVAL);
    CHECK_STR(bad, "kind");
    CHECK_INT(tr_bucket_init(&b, &(const struct tr_rate){ .limit = 0 }, NULL), TR_EINVAL);
    tr_limiter_free(NULL);
}
