/* SPDX-License-Identifier: MIT */
/*
 * The jobs of a queue in its store: written down as they change, read once, when the queue starts.
 * A job is stored as its text.
 */
#include "kit/queue.h"

#include <time.h>

tr_atoms(store, again, interrupted);

static int64_t now_ms(void)
{
    struct timespec t;

    clock_gettime(CLOCK_REALTIME, &t);
    return t.tv_sec * INT64_C(1000) + t.tv_nsec / 1000000;
}

/* What the store does not know it would do wrong after a restart: better to restart now. */
static void must(const char *why)
{
    if (why)
        tr_exit(a_store, why);
}

void tr__queue_write_down(struct tr__queue *q, const struct tr__queue_job *j, int64_t pause_ms,
                          bool dead)
{
    if (!q->opts.store)
        return;
    const struct tr_queue_record record = { .number = j->number,
                                            .reason = j->reason.w ? tr_inspect(j->reason) : NULL,
                                            .nattempts = j->nattempts,
                                            .due_ms = pause_ms ? now_ms() + pause_ms : 0,
                                            .dead = dead };
    must(q->opts.store->update(q->store, &record));
}

void tr__queue_forget(struct tr__queue *q, const struct tr__queue_job *j)
{
    if (q->opts.store)
        must(q->opts.store->remove(q->store, j->number));
}

/* Whether a job can be read again from its text. */
static bool is_readable(tr_term job, const char *text)
{
    tr_term again;

    return tr_parse(text, strlen(text), &again, NULL) == TR_OK && tr_equal(job, again);
}

tr_err tr__queue_add_to_store(struct tr__queue *q, int64_t number, tr_term job)
{
    if (!q->opts.store)
        return TR_OK;
    const struct tr_queue_record record = { .number = number, .job = tr_inspect(job) };
    if (!is_readable(job, record.job))
        return TR_EINVAL;
    const char *why = q->opts.store->add(q->store, &record);
    if (why)
        tr_log_error("a queue cannot write down a job: %s", why);
    return why ? TR_ESYS : TR_OK;
}

/* Puts a job that the store has on its list; false when it cannot be read. */
static bool restore(struct tr__queue *q, const struct tr_queue_record *r)
{
    tr_term term, reason = { 0 };
    int64_t ms = r->due_ms - now_ms();

    if (tr_parse(r->job, strlen(r->job), &term, NULL) ||
        (r->reason && tr_parse(r->reason, strlen(r->reason), &reason, NULL)))
        return false;
    /* It was in its last attempt when the queue, or the program, ended. */
    bool dead = r->dead || r->nattempts >= q->opts.max_attempts;
    if (dead && !r->dead)
        reason = tr_build(a_interrupted);
    struct tr__queue_job *j = tr_alloc(sizeof *j);
    *j = (struct tr__queue_job){ .number = r->number,
                                 .term = tr_keep(term),
                                 .nattempts = (int)r->nattempts };
    if (reason.w)
        j->reason = tr_keep(reason);
    q->last_number = r->number;
    if (dead) {
        tr__queue_append(&q->dead, j);
    } else if (ms > 0) {
        tr__queue_append(&q->paused, j);
        /* Whatever has happened to the clock meanwhile. */
        tr_send_after(ms < q->opts.backoff.max_ms ? ms : q->opts.backoff.max_ms, tr_self(), a_again,
                      j->number);
    } else {
        tr__queue_append(&q->waiting, j);
    }
    return true;
}

static const char *restore_each(void *queue, const struct tr_queue_record *record)
{
    bool ok = false;

    tr_scope ok = restore(queue, record);
    return ok ? NULL : "a job in it cannot be read";
}

struct opened {
    const struct tr_queue_store *store;
    void *state;
};

static void close_store(void *opened)
{
    const struct opened *o = opened;

    o->store->close(o->state);
}

const char *tr__queue_open_store(struct tr__queue *q)
{
    if (!q->opts.store)
        return NULL;
    struct opened *o = tr_alloc(sizeof *o);
    o->store = q->opts.store;
    /* First, or without memory for this the store would stay open. */
    tr_defer(close_store, o);
    const char *why = o->store->open(&o->state, q->opts.where);
    q->store = o->state;
    if (!why)
        why = o->store->load(q->store, restore_each, q);
    if (!why)
        tr__queue_drop_dead(q);
    return why;
}
