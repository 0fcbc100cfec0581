/* SPDX-License-Identifier: MIT */
/*
 * Job queues: a server with four lists, a task supervisor, and maybe a store.
 *
 * A task begins when the queue watches it, so that the reason of its end is known. When it has done
 * its job it says so, before it ends: so a 'DOWN' of a task whose job is still on the list of those
 * that run is a failure.
 *
 * With a store, an attempt is written down before it begins, so that a job which takes the whole
 * program along is not tried for ever. All jobs are in memory too; the store is read only once.
 */
#include "troupe/kit/queue.h"
#include "kit/backoff.h"
#include "troupe.h"

#include <time.h>

/* clang-format off */
tr_atoms(ok, error, bad_option, name, run, workers, capacity, max_attempts, timeout_ms, backoff,
         push, status, take_dead, full, done, go, again, DOWN, EXIT, process, shutdown, store,
         where, unreadable, interrupted);
/* clang-format on */

#define WORKERS      1
#define CAPACITY     1000
#define MAX_ATTEMPTS 5
#define FIRST_MS     1000

struct job {
    struct job *next;
    int64_t number;
    tr_term term;   /* kept */
    tr_term reason; /* kept: of the last failure */
    int nattempts;
    tr_ref watch; /* of its task */
    tr_ref timer; /* that kills it; w is 0: none */
};

/* Jobs in the order in which they came. */
struct list {
    struct job *first, *last;
    int64_t n;
};

struct queue {
    struct tr_queue opts;
    struct list waiting, paused, running, dead;
    int64_t last_number, ndone;
    tr_pid tasks;
    void *store; /* the state of opts.store */
};

/* --- lists --- */

static void append(struct list *l, struct job *j)
{
    j->next = NULL;
    if (l->n++)
        l->last->next = j;
    else
        l->first = j;
    l->last = j;
}

/* Takes out the job of that number, or that is watched so; NULL when there is none. */
static struct job *take(struct list *l, int64_t number, tr_ref watch)
{
    struct job *before = NULL;

    for (struct job *j = l->first; j; before = j, j = j->next)
        if (watch.w ? j->watch.w == watch.w : j->number == number) {
            *(before ? &before->next : &l->first) = j->next;
            if (l->last == j)
                l->last = before;
            l->n--;
            return j;
        }
    return NULL;
}

static void free_job(struct job *j)
{
    tr_release(j->term);
    if (j->reason.w)
        tr_release(j->reason);
    tr_free(j);
}

/* --- the store --- */

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

static void write_down(struct queue *q, const struct job *j, int64_t due_ms, bool dead)
{
    if (!q->opts.store)
        return;
    const struct tr_queue_record record = { .number = j->number,
                                            .reason = j->reason.w ? tr_inspect(j->reason) : NULL,
                                            .nattempts = j->nattempts,
                                            .due_ms = due_ms,
                                            .dead = dead };
    must(q->opts.store->update(q->store, &record));
}

static void forget(struct queue *q, const struct job *j)
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

/* Writes down a new job: ok, or why not. */
static tr_atom add_to_store(struct queue *q, int64_t number, tr_term job)
{
    const struct tr_queue_record record = { .number = number, .job = tr_inspect(job) };

    if (!is_readable(job, record.job))
        return a_unreadable;
    const char *why = q->opts.store->add(q->store, &record);
    if (why)
        tr_log_error("a queue cannot write down a job: %s", why);
    return why ? a_error : a_ok;
}

/* Puts a job that the store has on its list; false when it cannot be read. */
static bool restore(struct queue *q, const struct tr_queue_record *r)
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
    struct job *j = tr_alloc(sizeof *j);
    *j = (struct job){ .number = r->number, .term = tr_keep(term), .nattempts = (int)r->nattempts };
    if (reason.w)
        j->reason = tr_keep(reason);
    q->last_number = r->number;
    if (dead) {
        append(&q->dead, j);
    } else if (ms > 0) {
        append(&q->paused, j);
        /* Whatever has happened to the clock meanwhile. */
        tr_send_after(ms < q->opts.backoff.max_ms ? ms : q->opts.backoff.max_ms, tr_self(), a_again,
                      j->number);
    } else {
        append(&q->waiting, j);
    }
    return true;
}

static const char *restore_each(void *queue, const struct tr_queue_record *record)
{
    bool ok = false;

    tr_scope ok = restore(queue, record);
    return ok ? NULL : "a job in it cannot be read";
}

/* NULL, or what is wrong. */
static const char *open_store(struct queue *q)
{
    const struct tr_queue_store *store = q->opts.store;
    const char *why = store->open(&q->store, q->opts.where);

    tr_defer(store->close, q->store);
    return why ? why : store->load(q->store, restore_each, q);
}

