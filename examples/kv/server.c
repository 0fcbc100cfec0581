/* SPDX-License-Identifier: MIT */
/* Commands about the server: ECHO INFO CONFIG COMMAND DEBUG. */
#include "config.h"
#include "connection.h"
#include "entry.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

void echo_command(struct call *c)
{
    reply_bulk(c->out, c->args[1]);
}

/* --- INFO --- */

struct text {
    char bytes[2048];
    size_t size;
};

__attribute__((format(printf, 2, 3))) static void add(struct text *t, const char *format, ...)
{
    va_list args;

    va_start(args, format);
    int n = vsnprintf(t->bytes + t->size, sizeof t->bytes - t->size, format, args);
    va_end(args);
    t->size += n > 0 && (size_t)n < sizeof t->bytes - t->size ? (size_t)n : 0;
}

static long resident_bytes(void)
{
    long pages = 0, resident = 0;
    FILE *file = fopen("/proc/self/statm", "r");

    if (!file)
        return 0;
    if (fscanf(file, "%ld %ld", &pages, &resident) != 2)
        resident = 0;
    fclose(file);
    return resident * sysconf(_SC_PAGESIZE);
}

static void info_server(struct text *t)
{
    add(t,
        "# Server\r\nredis_version:7.0.0\r\nredis_mode:standalone\r\nos:Linux\r\n"
        "arch_bits:%zu\r\nprocess_id:%d\r\ntcp_port:%d\r\nuptime_in_seconds:%ld\r\n",
        sizeof(void *) * 8, (int)getpid(), config.port,
        (long)(tr_monotonic_ms() / 1000 - config_started));
}

static void info_clients(struct text *t)
{
    add(t, "# Clients\r\nconnected_clients:%ld\r\nmaxclients:%ld\r\n",
        (long)connection_counts().open, (long)config.maxclients);
}

static void info_memory(struct text *t)
{
    add(t, "# Memory\r\nused_memory_rss:%ld\r\n", resident_bytes());
}

static void info_persistence(struct text *t)
{
    add(t, "# Persistence\r\nloading:0\r\naof_enabled:%d\r\n", config.appendonly);
}

static void info_stats(struct text *t)
{
    struct connection_counts n = connection_counts();

    add(t, "# Stats\r\ntotal_connections_received:%ld\r\ntotal_commands_processed:%ld\r\n",
        (long)n.opened, (long)n.requests);
}

static void info_replication(struct text *t)
{
    add(t, "# Replication\r\nrole:master\r\nconnected_slaves:0\r\n");
}

static void info_keyspace(struct text *t)
{
    add(t, "# Keyspace\r\n");
    for (int i = 0; i < DATABASES; i++) {
        int64_t n = 0;
        tr_to_int64(tr_ets_info_of(databases[i].keys, tr_intern("size")), &n);
        if (n)
            add(t, "db%d:keys=%ld\r\n", i, (long)n);
    }
}

void info_command(struct call *c)
{
    static const struct {
        const char *name;
        void (*add)(struct text *t);
    } sections[] = { { "server", info_server },    { "clients", info_clients },
                     { "memory", info_memory },    { "persistence", info_persistence },
                     { "stats", info_stats },      { "replication", info_replication },
                     { "keyspace", info_keyspace } };
    struct text t = { .size = 0 };

    for (size_t i = 0; i < sizeof sections / sizeof sections[0]; i++) {
        bool wanted = c->n == 1;
        for (int arg = 1; arg < c->n; arg++)
            wanted |= call_is(c, arg, sections[i].name) || call_is(c, arg, "all") ||
                      call_is(c, arg, "default") || call_is(c, arg, "everything");
        if (!wanted)
            continue;
        if (t.size)
            add(&t, "\r\n");
        sections[i].add(&t);
    }
    reply_bulk(c->out, (tr_bin){ t.bytes, t.size });
}

/* --- CONFIG --- */

struct setting {
    const char *name;
    char value[64];
};

