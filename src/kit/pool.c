/* SPDX-License-Identifier: MIT */
/*
 * Pools: one server that hands out the workers of one dynamic supervisor.
 *
 * Each request for a worker has a ticket, a reference made by the caller, and the pool watches the
 * caller from the moment it sees the request. A caller that gives up sends the ticket back, after
 * its request as all signals between two processes; whether it still waits then, or has been given
 * a worker that it will never hear of, the pool finds that ticket and undoes it. A caller that is
 * gone is found by its monitor in the same way. So a worker is free, or somebody alive has it.
 *
 * Pools are small: workers and waiting processes are found by walking.
 */
#include "troupe/kit/pool.h"
#include "kit/again.h"
#include "troupe.h"

/* clang-format off */
tr_atoms(ok, error, bad_option, name, worker, size, max_overflow, strategy, checkout, checkin,
         cancel, status, full, DOWN, EXIT, process, shutdown, retry, terminate_child);
/* clang-format on */

#define DEFAULT_SIZE   5
#define MAX_WORKERS    1000000
#define FIRST_PAUSE_MS 100
#define MAX_PAUSE_MS   10000
#define SHORT_LIFE_MS  1000

/* A worker. */
struct slot {
    tr_pid pid; /* w is 0: none */
    tr_ref watch;
    uint64_t turn; /* when it was put back: larger is later */
    int64_t since_ms;

    /* Who has it; w is 0: nobody. */
    tr_pid owner;
    tr_ref owner_watch;
    tr_ref ticket;
};

/* A process that waits for a worker. */
struct waiter {
    struct waiter *next;
    tr_term from; /* kept */
    tr_pid pid;
    tr_ref watch;
    tr_ref ticket;
};

struct pool {
    int size, max; /* workers that stay, and at most */
    bool lazy;
    enum tr_pool_strategy strategy;
    tr_term spec; /* kept */
    tr_pid supervisor;
    struct slot *slots; /* `max` of them */
    int nworkers;
    struct waiter *first; /* in the order in which they came */
    uint64_t turn;
    bool pausing; /* workers fail; none is started until the message `retry` comes */
    int64_t pause_ms;
};

/* --- workers --- */

static struct slot *empty_slot(struct pool *p)
{
    for (int i = 0; i < p->max; i++)
        if (!p->slots[i].pid.w)
            return &p->slots[i];
    return NULL;
}

/* The free worker that is next by the strategy; NULL when there is none. */
static struct slot *free_slot(struct pool *p)
{
    struct slot *best = NULL;

    for (struct slot *s = p->slots; s < p->slots + p->max; s++) {
        if (!s->pid.w || s->owner.w)
            continue;
        if (!best || (p->strategy == TR_POOL_LIFO ? s->turn > best->turn : s->turn < best->turn))
            best = s;
    }
    return best;
}

/* Starts a worker; false, with the reason, when that fails. */
static bool start_worker(struct pool *p, tr_term *reason)
{
    tr_term result = tr_dynamic_supervisor_start_child_term(tr_build(p->supervisor), p->spec);
    tr_pid pid;

    *reason = result;
    if (!tr_match(result, a_ok, &pid) && !tr_match(result, a_ok, &pid, tr_any())) {
        (void)tr_match(result, a_error, reason);
        return false;
    }
    *empty_slot(p) = (struct slot){
        .pid = pid, .watch = tr_monitor(pid), .turn = ++p->turn, .since_ms = tr_monotonic_ms()
    };
    p->nworkers++;
    return true;
}

/* Ends a worker that is beyond the size; its end is not waited for. */
static void dismiss(struct pool *p, struct slot *s)
{
    tr_demonitor_flush(s->watch);
    tr_send_request(p->supervisor, a_terminate_child, s->pid);
    *s = (struct slot){ .turn = 0 };
    p->nworkers--;
}

