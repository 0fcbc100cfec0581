/* SPDX-License-Identifier: MIT */
/*
 * Parallel loops: a few processes that share out a range of indexes.
 *
 * Each has a share of the range, one atomic word {first, end}. It takes from the front of its own,
 * at first in large pieces, and when that is empty takes the back half of another's. A word is
 * changed by compare and exchange only, so each index is taken once.
 *
 * The job lies in the caller's memory, and so may the arrays. Hence the caller must not end before
 * the workers have: `abandon` is deferred before the first one starts, and pids and references are
 * written into the job by the spawn itself, so that it finds them all wherever the caller is ended.
 */
#include "otp/task.h"

#include <stdatomic.h>

tr_atoms(DOWN, kill, badarg, undef, out_of_memory, system_limit);

#define LINE       64u
#define UNITS_MAX  (UINT64_C(1) << 31)
#define PIECE_MAX  256u
#define WORKER_MAX 256

/* One worker, and its share: units from the low half to the high half of `range`. */
struct share {
    _Alignas(LINE) _Atomic(uint64_t) range;
    _Atomic(bool) finished; /* it found nothing more to do, rather than having been ended */
    tr_pid pid;             /* w is 0: not started */
    tr_ref ref;
    bool gone; /* its 'DOWN' has come */
};

struct job {
    void (*run)(struct job *job, size_t from, size_t to);
    union {
        tr_index_fn index;
        tr_item_fn item;
        tr_task_fn term;
    } fn;
    void *arg;                  /* of fn.index */
    const char *in;             /* of fn.item */
    char *out;                  /* the same */
    size_t in_size, out_size;   /* the same */
    const tr_term *terms;       /* of fn.term */
    _Atomic(uint64_t) *results; /* the same: immediates, put there by the workers; 0: none */
    const char *site;
    size_t n;
    size_t grain; /* indexes in a unit: 1, unless there are more than 32 bits can count */
    int nshares;
    struct share *shares;
    void *block; /* in which the shares lie */
};

/* --- shares --- */

static uint64_t range(uint64_t first, uint64_t end)
{
    return first | end << 32;
}

static uint64_t first_of(uint64_t range)
{
    return range & UINT32_MAX;
}

static uint64_t end_of(uint64_t range)
{
    return range >> 32;
}

/* Takes a piece from the front; false when the share is empty. Pieces get smaller towards the end,
   so that what one worker holds alone stays a small part of what is left. */
static bool take(struct share *s, uint64_t *from, uint64_t *to)
{
    uint64_t r = atomic_load_explicit(&s->range, memory_order_relaxed);

    for (;;) {
        uint64_t left = end_of(r) - first_of(r);
        if (left == 0)
            return false;
        uint64_t piece = left / 32 + 1;
        if (piece > PIECE_MAX)
            piece = PIECE_MAX;
        *from = first_of(r);
        *to = *from + piece;
        /* What was computed before is handed over by the 'DOWN' alone, so no order is needed. */
        if (atomic_compare_exchange_weak_explicit(&s->range, &r, range(*to, end_of(r)),
                                                  memory_order_relaxed, memory_order_relaxed))
            return true;
    }
}

/* Moves the back half of another share into one's own, which is empty; false when all are. */
static bool steal(struct job *job, struct share *own)
{
    int me = (int)(own - job->shares);

    for (int i = 1; i < job->nshares; i++) {
        struct share *s = &job->shares[(me + i) % job->nshares];
        uint64_t r = atomic_load_explicit(&s->range, memory_order_relaxed);
        while (end_of(r) > first_of(r)) {
            uint64_t middle = first_of(r) + (end_of(r) - first_of(r)) / 2;
            if (!atomic_compare_exchange_weak_explicit(&s->range, &r, range(first_of(r), middle),
                                                       memory_order_relaxed, memory_order_relaxed))
                continue;
            atomic_store_explicit(&own->range, range(middle, end_of(r)), memory_order_relaxed);
            return true;
        }
    }
    return false;
}

/* --- workers --- */

static void run_units(struct job *job, uint64_t from, uint64_t to)
{
    size_t end = (size_t)to * job->grain;

    tr_scope
    {
        job->run(job, (size_t)from * job->grain, end < job->n ? end : job->n);
    }
}

static void work(tr_term arg)
{
    uint64_t job_word, own_word, from, to;

    if (!tr_match(arg, &job_word, &own_word))
        tr_error(a_badarg, arg);
    struct job *job = (struct job *)(uintptr_t)job_word;
    struct share *own = (struct share *)(uintptr_t)own_word;
    tr_report_exits();
    do
        while (take(own, &from, &to))
            run_units(job, from, to);
    while (steal(job, own));
    atomic_store_explicit(&own->finished, true, memory_order_relaxed);
}

