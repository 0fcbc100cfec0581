/* SPDX-License-Identifier: MIT */
#include "store.h"

#include "aof.h"
#include "entry.h"

#include <stdatomic.h>
#include <time.h>

tr_atoms(aof, expire, expires_earlier, kill, shutdown, cannot_load);

enum {
    EXPIRE_STEP = 200, /* keys that expire before others have their turn */
    YIELDS = 1000      /* looks at a store that is taken, before it is left alone for a ms */
};

struct store {
    tr_pid keeper;
    struct out log;
    uint64_t number; /* of the newest change */
    bool numbered;   /* who is in the store has changed something */
    bool logging;    /* there is a log, and it is not being read */
    bool exclusive;  /* store_version is odd */
    bool transaction;
    struct out_mark before; /* in the log, of the transaction */
    bool changed;           /* something, in the transaction */
    int logged_db;          /* that the log is in */
    int64_t expires_at;     /* when something expires next; 0: never */
};

/* The process that owns the tables. */
struct keeper {
    tr_ref timer; /* for what expires next */
    bool timing;
};

static struct store the_store;  /* of who is in it */
static _Atomic uint64_t inside; /* who that is; 0: nobody */
static _Atomic uint64_t store_version;

int64_t time_now(void)
{
    struct timespec now;

    clock_gettime(CLOCK_REALTIME, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/* --- who comes in --- */

/* In the place of nobody, or of one who has ended there. */
static bool try_enter(uint64_t self, uint64_t before)
{
    return atomic_compare_exchange_strong_explicit(&inside, &before, self, memory_order_acquire,
                                                   memory_order_relaxed);
}

void store_enter(void)
{
    uint64_t self = tr_self().w;

    for (int i = 1; !try_enter(self, 0); i++) {
        if (i % YIELDS) {
            tr_yield();
            continue;
        }
        /* Who is inside takes long, or has ended there. */
        if (!tr_is_alive(the_store.keeper))
            tr_exit(a_shutdown);
        tr_sleep(1);
    }
}

uint64_t store_leave(void)
{
    struct store *s = &the_store;
    uint64_t number = s->number;

    if (s->numbered)
        aof_append(number, out_to_term(&s->log));
    out_clear(&s->log);
    s->numbered = false;
    atomic_store_explicit(&inside, 0, memory_order_release);
    return number;
}

void store_abandon(void)
{
    if (atomic_load(&inside) == tr_self().w)
        tr_exit_to(the_store.keeper, a_kill);
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
    s->changed = true;
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

static void log_text(struct store *s, const char *text)
{
    reply_array(&s->log, 1);
    reply_bulk_text(&s->log, text);
}

static tr_term number_term(int64_t number)
{
    char text[NUMBER_MAX];

    return tr_binary(text, number_format(text, number));
}

/* What follows is a change of the data in the database of the command. */
static void log_begin(struct store *s, const struct call *c)
{
    take_number(s);
    if (s->logged_db == c->db)
        return;
    log_terms(s, 2, (tr_term[]){ tr_build("SELECT"), number_term(c->db) });
    s->logged_db = c->db;
}

void store_log(struct call *c, int n, const tr_term *terms)
{
    struct store *s = c->store;

    if (!s->logging)
        return;
    log_begin(s, c);
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

    if (s->expires_at && s->expires_at <= expire)
        return;
    s->expires_at = expire;
    tr_send(s->keeper, a_expires_earlier);
}

/* --- running commands --- */

/* The command as it came. */
static void log_command(struct store *s, struct call *c)
{
    if (!s->logging)
        return;
    log_begin(s, c);
    reply_array(&s->log, (size_t)c->n);
    reply_bulk_text(&s->log, c->command->name);
    for (int i = 1; i < c->n; i++)
        if (c->terms)
            reply_bulk_term(&s->log, c->terms[i]);
        else
            reply_bulk(&s->log, c->args[i]);
}

void store_run(struct call *c)
{
    struct store *s = c->store = &the_store;

    c->changed = c->logged = false;
    c->command->run(c);
    if (c->changed && !c->logged)
        log_command(s, c);
    store_exclusive_end(c);
}

/* All or nothing, also in the log. */
void store_begin(struct call *c)
{
    struct store *s = c->store = &the_store;

    store_exclusive(c);
    s->transaction = true;
    s->before = out_mark(&s->log);
    s->changed = false;
    if (s->logging)
        log_text(s, "MULTI");
}

void store_commit(struct call *c)
{
    struct store *s = c->store;

    if (!s->changed)
        out_rewind(&s->log, s->before);
    else if (s->logging)
        log_text(s, "EXEC");
    s->transaction = false;
    store_exclusive_end(c);
}

/* --- the keeper --- */

static struct call call_of(struct store *s)
{
    return (struct call){ .proto = 2, .now = time_now(), .store = s };
}

/* A timer for what expires next. Times that no timer takes are looked at again when it comes. */
static void set_timer(struct keeper *k, int64_t expires_at)
{
    int64_t ms = expires_at - time_now();

    if (k->timing)
        tr_cancel_timer(k->timer, NULL);
    k->timing = expires_at != 0;
    ms = ms < 0 ? 0 : ms > INT32_MAX ? INT32_MAX : ms;
    if (k->timing)
        k->timer = tr_send_after(ms, tr_self(), a_expire);
}

/* What has expired is deleted, a part at a time. */
static tr_gen_result store_info(void *state, tr_term message)
{
    bool expired = tr_match(message, a_expire);

    if (!expired && !tr_match(message, a_expires_earlier))
        return tr_gen_unknown();
    store_enter();
    struct call c = call_of(&the_store);
    if (expired)
        the_store.expires_at = entries_expire(&c, EXPIRE_STEP);
    int64_t expires_at = the_store.expires_at;
    store_leave();
    set_timer(state, expires_at);
    return tr_gen_noreply();
}

/* --- the start --- */

struct loading {
    struct call call;
    struct out answer;
    int64_t n;
};

/* One request of the log. What it says was accepted once, so its answer is of no interest. */
static bool load_request(const struct request *r, void *arg)
{
    struct loading *l = arg;
    struct call *c = &l->call;
    int64_t db;

    if (text_is(r->args[0], "select")) {
        if (r->n != 2 || !number_parse(r->args[1], &db) || db < 0 || db >= DATABASES)
            return false;
        c->db = (int)db;
        return true;
    }
    c->command = command_find(r->args[0]);
    c->n = r->n;
    c->args = r->args;
    if (!command_accepts(c->command, r->n) || !(c->command->flags & COMMAND_WRITE))
        return false;
    store_run(c);
    out_clear(&l->answer);
    l->n++;
    return true;
}

/* A connection may outlive the service that it belonged to, until it looks at its messages; if it
   is inside, it finds no tables any more, and ends. What it leaves behind may be anything, but for
   the buffer of the log. */
static void take_over(struct store *s)
{
    uint64_t self = tr_self().w, other;

    while (!try_enter(self, 0)) {
        other = atomic_load(&inside);
        if (!tr_is_alive((tr_pid){ other }) && try_enter(self, other))
            break;
        tr_sleep(1);
    }
    out_inherit(&s->log);
    *s = (struct store){ .keeper = tr_self(), .logged_db = -1 };
}

static tr_gen_result store_init(void *state, tr_term arg)
{
    struct store *s = &the_store;
    struct loading l = { .call = call_of(s) };
    tr_pid log;

    (void)state;
    (void)arg;
    take_over(s);
    atomic_store(&store_version, 0);
    entries_init();
    if (config.appendonly) {
        /* Those who wait for an answer from there are told at once when it fails. */
        if (tr_whereis(a_aof, &log))
            tr_link(log);
        l.call.now = 0;
        l.call.out = &l.answer;
        tr_err err = aof_load(load_request, &l);
        out_free(&l.answer);
        if (err != TR_OK)
            return tr_gen_stop(a_cannot_load);
        tr_log_notice("read %ld changes from the log", (long)l.n);
    }
    s->logging = config.appendonly;
    store_leave();
    return tr_gen_ok();
}

const struct tr_gen_server store = { .name = "store",
                                     .state_size = sizeof(struct keeper),
                                     .init = store_init,
                                     .handle_info = store_info };
