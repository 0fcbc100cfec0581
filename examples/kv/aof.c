/* SPDX-License-Identifier: MIT */
#include "aof.h"

#include "config.h"
#include "out.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

tr_atoms(aof, append, wait, ok, sync, synced, timeout, EXIT, shutdown, cannot_open, cannot_write,
         out_of_memory);

enum { COMMIT_SIZE = 8 << 20 }; /* bytes of records for which no more are waited for */

/* Who is to be told when that number is written. */
struct waiter {
    uint64_t number;
    tr_term from; /* kept */
};

struct log {
    int fd;
    struct out records; /* not written yet */
    uint64_t newest;    /* the newest number among them */
    struct waiter *waiters;
    size_t nwaiters, capacity;
    bool dirty, syncing; /* everysec: there is something to sync, it is under way */
};

_Atomic uint64_t aof_logged, aof_durable;
_Atomic int64_t aof_life;

bool aof_path(char *path, size_t size)
{
    int n = snprintf(path, size, "%s/appendonly.aof", config.dir);

    return n > 0 && (size_t)n < size;
}

/* --- who calls it --- */

void aof_append(uint64_t number, tr_term record)
{
    tr_cast(a_aof, a_append, number, record);
}

void aof_wait(uint64_t number, int64_t life)
{
    tr_term answer;

    if (atomic_load(&aof_durable) < number &&
        tr_try_call_within(TR_INFINITY, a_aof, &answer, a_wait, number) != TR_OK)
        tr_exit(a_shutdown);
    /* Afterwards: else the number may have been reached in another life. */
    if (atomic_load(&aof_life) != life)
        tr_exit(a_shutdown);
}

/* --- the file --- */

/* A new file is there for good when its folder is on the disk. */
static void sync_folder(void)
{
    int fd = open(config.dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

    if (fd >= 0) {
        fsync(fd);
        close(fd);
    }
}

/* The open file, locked, so that no second server appends to it; -1 with errno. */
static int open_file(void)
{
    char path[4096];
    int fd = -1;

    if (aof_path(path, sizeof path))
        fd = open(path, O_RDWR | O_CREAT | O_APPEND | O_CLOEXEC, 0644);
    if (fd < 0 || flock(fd, LOCK_EX | LOCK_NB) != 0) {
        tr_log_error("cannot use the log in %s: %s", config.dir, strerror(errno));
        if (fd >= 0)
            close(fd);
        return -1;
    }
    sync_folder();
    return fd;
}

/* All up to this number is written. */
static void tell(struct log *log, uint64_t durable)
{
    size_t left = 0;

    atomic_store(&aof_durable, durable);
    for (size_t i = 0; i < log->nwaiters; i++) {
        struct waiter w = log->waiters[i];
        if (w.number > durable) {
            log->waiters[left++] = w;
            continue;
        }
        tr_reply(w.from, a_ok);
        tr_release(w.from);
    }
    log->nwaiters = left;
}

/* Writes what there is; false after a message. */
static bool commit(struct log *log)
{
    bool ok = true;

    if (out_left(&log->records)) {
        tr_blocking_begin();
        ok = out_write(&log->records, log->fd) == TR_OK;
        if (ok && config.appendfsync == FSYNC_ALWAYS)
            ok = fdatasync(log->fd) == 0;
        tr_blocking_end();
        log->dirty = true;
    }
    if (ok) {
        tell(log, log->newest);
    } else {
        tr_log_error("cannot write the log: %s", strerror(errno));
        out_clear(&log->records); /* not once more at the end */
    }
    return ok;
}

/* --- the server --- */

static void syncer(tr_term arg)
{
    tr_pid log;
    int fd = -1;

    tr_match(arg, &log, &fd);
    tr_blocking_begin();
    int result = fdatasync(fd);
    tr_blocking_end();
    if (result != 0) {
        tr_log_error("cannot sync the log: %s", strerror(errno));
        tr_exit(a_cannot_write);
    }
    tr_send(log, a_synced);
}

static void log_free(void *arg)
{
    struct log *log = arg;

    out_free(&log->records);
    free(log->waiters);
}

static tr_gen_result aof_init(void *state, tr_term arg)
{
    struct log *log = state;

    (void)arg;
    tr_trap_exit(true); /* so that aof_terminate runs */
    log->fd = open_file();
    if (log->fd < 0)
        return tr_gen_stop(a_cannot_open);
    tr_own_fd(log->fd);
    tr_defer(log_free, log);
    atomic_fetch_add(&aof_life, 1);
    atomic_store(&aof_logged, 0);
    atomic_store(&aof_durable, 0);
    if (config.appendfsync == FSYNC_EVERYSEC)
        tr_send_interval(1000, tr_self(), a_sync);
    return tr_gen_ok();
}

static void add_waiter(struct log *log, uint64_t number, tr_term from)
{
    if (log->nwaiters == log->capacity) {
        size_t n = log->capacity ? log->capacity * 2 : 64;
        struct waiter *more = realloc(log->waiters, n * sizeof *more);
        if (!more)
            tr_exit(a_out_of_memory);
        log->waiters = more;
        log->capacity = n;
    }
    log->waiters[log->nwaiters++] = (struct waiter){ number, tr_keep(from) };
}

/* Takes what else is in the mailbox first: all that have come are written together. */
static tr_gen_result aof_cast(void *state, tr_term request)
{
    struct log *log = state;
    tr_term record;
    uint64_t number;

    if (!tr_match(request, a_append, &number, &record))
        return tr_gen_unknown();
    out_add_term(&log->records, record);
    log->newest = number;
    if (out_left(&log->records) > COMMIT_SIZE && !commit(log))
        return tr_gen_stop(a_cannot_write);
    return tr_gen_timeout(0, tr_gen_noreply());
}

static tr_gen_result aof_call(void *state, tr_term request, tr_term from)
{
    uint64_t number;

    if (!tr_match(request, a_wait, &number))
        return tr_gen_unknown();
    if (number <= atomic_load(&aof_durable))
        return tr_gen_timeout(0, tr_gen_reply(a_ok));
    add_waiter(state, number, from);
    return tr_gen_timeout(0, tr_gen_noreply());
}

static tr_gen_result aof_info(void *state, tr_term message)
{
    struct log *log = state;

    if (tr_match(message, a_sync)) {
        if (log->dirty && !log->syncing)
            tr_spawn_link(syncer, tr_self(), log->fd);
        log->syncing |= log->dirty;
        log->dirty = false;
    } else if (tr_match(message, a_synced)) {
        log->syncing = false;
    } else if (tr_match(message, a_EXIT, tr_any(), a_cannot_write)) {
        return tr_gen_stop(a_cannot_write);
    } else if (tr_match(message, a_timeout)) {
        return commit(log) ? tr_gen_noreply() : tr_gen_stop(a_cannot_write);
    }
    return tr_gen_timeout(0, tr_gen_noreply());
}

static void aof_terminate(void *state, tr_term reason)
{
    struct log *log = state;

    (void)reason;
    if (out_left(&log->records) && commit(log) && config.appendfsync != FSYNC_NO)
        fdatasync(log->fd);
}

const struct tr_gen_server aof = { .name = "aof",
                                   .state_size = sizeof(struct log),
                                   .init = aof_init,
                                   .handle_call = aof_call,
                                   .handle_cast = aof_cast,
                                   .handle_info = aof_info,
                                   .terminate = aof_terminate };
