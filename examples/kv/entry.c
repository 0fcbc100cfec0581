/* SPDX-License-Identifier: MIT */
#include "entry.h"

#include "store.h"

tr_atoms(keys, fields);
tr_atom_as(a_anything, "_");

enum { STEP = 256 }; /* elements that are visited before what they needed is freed */

struct database databases[DATABASES];
tr_term expires, cursors;

void entries_init(void)
{
    const struct tr_ets_opts set = { .access = TR_ETS_PUBLIC };
    const struct tr_ets_opts ordered = { .type = TR_ETS_ORDERED_SET, .access = TR_ETS_PUBLIC };

    for (int i = 0; i < DATABASES; i++) {
        databases[i].keys = tr_ets_new(a_keys, &set);
        databases[i].fields = tr_ets_new(a_fields, &ordered);
    }
    expires = tr_ets_new(tr_intern("expires"), &ordered);
    cursors = tr_ets_new(tr_intern("cursors"), &ordered);
}

static tr_term keys_of(const struct call *c)
{
    return databases[c->db].keys;
}

static tr_term fields_of(const struct call *c)
{
    return databases[c->db].fields;
}

static void entry_read(tr_term row, struct entry *e)
{
    *e = (struct entry){ .kind = KIND_STRING };
    if (!tr_match(row, tr_any(), &e->expire, &e->value)) {
        int kind = 0;
        tr_match(row, tr_any(), &e->expire, &kind, &e->id, &e->count, &e->first);
        e->kind = (enum kind)kind;
    }
}

/* Takes away what belongs to an entry beside its row. */
static void forget(struct call *c, struct tr_arg key, const struct entry *e, bool expire_too)
{
    if (e->kind != KIND_STRING)
        tr_ets_match_delete(fields_of(c), tr_tuple(tr_tuple(e->id, a_anything), a_anything));
    if (e->expire && expire_too)
        tr_ets_delete(expires, tr_tuple(e->expire, c->db, key));
}

static void delete_key(struct call *c, tr_term key, const struct entry *e)
{
    if (e->kind != KIND_STRING)
        store_exclusive(c);
    tr_ets_delete(keys_of(c), key);
    forget(c, TR_ARG(key), e, true);
}

/* Deletes what has expired, which the log is told before anything that follows from it. */
static void expire_key(struct call *c, tr_term key, const struct entry *e)
{
    store_log(c, 2, (tr_term[]){ tr_build("DEL"), key });
    delete_key(c, key, e);
}

bool entry_find(struct call *c, int i, struct entry *e)
{
    tr_term row;

    if (!tr_ets_get(keys_of(c), &row, call_arg(c, i)))
        return false;
    entry_read(row, e);
    if (!e->expire || e->expire > c->now)
        return true;
    if (c->store)
        expire_key(c, call_term(c, i), e);
    return false;
}

enum found entry_find_kind(struct call *c, int i, enum kind kind, struct entry *e)
{
    if (!entry_find(c, i, e))
        return ABSENT;
    if (e->kind == kind)
        return FOUND;
    reply_error(c->out, "WRONGTYPE Operation against a key holding the wrong kind of value");
    return WRONG_KIND;
}

struct entry entry_new(enum kind kind)
{
    static int64_t last_id;

    return (struct entry){ .kind = kind, .id = ++last_id };
}

/* The value is that of a string. */
static void put(struct call *c, int i, const struct entry *before, const struct entry *e,
                struct tr_arg value)
{
    struct tr_arg key = call_arg(c, i);
    bool other_time = !before || before->expire != e->expire;

    store_change(c);
    if (before && before->kind != KIND_STRING && before->id != e->id)
        store_exclusive(c);
    if (e->kind == KIND_STRING)
        tr_ets_insert(keys_of(c), key, e->expire, value);
    else
        tr_ets_insert(keys_of(c), key, e->expire, (int)e->kind, e->id, e->count, e->first);
    if (before && before->id != e->id)
        forget(c, key, before, false);
    if (before && before->expire && other_time)
        tr_ets_delete(expires, tr_tuple(before->expire, c->db, key));
    if (e->expire && other_time) {
        tr_ets_insert(expires, tr_tuple(tr_tuple(e->expire, c->db, key)));
        store_expire_at(c, e->expire);
    }
}