static void put_back(struct pool *p, struct slot *s)
{
    tr_demonitor_flush(s->owner_watch);
    s->owner = (tr_pid){ 0 };
    s->turn = ++p->turn;
}

/* --- who waits --- */

static void add_waiter(struct pool *p, tr_term from, tr_pid pid, tr_ref ticket)
{
    struct waiter **end = &p->first, *w = tr_alloc(sizeof *w);

    *w = (struct waiter){
        .from = tr_keep(from), .pid = pid, .watch = tr_monitor(pid), .ticket = ticket
    };
    while (*end)
        end = &(*end)->next;
    *end = w;
}

/* Takes one out of the queue and forgets it. */
static void drop_waiter(struct waiter **at)
{
    struct waiter *w = *at;

    *at = w->next;
    tr_release(w->from);
    tr_free(w);
}

static void hand_over(struct pool *p, struct slot *s)
{
    struct waiter *w = p->first;

    s->owner = w->pid;
    s->owner_watch = w->watch;
    s->ticket = w->ticket;
    tr_reply(w->from, s->pid);
    drop_waiter(&p->first);
}

/* --- balance --- */

static bool wants_worker(const struct pool *p)
{
    if (p->pausing)
        return false;
    return p->first ? p->nworkers < p->max : !p->lazy && p->nworkers < p->size;
}

static void pause_starts(struct pool *p, tr_term reason)
{
    tr_log_warning("a worker of a pool fails: %s", tr_inspect(reason));
    p->pause_ms = p->pause_ms ? 2 * p->pause_ms : FIRST_PAUSE_MS;
    if (p->pause_ms > MAX_PAUSE_MS)
        p->pause_ms = MAX_PAUSE_MS;
    p->pausing = true;
    tr_send_after(p->pause_ms, tr_self(), a_retry);
}

/* After each change: gives free workers to those who wait, starts those that are missing, and ends
   those that are too many. */
static void balance(struct pool *p)
{
    struct slot *s;
    tr_term reason;

    for (;;) {
        s = free_slot(p);
        if (s && p->first)
            hand_over(p, s);
        else if (s && p->nworkers > p->size)
            dismiss(p, s);
        else if (!wants_worker(p))
            return;
        else if (!start_worker(p, &reason))
            pause_starts(p, reason);
    }
}

/* The caller has given up, or has ended: whatever it was given or waits for, by ticket or by
   monitor. */
static void forget_caller(struct pool *p, tr_ref ref)
{
    for (struct waiter **at = &p->first; *at; at = &(*at)->next)
        if ((*at)->ticket.w == ref.w || (*at)->watch.w == ref.w) {
            tr_demonitor_flush((*at)->watch);
            drop_waiter(at);
            return;
        }
    for (struct slot *s = p->slots; s < p->slots + p->max; s++)
        if (s->owner.w && (s->ticket.w == ref.w || s->owner_watch.w == ref.w)) {
            put_back(p, s);
            return;
        }
}

/* --- the server --- */

static tr_gen_result init(void *state, tr_term arg)
{
    struct pool *p = state;
    tr_term spec, reason;
    int strategy;

    if (!tr_match(arg, &p->size, &p->max, &p->lazy, &strategy, &spec))
        return tr_gen_unknown();
    p->strategy = (enum tr_pool_strategy)strategy;
    p->spec = tr_keep(spec);
    p->slots = tr_alloc((size_t)p->max * sizeof *p->slots);
    tr_trap_exit(true);
    reason = tr_dynamic_supervisor_start_link(NULL, NULL);
    if (!tr_match(reason, a_ok, &p->supervisor))
        return tr_gen_error(reason);
    while (!p->lazy && p->nworkers < p->size)
        if (!start_worker(p, &reason))
            return tr_gen_error(reason);
    return tr_gen_ok();
}