/* --- attempts --- */

/* Run by the task: {Queue, Number, Function, Job}. */
static tr_term attempt(tr_term arg)
{
    int64_t number;
    uint64_t run;
    tr_pid queue;
    tr_term job;

    if (tr_match(arg, &queue, &number, &run, &job)) {
        tr_receive (m)
            tr_on (m, a_go, number) {
            }
        ((tr_task_fn)(uintptr_t)run)(job);
        tr_cast(queue, a_done, number);
    }
    return tr_nil();
}

static void failed(struct queue *q, struct job *j, tr_term reason)
{
    if (j->reason.w)
        tr_release(j->reason);
    j->reason = tr_keep(reason);
    if (j->nattempts >= q->opts.max_attempts) {
        write_down(q, j, 0, true);
        append(&q->dead, j);
        return;
    }
    int64_t pause_ms = tr__backoff_ms(&q->opts.backoff, j->nattempts);
    write_down(q, j, now_ms() + pause_ms, false);
    append(&q->paused, j);
    tr_send_after(pause_ms, tr_self(), a_again, j->number);
}

static void start(struct queue *q, struct job *j)
{
    uint64_t run = (uint64_t)(uintptr_t)q->opts.run;
    tr_pid pid;

    j->nattempts++;
    write_down(q, j, 0, false);
    tr_term result = tr_task_start_child(q->tasks, attempt, tr_self(), j->number, run, j->term);
    if (!tr_match(result, a_ok, &pid)) {
        failed(q, j, result);
        return;
    }
    j->watch = tr_monitor(pid);
    tr_send(pid, a_go, j->number);
    if (q->opts.timeout_ms)
        j->timer = tr_kill_after(q->opts.timeout_ms, pid);
    append(&q->running, j);
}

static void start_waiting(struct queue *q)
{
    const tr_ref any = { 0 };

    while (q->running.n < q->opts.workers && q->waiting.n)
        start(q, take(&q->waiting, q->waiting.first->number, any));
}

/* Takes a job off the list of those that run. */
static struct job *ended(struct queue *q, int64_t number, tr_ref watch)
{
    struct job *j = take(&q->running, number, watch);

    if (j && j->timer.w)
        tr_cancel_timer(j->timer, NULL);
    if (j) {
        tr_demonitor_flush(j->watch);
        j->timer = (tr_ref){ 0 };
    }
    return j;
}

/* --- the server --- */

static tr_gen_result init(void *state, tr_term arg)
{
    struct queue *q = state;
    tr_bin opts;
    tr_term result;

    if (!tr_binary_get(arg, &opts) || opts.size != sizeof q->opts)
        return tr_gen_unknown();
    memcpy(&q->opts, opts.data, sizeof q->opts);
    tr_trap_exit(true);
    const char *why = q->opts.store ? open_store(q) : NULL;
    if (why)
        return tr_gen_error(tr_build(a_store, why));
    result = tr_task_supervisor_start_link(NULL);
    if (!tr_match(result, a_ok, &q->tasks))
        return tr_gen_error(result);
    start_waiting(q);
    return tr_gen_ok();
}

static tr_term push_job(struct queue *q, tr_term term)
{
    struct job *j;

    if (q->waiting.n + q->paused.n >= q->opts.capacity)
        return tr_build(a_full);
    tr_atom err = q->opts.store ? add_to_store(q, q->last_number + 1, term) : a_ok;
    if (err.w != a_ok.w)
        return tr_build(err);
    j = tr_alloc(sizeof *j);
    *j = (struct job){ .number = ++q->last_number, .term = tr_keep(term) };
    append(&q->waiting, j);
    start_waiting(q);
    return tr_build(a_ok);
}

static tr_term take_dead(struct queue *q)
{
    tr_term list = tr_nil();

    for (struct job *j = q->dead.first, *next; j; j = next) {
        next = j->next;
        forget(q, j);
        list = tr_list_push(list, tr_build(tr_copy(j->term), tr_copy(j->reason)));
        free_job(j);
    }
    q->dead = (struct list){ .n = 0 };
    return tr_list_reverse(list);
}

static tr_term status_term(const struct queue *q)
{
    return tr_build(q->waiting.n, q->paused.n, q->running.n, q->ndone, q->dead.n);
}

static tr_gen_result handle_call(void *state, tr_term request, tr_term from)
{
    struct queue *q = state;
    tr_term job;

    (void)from;
    if (tr_match(request, a_push, &job))
        return tr_gen_reply(push_job(q, job));
    if (tr_match(request, a_status))
        return tr_gen_reply(status_term(q));
    if (tr_match(request, a_take_dead))
        return tr_gen_reply(take_dead(q));
    return tr_gen_unknown();
}

