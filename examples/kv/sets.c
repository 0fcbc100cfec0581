/* SPDX-License-Identifier: MIT */
/* Sets: SADD SREM SISMEMBER SMEMBERS SCARD. */
#include "entry.h"
#include "store.h"

void sadd_command(struct call *c)
{
    struct entry before, e;
    enum found found = entry_find_kind(c, 1, KIND_SET, &before);

    if (found == WRONG_KIND)
        return;
    e = found == FOUND ? before : entry_new(KIND_SET);
    store_exclusive(c);
    for (int i = 2; i < c->n; i++)
        if (!field_has(c, &e, call_arg(c, i))) {
            field_put(c, &e, call_arg(c, i), TR_ARG(1));
            e.count++;
        }
    int64_t added = e.count - (found == FOUND ? before.count : 0);
    if (added)
        entry_put(c, 1, found == FOUND ? &before : NULL, &e);
    reply_integer(c->out, added);
}

void srem_command(struct call *c)
{
    fields_remove(c, KIND_SET);
}

void sismember_command(struct call *c)
{
    struct entry e;
    enum found found = entry_find_kind(c, 1, KIND_SET, &e);

    if (found != WRONG_KIND)
        reply_integer(c->out, found == FOUND && field_has(c, &e, call_arg(c, 2)));
}

void scard_command(struct call *c)
{
    reply_count(c, KIND_SET);
}

static void add_member(const struct call *c, tr_term member, tr_term one)
{
    (void)one;
    reply_bulk_term(c->out, member);
}

void smembers_command(struct call *c)
{
    struct entry e;
    enum found found = entry_find_kind(c, 1, KIND_SET, &e);

    if (found == WRONG_KIND)
        return;
    reply_set(c->out, c->proto, found == FOUND ? (size_t)e.count : 0);
    if (found == FOUND)
        fields_each(c, &e, add_member);
}
