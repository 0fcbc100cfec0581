/* SPDX-License-Identifier: MIT */
/*
 * Waiting for the results of tasks.
 *
 * One task is waited for by its reference. Many are found by theirs in a sorted index, so that each
 * message is looked up once, whatever the order in which results come.
 */
#include "otp/task.h"

#include <stdlib.h>

tr_atoms(DOWN, timeout, infinity, await, await_many, badarg);
tr_atom_as(a_module, "Elixir.Task");

#define MS_MAX (INT64_C(1) << 43) /* longer is no limit */

static void check_timeout(int64_t timeout_ms)
{
    if (timeout_ms < 0 && timeout_ms != TR_INFINITY)
        tr_exit(a_badarg, timeout_ms);
}

int64_t tr__deadline_of(int64_t timeout_ms)
{
    check_timeout(timeout_ms);
    if (timeout_ms == TR_INFINITY || timeout_ms > MS_MAX)
        return TR_INFINITY;
    return tr_monotonic_ms() + timeout_ms;
}

int64_t tr__time_left(int64_t deadline)
{
    if (deadline == TR_INFINITY)
        return TR_INFINITY;
    int64_t left = deadline - tr_monotonic_ms();
    return left > 0 ? left : 0;
}

static tr_term time_term(int64_t timeout_ms)
{
    return timeout_ms == TR_INFINITY ? tr_build(a_infinity) : tr_build(timeout_ms);
}

/* --- one --- */

/* What tr_task_yield says, the owner apart. */
static tr_err wait_for(struct tr_task task, int64_t timeout_ms, tr_term *value)
{
    tr_err err = TR_ETIMEOUT;
    tr_term t;

    tr_receive_ref(m, task.ref)
    {
        tr_on (m, task.ref, &t) {
            *value = tr_receive_result(&m, t);
            err = TR_OK;
        }
        tr_on (m, a_DOWN, task.ref, tr_any(), tr_any(), &t) {
            *value = tr_receive_result(&m, t);
            err = TR_ECLOSED;
        }
        tr_after (m, timeout_ms) {
        }
    }
    if (err == TR_OK)
        tr_demonitor_flush(task.ref);
    return err;
}

tr_err tr_task_yield(struct tr_task task, int64_t timeout_ms, tr_term *value)
{
    check_timeout(timeout_ms);
    return tr__task_is_mine(task) ? wait_for(task, timeout_ms, value) : TR_EINVAL;
}

tr_err tr_try_await_within(int64_t timeout_ms, struct tr_task task, tr_term *value)
{
    tr_err err = tr_task_yield(task, timeout_ms, value);

    if (err != TR_ETIMEOUT)
        return err;
    /* What has come while the monitor was ended still counts. */
    tr_demonitor_flush(task.ref);
    return wait_for(task, 0, value);
}

tr_err tr_try_await(struct tr_task task, tr_term *value)
{
    return tr_try_await_within(TR_AWAIT_TIMEOUT_MS, task, value);
}

tr_term tr_await_within(int64_t timeout_ms, struct tr_task task)
{
    tr_term value;

    tr__task_check_owner(task);
    tr_err err = tr_try_await_within(timeout_ms, task, &value);
    if (!err)
        return value;
    tr_exit(err == TR_ETIMEOUT ? tr_build(a_timeout) : value,
            tr_tuple(a_module, a_await, tr_list(tr_task_term(task), time_term(timeout_ms))));
}

tr_term tr_await(struct tr_task task)
{
    return tr_await_within(TR_AWAIT_TIMEOUT_MS, task);
}

/* --- many --- */

struct by_ref {
    uint64_t ref;
    size_t index;
};

/* A wait for many tasks. `open` counts those without a result; index is sorted by reference, and
   `results` in the order of the tasks. */
struct gathering {
    size_t n, open;
    struct by_ref *index;
    struct tr_task_result *results;
};

static int compare_refs(const void *a, const void *b)
{
    uint64_t x = ((const struct by_ref *)a)->ref;
    uint64_t y = ((const struct by_ref *)b)->ref;

    return (x > y) - (x < y);
}

/* References are made in rising order, so most often there is nothing to sort. */
static void sort(struct by_ref *index, size_t n)
{
    for (size_t i = 1; i < n; i++) {
        if (index[i - 1].ref > index[i].ref) {
            qsort(index, n, sizeof *index, compare_refs);
            return;
        }
    }
}

static void gather_begin(struct gathering *g, const struct tr_task *tasks, size_t n)
{
    *g = (struct gathering){ .n = n, .open = n };
    g->index = tr_alloc(n * sizeof *g->index);
    g->results = tr_alloc(n * sizeof *g->results);
    for (size_t i = 0; i < n; i++) {
        g->index[i] = (struct by_ref){ tasks[i].ref.w, i };
        g->results[i].err = TR_ETIMEOUT;
    }
    sort(g->index, n);
}

static void gather_end(struct gathering *g)
{
    tr_free(g->results);
    tr_free(g->index);
}

/* The first entry of a reference, or NULL. */
static const struct by_ref *find(const struct gathering *g, uint64_t ref)
{
    size_t low = 0, high = g->n;

    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (g->index[middle].ref < ref)
            low = middle + 1;
        else
            high = middle;
    }
    return low < g->n && g->index[low].ref == ref ? &g->index[low] : NULL;
}