void entry_put(struct call *c, int i, const struct entry *before, const struct entry *e)
{
    put(c, i, before, e, TR_ARG(e->value));
}

void entry_put_string(struct call *c, int i, const struct entry *before, int64_t expire,
                      struct tr_arg value)
{
    struct entry e = { .kind = KIND_STRING, .expire = expire };

    put(c, i, before, &e, value);
}

void entry_delete(struct call *c, int i, const struct entry *e)
{
    store_change(c);
    delete_key(c, call_term(c, i), e);
}

/* An entry of `expires` whose time has come. The key may have gone with its whole database. */
static void expire_due(struct call *c, tr_term due)
{
    tr_term key, row;
    struct entry e;
    int64_t at;

    tr_ets_delete(expires, due);
    if (tr_match(due, &at, &c->db, &key) && tr_ets_get(keys_of(c), &row, key)) {
        entry_read(row, &e);
        if (e.expire == at)
            expire_key(c, key, &e);
    }
}

int64_t entries_expire(struct call *c, int most)
{
    for (int i = 0;; i++) {
        tr_term due = tr_ets_first(expires);
        int64_t at;
        if (!tr_match(due, &at, tr_any(), tr_any()))
            return 0;
        if (i == most || at > c->now)
            return at;
        expire_due(c, due);
        store_exclusive_end(c);
    }
}

/* --- elements --- */

bool field_get(const struct call *c, const struct entry *e, struct tr_arg field, tr_term *value)
{
    tr_term row;

    return tr_ets_get(fields_of(c), &row, tr_tuple(e->id, field)) && tr_match(row, tr_any(), value);
}

bool field_has(const struct call *c, const struct entry *e, struct tr_arg field)
{
    return tr_ets_member(fields_of(c), tr_tuple(e->id, field));
}

void field_put(const struct call *c, const struct entry *e, struct tr_arg field,
               struct tr_arg value)
{
    tr_ets_insert(fields_of(c), tr_tuple(e->id, field), value);
}

void field_delete(const struct call *c, const struct entry *e, struct tr_arg field)
{
    tr_ets_delete(fields_of(c), tr_tuple(e->id, field));
}

void fields_remove(struct call *c, enum kind kind)
{
    struct entry before, e;
    enum found found = entry_find_kind(c, 1, kind, &before);

    if (found == WRONG_KIND)
        return;
    if (found == ABSENT) {
        reply_integer(c->out, 0);
        return;
    }
    e = before;
    store_exclusive(c);
    for (int i = 2; i < c->n; i++)
        if (field_has(c, &e, call_arg(c, i))) {
            field_delete(c, &e, call_arg(c, i));
            e.count--;
        }
    if (e.count == 0)
        entry_delete(c, 1, &e);
    else if (e.count < before.count)
        entry_put(c, 1, &before, &e);
    reply_integer(c->out, before.count - e.count);
}

void reply_count(struct call *c, enum kind kind)
{
    struct entry e;
    enum found found = entry_find_kind(c, 1, kind, &e);

    if (found != WRONG_KIND)
        reply_integer(c->out, found == FOUND ? e.count : 0);
}

/* Some more fields behind *at, which is kept; false at the last. */
static bool fields_step(const struct call *c, const struct entry *e, tr_term *at,
                        void (*fn)(const struct call *c, tr_term field, tr_term value))
{
    tr_term key = *at, object, field, value;
    int64_t id;
    int n = 0;

    for (; n < STEP; n++) {
        object = tr_ets_next_lookup(fields_of(c), key);
        if (!tr_match(object, &key, tr_list(tr_tuple(tr_tuple(&id, &field), &value))) ||
            id != e->id)
            break;
        fn(c, field, value);
    }
    tr_release(*at);
    *at = n == STEP ? tr_keep(key) : tr_nil();
    return n == STEP;
}

void fields_each(const struct call *c, const struct entry *e,
                 void (*fn)(const struct call *c, tr_term field, tr_term value))
{
    /* A number comes before all binaries. */
    tr_term at = tr_keep(tr_build(e->id, 0));
    bool more = true;

    while (more)
        tr_scope
        {
            more = fields_step(c, e, &at, fn);
        }
}
