/* SPDX-License-Identifier: MIT */
/*
 * The store of job queues in a file of SQLite: one table.
 *
 * Each statement runs between tr_blocking_begin and tr_blocking_end, with no call of the library in
 * between, so that only the queue waits for the disk. The lock on the file is exclusive from the
 * start: a second queue is refused, and no shared memory is needed for the log.
 */
#include "troupe/kit/queue_sqlite.h"
#include "troupe.h"

#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>

#define APPLICATION_ID 1416778101 /* "TrQu" */
#define DIGITS(n)      DIGITS_OF(n)
#define DIGITS_OF(n)   #n
#define BUSY_MS        1000 /* the last queue may just be closing the file */

struct store {
    sqlite3 *db;
    sqlite3_stmt *add, *update, *remove;
    bool full; /* synchronous is FULL, else NORMAL */
    char why[256];
};

/* Keeps what is wrong, as the message of SQLite changes with the next call. */
static const char *said(struct store *s, const char *what)
{
    snprintf(s->why, sizeof s->why, "%s", what);
    return s->why;
}

static const char *failed(struct store *s)
{
    return said(s, s->db ? sqlite3_errmsg(s->db) : "out of memory");
}

/* --- opening; all of it within one stretch that blocks --- */

static const char *execute(struct store *s, const char *sql)
{
    return sqlite3_exec(s->db, sql, NULL, NULL, NULL) ? failed(s) : NULL;
}

/* The number that a statement yields. */
static const char *number(struct store *s, const char *sql, int64_t *n)
{
    sqlite3_stmt *statement;
    const char *why = NULL;

    if (sqlite3_prepare_v2(s->db, sql, -1, &statement, NULL))
        return failed(s);
    if (sqlite3_step(statement) == SQLITE_ROW)
        *n = sqlite3_column_int64(statement, 0);
    else
        why = failed(s);
    sqlite3_finalize(statement);
    return why;
}

/* Whether the file is empty or ours, before anything is changed in it. */
static const char *check_owner(struct store *s)
{
    int64_t ntables = 0, id = 0, version = 0;
    const char *why = number(s, "select count(*) from sqlite_master", &ntables);

    if (!why)
        why = number(s, "pragma application_id", &id);
    if (!why)
        why = number(s, "pragma user_version", &version);
    if (why || (!ntables && !id && !version))
        return why;
    if (id != APPLICATION_ID)
        return said(s, "the database is that of another program");
    if (version != 1)
        return said(s, "the database was written by another version");
    return NULL;
}

static const char *use_log(struct store *s)
{
    sqlite3_stmt *statement;
    const char *why = NULL;

    if (sqlite3_prepare_v2(s->db, "pragma journal_mode = wal", -1, &statement, NULL))
        return failed(s);
    if (sqlite3_step(statement) != SQLITE_ROW)
        why = failed(s);
    else if (strcmp((const char *)sqlite3_column_text(statement, 0), "wal") != 0)
        why = said(s, "the file can have no write-ahead log");
    sqlite3_finalize(statement);
    return why;
}

static const char *make_table(struct store *s)
{
    return execute(s, "begin exclusive;"
                      "create table if not exists jobs ("
                      "    number integer primary key, job text not null, reason text,"
                      "    attempts integer not null, due_ms integer not null,"
                      "    dead integer not null);"
                      "pragma application_id = " DIGITS(APPLICATION_ID) ";"
                                                                        "pragma user_version = 1;"
                                                                        "commit");
}

static const char *prepare(struct store *s)
{
    bool ok =
        !sqlite3_prepare_v2(s->db, "insert into jobs values (?, ?, ?, ?, ?, ?)", -1, &s->add,
                            NULL) &&
        !sqlite3_prepare_v2(
            s->db,
            "update jobs set reason = ?3, attempts = ?4, due_ms = ?5, dead = ?6 where number = ?1",
            -1, &s->update, NULL) &&
        !sqlite3_prepare_v2(s->db, "delete from jobs where number = ?1", -1, &s->remove, NULL);

    return ok ? NULL : failed(s);
}

