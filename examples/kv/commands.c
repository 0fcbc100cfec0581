/* SPDX-License-Identifier: MIT */
#include "commands.h"

#include <ctype.h>
#include <pthread.h>
#include <string.h>

enum { SLOTS = 256, QUOTE_MAX = 128 };

/* clang-format off */
const struct command commands[] = {
    { "append",       append_command,       3,  COMMAND_WRITE, 1, 1, 1 },
    { "client",       client_command,       -2, COMMAND_LOCAL | COMMAND_NO_MULTI, 0, 0, 0 },
    { "command",      command_command,      -1, COMMAND_READ, 0, 0, 0 },
    { "config",       config_command,       -2, COMMAND_READ, 0, 0, 0 },
    { "dbsize",       dbsize_command,       1,  COMMAND_READ, 0, 0, 0 },
    { "debug",        debug_command,        3,  COMMAND_LOCAL, 0, 0, 0 },
    { "decr",         decr_command,         2,  COMMAND_WRITE, 1, 1, 1 },
    { "decrby",       decrby_command,       3,  COMMAND_WRITE, 1, 1, 1 },
    { "del",          del_command,          -2, COMMAND_WRITE, 1, -1, 1 },
    { "discard",      discard_command,      1,  COMMAND_LOCAL, 0, 0, 0 },
    { "echo",         echo_command,         2,  COMMAND_READ, 0, 0, 0 },
    { "exec",         exec_command,         1,  COMMAND_LOCAL, 0, 0, 0 },
    { "exists",       exists_command,       -2, COMMAND_ORDER, 1, -1, 1 },
    { "expire",       expire_command,       -3, COMMAND_WRITE, 1, 1, 1 },
    { "expireat",     expire_command,       -3, COMMAND_WRITE, 1, 1, 1 },
    { "flushall",     flushall_command,     -1, COMMAND_WRITE, 0, 0, 0 },
    { "flushdb",      flushdb_command,      -1, COMMAND_WRITE, 0, 0, 0 },
    { "get",          get_command,          2,  COMMAND_READ, 1, 1, 1 },
    { "hdel",         hdel_command,         -3, COMMAND_WRITE, 1, 1, 1 },
    { "hello",        hello_command,        -1, COMMAND_LOCAL | COMMAND_NO_MULTI, 0, 0, 0 },
    { "hget",         hget_command,         3,  COMMAND_READ, 1, 1, 1 },
    { "hgetall",      hgetall_command,      2,  COMMAND_READ | COMMAND_LARGE, 1, 1, 1 },
    { "hlen",         hlen_command,         2,  COMMAND_READ, 1, 1, 1 },
    { "hset",         hset_command,         -4, COMMAND_WRITE, 1, 1, 1 },
    { "incr",         incr_command,         2,  COMMAND_WRITE, 1, 1, 1 },
    { "incrby",       incrby_command,       3,  COMMAND_WRITE, 1, 1, 1 },
    { "info",         info_command,         -1, COMMAND_READ, 0, 0, 0 },
    { "keys",         keys_command,         2,  COMMAND_READ | COMMAND_LARGE, 0, 0, 0 },
    { "llen",         llen_command,         2,  COMMAND_READ, 1, 1, 1 },
    { "lpop",         lpop_command,         -2, COMMAND_WRITE, 1, 1, 1 },
    { "lpush",        lpush_command,        -3, COMMAND_WRITE, 1, 1, 1 },
    { "lrange",       lrange_command,       4,  COMMAND_READ | COMMAND_LARGE, 1, 1, 1 },
    { "mget",         mget_command,         -2, COMMAND_ORDER | COMMAND_LARGE, 1, -1, 1 },
    { "mset",         mset_command,         -3, COMMAND_WRITE, 1, -1, 2 },
    { "multi",        multi_command,        1,  COMMAND_LOCAL, 0, 0, 0 },
    { "persist",      persist_command,      2,  COMMAND_WRITE, 1, 1, 1 },
    { "pexpire",      expire_command,       -3, COMMAND_WRITE, 1, 1, 1 },
    { "pexpireat",    expire_command,       -3, COMMAND_WRITE, 1, 1, 1 },
    { "ping",         ping_command,         -1, COMMAND_LOCAL | COMMAND_SUBSCRIBED, 0, 0, 0 },
    { "psubscribe",   psubscribe_command,   -2, COMMAND_LOCAL | COMMAND_NO_MULTI | COMMAND_SUBSCRIBED, 0, 0, 0 },
    { "pttl",         ttl_command,          2,  COMMAND_READ, 1, 1, 1 },
    { "publish",      publish_command,      3,  COMMAND_ORDER, 0, 0, 0 },
    { "punsubscribe", punsubscribe_command, -1, COMMAND_LOCAL | COMMAND_NO_MULTI | COMMAND_SUBSCRIBED, 0, 0, 0 },
    { "quit",         quit_command,         -1, COMMAND_LOCAL | COMMAND_NO_MULTI | COMMAND_SUBSCRIBED, 0, 0, 0 },
    { "rpop",         rpop_command,         -2, COMMAND_WRITE, 1, 1, 1 },
    { "rpush",        rpush_command,        -3, COMMAND_WRITE, 1, 1, 1 },
    { "sadd",         sadd_command,         -3, COMMAND_WRITE, 1, 1, 1 },
    { "scan",         scan_command,         -2, COMMAND_READ, 0, 0, 0 },
    { "scard",        scard_command,        2,  COMMAND_READ, 1, 1, 1 },
    { "select",       select_command,       2,  COMMAND_LOCAL | COMMAND_NO_MULTI, 0, 0, 0 },
    { "set",          set_command,          -3, COMMAND_WRITE, 1, 1, 1 },
    { "sismember",    sismember_command,    3,  COMMAND_READ, 1, 1, 1 },
    { "smembers",     smembers_command,     2,  COMMAND_READ | COMMAND_LARGE, 1, 1, 1 },
    { "srem",         srem_command,         -3, COMMAND_WRITE, 1, 1, 1 },
    { "strlen",       strlen_command,       2,  COMMAND_READ, 1, 1, 1 },
    { "subscribe",    subscribe_command,    -2, COMMAND_LOCAL | COMMAND_NO_MULTI | COMMAND_SUBSCRIBED, 0, 0, 0 },
    { "ttl",          ttl_command,          2,  COMMAND_READ, 1, 1, 1 },
    { "type",         type_command,         2,  COMMAND_READ, 1, 1, 1 },
    { "unsubscribe",  unsubscribe_command,  -1, COMMAND_LOCAL | COMMAND_NO_MULTI | COMMAND_SUBSCRIBED, 0, 0, 0 },
};
/* clang-format on */

