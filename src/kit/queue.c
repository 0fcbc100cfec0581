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
#include "kit/queue.h"
#include "kit/backoff.h"

/* clang-format off */
tr_atoms(ok, error, bad_option, name, run, workers, capacity, max_attempts, max_dead, timeout_ms,
         backoff, push, status, take_dead, done, go, again, DOWN, EXIT, process, shutdown, store,
         where);
/* clang-format on */

#define WORKERS      1
#define CAPACITY     1000
#define MAX_ATTEMPTS 5
#define MAX_DEAD     1000
#define FIRST_MS     1000

/* --- lists --- */

void tr__queue_append(struct tr__queue_list *l, struct tr__queue_job *j)
{
    j->next = NULL;
    if (l->n++)
        l->last->next = j;
    else
        l->first = j;
    l->last = j;
}

/* Takes out the job of that number, or that is watched so; NULL when there is none. */
static struct tr__queue_job *take(struct tr__queue_list *l, int64_t number, tr_ref watch)
{
    struct tr__queue_job *before = NULL;

    for (struct tr__queue_job *j = l->first; j; before = j, j = j->next)
        if (watch.w ? j->watch.w == watch.w : j->number == number) {
            *(before ? &before->next : &l->first) = j->next;
            if (l->last == j)
                l->last = before;
            l->n--;
            return j;
        }
    return NULL;
}

static void free_job(struct tr__queue_job *j)
{
    tr_release(j->term);
    if (j->reason.w)
        tr_release(j->reason);
    tr_free(j);
}