/* Whether a message is the result, or the end, of one that is waited for. */
static const struct by_ref *find_open(const struct gathering *g, tr_term message,
                                      struct tr_task_result *result)
{
    tr_ref ref;

    if (tr_match(message, &ref, &result->value))
        result->err = TR_OK;
    else if (tr_match(message, a_DOWN, &ref, tr_any(), tr_any(), &result->value))
        result->err = TR_ECLOSED;
    else
        return NULL;
    const struct by_ref *found = find(g, ref.w);
    return found && g->results[found->index].err == TR_ETIMEOUT ? found : NULL;
}

/* A task that was given more than once has its result in each of its places. */
static void note(struct gathering *g, const struct by_ref *found, struct tr_task_result result)
{
    for (const struct by_ref *e = found; e < g->index + g->n && e->ref == found->ref; e++) {
        g->results[e->index] = result;
        g->open--;
    }
    if (result.err == TR_OK)
        tr_demonitor_flush((tr_ref){ found->ref });
}

/* Takes the next result; TR_ETIMEOUT when none has come by then. */
static tr_err gather_one(struct gathering *g, int64_t deadline)
{
    struct tr_task_result result = { .err = TR_ETIMEOUT };
    const struct by_ref *found = NULL;

    tr_receive (m) {
        tr_when (m, (found = find_open(g, m.message, &result)))
            result.value = tr_receive_result(&m, result.value);
        tr_after (m, tr__time_left(deadline))
            found = NULL;
    }
    if (!found)
        return TR_ETIMEOUT;
    note(g, found, result);
    return result.err;
}

static bool all_mine(const struct tr_task *tasks, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (!tr__task_is_mine(tasks[i]))
            return false;
    return true;
}

/* What is late for a task that has no result. */
static void settle_late(struct tr_task task, enum tr_task_late late, struct tr_task_result *result)
{
    tr_term value = { 0 };
    tr_err err = late == TR_TASK_KILL ? tr_task_shutdown(task, TR_TASK_BRUTAL_KILL, &value)
                                      : tr_task_ignore(task, &value);

    if (err != TR_ENOTFOUND)
        *result = (struct tr_task_result){ err, value };
}

tr_err tr_task_yield_many(const struct tr_task *tasks, size_t n, int64_t timeout_ms,
                          enum tr_task_late late, struct tr_task_result *results)
{
    int64_t deadline = tr__deadline_of(timeout_ms);
    struct gathering g;

    if (!all_mine(tasks, n) || (unsigned)late > TR_TASK_IGNORE)
        return TR_EINVAL;
    gather_begin(&g, tasks, n);
    while (g.open > 0 && gather_one(&g, deadline) != TR_ETIMEOUT)
        ;
    for (size_t i = 0; i < n; i++) {
        if (g.results[i].err == TR_ETIMEOUT && late != TR_TASK_LEAVE)
            settle_late(tasks[i], late, &g.results[i]);
        results[i] = g.results[i];
    }
    gather_end(&g);
    return TR_OK;
}

/* Nothing of those that are still waited for may arrive from here on. */
static void drop_open(struct gathering *g)
{
    tr_term t;

    for (size_t i = 0; i < g->n; i++) {
        tr_ref ref = { g->index[i].ref };
        if (g->results[g->index[i].index].err != TR_ETIMEOUT)
            continue;
        tr_demonitor_flush(ref);
        tr_receive (m) {
            tr_on (m, ref, &t) {
            }
            tr_after (m, 0) {
            }
        }
    }
}

static tr_term first_failure(const struct gathering *g)
{
    for (size_t i = 0; i < g->n; i++)
        if (g->results[i].err == TR_ECLOSED)
            return g->results[i].value;
    return tr_build(a_timeout);
}

tr_err tr_try_await_many_within(int64_t timeout_ms, const struct tr_task *tasks, size_t n,
                                tr_term *values)
{
    int64_t deadline = tr__deadline_of(timeout_ms);
    struct gathering g;
    tr_err err = TR_OK;

    if (!all_mine(tasks, n))
        return TR_EINVAL;
    gather_begin(&g, tasks, n);
    while (!err && g.open > 0)
        err = gather_one(&g, deadline);
    for (size_t i = 0; !err && i < n; i++)
        values[i] = g.results[i].value;
    if (err) {
        drop_open(&g);
        values[0] = first_failure(&g);
    }
    gather_end(&g);
    return err;
}

tr_err tr_try_await_many(const struct tr_task *tasks, size_t n, tr_term *values)
{
    return tr_try_await_many_within(TR_AWAIT_TIMEOUT_MS, tasks, n, values);
}

static tr_term list_of(const struct tr_task *tasks, size_t n)
{
    tr_term list = tr_nil();

    while (n-- > 0)
        list = tr_list_push(list, tr_task_term(tasks[n]));
    return list;
}

void tr_await_many_within(int64_t timeout_ms, const struct tr_task *tasks, size_t n,
                          tr_term *values)
{
    for (size_t i = 0; i < n; i++)
        tr__task_check_owner(tasks[i]);
    if (!tr_try_await_many_within(timeout_ms, tasks, n, values))
        return;
    tr_exit(values[0],
            tr_tuple(a_module, a_await_many, tr_list(list_of(tasks, n), time_term(timeout_ms))));
}

void tr_await_many(const struct tr_task *tasks, size_t n, tr_term *values)
{
    tr_await_many_within(TR_AWAIT_TIMEOUT_MS, tasks, n, values);
}