const int ncommands = (int)(sizeof commands / sizeof commands[0]);

/* --- finding one --- */

/* Places in `commands`, found by a hash of the name; the next free place behind where taken. */
static int8_t slots[SLOTS];
static pthread_once_t slots_once = PTHREAD_ONCE_INIT;

_Static_assert(sizeof commands / sizeof commands[0] < INT8_MAX, "they fit a slot's type");

bool text_is(tr_bin text, const char *word)
{
    return text.size == strlen(word) && strncasecmp(text.data, word, text.size) == 0;
}

static unsigned hash_name(tr_bin name)
{
    const unsigned char *p = name.data;
    unsigned h = (unsigned)name.size;

    for (size_t i = 0; i < name.size; i++)
        h = h * 31 + (p[i] | 0x20);
    return h % SLOTS;
}

static void fill_slots(void)
{
    memset(slots, -1, sizeof slots);
    for (int i = 0; i < ncommands; i++) {
        unsigned h = hash_name((tr_bin){ commands[i].name, strlen(commands[i].name) });
        while (slots[h] >= 0)
            h = (h + 1) % SLOTS;
        slots[h] = (int8_t)i;
    }
}

const struct command *command_find(tr_bin name)
{
    pthread_once(&slots_once, fill_slots);
    if (name.size > 16)
        return NULL;
    for (unsigned h = hash_name(name); slots[h] >= 0; h = (h + 1) % SLOTS)
        if (text_is(name, commands[slots[h]].name))
            return &commands[slots[h]];
    return NULL;
}