static tr_term status_term(const struct pool *p)
{
    int nbusy = 0, nwaiting = 0;

    for (int i = 0; i < p->max; i++)
        nbusy += p->slots[i].owner.w != 0;
    for (const struct waiter *w = p->first; w; w = w->next)
        nwaiting++;
    return tr_build(p->nworkers, p->nworkers - nbusy, nbusy,
                    p->nworkers > p->size ? p->nworkers - p->size : 0, nwaiting);
}

/* Who does not want to wait is queued like the others, for as long as this takes. */
static tr_gen_result check_out(struct pool *p, tr_term from, tr_ref ticket, bool wait)
{
    tr_pid pid;

    if (!tr_match(from, &pid, tr_any()))
        return tr_gen_unknown();
    add_waiter(p, from, pid, ticket);
    balance(p);
    for (struct waiter **at = &p->first; !wait && *at; at = &(*at)->next)
        if ((*at)->ticket.w == ticket.w) {
            tr_demonitor_flush((*at)->watch);
            drop_waiter(at);
            return tr_gen_reply(a_full);
        }
    return tr_gen_noreply();
}

static tr_gen_result handle_call(void *state, tr_term request, tr_term from)
{
    struct pool *p = state;
    tr_ref ticket;
    bool wait;

    if (tr_match(request, a_checkout, &ticket, &wait))
        return check_out(p, from, ticket, wait);
    if (tr_match(request, a_status))
        return tr_gen_reply(status_term(p));
    return tr_gen_unknown();
}

static void check_in(struct pool *p, tr_pid worker, tr_pid owner)
{
    for (struct slot *s = p->slots; s < p->slots + p->max; s++)
        if (s->pid.w == worker.w && s->owner.w == owner.w)
            put_back(p, s);
}

static tr_gen_result handle_cast(void *state, tr_term request)
{
    struct pool *p = state;
    tr_pid worker, owner;
    tr_ref ticket;

    if (tr_match(request, a_checkin, &worker, &owner))
        check_in(p, worker, owner);
    else if (tr_match(request, a_cancel, &ticket))
        forget_caller(p, ticket);
    else
        return tr_gen_unknown();
    balance(p);
    return tr_gen_noreply();
}

/* One that lived long has had other reasons to end than one that cannot live. */
static void judge_end(struct pool *p, const struct slot *s, tr_term reason)
{
    if (tr_monotonic_ms() - s->since_ms >= SHORT_LIFE_MS)
        p->pause_ms = 0;
    else if (!p->pausing)
        pause_starts(p, reason);
}

/* A worker has ended; false when it is none. */
static bool forget_worker(struct pool *p, tr_ref watch, tr_term reason)
{
    for (struct slot *s = p->slots; s < p->slots + p->max; s++)
        if (s->pid.w && s->watch.w == watch.w) {
            if (s->owner.w)
                tr_demonitor_flush(s->owner_watch);
            judge_end(p, s, reason);
            *s = (struct slot){ .turn = 0 };
            p->nworkers--;
            return true;
        }
    return false;
}

/* The answers to requests of dismiss come here too, and are dropped. */
static tr_gen_result handle_info(void *state, tr_term message)
{
    struct pool *p = state;
    tr_term reason;
    tr_ref ref;

    if (tr_match(message, a_EXIT, p->supervisor, &reason))
        return tr_gen_stop(reason);
    if (tr_match(message, a_DOWN, &ref, a_process, tr_any(), &reason)) {
        if (!forget_worker(p, ref, reason))
            forget_caller(p, ref);
    } else if (tr_match(message, a_retry)) {
        p->pausing = false;
    }
    balance(p);
    return tr_gen_noreply();
}

/* The workers end before the pool does. */
static void terminate(void *state, tr_term reason)
{
    struct pool *p = state;

    if (p->supervisor.w && tr_try_stop(p->supervisor, NULL, a_shutdown, TR_INFINITY))
        tr_log_debug("the supervisor of a pool was gone: %s", tr_inspect(reason));
}

static tr_term get_state(const void *state)
{
    return status_term(state);
}

