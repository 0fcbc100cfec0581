/* SPDX-License-Identifier: MIT */
/* Caches: what lasts how long, what goes first, and one fill at a time. */
#include "check_proc.h"
#include "troupe/kit/cache.h"

tr_atoms(ok, error, bad_option, name, ttl_ms, jitter_percent, max_size, notify, expired, evicted, a,
         b, c, got, boom, cache);

static int nfills;

static tr_pid started(const struct tr_cache *cache)
{
    tr_pid pid = { 0 };
    tr_term result = tr_cache_start_link(cache);

    if (!tr_match(result, a_ok, &pid))
        check_fail(__FILE__, __LINE__, "%s", tr_inspect(result));
    return pid;
}

/* The value as a number; -1: none. */
static int64_t value_of(tr_pid cache, tr_atom key)
{
    tr_term value;
    int64_t n = -1;

    if (tr_cache_get(cache, &value, key))
        CHECK(tr_match(value, &n));
    return n;
}

TEST_PROC(put_get_delete)
{
    tr_pid pid = started(&(const struct tr_cache){ .ttl_ms = 0 });
    tr_term value;

    CHECK_INT(value_of(pid, a_a), -1);
    tr_cache_put(pid, a_a, 1);
    tr_cache_put(pid, a_a, 2);
    CHECK_INT(value_of(pid, a_a), 2);
    CHECK(tr_cache_delete(pid, a_a));
    CHECK(!tr_cache_delete(pid, a_a));
    CHECK(!tr_cache_touch(pid, a_a));
    for (int i = 0; i < 300; i++)
        tr_cache_put(pid, tr_tuple(a_b, i), tr_list(i, "text"));
    for (int i = 0; i < 300; i++)
        CHECK(tr_cache_get(pid, &value, tr_tuple(a_b, i)) && tr_match(value, tr_list(i, "text")));
    struct tr_cache_status s = tr_cache_status(pid);
    CHECK(s.size == 300 && s.hits == 301 && s.misses == 1 && !s.expired && !s.evicted);
}

TEST_PROC_VIRTUAL(values_expire_and_touch_lets_them_last)
{
    tr_pid pid = started(&(const struct tr_cache){ .ttl_ms = 2000, .notify = tr_build(tr_self()) });

    tr_cache_put(pid, a_a, 1);
    tr_cache_put_ttl(pid, 100, a_b, 2);
    tr_cache_put_ttl(pid, TR_INFINITY, a_c, 3);
    tr_sleep(1000);
    CHECK_INT(value_of(pid, a_b), -1);
    CHECK(tr_cache_touch(pid, a_a));
    tr_sleep(1200);
    CHECK_INT(value_of(pid, a_a), 1);
    tr_sleep(810);
    CHECK_INT(value_of(pid, a_a), -1);
    CHECK_INT(value_of(pid, a_c), 3);
    const int wanted[] = { 2, 1 };
    for (int i = 0; i < 2; i++)
        tr_receive (m) {
            tr_on (m, a_expired, tr_any(), wanted[i])
                (void)0;
            tr_after (m, 1000)
                FAIL("not told");
        }
    CHECK_INT(tr_cache_status(pid).expired, 2);
}

TEST_PROC(who_is_told_may_be_nobody)
{
    tr_pid pid = started(&(const struct tr_cache){ .max_size = 1, .notify = tr_build(a_c) });

    tr_cache_put(pid, a_a, 1);
    tr_cache_put(pid, a_b, 2);
    CHECK_INT(value_of(pid, a_b), 2);
    CHECK_INT(tr_cache_status(pid).evicted, 1);
}

TEST_PROC(what_was_used_longest_ago_goes_first)
{
    tr_pid pid = started(&(const struct tr_cache){ .max_size = 2, .notify = tr_build(tr_self()) });

    tr_cache_put(pid, a_a, 1);
    tr_cache_put(pid, a_b, 2);
    CHECK_INT(value_of(pid, a_a), 1);
    tr_cache_put(pid, a_c, 3);
    CHECK_INT(value_of(pid, a_b), -1);
    CHECK_INT(value_of(pid, a_a), 1);
    CHECK_INT(value_of(pid, a_c), 3);
    tr_receive (m) {
        tr_on (m, a_evicted, a_b, 2)
            (void)0;
        tr_after (m, 1000)
            FAIL("not told");
    }
    CHECK_INT(tr_cache_status(pid).evicted, 1);
    CHECK_INT(tr_cache_status(pid).size, 2);
}

TEST_PROC_VIRTUAL(jitter_shortens_by_its_share)
{
    tr_pid pid = started(&(const struct tr_cache){ .ttl_ms = 1000, .jitter_percent = 50 });

    for (int i = 0; i < 100; i++)
        tr_cache_put(pid, i, i);
    CHECK_INT(tr_cache_status(pid).size, 100);
    tr_sleep(750);
    int64_t size = tr_cache_status(pid).size;
    CHECK(size > 0 && size < 100);
    tr_sleep(300);
    CHECK_INT(tr_cache_status(pid).size, 0);
}

static tr_term slow_fill(tr_term key, tr_term old, int64_t *ttl_ms)
{
    CHECK(key.w == tr_build(a_a).w && !old.w);
    *ttl_ms = 1000;
    tr_sleep(50);
    return tr_build(++nfills);
}

/* Its argument is {Cache, Boss}. */
static void filler(tr_term arg)
{
    tr_pid pid, boss;
    tr_term value;

    CHECK(tr_match(arg, &pid, &boss));
    CHECK_INT(tr_cache_get_or_store(pid, &value, a_a, slow_fill), TR_OK);
    tr_send(boss, a_got, value);
}