/* 'a' 'b' , as far as there is room. */
static void quote_args(char *text, const tr_bin *args, int n)
{
    size_t at = 0;

    for (int i = 1; i < n && at < QUOTE_MAX; i++) {
        size_t size = args[i].size < QUOTE_MAX - at ? args[i].size : QUOTE_MAX - at;
        text[at++] = '\'';
        memcpy(text + at, args[i].data, size);
        at += size;
        text[at++] = '\'';
        text[at++] = ' ';
    }
    text[at] = 0;
}

bool command_accepts(const struct command *command, int n)
{
    return command && (command->arity > 0 ? n == command->arity : n >= -command->arity);
}

void command_reject(const struct command *command, const tr_bin *args, int n, struct out *out)
{
    char quoted[2 * QUOTE_MAX];

    if (command) {
        reply_error(out, "ERR wrong number of arguments for '%s' command", command->name);
        return;
    }
    quote_args(quoted, args, n);
    reply_error(out, "ERR unknown command '%.*s', with args beginning with: %s",
                (int)(args[0].size < QUOTE_MAX ? args[0].size : QUOTE_MAX),
                (const char *)args[0].data, quoted);
}

/* --- for the functions of commands --- */

tr_term call_term(const struct call *c, int i)
{
    return c->terms ? c->terms[i] : tr_binary(c->args[i].data, c->args[i].size);
}

struct tr_arg call_arg(const struct call *c, int i)
{
    return c->terms ? TR_ARG(c->terms[i]) : TR_ARG(c->args[i]);
}

bool call_is(const struct call *c, int i, const char *word)
{
    return text_is(c->args[i], word);
}

bool call_number(const struct call *c, int i, int64_t *number)
{
    if (number_parse(c->args[i], number))
        return true;
    reply_error(c->out, "ERR value is not an integer or out of range");
    return false;
}

void call_syntax_error(const struct call *c)
{
    reply_error(c->out, "ERR syntax error");
}

/* --- patterns --- */

/* [...] at *pattern, which moves behind it: is the byte in it? */
static bool class_match(const char **pattern, const char *end, char byte)
{
    const char *p = *pattern + 1;
    bool negated = p < end && *p == '^', found = false;

    for (p += negated; p < end && *p != ']'; p++) {
        if (*p == '\\' && p + 1 < end) {
            found |= *++p == byte;
        } else if (end - p >= 3 && p[1] == '-') {
            char low = p[0] < p[2] ? p[0] : p[2], high = p[0] < p[2] ? p[2] : p[0];
            found |= byte >= low && byte <= high;
            p += 2;
        } else {
            found |= *p == byte;
        }
    }
    *pattern = p < end ? p + 1 : p;
    return found != negated;
}

/* Only the last star is gone back to, so it takes at most the product of both lengths. */
bool glob_match(tr_bin pattern, tr_bin text)
{
    const char *p = pattern.data, *pend = p + pattern.size, *star = NULL;
    const char *t = text.data, *tend = t + text.size, *star_text = t;

    while (t < tend) {
        const char *before = p;
        bool ok = false;
        if (p < pend && *p == '*') {
            star = ++p;
            star_text = t;
            continue;
        }
        if (p < pend && *p == '[') {
            ok = class_match(&p, pend, *t);
        } else if (p < pend) {
            if (*p == '\\' && p + 1 < pend)
                ok = *++p == *t;
            else
                ok = *p == '?' || *p == *t;
            p++;
        }
        if (ok) {
            t++;
            continue;
        }
        p = before;
        if (!star)
            return false;
        p = star;
        t = ++star_text;
    }
    while (p < pend && *p == '*')
        p++;
    return p == pend;
}
