/* SPDX-License-Identifier: MIT */
/* Hashes: HSET HGET HDEL HGETALL HLEN. */
#include "entry.h"
#include "store.h"

void hset_command(struct call *c)
{
    struct entry before, e;
    enum found found = entry_find_kind(c, 1, KIND_HASH, &before);

    if (found == WRONG_KIND)
        return;
    if (c->n % 2) {
        reply_error(c->out, "ERR wrong number of arguments for 'hset' command");
        return;
    }
    e = found == FOUND ? before : entry_new(KIND_HASH);
    store_exclusive(c);
    for (int i = 2; i < c->n; i += 2) {
        e.count += !field_has(c, &e, call_arg(c, i));
        field_put(c, &e, call_arg(c, i), call_arg(c, i + 1));
    }
    entry_put(c, 1, found == FOUND ? &before : NULL, &e);
    reply_integer(c->out, e.count - (found == FOUND ? before.count : 0));
}

void hdel_command(struct call *c)
{
    fields_remove(c, KIND_HASH);
}

void hget_command(struct call *c)
{
    struct entry e;
    tr_term value;
    enum found found = entry_find_kind(c, 1, KIND_HASH, &e);

    if (found == WRONG_KIND)
        return;
    if (found == FOUND && field_get(c, &e, call_arg(c, 2), &value))
        reply_bulk_term(c->out, value);
    else
        reply_null(c->out, c->proto);
}

void hlen_command(struct call *c)
{
    reply_count(c, KIND_HASH);
}

static void add_pair(const struct call *c, tr_term field, tr_term value)
{
    reply_bulk_term(c->out, field);
    reply_bulk_term(c->out, value);
}

void hgetall_command(struct call *c)
{
    struct entry e;
    enum found found = entry_find_kind(c, 1, KIND_HASH, &e);

    if (found == WRONG_KIND)
        return;
    reply_map(c->out, c->proto, found == FOUND ? (size_t)e.count : 0);
    if (found == FOUND)
        fields_each(c, &e, add_pair);
}
