/* SPDX-License-Identifier: MIT */
/* Keys of any kind: DEL EXISTS EXPIRE PEXPIRE EXPIREAT PEXPIREAT TTL PTTL PERSIST TYPE KEYS SCAN
   DBSIZE FLUSHDB FLUSHALL. */
#include "entry.h"
#include "store.h"

#include <stdatomic.h>
#include <string.h>

enum { CURSORS_MAX = 10000, SCAN_COUNT = 10, SCAN_COUNT_MAX = 10000 };

static const char *const kind_names[] = { "string", "hash", "list", "set" };

void del_command(struct call *c)
{
    struct entry e;
    int64_t n = 0;

    if (c->n > 2)
        store_exclusive(c);
    for (int i = 1; i < c->n; i++)
        if (entry_find(c, i, &e)) {
            entry_delete(c, i, &e);
            n++;
        }
    reply_integer(c->out, n);
}

void exists_command(struct call *c)
{
    struct entry e;
    int64_t n = 0;

    for (int i = 1; i < c->n; i++)
        n += entry_find(c, i, &e);
    reply_integer(c->out, n);
}

void type_command(struct call *c)
{
    struct entry e;

    reply_simple(c->out, entry_find(c, 1, &e) ? kind_names[e.kind] : "none");
}

/* --- expiry --- */

/* The date that an EXPIRE, PEXPIRE, EXPIREAT or PEXPIREAT names; false after an error. */
static bool read_date(struct call *c, int64_t *date)
{
    const char *name = c->command->name;
    bool seconds = name[0] == 'e', relative = name[strlen(name) - 1] == 'e';

    if (!call_number(c, 2, date))
        return false;
    if ((seconds && __builtin_mul_overflow(*date, 1000, date)) ||
        (relative && __builtin_add_overflow(*date, c->now, date))) {
        reply_error(c->out, "ERR invalid expire time in '%s' command", name);
        return false;
    }
    return true;
}

struct expire_options {
    bool nx, xx, gt, lt;
};

static bool read_expire_options(struct call *c, struct expire_options *o)
{
    for (int i = 3; i < c->n; i++) {
        bool *option = call_is(c, i, "nx")   ? &o->nx
                       : call_is(c, i, "xx") ? &o->xx
                       : call_is(c, i, "gt") ? &o->gt
                       : call_is(c, i, "lt") ? &o->lt
                                             : NULL;
        if (!option) {
            reply_error(c->out, "ERR Unsupported option %.*s",
                        (int)(c->args[i].size < 64 ? c->args[i].size : 64),
                        (const char *)c->args[i].data);
            return false;
        }
        *option = true;
    }
    if (o->nx && (o->xx || o->gt || o->lt)) {
        reply_error(c->out, "ERR NX and XX, GT or LT options at the same time are not compatible");
        return false;
    }
    if (o->gt && o->lt) {
        reply_error(c->out, "ERR GT and LT options at the same time are not compatible");
        return false;
    }
    return true;
}

/* Never is later than any date. */
static bool may_expire(const struct expire_options *o, int64_t before, int64_t date)
{
    if ((o->nx && before) || (o->xx && !before))
        return false;
    if (o->gt)
        return before && date > before;
    return !o->lt || !before || date < before;
}

void expire_command(struct call *c)
{
    struct expire_options o = { 0 };
    struct entry before;
    int64_t date;
    char text[NUMBER_MAX];

    if (!read_expire_options(c, &o) || !read_date(c, &date))
        return;
    if (!entry_find(c, 1, &before) || !may_expire(&o, before.expire, date)) {
        reply_integer(c->out, 0);
        return;
    }
    if (date <= c->now) {
        entry_delete(c, 1, &before);
        call_log(c, 2, (tr_term[]){ tr_build("DEL"), call_term(c, 1) });
    } else {
        struct entry e = before;
        e.expire = date;
        entry_put(c, 1, &before, &e);
        call_log(c, 3,
                 (tr_term[]){ tr_build("PEXPIREAT"), call_term(c, 1),
                              tr_binary(text, number_format(text, date)) });
    }
    reply_integer(c->out, 1);
}

void persist_command(struct call *c)
{
    struct entry before;
    bool done = entry_find(c, 1, &before) && before.expire;

    if (done) {
        struct entry e = before;
        e.expire = 0;
        entry_put(c, 1, &before, &e);
    }
    reply_integer(c->out, done);
}

/* TTL in seconds, rounded; PTTL in ms. */
void ttl_command(struct call *c)
{
    struct entry e;

    if (!entry_find(c, 1, &e))
        reply_integer(c->out, -2);
    else if (!e.expire)
        reply_integer(c->out, -1);
    else if (c->command->name[0] == 'p')
        reply_integer(c->out, e.expire - c->now);
    else
        reply_integer(c->out, (e.expire - c->now + 500) / 1000);
}

/* --- walks --- */

struct walk {
    struct call *call;
    tr_bin pattern;
    size_t n;
};

