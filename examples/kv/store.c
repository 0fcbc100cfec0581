/* SPDX-License-Identifier: MIT */
#include "store.h"

#include "aof.h"
#include "entry.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <time.h>

tr_atoms(store, aof, run, expire, shutdown, cannot_load, out_of_memory);

enum { EXPIRE_STEP = 200 }; /* keys that expire before others have their turn */

struct store {
    struct out answer, log;
    tr_bin *args; /* of the command that runs */
    tr_term *terms;
    size_t capacity;
    uint64_t number; /* of the newest change */
    bool numbered;   /* the request that is handled has changed something */
    bool logging;    /* there is a log, and it is not being read */
    bool exclusive;  /* store_version is odd */
    bool transaction;
    int logged_db;    /* that the log is in */
    tr_ref timer;     /* for what expires next */
    int64_t timer_at; /* 0: none */
};

static _Atomic uint64_t store_version;

int64_t time_now(void)
{
    struct timespec now;

    clock_gettime(CLOCK_REALTIME, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/* --- who calls it --- */

void store_run(struct out *out, int proto, int db, bool transaction, tr_term list)
{
    tr_term answer;

    if (tr_try_call_within(TR_INFINITY, a_store, &answer, a_run, proto, db, transaction, list))
        tr_exit(a_shutdown);
    out_add_term(out, answer);
}

bool store_read(struct call *c)
{
    uint64_t version = atomic_load(&store_version);
    struct out_mark mark = out_mark(c->out);

    if (version % 2)
        return false;
    c->command->run(c);
    /* The tables are read by acquiring loads, so this load comes after them. */
    if (atomic_load(&store_version) == version)
        return true;
    out_rewind(c->out, mark);
    return false;
}

/* --- for commands that change something --- */

/* Who sees the change sees its number, and can wait until it is written. */
static void take_number(struct store *s)
{
    if (s->numbered || !s->logging)
        return;
    s->numbered = true;
    atomic_store(&aof_logged, ++s->number);
}

void store_change(struct call *c)
{
    c->changed = true;
    take_number(c->store);
}

void store_exclusive(struct call *c)
{
    if (c->store->exclusive)
        return;
    c->store->exclusive = true;
    atomic_fetch_add(&store_version, 1);
}

void store_exclusive_end(struct call *c)
{
    if (!c->store->exclusive || c->store->transaction)
        return;
    c->store->exclusive = false;
    atomic_fetch_add(&store_version, 1);
}

static void log_terms(struct store *s, int n, const tr_term *terms)
{
    reply_array(&s->log, (size_t)n);
    for (int i = 0; i < n; i++)
        reply_bulk_term(&s->log, terms[i]);
}

static tr_term number_term(int64_t number)
{
    char text[NUMBER_MAX];

    return tr_binary(text, number_format(text, number));
}

void store_log(struct call *c, int n, const tr_term *terms)
{
    struct store *s = c->store;

    if (!s->logging)
        return;
    take_number(s);
    if (s->logged_db != c->db) {
        log_terms(s, 2, (tr_term[]){ tr_build("SELECT"), number_term(c->db) });
        s->logged_db = c->db;
    }
    log_terms(s, n, terms);
}

void call_log(struct call *c, int n, const tr_term *terms)
{
    c->logged = true;
    store_log(c, n, terms);
}

void store_expire_at(struct call *c, int64_t expire)
{
    struct store *s = c->store;

    if (s->timer_at && s->timer_at <= expire)
        return;
    if (s->timer_at)
        tr_cancel_timer(s->timer, NULL);
    int64_t ms = expire - time_now();
    /* Times that no timer takes are looked at again when it comes. */
    ms = ms < 0 ? 0 : ms > INT32_MAX ? INT32_MAX : ms;
    s->timer = tr_send_after(ms, tr_self(), a_expire);
    s->timer_at = expire;
}

/* --- running commands --- */

static void reserve_args(struct store *s, size_t n)
{
    if (n <= s->capacity)
        return;
    free(s->args);
    free(s->terms);
    s->args = malloc(n * sizeof *s->args);
    s->terms = malloc(n * sizeof *s->terms);
    s->capacity = n;
    if (!s->args || !s->terms)
        tr_exit(a_out_of_memory);
}

/* The command as it came. */
static void log_command(struct store *s, struct call *c)
{
    if (!s->logging)
        return;
    s->terms[0] = tr_build(c->command->name);
    store_log(c, c->n, s->terms);
}

/* Runs c->command with the arguments that are in s->terms from 1 on. */
static void run(struct store *s, struct call *c)
{
    for (int i = 1; i < c->n; i++)
        tr_binary_get(s->terms[i], &s->args[i]);
    c->args = s->args;
    c->terms = s->terms;
    c->changed = c->logged = false;
    c->command->run(c);
    if (c->changed && !c->logged)
        log_command(s, c);
    store_exclusive_end(c);
}

/* One command of a request: {Index, Arguments...}. */
static void run_tuple(struct store *s, struct call *c, tr_term command)
{
    int64_t index = 0;

    c->n = (int)tr_tuple_size(command);
    reserve_args(s, (size_t)c->n);
    tr_match(tr_element(command, 0), &index);
    for (int i = 1; i < c->n; i++)
        s->terms[i] = tr_element(command, (size_t)i);
    c->command = &commands[index];
    run(s, c);
}

static void run_list(struct store *s, struct call *c, tr_term list)
{
    tr_term command;

    while (tr_list_next(&list, &command))
        run_tuple(s, c, command);
}

/* All or nothing, also in the log. */
static void run_transaction(struct store *s, struct call *c, tr_term list)
{
    size_t n = 0;

    tr_list_length(list, &n);
    reply_array(c->out, n);
    store_exclusive(c);
    s->transaction = true;
    if (s->logging)
        log_terms(s, 1, (tr_term[]){ tr_build("MULTI") });
    run_list(s, c, list);
    if (s->logging && s->numbered)
        log_terms(s, 1, (tr_term[]){ tr_build("EXEC") });
    else
        out_clear(&s->log);
    s->transaction = false;
    store_exclusive_end(c);
}

/* --- the server --- */

/* The answer goes by way of the log, unless there is nothing that it would have to wait for. */
static tr_gen_result answer(struct store *s, tr_term from)
{
    tr_term bytes = out_to_term(&s->answer);
    bool written = !s->logging || (!s->numbered && atomic_load(&aof_durable) == s->number);
    tr_term record = out_to_term(&s->log);

    out_clear(&s->answer);
    out_clear(&s->log);
    s->numbered = false;
    if (written)
        return tr_gen_reply(bytes);
    aof_append(s->number, from, bytes, record);
    return tr_gen_noreply();
}

static struct call call_of(struct store *s)
{
    return (struct call){ .out = &s->answer, .proto = 2, .now = time_now(), .store = s };
}

static tr_gen_result store_call(void *state, tr_term request, tr_term from)
{
    struct store *s = state;
    struct call c = call_of(s);
    bool transaction;
    tr_term list;

    if (!tr_match(request, a_run, &c.proto, &c.db, &transaction, &list))
        return tr_gen_unknown();
    if (transaction)
        run_transaction(s, &c, list);
    else
        run_list(s, &c, list);
    return answer(s, from);
}

/* The timer: what has expired is deleted, a part at a time. */
static tr_gen_result store_info(void *state, tr_term message)
{
    struct store *s = state;
    struct call c = call_of(s);

    if (!tr_match(message, a_expire))
        return tr_gen_unknown();
    s->timer_at = 0;
    int64_t next = entries_expire(&c, EXPIRE_STEP);
    if (next)
        store_expire_at(&c, next);
    if (s->numbered)
        answer(s, tr_nil());
    return tr_gen_noreply();
}

/* --- the start --- */

struct loading {
    struct call call;
    int64_t n;
};

/* One request of the log. What it says was accepted once, so its answer is of no interest. */
static bool load_request(const struct request *r, void *arg)
{
    struct loading *l = arg;
    struct call *c = &l->call;
    struct store *s = c->store;
    int64_t db;

    out_clear(&s->answer);
    if (text_is(r->args[0], "select")) {
        if (r->n != 2 || !number_parse(r->args[1], &db) || db < 0 || db >= DATABASES)
            return false;
        c->db = (int)db;
        return true;
    }
    c->command = command_find(r->args[0]);
    c->n = r->n;
    if (!command_accepts(c->command, r->n) || !(c->command->flags & COMMAND_WRITE))
        return false;
    reserve_args(s, (size_t)c->n);
    for (int i = 1; i < c->n; i++)
        s->terms[i] = tr_binary(r->args[i].data, r->args[i].size);
    run(s, c);
    l->n++;
    return true;
}

static void store_free(void *arg)
{
    struct store *s = arg;

    out_free(&s->answer);
    out_free(&s->log);
    free(s->args);
    free(s->terms);
}

static tr_gen_result store_init(void *state, tr_term arg)
{
    struct store *s = state;
    struct loading l = { .call = call_of(s) };
    tr_pid log;

    (void)arg;
    l.call.now = 0;
    s->logged_db = -1;
    tr_defer(store_free, s);
    atomic_store(&store_version, 0);
    entries_init();
    if (config.appendonly) {
        /* Those who wait for an answer from there are told at once when it fails. */
        if (tr_whereis(a_aof, &log))
            tr_link(log);
        if (aof_load(load_request, &l) != TR_OK)
            return tr_gen_stop(a_cannot_load);
        tr_log_notice("read %ld changes from the log", (long)l.n);
    }
    out_clear(&s->answer);
    s->logging = config.appendonly;
    return tr_gen_ok();
}

const struct tr_gen_server store = { .name = "store",
                                     .state_size = sizeof(struct store),
                                     .init = store_init,
                                     .handle_call = store_call,
                                     .handle_info = store_info };
