/* SPDX-License-Identifier: MIT */
/* Batches: the process that runs one, and its start. */
#include "otp/batch.h"

#include "otp/task.h"

tr_atoms(ok, badarg);

/* --- in the process --- */

static bool take(struct tr_batch *b, size_t *i)
{
    uint64_t r = atomic_load_explicit(&b->range, memory_order_relaxed);

    do {
        *i = tr__batch_first(r);
        if (*i >= tr__batch_end(r))
            return false;
    } while (!atomic_compare_exchange_weak_explicit(&b->range, &r,
                                                    tr__batch_range(*i + 1, tr__batch_end(r)),
                                                    memory_order_relaxed, memory_order_relaxed));
    return true;
}

static void run_item(struct tr_batch *b, size_t i)
{
    tr_scope
    {
        tr_term value = b->fn(b->items[i].input);
        if (tr__is_immediate(value.w))
            /* Pairs with the load by the user, who reads before it knows that the process ended. */
            atomic_store_explicit(&b->items[i].result, value.w, memory_order_release);
        else
            tr_send(b->alias, b->alias, (uint64_t)(uintptr_t)b, i, value);
    }
}

static void run_batch(struct tr_batch *b)
{
    int64_t began = tr_monotonic_ns();
    uint64_t before = tr_footprint();
    size_t i;

    while (take(b, &i)) {
        run_item(b, i);
        if (tr_footprint() != before)
            return;
    }
    b->elapsed_ns = tr_monotonic_ns() - began;
}

static struct tr_batch *batch_of(tr_term address)
{
    uint64_t word;

    if (!tr_match(address, &word))
        tr_error(a_badarg, address);
    return (struct tr_batch *)(uintptr_t)word;
}

static void body(tr_term address)
{
    tr_report_exits();
    run_batch(batch_of(address));
}

/* The same as a task under a supervisor. */
static tr_term task_body(tr_term address)
{
    run_batch(batch_of(address));
    return tr_build(a_ok);
}

/* --- by the user --- */

size_t tr__batch_withdraw(struct tr_batch *b, size_t *first)
{
    uint64_t r = atomic_load_explicit(&b->range, memory_order_relaxed);

    do {
        *first = tr__batch_first(r);
        if (*first == tr__batch_end(r))
            return 0;
    } while (!atomic_compare_exchange_weak_explicit(&b->range, &r, tr__batch_range(*first, *first),
                                                    memory_order_relaxed, memory_order_relaxed));
    return tr__batch_end(r) - *first;
}

static tr_err start_alone(struct tr_batch *b, const char *site)
{
    const struct tr_spawn_opts opts = { .monitor = &b->task.ref, .lineage = true, .callers = true };
    const struct tr_arg address = TR_ARG((uint64_t)(uintptr_t)b);

    return tr_try_spawn_args(&b->task.pid, body, &opts, site, &address, 1);
}

static tr_err start_under(struct tr_batch *b, tr_term supervisor, const char *site)
{
    const struct tr_arg arg = TR_ARG((uint64_t)(uintptr_t)b);
    tr_err err = TR_OK;

    tr_scope
    {
        tr_term reason;
        err = tr_try_async_child_args(&b->task, &reason, supervisor, task_body, TR_TASK_NOLINK,
                                      NULL, site, &arg, 1);
    }
    return err;
}

tr_err tr__batch_start(struct tr_batch *b, tr_term supervisor, const char *site)
{
    b->state = TR__BATCH_RUNNING;
    tr_err err = supervisor.w ? start_under(b, supervisor, site) : start_alone(b, site);
    if (err)
        b->state = TR__BATCH_READY;
    return err;
}