static bool add_key(tr_term row, void *arg)
{
    struct walk *w = arg;
    tr_term key = tr_element(row, 0);
    tr_bin bytes = { 0 };
    int64_t expire = 0;

    tr_binary_get(key, &bytes);
    tr_to_int64(tr_element(row, 1), &expire);
    if ((!expire || expire > w->call->now) && glob_match(w->pattern, bytes)) {
        reply_bulk(w->call->out, bytes);
        w->n++;
    }
    return true;
}

void keys_command(struct call *c)
{
    struct walk w = { c, c->args[1], 0 };
    struct out_mark mark = out_mark(c->out);

    tr_ets_foldl(databases[c->db].keys, add_key, &w);
    reply_array_at(c->out, mark, w.n);
}

struct scan {
    tr_bin pattern;
    const char *kind; /* NULL: any */
    int64_t count;
};

static bool read_scan(struct call *c, struct scan *s)
{
    for (int i = 2; i < c->n; i += 2) {
        if (i + 1 == c->n)
            return call_syntax_error(c), false;
        if (call_is(c, i, "match")) {
            s->pattern = c->args[i + 1];
        } else if (call_is(c, i, "count")) {
            if (!call_number(c, i + 1, &s->count))
                return false;
            if (s->count < 1)
                return call_syntax_error(c), false;
        } else if (call_is(c, i, "type")) {
            s->kind = "";
            for (int k = KIND_STRING; k <= KIND_SET; k++)
                if (call_is(c, i + 1, kind_names[k]))
                    s->kind = kind_names[k];
        } else {
            return call_syntax_error(c), false;
        }
    }
    if (s->count > SCAN_COUNT_MAX)
        s->count = SCAN_COUNT_MAX;
    return true;
}

/* A cursor is a number; which key the walk has come to is in a table, for the last so many. */
static int64_t cursor_new(tr_term key)
{
    static _Atomic int64_t last;
    int64_t cursor = atomic_fetch_add(&last, 1) + 1;

    tr_ets_insert(cursors, cursor, key);
    tr_ets_delete(cursors, cursor - CURSORS_MAX);
    return cursor;
}

static void reply_scan(struct call *c, int64_t cursor, struct out_mark mark, size_t n)
{
    char text[NUMBER_MAX], head[3 * NUMBER_MAX];
    size_t size = number_format(text, cursor);
    int head_size = snprintf(head, sizeof head, "*2\r\n$%zu\r\n%.*s\r\n", size, (int)size, text);

    reply_array_at(c->out, mark, n);
    out_insert(c->out, mark, head, (size_t)head_size);
}

void scan_command(struct call *c)
{
    struct scan s = { .pattern = { "*", 1 }, .count = SCAN_COUNT };
    struct out_mark mark = out_mark(c->out);
    tr_term table = databases[c->db].keys, row, key;
    struct entry e;
    int64_t cursor = 0;
    size_t n = 0;

    if (!number_parse(c->args[1], &cursor) || cursor < 0 ||
        (cursor && !tr_ets_get(cursors, &row, cursor))) {
        reply_error(c->out, "ERR invalid cursor");
        return;
    }
    if (!read_scan(c, &s))
        return;
    struct call one = *c; /* to look at each key as a command would */
    one.store = NULL;
    one.args = NULL;
    if (!cursor)
        key = tr_ets_first(table);
    else if (tr_match(row, tr_any(), &key))
        key = tr_ets_next(table, key);
    for (int64_t i = 0; i < s.count && tr_is_binary(key); i++) {
        one.terms = &key;
        tr_bin bytes = { 0 };
        tr_binary_get(key, &bytes);
        if (glob_match(s.pattern, bytes) && entry_find(&one, 0, &e) &&
            (!s.kind || kind_names[e.kind] == s.kind)) {
            reply_bulk(c->out, bytes);
            n++;
        }
        row = key;
        key = tr_ets_next(table, key);
    }
    reply_scan(c, tr_is_binary(key) ? cursor_new(row) : 0, mark, n);
}

/* --- whole databases --- */

void dbsize_command(struct call *c)
{
    int64_t n = 0;

    tr_to_int64(tr_ets_info_of(databases[c->db].keys, tr_intern("size")), &n);
    reply_integer(c->out, n);
}

/* Dates of keys that are gone stay in `expires` until they come, and then find nothing. */
static void flush(int db)
{
    tr_ets_delete_all_objects(databases[db].keys);
    tr_ets_delete_all_objects(databases[db].fields);
}

/* The only option says whether to wait until memory is free, which makes no difference here. */
static bool flush_begin(struct call *c)
{
    if (c->n > 2 || (c->n == 2 && !call_is(c, 1, "sync") && !call_is(c, 1, "async"))) {
        call_syntax_error(c);
        return false;
    }
    store_exclusive(c);
    store_change(c);
    reply_simple(c->out, "OK");
    return true;
}

void flushdb_command(struct call *c)
{
    if (flush_begin(c))
        flush(c->db);
}

void flushall_command(struct call *c)
{
    if (!flush_begin(c))
        return;
    for (int i = 0; i < DATABASES; i++)
        flush(i);
    tr_ets_delete_all_objects(expires);
}