static tr_gen_result handle_cast(void *state, tr_term request)
{
    struct queue *q = state;
    struct job *j;
    int64_t number;

    if (!tr_match(request, a_done, &number))
        return tr_gen_unknown();
    if ((j = ended(q, number, (tr_ref){ 0 }))) {
        forget(q, j);
        free_job(j);
        q->ndone++;
    }
    start_waiting(q);
    return tr_gen_noreply();
}

static tr_gen_result handle_info(void *state, tr_term message)
{
    struct queue *q = state;
    struct job *j;
    tr_term reason;
    int64_t number;
    tr_ref ref;

    if (tr_match(message, a_EXIT, q->tasks, &reason))
        return tr_gen_stop(reason);
    if (tr_match(message, a_DOWN, &ref, a_process, tr_any(), &reason)) {
        if ((j = ended(q, 0, ref)))
            failed(q, j, reason);
    } else if (tr_match(message, a_again, &number)) {
        if ((j = take(&q->paused, number, (tr_ref){ 0 })))
            append(&q->waiting, j);
    }
    start_waiting(q);
    return tr_gen_noreply();
}

/* The jobs that run end before the queue does. */
static void terminate(void *state, tr_term reason)
{
    struct queue *q = state;

    if (q->tasks.w && tr_try_stop(q->tasks, NULL, a_shutdown, TR_INFINITY))
        tr_log_debug("the tasks of a queue were gone: %s", tr_inspect(reason));
    /* To be ended with the queue is no failure of a job. When the store has failed it stays one. */
    for (struct job *j = q->running.first; j && !tr_match(reason, a_store, tr_any()); j = j->next) {
        j->nattempts--;
        write_down(q, j, 0, false);
    }
}

static tr_term get_state(const void *state)
{
    return status_term(state);
}

static const struct tr_gen_server queue_server = {
    .name = "queue",
    .state_size = sizeof(struct queue),
    .init = init,
    .handle_call = handle_call,
    .handle_cast = handle_cast,
    .handle_info = handle_info,
    .terminate = terminate,
    .get_state = get_state,
};

/* --- the interface --- */

/* The option that is wrong; w is 0 when none is. */
static tr_atom bad_option(const struct tr_queue *o)
{
    tr_atom name;

    if (o->name && tr_try_intern(o->name, strlen(o->name), &name))
        return a_name;
    if (!o->run)
        return a_run;
    if (o->workers < 1)
        return a_workers;
    if (o->capacity < 1)
        return a_capacity;
    if (o->max_attempts < 1)
        return a_max_attempts;
    if (o->timeout_ms < 0 || o->timeout_ms > INT64_C(1) << 40)
        return a_timeout_ms;
    if (!tr__backoff_is_good(&o->backoff))
        return a_backoff;
    if (!o->where != !o->store)
        return o->store ? a_where : a_store;
    return (tr_atom){ 0 };
}

tr_term tr_queue_start_link(const struct tr_queue *queue)
{
    struct tr_queue o = *queue;
    tr_atom bad, name = { 0 };

    o.workers = o.workers ? o.workers : WORKERS;
    o.capacity = o.capacity ? o.capacity : CAPACITY;
    o.max_attempts = o.max_attempts ? o.max_attempts : MAX_ATTEMPTS;
    tr__backoff_defaults(&o.backoff, FIRST_MS);
    bad = bad_option(&o);
    if (bad.w)
        return tr_build(a_error, tr_tuple(a_bad_option, bad));
    if (o.name)
        name = tr_intern(o.name);
    return tr_gen_server_start_link(&queue_server, TR_GEN_SERVER_OPTS(.name = name),
                                    tr_binary(&o, sizeof o));
}

tr_term tr_queue_child(tr_term arg)
{
    return tr_queue_start_link(tr_child_pointer(arg));
}

tr_err tr_queue_push_args(tr_term queue, const struct tr_arg *args, int n)
{
    tr_term reply;
    tr_err err = tr_try_call(queue, &reply, a_push, tr_message_arg(args, n));

    if (err)
        return err;
    if (tr_match(reply, a_ok))
        return TR_OK;
    if (tr_match(reply, a_full))
        return TR_EBUSY;
    return tr_match(reply, a_unreadable) ? TR_EINVAL : TR_ESYS;
}

struct tr_queue_status tr_queue_status_term(tr_term queue)
{
    struct tr_queue_status s = { .waiting = 0 };

    tr_match(tr_call(queue, a_status), &s.waiting, &s.paused, &s.running, &s.done, &s.dead);
    return s;
}

tr_term tr_queue_take_dead_term(tr_term queue)
{
    return tr_call(queue, a_take_dead);
}