static void config_get(struct call *c)
{
    struct setting settings[] = {
        { "appendonly", "" },        { "appendfsync", "" }, { "save", "" },
        { "databases", "" },         { "port", "" },        { "maxclients", "" },
        { "proto-max-bulk-len", "" }
    };
    const size_t n = sizeof settings / sizeof settings[0];
    struct out_mark mark = out_mark(c->out);
    size_t found = 0;

    snprintf(settings[0].value, sizeof settings[0].value, "%s", config.appendonly ? "yes" : "no");
    snprintf(settings[1].value, sizeof settings[1].value, "%s", fsync_names[config.appendfsync]);
    snprintf(settings[3].value, sizeof settings[3].value, "%d", DATABASES);
    snprintf(settings[4].value, sizeof settings[4].value, "%d", config.port);
    snprintf(settings[5].value, sizeof settings[5].value, "%ld", (long)config.maxclients);
    snprintf(settings[6].value, sizeof settings[6].value, "%zu", config.max_bulk);
    for (size_t i = 0; i < n; i++) {
        bool wanted = false;
        for (int arg = 2; arg < c->n; arg++)
            wanted |=
                glob_match(c->args[arg], (tr_bin){ settings[i].name, strlen(settings[i].name) });
        if (wanted) {
            reply_bulk_text(c->out, settings[i].name);
            reply_bulk_text(c->out, settings[i].value);
            found++;
        }
    }
    reply_map_at(c->out, mark, c->proto, found);
}

void config_command(struct call *c)
{
    if (call_is(c, 1, "get") && c->n > 2)
        config_get(c);
    else if (call_is(c, 1, "resetstat") && c->n == 2)
        reply_simple(c->out, "OK");
    else
        reply_error(c->out,
                    "ERR unknown subcommand or wrong number of arguments for '%.*s'. Try CONFIG "
                    "HELP.",
                    (int)(c->args[1].size < 64 ? c->args[1].size : 64),
                    (const char *)c->args[1].data);
}

/* --- COMMAND --- */

static void describe(struct call *c, const struct command *command)
{
    if (!command) {
        reply_null_array(c->out, c->proto);
        return;
    }
    reply_array(c->out, 6);
    reply_bulk_text(c->out, command->name);
    reply_integer(c->out, command->arity);
    reply_set(c->out, c->proto, 1);
    reply_simple(c->out, command->flags & COMMAND_WRITE ? "write" : "readonly");
    reply_integer(c->out, command->first_key);
    reply_integer(c->out, command->last_key);
    reply_integer(c->out, command->key_step);
}

void command_command(struct call *c)
{
    if (c->n == 1) {
        reply_array(c->out, (size_t)ncommands);
        for (int i = 0; i < ncommands; i++)
            describe(c, &commands[i]);
    } else if (call_is(c, 1, "count") && c->n == 2) {
        reply_integer(c->out, ncommands);
    } else if (call_is(c, 1, "info")) {
        reply_array(c->out, (size_t)c->n - 2);
        for (int i = 2; i < c->n; i++)
            describe(c, command_find(c->args[i]));
    } else if (call_is(c, 1, "docs")) {
        reply_map(c->out, c->proto, 0);
    } else {
        reply_error(c->out,
                    "ERR unknown subcommand or wrong number of arguments for '%.*s'. Try COMMAND "
                    "HELP.",
                    (int)(c->args[1].size < 64 ? c->args[1].size : 64),
                    (const char *)c->args[1].data);
    }
}

/* --- DEBUG --- */

/* DEBUG CRASH listener: kills a part of the tree, to show that it comes back. */
void debug_command(struct call *c)
{
    static const char *const parts[] = { "listener", "store", "aof", "connections" };
    tr_pid pid;

    if (!config.debug) {
        reply_error(c->out, "ERR DEBUG command not allowed: see --enable-debug-command");
        return;
    }
    for (size_t i = 0; call_is(c, 1, "crash") && i < sizeof parts / sizeof *parts; i++)
        if (call_is(c, 2, parts[i]) && tr_whereis(tr_intern(parts[i]), &pid)) {
            tr_exit_to(pid, tr_intern("kill"));
            reply_simple(c->out, "OK");
            return;
        }
    call_syntax_error(c);
}
