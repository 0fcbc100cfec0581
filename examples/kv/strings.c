/* SPDX-License-Identifier: MIT */
/* Strings: GET SET MGET MSET INCR INCRBY DECR DECRBY APPEND STRLEN. */
#include "entry.h"
#include "store.h"

#include <stdlib.h>
#include <string.h>

tr_atoms(out_of_memory);

void get_command(struct call *c)
{
    struct entry e;

    switch (entry_find_kind(c, 1, KIND_STRING, &e)) {
    case FOUND:
        reply_bulk_term(c->out, e.value);
        return;
    case ABSENT:
        reply_null(c->out, c->proto);
        return;
    case WRONG_KIND:
        return;
    }
}

void strlen_command(struct call *c)
{
    struct entry e;
    tr_bin bytes = { 0 };
    enum found found = entry_find_kind(c, 1, KIND_STRING, &e);

    if (found == WRONG_KIND)
        return;
    if (found == FOUND)
        tr_binary_get(e.value, &bytes);
    reply_integer(c->out, (int64_t)bytes.size);
}

void mget_command(struct call *c)
{
    struct entry e;

    reply_array(c->out, (size_t)c->n - 1);
    for (int i = 1; i < c->n; i++)
        if (entry_find(c, i, &e) && e.kind == KIND_STRING)
            reply_bulk_term(c->out, e.value);
        else
            reply_null(c->out, c->proto);
}

/* --- SET --- */

struct set_options {
    bool nx, xx, get, keep_ttl;
    int64_t expire; /* ms since 1970, 0 for never */
};

/* EX, PX, EXAT or PXAT with the number behind it; false after an error. */
static bool read_expire(struct call *c, int i, int64_t *expire)
{
    bool seconds = call_is(c, i, "ex") || call_is(c, i, "exat");
    bool relative = call_is(c, i, "ex") || call_is(c, i, "px");
    int64_t n;

    if (!call_number(c, i + 1, &n))
        return false;
    if (n <= 0 || (seconds && __builtin_mul_overflow(n, 1000, &n)) ||
        (relative && __builtin_add_overflow(n, c->now, &n))) {
        reply_error(c->out, "ERR invalid expire time in 'set' command");
        return false;
    }
    *expire = n;
    return true;
}

static bool is_expire(const struct call *c, int i)
{
    return call_is(c, i, "ex") || call_is(c, i, "px") || call_is(c, i, "exat") ||
           call_is(c, i, "pxat");
}

static bool read_set_options(struct call *c, struct set_options *o)
{
    int times = 0; /* where the time is; first all words are read, then the number */

    for (int i = 3; i < c->n; i++) {
        if (call_is(c, i, "nx") && !o->xx)
            o->nx = true;
        else if (call_is(c, i, "xx") && !o->nx)
            o->xx = true;
        else if (call_is(c, i, "get"))
            o->get = true;
        else if (call_is(c, i, "keepttl") && !times)
            o->keep_ttl = true;
        else if (is_expire(c, i) && !o->keep_ttl && !times && i + 1 < c->n)
            times = i++;
        else
            return call_syntax_error(c), false;
    }
    return !times || read_expire(c, times, &o->expire);
}

/* The log gets what was decided, with the time as a date. */
static void log_set(struct call *c, const struct set_options *o)
{
    char text[NUMBER_MAX];
    tr_term terms[5] = { tr_build("SET"), call_term(c, 1), call_term(c, 2) };
    int n = 3;

    if (o->keep_ttl)
        terms[n++] = tr_build("KEEPTTL");
    if (o->expire) {
        terms[n++] = tr_build("PXAT");
        terms[n++] = tr_binary(text, number_format(text, o->expire));
    }
    call_log(c, n, terms);
}

