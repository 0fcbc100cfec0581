/* SPDX-License-Identifier: MIT */
/* Process-local storage. */
#include "base/fault.h"
#include "check_proc.h"

#include <stdatomic.h>
#include <stdlib.h>

tr_atoms(done, ready, DOWN, badarg, kill);

static tr_local number, plain, other;
static atomic_int destroyed;

static void count(void *value)
{
    atomic_fetch_add(&destroyed, (int)(intptr_t)value);
}

static void make_keys(void)
{
    if (number.n)
        return;
    CHECK_INT(tr_local_new(&number, count), TR_OK);
    CHECK_INT(tr_local_new(&plain, NULL), TR_OK);
    CHECK_INT(tr_local_new(&other, NULL), TR_OK);
    CHECK(number.n != plain.n && plain.n != other.n);
}

static void *value_of(int i)
{
    return (void *)(intptr_t)i;
}

static void keeps_its_own(tr_term arg)
{
    tr_pid boss;
    int mine;

    CHECK(tr_match(arg, &boss, &mine));
    CHECK(tr_local_get(number) == NULL);
    CHECK(tr_local_get(plain) == NULL);
    tr_local_set(number, value_of(mine));
    for (int i = 0; i < 10; i++) {
        tr_local_set(plain, value_of(i));
        tr_yield();
        CHECK(tr_local_get(number) == value_of(mine));
        CHECK(tr_local_get(plain) == value_of(i));
        CHECK(tr_local_get(other) == NULL);
    }
    tr_send(boss, a_done);
}

TEST_PROC(each_process_has_its_own_values)
{
    int sum = 0;

    make_keys();
    for (int i = 1; i <= 100; i++) {
        tr_spawn_link(keeps_its_own, tr_self(), i);
        sum += i;
    }
    for (int i = 0; i < 100; i++)
        tr_receive (m)
            tr_on (m, a_done) {
            }
    CHECK_WITHIN(5000, atomic_load(&destroyed) == sum);
}

static void is_killed(tr_term arg)
{
    (void)arg;
    tr_local_set(number, value_of(7));
    tr_exit_to(tr_self(), a_kill);
}

TEST_PROC(values_are_destroyed_however_the_process_ends)
{
    tr_ref ref;

    make_keys();
    tr_spawn_monitor(is_killed, &ref);
    tr_receive_ref(m, ref) tr_on (m, a_DOWN, ref, tr_any(), tr_any(), tr_any())
    {
    }
    CHECK_INT(atomic_load(&destroyed), 7);
}

static void set_again(void *arg)
{
    (void)arg;
    CHECK(tr_local_get(number) == NULL);
    tr_local_set(number, value_of(30));
}

static void sets_in_clean_up(tr_term arg)
{
    (void)arg;
    tr_defer(set_again, NULL);
    tr_local_set(number, value_of(5));
    tr_local_set(number, NULL);
    tr_local_set(number, value_of(4));
}

TEST_PROC(a_value_set_in_a_clean_up_is_destroyed_too)
{
    tr_ref ref;

    make_keys();
    tr_spawn_monitor(sets_in_clean_up, &ref);
    tr_receive_ref(m, ref) tr_on (m, a_DOWN, ref, tr_any(), tr_any(), tr_any())
    {
    }
    CHECK_INT(atomic_load(&destroyed), 34);
}

static void uses_no_key(tr_term arg)
{
    (void)arg;
    tr_local_get((tr_local){ 0 });
}

static void uses_wrong_key(tr_term arg)
{
    (void)arg;
    tr_local_set((tr_local){ TR_LOCAL_MAX }, NULL);
}

TEST_PROC(what_is_no_key_ends_the_caller_with_badarg)
{
    static const tr_process_fn users[] = { uses_no_key, uses_wrong_key };

    make_keys();
    for (int i = 0; i < 2; i++) {
        tr_ref ref;
        tr_spawn_monitor(users[i], &ref);
        tr_receive_ref(m, ref) tr_on (m, a_DOWN, ref, tr_any(), tr_any(),
                                      tr_tuple(a_badarg, tr_any()))
        {
        }
    }
}

TEST_PROC(all_keys_can_be_used_at_once)
{
    static tr_local keys[TR_LOCAL_MAX];
    tr_local one_more = { 0 };

    for (int i = 0; i < TR_LOCAL_MAX; i++) {
        CHECK_INT(tr_local_new(&keys[i], NULL), TR_OK);
        tr_local_set(keys[i], value_of(i));
    }
    CHECK_INT(tr_local_new(&one_more, NULL), TR_ELIMIT);
    CHECK_INT(one_more.n, 0);
    for (int i = 0; i < TR_LOCAL_MAX; i++)
        CHECK(tr_local_get(keys[i]) == value_of(i));
}

#ifdef TR_FAULTS
static void sets_with_failures(tr_term arg)
{
    int n;

    CHECK(tr_match(arg, &n));
    tr__fault_arm(n);
    tr_local_set(number, value_of(1));
    int64_t passed = tr__fault_count();
    tr__fault_arm(0);
    CHECK(tr_local_get(number) == value_of(1));
    tr_exit(passed < n ? a_done : a_ready);
}

TEST_PROC(without_memory_the_process_ends_and_nothing_is_lost)
{
    make_keys();
    for (int n = 1;; n++) {
        tr_term reason;
        bool done = false;
        tr_ref ref;
        tr_spawn_monitor(sets_with_failures, &ref, n);
        tr_receive_ref(m, ref) tr_on (m, a_DOWN, ref, tr_any(), tr_any(), &reason) done =
            tr_match(reason, a_done);
        tr__fault_arm(0);
        if (done)
            return;
        CHECK(n < 100);
    }
}
#endif