/* --- the caller: workers come and go --- */

/* Ends all workers, and returns when they have ended. For tr_defer. */
static void abandon(void *arg)
{
    struct job *job = arg;

    for (int i = 0; i < job->nshares; i++)
        if (job->shares[i].pid.w && !job->shares[i].gone)
            tr_exit_to(job->shares[i].pid, a_kill);
    for (int i = 0; i < job->nshares; i++) {
        struct share *s = &job->shares[i];
        if (!s->pid.w || s->gone)
            continue;
        tr_receive (m)
            tr_on (m, a_DOWN, s->ref, tr_any(), tr_any(), tr_any())
                s->gone = true;
    }
}

/* Splits the units into shares of equal size. */
static void share_out(struct job *job)
{
    job->grain = (size_t)(job->n / UNITS_MAX) + 1;
    uint64_t units = (job->n + job->grain - 1) / job->grain;
    int count = tr_schedulers_online();

    count = count > WORKER_MAX ? WORKER_MAX : count;
    job->nshares = (uint64_t)count > units ? (int)units : count;
    job->block = tr_alloc((size_t)job->nshares * sizeof(struct share) + LINE);
    uintptr_t at = ((uintptr_t)job->block + LINE - 1) & ~(uintptr_t)(LINE - 1);
    job->shares = (struct share *)at;
    for (int i = 0; i < job->nshares; i++) {
        uint64_t first = units * (uint64_t)i / (uint64_t)job->nshares;
        uint64_t end = units * ((uint64_t)i + 1) / (uint64_t)job->nshares;
        atomic_init(&job->shares[i].range, range(first, end));
    }
}

/* Starts as many workers as can be; TR_OK when there is one at least. Whoever runs takes over the
   shares of those that do not. */
static tr_err start_workers(struct job *job)
{
    tr_err err = TR_OK;

    for (int i = 0; i < job->nshares && !err; i++) {
        struct share *s = &job->shares[i];
        const struct tr_spawn_opts opts = { .monitor = &s->ref,
                                            .lineage = true,
                                            .callers = true,
                                            .monitor_alias = TR_ALIAS_DEMONITOR };
        const struct tr_arg args[] = { TR_ARG((uint64_t)(uintptr_t)job),
                                       TR_ARG((uint64_t)(uintptr_t)s) };
        err = tr_try_spawn_args(&s->pid, work, &opts, job->site, args, 2);
    }
    return job->shares[0].pid.w ? TR_OK : err;
}

/* --- the caller: what comes back --- */

/* What a worker has sent: the end of it, or a result at an index. */
struct news {
    struct share *share;
    size_t index;
    tr_term term; /* the result, or the reason */
    bool ended;
};

static bool is_news(struct job *job, tr_term message, struct news *news)
{
    tr_ref ref;

    news->ended = tr_match(message, a_DOWN, &ref, tr_any(), tr_any(), &news->term);
    if (!news->ended && !tr_match(message, &ref, &news->index, &news->term))
        return false;
    for (int i = 0; i < job->nshares; i++) {
        news->share = &job->shares[i];
        if (news->share->pid.w && news->share->ref.w == ref.w)
            return true;
    }
    return false;
}

/* Waits until all workers have ended; TR_ECLOSED as soon as one has failed. Results that are no
   immediates go to `results`. */
static tr_err gather(struct job *job, tr_term *results, tr_term *reason)
{
    int left = 0;

    for (int i = 0; i < job->nshares; i++)
        left += job->shares[i].pid.w != 0;
    while (left > 0) {
        struct news news;
        tr_receive (m) {
            tr_when (m, is_news(job, m.message, &news)) {
                bool failed = news.ended &&
                              !atomic_load_explicit(&news.share->finished, memory_order_relaxed);
                if (!news.ended || failed)
                    news.term = tr_receive_result(&m, news.term);
            }
        }
        if (!news.ended) {
            results[news.index] = news.term;
            continue;
        }
        news.share->gone = true;
        left--;
        if (!atomic_load_explicit(&news.share->finished, memory_order_relaxed)) {
            *reason = news.term;
            return TR_ECLOSED;
        }
    }
    return TR_OK;
}

/* Drops results that nobody will want. */
static void drop_results(struct job *job)
{
    struct news news;
    bool more = true;

    while (more) {
        tr_receive (m) {
            tr_when (m, is_news(job, m.message, &news)) {
            }
            tr_after (m, 0)
                more = false;
        }
    }
}