static const struct tr_gen_server pool_server = {
    .name = "pool",
    .state_size = sizeof(struct pool),
    .init = init,
    .handle_call = handle_call,
    .handle_cast = handle_cast,
    .handle_info = handle_info,
    .terminate = terminate,
    .get_state = get_state,
};

/* --- the interface --- */

/* The option that is wrong; w is 0 when none is. */
static tr_atom bad_option(const struct tr_pool *pool, int size)
{
    const struct tr_child_spec *w = pool->worker;
    tr_atom name;

    if (pool->name && tr_try_intern(pool->name, strlen(pool->name), &name))
        return a_name;
    if (!w || w->name || w->id || w->id_term.w || w->restart)
        return a_worker;
    if (size < 0 || size > MAX_WORKERS)
        return a_size;
    if (pool->max_overflow < 0 || pool->max_overflow > MAX_WORKERS ||
        size + pool->max_overflow == 0)
        return a_max_overflow;
    if (pool->strategy != TR_POOL_LIFO && pool->strategy != TR_POOL_FIFO)
        return a_strategy;
    return (tr_atom){ 0 };
}

tr_term tr_pool_start_link(const struct tr_pool *pool)
{
    int size = !pool->size ? DEFAULT_SIZE : pool->size == TR_ZERO ? 0 : pool->size;
    tr_atom bad = bad_option(pool, size), name = { 0 };

    if (bad.w)
        return tr_build(a_error, tr_tuple(a_bad_option, bad));
    if (pool->name)
        name = tr_intern(pool->name);
    struct tr_child_spec worker = *pool->worker;
    worker.restart = TR_TEMPORARY;
    return tr_gen_server_start_link(&pool_server, TR_GEN_SERVER_OPTS(.name = name), size,
                                    size + pool->max_overflow, pool->lazy, (int)pool->strategy,
                                    tr_child_to_term(&worker));
}

tr_term tr_pool_child(tr_term arg)
{
    return tr_pool_start_link(tr_child_pointer(arg));
}

tr_err tr_pool_checkout_term(tr_term pool, int64_t timeout_ms, tr_pid *worker)
{
    tr_ref ticket = tr_make_ref();
    bool wait = timeout_ms != 0;
    tr_term reply;
    tr_err err =
        tr_try_call_within(wait ? timeout_ms : TR_INFINITY, pool, &reply, a_checkout, ticket, wait);

    if (err == TR_ETIMEOUT)
        tr_cast(pool, a_cancel, ticket);
    if (err)
        return err;
    return tr_match(reply, worker) ? TR_OK : TR_EBUSY;
}

void tr_pool_checkin_term(tr_term pool, tr_pid worker)
{
    tr_cast(pool, a_checkin, worker, tr_self());
}

/* What a transaction runs. */
struct work {
    tr_pool_fn fn;
    tr_pid worker;
    tr_term arg;
    tr_term result;
};

static void work(void *arg)
{
    struct work *w = arg;

    w->result = w->fn(w->worker, w->arg);
}

tr_err tr_pool_transaction_args(tr_term pool, int64_t timeout_ms, tr_term *result, tr_pool_fn fn,
                                const struct tr_arg *args, int n)
{
    struct work w = { .fn = fn, .arg = tr_build_args(args, n) };
    tr_term reason;
    tr_err err = tr_pool_checkout(pool, timeout_ms, &w.worker);

    if (err)
        return err;
    bool failed = tr_catch(work, &w, &reason);
    tr_pool_checkin(pool, w.worker);
    if (failed)
        tr__exit_again(reason);
    if (result)
        *result = w.result;
    return TR_OK;
}

struct tr_pool_status tr_pool_status_term(tr_term pool)
{
    struct tr_pool_status s = { .workers = 0 };

    tr_match(tr_call(pool, a_status), &s.workers, &s.free, &s.busy, &s.overflow, &s.waiting);
    return s;
}