static void expect(int64_t n)
{
    tr_receive (m) {
        tr_on (m, a_got, n)
            (void)0;
        tr_after (m, 5000)
            FAIL("no value");
    }
}

TEST_PROC_VIRTUAL(many_ask_and_one_fills)
{
    tr_pid pid = started(&(const struct tr_cache){ .ttl_ms = 0 });

    for (int i = 0; i < 10; i++)
        tr_spawn(filler, pid, tr_self());
    for (int i = 0; i < 10; i++)
        expect(1);
    CHECK_INT(nfills, 1);
    struct tr_cache_status s = tr_cache_status(pid);
    CHECK(s.hits == 9 && s.misses == 1);
    tr_sleep(1001);
    CHECK_INT(value_of(pid, a_a), -1);
}

static tr_term failing(tr_term key, tr_term old, int64_t *ttl_ms)
{
    (void)key;
    (void)old;
    (void)ttl_ms;
    tr_sleep(20);
    tr_exit(a_boom);
}

static void failing_filler(tr_term arg)
{
    tr_pid pid;

    CHECK(tr_match(arg, &pid));
    (void)!tr_cache_get_or_store(pid, NULL, a_a, failing);
}

static void caught_filler(void *arg)
{
    (void)!tr_cache_get_or_store(*(tr_pid *)arg, NULL, a_a, failing);
}

static tr_term sleeper(tr_term key, tr_term old, int64_t *ttl_ms)
{
    (void)ttl_ms;
    (void)key;
    tr_sleep(100000);
    return old;
}

static void sleeping_filler(tr_term arg)
{
    tr_pid pid;

    CHECK(tr_match(arg, &pid));
    (void)!tr_cache_get_or_store(pid, NULL, a_a, sleeper);
}

TEST_PROC_VIRTUAL(when_a_filler_fails_or_is_killed_the_next_one_fills)
{
    tr_pid pid = started(&(const struct tr_cache){ .ttl_ms = 0 });
    tr_term reason;

    tr_spawn(failing_filler, pid);
    tr_pid sleeping = tr_spawn(sleeping_filler, pid);
    tr_sleep(5);
    tr_spawn(filler, pid, tr_self());
    tr_spawn(filler, pid, tr_self());
    tr_sleep(50);
    tr_exit_to(sleeping, a_boom);
    expect(1);
    expect(1);
    CHECK(tr_cache_delete(pid, a_a));
    CHECK(tr_catch(caught_filler, &pid, &reason) && tr_match(reason, a_boom));
    tr_spawn(filler, pid, tr_self());
    expect(2);
}

static tr_term nothing(tr_term key, tr_term old, int64_t *ttl_ms)
{
    (void)key;
    (void)old;
    (void)ttl_ms;
    return (tr_term){ 0 };
}

static tr_pid again;

static tr_term recursive(tr_term key, tr_term old, int64_t *ttl_ms)
{
    CHECK_INT(tr_cache_get_or_store(again, NULL, key, recursive), TR_EDEADLOCK);
    tr_cache_put(again, a_b, 5);
    return nothing(key, old, ttl_ms);
}

TEST_PROC_VIRTUAL(a_fill_may_store_nothing_and_is_not_its_own_waiter)
{
    again = started(&(const struct tr_cache){ .ttl_ms = 0 });
    CHECK_INT(tr_cache_get_or_store(again, NULL, a_a, nothing), TR_ENOTFOUND);
    CHECK_INT(tr_cache_get_or_store(again, NULL, a_a, recursive), TR_ENOTFOUND);
    CHECK_INT(value_of(again, a_b), 5);
    CHECK_INT(tr_cache_status(again).size, 1);
}

static tr_term increment(tr_term key, tr_term old, int64_t *ttl_ms)
{
    int64_t n = 0;

    (void)key;
    (void)ttl_ms;
    if (old.w)
        CHECK(tr_match(old, &n));
    tr_yield();
    return tr_build(n + 1);
}

static void incrementer(tr_term arg)
{
    tr_pid pid, boss;

    CHECK(tr_match(arg, &pid, &boss));
    for (int i = 0; i < 10; i++)
        CHECK_INT(tr_cache_update(pid, NULL, a_a, increment), TR_OK);
    tr_send(boss, a_got, 0);
}

TEST_PROC(updates_of_a_key_are_isolated)
{
    tr_pid pid = started(&(const struct tr_cache){ .ttl_ms = 0 });

    for (int i = 0; i < 5; i++)
        tr_spawn(incrementer, pid, tr_self());
    for (int i = 0; i < 5; i++)
        expect(0);
    CHECK_INT(value_of(pid, a_a), 50);
}

static void put_badly(void *arg)
{
    tr_cache_put_ttl(*(tr_pid *)arg, -5, a_a, 1);
}

TEST_PROC(bad_options_are_refused_by_name)
{
    const struct {
        struct tr_cache cache;
        tr_atom option;
    } cases[] = { { { .name = "\xff" }, a_name },
                  { { .ttl_ms = -7 }, a_ttl_ms },
                  { { .jitter_percent = 101 }, a_jitter_percent },
                  { { .max_size = -1 }, a_max_size },
                  { { .notify = tr_build(5) }, a_notify } };
    static const struct tr_cache named = { .name = "cache", .ttl_ms = TR_INFINITY };
    tr_term reason;

    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
        CHECK(tr_match(tr_cache_start_link(&cases[i].cache), a_error,
                       tr_tuple(a_bad_option, cases[i].option)));
    tr_pid pid = started(&named);
    CHECK(tr_match(tr_cache_start_link(&named), a_error, tr_any()));
    CHECK(tr_catch(put_badly, &pid, &reason));
    tr_cache_put(a_cache, a_a, 1);
    CHECK_INT(value_of(pid, a_a), 1);
}
