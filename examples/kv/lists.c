/* SPDX-License-Identifier: MIT */
/* Lists: LPUSH RPUSH LPOP RPOP LLEN LRANGE. Elements have consecutive numbers, of which the first
   may be negative; so both ends grow and shrink without moving anything. */
#include "entry.h"
#include "store.h"

static void push(struct call *c, bool left)
{
    struct entry before, e;
    enum found found = entry_find_kind(c, 1, KIND_LIST, &before);

    if (found == WRONG_KIND)
        return;
    e = found == FOUND ? before : entry_new(KIND_LIST);
    store_exclusive(c);
    for (int i = 2; i < c->n; i++) {
        e.first -= left;
        field_put(c, &e, TR_ARG(left ? e.first : e.first + e.count), call_arg(c, i));
        e.count++;
    }
    entry_put(c, 1, found == FOUND ? &before : NULL, &e);
    reply_integer(c->out, e.count);
}

void lpush_command(struct call *c)
{
    push(c, true);
}

void rpush_command(struct call *c)
{
    push(c, false);
}

/* Answers with n elements, and takes them out. */
static void take(struct call *c, const struct entry *before, int64_t n, bool left)
{
    struct entry e = *before;
    tr_term value;

    store_exclusive(c);
    for (int64_t i = 0; i < n; i++) {
        int64_t index = left ? e.first : e.first + e.count - 1;
        if (field_get(c, &e, TR_ARG(index), &value))
            reply_bulk_term(c->out, value);
        field_delete(c, &e, TR_ARG(index));
        e.first += left;
        e.count--;
    }
    if (e.count == 0)
        entry_delete(c, 1, &e);
    else if (n)
        entry_put(c, 1, before, &e);
}

static void pop(struct call *c, bool left)
{
    struct entry e;
    int64_t n = 1;

    if (c->n > 3) {
        reply_error(c->out, "ERR wrong number of arguments for '%s' command", c->command->name);
        return;
    }
    if (c->n == 3 && (!number_parse(c->args[2], &n) || n < 0)) {
        reply_error(c->out, "ERR value is out of range, must be positive");
        return;
    }
    enum found found = entry_find_kind(c, 1, KIND_LIST, &e);
    if (found == WRONG_KIND)
        return;
    if (found == ABSENT) {
        if (c->n == 3)
            reply_null_array(c->out, c->proto);
        else
            reply_null(c->out, c->proto);
        return;
    }
    if (n > e.count)
        n = e.count;
    if (c->n == 3)
        reply_array(c->out, (size_t)n);
    take(c, &e, n, left);
}

void lpop_command(struct call *c)
{
    pop(c, true);
}

void rpop_command(struct call *c)
{
    pop(c, false);
}

void llen_command(struct call *c)
{
    reply_count(c, KIND_LIST);
}

void lrange_command(struct call *c)
{
    struct entry e = { .count = 0 };
    int64_t from, to;
    tr_term value;

    if (!call_number(c, 2, &from) || !call_number(c, 3, &to))
        return;
    enum found found = entry_find_kind(c, 1, KIND_LIST, &e);
    if (found == WRONG_KIND)
        return;
    if (found == ABSENT)
        e.count = 0;
    /* Negative ones count from the end. */
    from = from < 0 ? from + e.count : from;
    to = to < 0 ? to + e.count : to;
    from = from < 0 ? 0 : from;
    to = to < e.count ? to : e.count - 1;
    reply_array(c->out, from <= to ? (size_t)(to - from) + 1 : 0);
    for (int64_t i = from; i <= to; i++)
        tr_scope
        {
            if (field_get(c, &e, TR_ARG(e.first + i), &value))
                reply_bulk_term(c->out, value);
        }
}