void tr__queue_drop_dead(struct tr__queue *q)
{
    const tr_ref any = { 0 };

    while (q->dead.n > q->opts.max_dead) {
        struct tr__queue_job *oldest = take(&q->dead, q->dead.first->number, any);
        tr__queue_forget(q, oldest);
        free_job(oldest);
        q->ndropped++;
    }
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

static void failed(struct tr__queue *q, struct tr__queue_job *j, tr_term reason)
{
    if (j->reason.w)
        tr_release(j->reason);
    j->reason = tr_keep(reason);
    if (j->nattempts >= q->opts.max_attempts) {
        tr__queue_write_down(q, j, 0, true);
        tr__queue_append(&q->dead, j);
        tr__queue_drop_dead(q);
        return;
    }
    int64_t pause_ms = tr__backoff_ms(&q->opts.backoff, j->nattempts);
    tr__queue_write_down(q, j, pause_ms, false);
    tr__queue_append(&q->paused, j);
    tr_send_after(pause_ms, tr_self(), a_again, j->number);
}

static void start(struct tr__queue *q, struct tr__queue_job *j)
{
    uint64_t run = (uint64_t)(uintptr_t)q->opts.run;
    tr_pid pid;

    j->nattempts++;
    tr__queue_write_down(q, j, 0, false);
    tr_term result = tr_task_start_child(q->tasks, attempt, tr_self(), j->number, run, j->term);
    if (!tr_match(result, a_ok, &pid)) {
        failed(q, j, result);
        return;
    }
    j->watch = tr_monitor(pid);
    tr_send(pid, a_go, j->number);
    if (q->opts.timeout_ms)
        j->timer = tr_kill_after(q->opts.timeout_ms, pid);
    tr__queue_append(&q->running, j);
}

static void start_waiting(struct tr__queue *q)
{
    const tr_ref any = { 0 };

    while (q->running.n < q->opts.workers && q->waiting.n)
        start(q, take(&q->waiting, q->waiting.first->number, any));
}

/* Takes a job off the list of those that run. */
static struct tr__queue_job *ended(struct tr__queue *q, int64_t number, tr_ref watch)
{
    struct tr__queue_job *j = take(&q->running, number, watch);

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
    struct tr__queue *q = state;
    tr_bin opts;
    tr_term result;

    if (!tr_binary_get(arg, &opts) || opts.size != sizeof q->opts)
        return tr_gen_unknown();
    memcpy(&q->opts, opts.data, sizeof q->opts);
    tr_trap_exit(true);
    const char *why = tr__queue_open_store(q);
    if (why)
        return tr_gen_error(tr_build(a_store, why));
    result = tr_task_supervisor_start_link(NULL);
    if (!tr_match(result, a_ok, &q->tasks))
        return tr_gen_error(result);
    start_waiting(q);
    return tr_gen_ok();
}

static tr_err push_job(struct tr__queue *q, tr_term term)
{
    struct tr__queue_job *j;

    if (q->waiting.n + q->paused.n >= q->opts.capacity)
        return TR_EBUSY;
    tr_err err = tr__queue_add_to_store(q, q->last_number + 1, term);
    if (err)
        return err;
    j = tr_alloc(sizeof *j);
    *j = (struct tr__queue_job){ .number = ++q->last_number, .term = tr_keep(term) };
    tr__queue_append(&q->waiting, j);
    start_waiting(q);
    return TR_OK;
}

static tr_term take_dead(struct tr__queue *q)
{
    tr_term list = tr_nil();

    for (struct tr__queue_job *j = q->dead.first, *next; j; j = next) {
        next = j->next;
        tr__queue_forget(q, j);
        list = tr_list_push(list, tr_build(tr_copy(j->term), tr_copy(j->reason)));
        free_job(j);
    }
    q->dead = (struct tr__queue_list){ .n = 0 };
    return tr_list_reverse(list);
}

static tr_term status_term(const struct tr__queue *q)
{
    return tr_build(q->waiting.n, q->paused.n, q->running.n, q->ndone, q->dead.n, q->ndropped);
}

static tr_gen_result handle_call(void *state, tr_term request, tr_term from)
{
    struct tr__queue *q = state;
    tr_term job;

    (void)from;
    if (tr_match(request, a_push, &job))
        return tr_gen_reply((int)push_job(q, job));
    if (tr_match(request, a_status))
        return tr_gen_reply(status_term(q));
    if (tr_match(request, a_take_dead))
        return tr_gen_reply(take_dead(q));
    return tr_gen_unknown();
}

static tr_gen_result handle_cast(void *state, tr_term request)
{
    struct tr__queue *q = state;
    struct tr__queue_job *j;
    int64_t number;

    if (!tr_match(request, a_done, &number))
        return tr_gen_unknown();
    if ((j = ended(q, number, (tr_ref){ 0 }))) {
        tr__queue_forget(q, j);
        free_job(j);
        q->ndone++;
    }
    start_waiting(q);
    return tr_gen_noreply();
}

static tr_gen_result handle_info(void *state, tr_term message)
{
    struct tr__queue *q = state;
    struct tr__queue_job *j;
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
            tr__queue_append(&q->waiting, j);
    }
    start_waiting(q);
    return tr_gen_noreply();
}

/* The jobs that run end before the queue does. */
static void terminate(void *state, tr_term reason)
{
    struct tr__queue *q = state;

    if (q->tasks.w && tr_try_stop(q->tasks, NULL, a_shutdown, TR_INFINITY))
        tr_log_debug("the tasks of a queue were gone: %s", tr_inspect(reason));
    /* To be ended with the queue is no failure of a job. When the store has failed it stays one. */
    for (struct tr__queue_job *j = q->running.first; j && !tr_match(reason, a_store, tr_any());
         j = j->next) {
        j->nattempts--;
        tr__queue_write_down(q, j, 0, false);
    }
}

static tr_term get_state(const void *state)
{
    return status_term(state);
}

static const struct tr_gen_server queue_server = {
    .name = "queue",
    .state_size = sizeof(struct tr__queue),
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
    if (o->max_dead < 1)
        return a_max_dead;
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
    o.max_dead = o.max_dead ? o.max_dead : MAX_DEAD;
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
    int code;

    return err || !tr_match(reply, &code) ? err : (tr_err)code;
}

struct tr_queue_status tr_queue_status_term(tr_term queue)
{
    struct tr_queue_status s = { .waiting = 0 };

    tr_match(tr_call(queue, a_status), &s.waiting, &s.paused, &s.running, &s.done, &s.dead,
             &s.dropped);
    return s;
}

tr_term tr_queue_take_dead_term(tr_term queue)
{
    return tr_call(queue, a_take_dead);
}