static tr_err run_job(struct job *job, tr_term *results, tr_term *reason)
{
    if (job->n == 0)
        return TR_OK;
    share_out(job);
    tr_defer(abandon, job);
    tr_err err = start_workers(job);
    if (!err)
        err = gather(job, results, reason);
    if (err) {
        abandon(job);
        drop_results(job);
    }
    tr_defer_cancel(abandon, job);
    tr_free(job->block);
    return err;
}

static _Noreturn void failed(tr_err err, tr_term reason)
{
    if (err == TR_ECLOSED)
        tr_exit(reason);
    if (err == TR_EINVAL)
        tr_error(a_badarg, a_undef);
    tr_exit(err == TR_ELIMIT ? a_system_limit : a_out_of_memory);
}

/* --- indexes --- */

static void run_indexes(struct job *job, size_t from, size_t to)
{
    for (size_t i = from; i < to; i++)
        job->fn.index(i, job->arg);
}

tr_err tr_try_parallel_for_args(size_t n, tr_index_fn fn, void *arg, const char *site,
                                tr_term *reason)
{
    struct job job = { .run = run_indexes, .fn.index = fn, .arg = arg, .site = site, .n = n };

    return fn ? run_job(&job, NULL, reason) : TR_EINVAL;
}

void tr_parallel_for_args(size_t n, tr_index_fn fn, void *arg, const char *site)
{
    tr_term reason = { 0 };
    tr_err err = tr_try_parallel_for_args(n, fn, arg, site, &reason);

    if (err)
        failed(err, reason);
}

/* --- items of arrays --- */

static void run_items(struct job *job, size_t from, size_t to)
{
    for (size_t i = from; i < to; i++)
        job->fn.item(job->in + i * job->in_size, job->out + i * job->out_size);
}

tr_err tr_try_parallel_map_args(tr_item_fn fn, const void *in, size_t in_size, void *out,
                                size_t out_size, size_t n, const char *site, tr_term *reason)
{
    struct job job = { .run = run_items,
                       .fn.item = fn,
                       .in = in,
                       .out = out,
                       .in_size = in_size,
                       .out_size = out_size,
                       .site = site,
                       .n = n };

    return fn ? run_job(&job, NULL, reason) : TR_EINVAL;
}

void tr_parallel_map_args(tr_item_fn fn, const void *in, size_t in_size, void *out, size_t out_size,
                          size_t n, const char *site)
{
    tr_term reason = { 0 };
    tr_err err = tr_try_parallel_map_args(fn, in, in_size, out, out_size, n, site, &reason);

    if (err)
        failed(err, reason);
}

/* --- items of lists --- */

/* An immediate is put in its place; anything else has to be copied into the caller's heap, which
   a message does. */
static void run_terms(struct job *job, size_t from, size_t to)
{
    for (size_t i = from; i < to; i++) {
        tr_scope
        {
            tr_term result = job->fn.term(job->terms[i]);
            if (tr__is_immediate(result.w))
                atomic_store_explicit(&job->results[i], result.w, memory_order_relaxed);
            else
                tr_send(tr_parent_monitor(), tr_parent_monitor(), i, result);
        }
    }
}

static tr_term *terms_of(tr_term list, size_t n)
{
    tr_term *terms = tr_alloc(n * sizeof *terms);

    for (size_t i = 0; i < n; i++)
        tr_list_next(&list, &terms[i]);
    return terms;
}

/* The results in one array: `copies` with the immediates filled in. */
static void merge(struct job *job, tr_term *copies)
{
    for (size_t i = 0; i < job->n; i++)
        if (!copies[i].w)
            copies[i].w = atomic_load_explicit(&job->results[i], memory_order_relaxed);
}

tr_err tr_try_parallel_map_list_args(tr_task_fn fn, tr_term list, const char *site, tr_term *result)
{
    struct job job = { .run = run_terms, .fn.term = fn, .site = site };

    if (!fn || !tr_list_length(list, &job.n))
        return TR_EINVAL;
    tr_term *terms = terms_of(list, job.n);
    tr_term *copies = tr_alloc(job.n * sizeof *copies);
    job.terms = terms;
    job.results = tr_alloc(job.n * sizeof *job.results);
    tr_err err = run_job(&job, copies, result);
    if (!err) {
        merge(&job, copies);
        *result = tr_list_from_array(copies, job.n);
    }
    tr_free(job.results);
    tr_free(copies);
    tr_free(terms);
    return err;
}

tr_term tr_parallel_map_list_args(tr_task_fn fn, tr_term list, const char *site)
{
    tr_term result = { 0 };
    tr_err err = tr_try_parallel_map_list_args(fn, list, site, &result);

    if (err == TR_EINVAL && fn)
        tr_error(a_badarg, list);
    if (err)
        failed(err, result);
    return result;
}