void set_command(struct call *c)
{
    struct set_options o = { 0 };
    struct entry before;

    if (!read_set_options(c, &o))
        return;
    bool there = entry_find(c, 1, &before);
    if (o.get && there && before.kind != KIND_STRING) {
        entry_find_kind(c, 1, KIND_STRING, &before); /* for the error */
        return;
    }
    bool done = !(o.nx && there) && !(o.xx && !there);
    if (done) {
        entry_put_string(c, 1, there ? &before : NULL,
                         o.keep_ttl && there ? before.expire : o.expire, call_arg(c, 2));
        if (c->n > 3)
            log_set(c, &o);
    }
    if (o.get && there)
        reply_bulk_term(c->out, before.value);
    else if (o.get || !done)
        reply_null(c->out, c->proto);
    else
        reply_simple(c->out, "OK");
}

void mset_command(struct call *c)
{
    struct entry before;

    if (c->n % 2 == 0) {
        reply_error(c->out, "ERR wrong number of arguments for 'mset' command");
        return;
    }
    store_exclusive(c);
    for (int i = 1; i < c->n; i += 2) {
        bool there = entry_find(c, i, &before);
        entry_put_string(c, i, there ? &before : NULL, 0, call_arg(c, i + 1));
    }
    reply_simple(c->out, "OK");
}

/* --- numbers --- */

static void add(struct call *c, int64_t increment)
{
    struct entry before;
    enum found found = entry_find_kind(c, 1, KIND_STRING, &before);
    tr_bin text = { "0", 1 };
    int64_t number, expire = 0;
    char digits[NUMBER_MAX];

    if (found == WRONG_KIND)
        return;
    if (found == FOUND) {
        tr_binary_get(before.value, &text);
        expire = before.expire;
    }
    if (!number_parse(text, &number)) {
        reply_error(c->out, "ERR value is not an integer or out of range");
        return;
    }
    if (__builtin_add_overflow(number, increment, &number)) {
        reply_error(c->out, "ERR increment or decrement would overflow");
        return;
    }
    tr_bin value = { digits, number_format(digits, number) };
    entry_put_string(c, 1, found == FOUND ? &before : NULL, expire, TR_ARG(value));
    reply_integer(c->out, number);
}

void incr_command(struct call *c)
{
    add(c, 1);
}

void decr_command(struct call *c)
{
    add(c, -1);
}

void incrby_command(struct call *c)
{
    int64_t n;

    if (call_number(c, 2, &n))
        add(c, n);
}

void decrby_command(struct call *c)
{
    int64_t n;

    if (!call_number(c, 2, &n))
        return;
    if (n == INT64_MIN)
        reply_error(c->out, "ERR decrement would overflow");
    else
        add(c, -n);
}

/* --- APPEND --- */

static tr_term joined(tr_bin a, tr_bin b)
{
    char small[256], *bytes = a.size + b.size <= sizeof small ? small : malloc(a.size + b.size);

    if (!bytes)
        tr_exit(a_out_of_memory);
    if (a.size)
        memcpy(bytes, a.data, a.size);
    if (b.size)
        memcpy(bytes + a.size, b.data, b.size);
    tr_term both = tr_binary(bytes, a.size + b.size);
    if (bytes != small)
        free(bytes);
    return both;
}

void append_command(struct call *c)
{
    struct entry before;
    enum found found = entry_find_kind(c, 1, KIND_STRING, &before);
    tr_bin text = { 0 };

    if (found == WRONG_KIND)
        return;
    if (found == FOUND)
        tr_binary_get(before.value, &text);
    if (text.size + c->args[2].size > config.max_bulk) {
        reply_error(c->out, "ERR string exceeds maximum allowed size (proto-max-bulk-len)");
        return;
    }
    if (found == FOUND)
        entry_put_string(c, 1, &before, before.expire, TR_ARG(joined(text, c->args[2])));
    else
        entry_put_string(c, 1, NULL, 0, call_arg(c, 2));
    reply_integer(c->out, (int64_t)(text.size + c->args[2].size));
}