static const char *open_file(struct store *s, const char *where)
{
    const char *why;

    if (sqlite3_open_v2(where, &s->db,
                        SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX, NULL))
        return failed(s);
    sqlite3_busy_timeout(s->db, BUSY_MS);
    if ((why = execute(s, "pragma locking_mode = exclusive; pragma synchronous = full")) ||
        (why = check_owner(s)) || (why = use_log(s)) || (why = make_table(s)))
        return why;
    s->full = true;
    return prepare(s);
}

static const char *open_store(void **state, const char *where)
{
    struct store *s = *state = calloc(1, sizeof *s);

    if (!s)
        return "out of memory";
    tr_blocking_begin();
    const char *why = open_file(s, where);
    tr_blocking_end();
    return why;
}

static void close_store(void *state)
{
    struct store *s = state;
    sqlite3_stmt *statement;

    if (!s)
        return;
    tr_blocking_begin();
    /* One may be that of a load whose process has ended. */
    while (s->db && (statement = sqlite3_next_stmt(s->db, NULL)))
        sqlite3_finalize(statement);
    sqlite3_close(s->db);
    tr_blocking_end();
    free(s);
}

/* --- reading --- */

static struct tr_queue_record record_of(sqlite3_stmt *row)
{
    return (struct tr_queue_record){ .number = sqlite3_column_int64(row, 0),
                                     .job = (const char *)sqlite3_column_text(row, 1),
                                     .reason = (const char *)sqlite3_column_text(row, 2),
                                     .nattempts = sqlite3_column_int64(row, 3),
                                     .due_ms = sqlite3_column_int64(row, 4),
                                     .dead = sqlite3_column_int(row, 5) };
}

static const char *load(void *state,
                        const char *(*each)(void *queue, const struct tr_queue_record *record),
                        void *queue)
{
    static const char sql[] = "select number, job, reason, attempts, due_ms, dead from jobs"
                              " order by number";
    struct store *s = state;
    sqlite3_stmt *rows = NULL;
    struct tr_queue_record record;
    const char *why = NULL;

    tr_blocking_begin();
    int rc = sqlite3_prepare_v2(s->db, sql, -1, &rows, NULL);
    while (!rc && !why && (rc = sqlite3_step(rows)) == SQLITE_ROW) {
        record = record_of(rows);
        rc = record.job ? SQLITE_OK : SQLITE_NOMEM;
        tr_blocking_end();
        why = rc ? "out of memory" : each(queue, &record);
        tr_blocking_begin();
    }
    if (!why && rc != SQLITE_DONE)
        why = failed(s);
    sqlite3_finalize(rows);
    tr_blocking_end();
    return why;
}

/* --- writing --- */

static const char *run(struct store *s, sqlite3_stmt *statement, bool full)
{
    const char *why = NULL;

    tr_blocking_begin();
    if (s->full != full)
        why = execute(s, full ? "pragma synchronous = full" : "pragma synchronous = normal");
    if (!why) {
        s->full = full;
        if (sqlite3_step(statement) != SQLITE_DONE)
            why = failed(s);
        sqlite3_reset(statement);
    }
    tr_blocking_end();
    return why;
}

/* Nothing is copied: the record lasts until the statement has run. */
static const char *run_with(struct store *s, sqlite3_stmt *statement,
                            const struct tr_queue_record *r, bool full)
{
    if (sqlite3_bind_int64(statement, 1, r->number) ||
        (full && sqlite3_bind_text(statement, 2, r->job, -1, SQLITE_STATIC)) ||
        sqlite3_bind_text(statement, 3, r->reason, -1, SQLITE_STATIC) ||
        sqlite3_bind_int64(statement, 4, r->nattempts) ||
        sqlite3_bind_int64(statement, 5, r->due_ms) || sqlite3_bind_int(statement, 6, r->dead))
        return failed(s);
    return run(s, statement, full);
}

static const char *add(void *state, const struct tr_queue_record *record)
{
    struct store *s = state;

    return run_with(s, s->add, record, true);
}

static const char *update(void *state, const struct tr_queue_record *record)
{
    struct store *s = state;

    return run_with(s, s->update, record, false);
}

static const char *remove_job(void *state, int64_t n)
{
    struct store *s = state;

    return sqlite3_bind_int64(s->remove, 1, n) ? failed(s) : run(s, s->remove, false);
}

const struct tr_queue_store tr_queue_sqlite = {
    .open = open_store,
    .load = load,
    .add = add,
    .update = update,
    .remove = remove_job,
    .close = close_store,
};
