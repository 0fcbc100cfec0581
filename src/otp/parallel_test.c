/* SPDX-License-Identifier: MIT */
/* Parallel loops over indexes, arrays and lists. */
#include "subject.h"

#include <stdlib.h>

tr_atoms(system_limit);
tr_atom_as(a_callers, "$callers");

/* --- what is done with an item --- */

static void count(size_t i, void *counts)
{
    atomic_fetch_add((atomic_int *)counts + i, 1);
}

struct wide {
    int64_t n;
    char more[20];
};

static void double_it(const void *in, void *out)
{
    const int *n = in;
    struct wide *w = out;

    w->n = 2 * (int64_t)*n;
    w->more[19] = 'x';
}

static void triple_it(const void *in, void *out)
{
    const int *n = in;

    *(int *)out = 3 * *n;
}

/* Item 500 fails as the argument says. */
static void fails_at_500(size_t i, void *reason)
{
    if (i == 500)
        tr_exit(*(tr_term *)reason);
}

static void sleeps_at_0(size_t i, void *done)
{
    if (i == 0)
        tr_sleep(TR_INFINITY);
    atomic_fetch_add((atomic_int *)done, 1);
}

static tr_term describe(tr_term item)
{
    int64_t n;

    if (tr_match(item, &n))
        return tr_build(n + 1);
    return tr_build(item, "and a text of some length");
}

/* --- tests --- */

TEST_PROC(each_index_runs_once)
{
    static const size_t sizes[] = { 0, 1, 2, 3, 63, 64, 1000, 100000 };
    static atomic_int counts[100000];

    for (size_t k = 0; k < sizeof sizes / sizeof *sizes; k++) {
        memset(counts, 0, sizeof counts);
        tr_parallel_for(sizes[k], count, counts);
        for (size_t i = 0; i < 100000; i++)
            CHECK_INT(atomic_load(&counts[i]), i < sizes[k]);
    }
    CHECK_MAILBOX(0);
    CHECK_WITHIN(patience(10000), tr_process_count() == 1);
}

TEST_PROC(map_fills_the_other_array)
{
    enum { N = 5000 };
    static int in[N];
    static struct wide out[N];

    for (int i = 0; i < N; i++)
        in[i] = i;
    tr_parallel_map(double_it, in, out, N);
    for (int i = 0; i < N; i++)
        CHECK(out[i].n == 2 * i && out[i].more[19] == 'x' && out[i].more[0] == 0);
    tr_parallel_map(triple_it, in, in, N);
    for (int i = 0; i < N; i++)
        CHECK_INT(in[i], 3 * i);
    CHECK_MAILBOX(0);
}

TEST_PROC(map_of_a_list_keeps_the_order)
{
    tr_term list = tr_nil(), wanted = tr_nil(), result;

    for (int i = 2000; i > 0; i--) {
        tr_term item = i % 3 ? tr_build(i) : tr_build(i, tr_list("x", i));
        list = tr_list_push(list, item);
        wanted = tr_list_push(wanted, i % 3 ? tr_build(i + 1)
                                            : tr_build(item, "and a text of some length"));
    }
    CHECK_TERM(tr_parallel_map_list(describe, list), wanted);
    CHECK_TERM(tr_parallel_map_list(describe, tr_nil()), tr_nil());
    CHECK_INT(tr_try_parallel_map_list(describe, tr_build(tr_cons(1, 2)), &result), TR_EINVAL);
    CHECK_INT(tr_try_parallel_map_list(describe, tr_build(a_ok), &result), TR_EINVAL);
    CHECK_MAILBOX(0);
}

static void runs(tr_term reason)
{
    tr_parallel_for(1000, fails_at_500, &reason);
}

TEST_PROC(item_that_fails_ends_the_caller)
{
    const tr_term reasons[] = { tr_build(a_normal), tr_build(a_boom, tr_list(1, "two")) };
    tr_term reason = tr_nil();
    tr_ref ref;

    no_reports();
    for (int i = 0; i < 2; i++) {
        tr_spawn_monitor(runs, &ref, reasons[i]);
        CHECK_TERM(down_reason(ref, a_DOWN), reasons[i]);
        tr_term arg = reasons[i];
        CHECK_INT(tr_try_parallel_for(1000, fails_at_500, &arg, &reason), TR_ECLOSED);
        CHECK_TERM(reason, reasons[i]);
        CHECK_WITHIN(patience(10000), tr_process_count() == 1);
    }
    CHECK_MAILBOX(0);
}

static tr_term fails_late(tr_term item)
{
    int64_t n;

    CHECK(tr_match(item, &n));
    if (n == 900)
        tr_exit(a_boom);
    return tr_build("a result that needs a copy", n);
}

TEST_PROC(list_that_fails_leaves_no_messages)
{
    tr_term list = tr_nil(), reason;

    no_reports();
    for (int i = 0; i < 1000; i++)
        list = tr_list_push(list, tr_build(i));
    CHECK_INT(tr_try_parallel_map_list(fails_late, list, &reason), TR_ECLOSED);
    CHECK_TERM(reason, tr_build(a_boom));
    CHECK_MAILBOX(0);
}

static void calls_badly(tr_term how)
{
    int n, x[1] = { 0 };

    CHECK(tr_match(how, &n));
    if (n == 0)
        tr_parallel_for(1, NULL, NULL);
    if (n == 1)
        tr_parallel_map(NULL, x, x, 1);
    tr_parallel_map_list(describe, tr_build(a_ok));
}

TEST_PROC(wrong_arguments_end_the_caller)
{
    tr_term undef_reason = tr_build(tr_tuple(a_badarg, a_undef), tr_list());
    tr_ref ref;

    for (int i = 0; i < 3; i++) {
        tr_spawn_monitor(calls_badly, &ref, i);
        tr_term reason = down_reason(ref, a_DOWN);
        CHECK_TERM(reason, i < 2 ? undef_reason : tr_build(tr_tuple(a_badarg, a_ok), tr_list()));
    }
}

/* The arrays are on the stack of a process that is killed; whoever still wrote to them would
   write to memory that others use. */
static void is_killed(tr_term arg)
{
    atomic_int done = 0;
    tr_pid boss;

    CHECK(tr_match(arg, &boss));
    tr_send(boss, a_told, a_ok);
    tr_parallel_for(100, sleeps_at_0, &done);
}

TEST_PROC(no_worker_outlives_a_killed_caller)
{
    tr_ref ref;
    tr_pid pid = tr_spawn_monitor(is_killed, &ref, tr_self());

    EXPECT(a_told, a_ok);
    CHECK_WITHIN(patience(10000), tr_process_count() > 2);
    tr_exit_to(pid, a_kill);
    CHECK_TERM(down_reason(ref, a_DOWN), tr_build(a_killed));
    CHECK_WITHIN(patience(10000), tr_process_count() == 1);
}

static tr_term ask_callers(tr_term item)
{
    (void)item;
    return tr_build(tr_get(tr_build(a_callers)), 0);
}

TEST_PROC(workers_know_their_caller)
{
    CHECK_TERM(tr_parallel_map_list(ask_callers, tr_build(tr_list(1))),
               tr_build(tr_list(tr_tuple(tr_list(tr_self()), 0))));
}
