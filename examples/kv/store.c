/* SPDX-License-Identifier: MIT */
#include "store.h"

#include "aof.h"
#include "entry.h"

#include <stdatomic.h>
#include <time.h>

tr_atoms(aof, expire, expires_earlier, enter, left, kill, shutdown, cannot_load);

enum {
    EXPIRE_STEP = 200, /* keys that expire before others have their turn */
    YIELDS = 1000      /* looks at a store that is taken, before the keeper is asked to tell */
};

struct store {
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

struct waiter {
    struct waiter *next;
    tr_term from; /* kept */
};

/* The process that owns the tables. */
struct keeper {
    tr_ref timer; /* for what expires next */
    bool timing;
    bool expired, looks;    /* something has expired; the keeper wants to come in */
    struct waiter *waiting; /* for room in the store */
};

static struct store the_store;  /* of who is in it */
static _Atomic uint64_t inside; /* who that is; 0: nobody */
static _Atomic uint64_t keeper; /* of the store that whoever comes now comes into */
static _Atomic bool wanted;     /* who leaves it tells the keeper */
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

static tr_pid keeper_pid(void)
{
    return (tr_pid){ atomic_load(&keeper) };
}

void store_enter(void)
{
    uint64_t self = tr_self().w;
    tr_term answer;

    for (int i = 1; !try_enter(self, 0); i++) {
        if (i % YIELDS)
            tr_yield();
        /* Who is inside takes long, or has ended there, and then the keeper does, too. */
        else if (tr_try_call_within(TR_INFINITY, keeper_pid(), &answer, a_enter))
            tr_exit(a_shutdown);
    }
}

uint64_t store_leave(void)
{
    struct store *s = &the_store;
    uint64_t number = s->number;
    tr_pid mine = keeper_pid();

    if (s->numbered)
        aof_append(number, out_to_term(&s->log));
    out_clear(&s->log);
    s->numbered = false;
    /* In this order (seq_cst): the keeper sets the one, then looks at the other. */
    atomic_store(&inside, 0);
    if (atomic_load(&wanted))
        tr_send(mine, a_left);
    return number;
}

void store_abandon(void)
{
    if (atomic_load(&inside) == tr_self().w)
        tr_exit_to(keeper_pid(), a_kill);
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
    tr_send(keeper_pid(), a_expires_earlier);
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

/* Has the next who leaves tell the keeper; true when nobody is inside already. */
static bool has_room(void)
{
    atomic_store(&wanted, true);
    return !atomic_load(&inside);
}

/* All of them may try again: one who has ended meanwhile would not make way for others. */
static void let_in(struct keeper *k)
{
    struct waiter *w;

    atomic_store(&wanted, false);
    while ((w = k->waiting)) {
        k->waiting = w->next;
        tr_reply(w->from, a_enter);
        tr_release(w->from);
        tr_free(w);
    }
}

/* What has expired is deleted, a part at a time. The keeper cannot wait for itself to tell it of
   room: it comes back when it is told. */
static void look_at_times(struct keeper *k)
{
    while (!try_enter(tr_self().w, 0))
        if (!has_room())
            return;
    struct call c = call_of(&the_store);
    if (k->expired)
        the_store.expires_at = entries_expire(&c, EXPIRE_STEP);
    int64_t expires_at = the_store.expires_at;
    k->expired = k->looks = false;
    store_leave();
    set_timer(k, expires_at);
}

static void room_for_all(struct keeper *k)
{
    let_in(k);
    if (k->looks)
        look_at_times(k);
}

/* Somebody wants to come in. The answer comes when there may be room. */
static tr_gen_result store_call(void *state, tr_term request, tr_term from)
{
    struct keeper *k = state;

    if (!tr_match(request, a_enter))
        return tr_gen_unknown();
    struct waiter *w = tr_alloc(sizeof *w);
    *w = (struct waiter){ k->waiting, tr_keep(from) };
    k->waiting = w;
    if (has_room())
        room_for_all(k);
    return tr_gen_noreply();
}

static tr_gen_result store_info(void *state, tr_term message)
{
    struct keeper *k = state;
    bool expired = tr_match(message, a_expire);

    if (tr_match(message, a_left)) {
        room_for_all(k);
        return tr_gen_noreply();
    }
    if (!expired && !tr_match(message, a_expires_earlier))
        return tr_gen_unknown();
    k->looks = true;
    k->expired |= expired;
    look_at_times(k);
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
    *s = (struct store){ .logged_db = -1 };
    atomic_store(&keeper, self);
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
                                     .handle_call = store_call,
                                     .handle_info = store_info };
