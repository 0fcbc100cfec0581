/* SPDX-License-Identifier: MIT */
/* Job queues in a file: what outlasts the end of the queue, of the program, and a bad disk. */
#include "kit/queue_check.h"
#include "troupe/kit/queue_sqlite.h"

#include <signal.h>
#include <spawn.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

tr_atoms(error, bad_option, store, where, normal, kill, DOWN, process, interrupted, tick);

static char folder[64], file[96];

static void remove_folder(void *unused)
{
    char name[128];

    (void)unused;
    for (int i = 0; i < 3; i++) {
        snprintf(name, sizeof name, "%s%s", file, (const char *const[]){ "", "-wal", "-shm" }[i]);
        unlink(name);
    }
    rmdir(folder);
}

static void make_folder(void)
{
    strcpy(folder, "/tmp/troupe-queue-XXXXXX");
    CHECK(mkdtemp(folder) != NULL);
    snprintf(file, sizeof file, "%s/jobs", folder);
    tr_defer(remove_folder, NULL);
    be_boss();
}

/* The jobs of the program that is killed are numbers. */
static tr_term work_or_number(tr_term job)
{
    int64_t n;

    if (!tr_match(job, &n))
        return work(job);
    tr_send(a_boss, a_ran, n, tr_self());
    return tr_nil();
}

#define OPTS_AT(path, ...)                                                                         \
    &(const struct tr_queue)                                                                       \
    {                                                                                              \
        .run = work_or_number, .store = &tr_queue_sqlite, .where = path, __VA_ARGS__               \
    }
#define OPTS(...) OPTS_AT(file, __VA_ARGS__)

#define START(...) started(OPTS(__VA_ARGS__))

static void stop(tr_pid queue)
{
    tr_stop(queue, a_normal, TR_INFINITY);
}

/* --- what outlasts a queue --- */

TEST_PROC_REAL(jobs_outlast_their_queue)
{
    make_folder();
    tr_pid queue = START(.max_attempts = 1);

    CHECK_INT(tr_queue_push(queue, a_hang, 0), TR_OK);
    CHECK_INT(tr_queue_push(queue, a_fine, 1), TR_OK);
    CHECK_INT(tr_queue_push(queue, a_fine, 2), TR_OK);
    runs(0);
    stop(queue);
    /* The one that ran has lost no attempt by an orderly end. */
    queue = START(.max_attempts = 1);
    tr_pid first = runs(0);
    tr_send(first, a_go);
    runs(1);
    runs(2);
    CHECK_WITHIN(5000, tr_queue_status(queue).done == 3);
    stop(queue);
    queue = START(.max_attempts = 1);
    CHECK_INT(tr_queue_status(queue).waiting + tr_queue_status(queue).running, 0);
    stop(queue);
}

TEST_PROC_REAL(jobs_outlast_a_queue_that_is_killed)
{
    make_folder();
    tr_trap_exit(true);
    tr_pid queue = START(.workers = 2, .max_attempts = 2);
    tr_ref ref = tr_monitor(queue);

    for (int i = 0; i < 2; i++) {
        CHECK_INT(tr_queue_push(queue, a_hang, i), TR_OK);
        runs(i);
    }
    tr_exit_to(queue, a_kill);
    tr_receive_ref(m, ref) tr_on (m, a_DOWN, ref, tr_any(), tr_any(), tr_any())
    {
    }
    queue = START(.workers = 1, .max_attempts = 2);
    tr_send(runs(0), a_go);
    runs(1);
    /* That was the last attempt. */
    tr_exit_to(queue, a_kill);
    CHECK_WITHIN(5000, !tr_is_alive(queue));
    queue = START(.max_attempts = 2);
    CHECK_TERM(tr_queue_take_dead(queue),
               tr_build(tr_list(tr_tuple(tr_tuple(a_hang, 1), a_interrupted))));
    stop(queue);
}

TEST_PROC_REAL(pause_and_attempts_outlast_a_queue)
{
    const struct tr_backoff backoff = { .first_ms = 1500, .jitter_percent = 1 };

    make_folder();
    tr_pid queue = START(.max_attempts = 2, .backoff = backoff);
    CHECK_INT(tr_queue_push(queue, a_boom, 7), TR_OK);
    runs(7);
    int64_t before = tr_monotonic_ms();
    CHECK_WITHIN(5000, tr_queue_status(queue).paused == 1);
    stop(queue);
    queue = START(.max_attempts = 2, .backoff = backoff);
    CHECK_INT(tr_queue_status(queue).paused, 1);
    runs(7);
    CHECK(tr_monotonic_ms() - before > 1300);
    CHECK_WITHIN(5000, tr_queue_status(queue).dead == 1);
    stop(queue);
    queue = START(.max_attempts = 2);
    CHECK_TERM(tr_queue_take_dead(queue),
               tr_build(tr_list(tr_tuple(tr_tuple(a_boom, 7), tr_tuple(a_boom, 7)))));
    stop(queue);
    queue = START(.max_attempts = 2);
    CHECK_INT(tr_queue_status(queue).dead, 0);
    stop(queue);
}

static void push_and_see_die(tr_pid queue, int n)
{
    for (int i = 0; i < n; i++) {
        CHECK_INT(tr_queue_push(queue, a_boom, i), TR_OK);
        runs(i);
    }
    CHECK_WITHIN(5000, tr_queue_status(queue).dead + tr_queue_status(queue).dropped == n);
}

TEST_PROC_REAL(dead_jobs_beyond_the_limit_are_not_in_the_file)
{
    make_folder();
    tr_pid queue = START(.max_attempts = 1, .max_dead = 3);

    push_and_see_die(queue, 5);
    CHECK_INT(tr_queue_status(queue).dropped, 2);
    stop(queue);
    queue = START(.max_dead = 10);
    CHECK_INT(tr_queue_status(queue).dead, 3);
    CHECK_INT(tr_queue_status(queue).dropped, 0);
    stop(queue);
    /* A lower limit holds for those that are there, too. */
    queue = START(.max_dead = 1);
    CHECK_INT(tr_queue_status(queue).dropped, 2);
    stop(queue);
    queue = START(.max_dead = 10);
    CHECK_TERM(tr_queue_take_dead(queue),
               tr_build(tr_list(tr_tuple(tr_tuple(a_boom, 4), tr_tuple(a_boom, 4)))));
    stop(queue);
}

TEST_PROC_REAL(what_is_there_again_counts_for_the_capacity)
{
    make_folder();
    tr_pid queue = START(.capacity = 3);

    for (int i = 0; i < 4; i++)
        CHECK_INT(tr_queue_push(queue, a_hang, i), TR_OK);
    CHECK_INT(tr_queue_push(queue, a_hang, 4), TR_EBUSY);
    stop(queue);
    queue = START(.capacity = 3);
    CHECK_INT(tr_queue_push(queue, a_hang, 5), TR_EBUSY);
    stop(queue);
}

/* --- what outlasts the program --- */

static pid_t spawned(int *out, const char *mode)
{
    char *argv[] = { (char *)PROGRAM, file, (char *)mode, NULL };
    posix_spawn_file_actions_t actions;
    extern char **environ;
    pid_t pid;
    int ends[2];

    CHECK_INT(pipe(ends), 0);
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_adddup2(&actions, ends[1], 1);
    CHECK_INT(posix_spawn(&pid, PROGRAM, &actions, NULL, argv, environ), 0);
    posix_spawn_file_actions_destroy(&actions);
    close(ends[1]);
    *out = ends[0];
    return pid;
}

enum { MOST = 20000 };
static bool has_run[MOST];

/* Kills the program after some lines; returns how many jobs it has pushed. */
static int64_t run_and_kill(int nlines)
{
    int out, n, npushed = 0;
    char word[16];
    pid_t pid = spawned(&out, NULL);
    FILE *lines = fdopen(out, "r");

    for (int i = 0; fscanf(lines, "%15s %d", word, &n) == 2 && n < MOST; i++) {
        if (i == nlines)
            CHECK_INT(kill(pid, SIGKILL), 0);
        if (strcmp(word, "ran") == 0)
            has_run[n] = true;
        else
            npushed = n + 1;
    }
    fclose(lines);
    CHECK_INT(waitpid(pid, NULL, 0), pid);
    return npushed;
}

TEST_PROC_REAL(no_job_that_was_pushed_is_lost_when_the_program_is_killed)
{
    make_folder();
    for (int round = 0; round < 4; round++) {
        memset(has_run, 0, sizeof has_run);
        int64_t npushed = run_and_kill(40 + 37 * round), n;
        tr_pid queue = START(.workers = 4, .capacity = MOST), pid;
        for (;;) {
            struct tr_queue_status s = tr_queue_status(queue);
            if (!s.waiting && !s.running && !tr_mailbox_length())
                break;
            tr_receive (m) {
                tr_on (m, a_ran, &n, &pid)
                    has_run[n] = true;
                tr_after (m, 20) {
                }
            }
        }
        CHECK(npushed > 0);
        for (int64_t i = 0; i < npushed; i++)
            CHECK(has_run[i]);
        stop(queue);
    }
}

TEST_PROC_REAL(job_that_ends_the_program_dies_in_the_end)
{
    int out, status, nruns = 0;

    make_folder();
    do {
        pid_t pid = spawned(&out, "poison");
        CHECK_INT(waitpid(pid, &status, 0), pid);
        close(out);
        CHECK(WIFSIGNALED(status) ? WTERMSIG(status) == SIGKILL : WEXITSTATUS(status) == 2);
    } while (WIFSIGNALED(status) && ++nruns < 20);
    CHECK(nruns >= 3 && nruns < 20);
}

/* --- files that are none of ours --- */

static void execute(const char *sql)
{
    sqlite3 *db;

    CHECK_INT(sqlite3_open(file, &db), SQLITE_OK);
    CHECK_INT(sqlite3_exec(db, sql, NULL, NULL, NULL), SQLITE_OK);
    sqlite3_close(db);
}

#define CHECK_REFUSED(path, text)                                                                  \
    CHECK_TERM(tr_queue_start_link(OPTS_AT(path, .workers = 1)),                                   \
               tr_build(a_error, tr_tuple(a_store, text)))

TEST_PROC_REAL(what_is_no_database_is_refused)
{
    make_folder();
    FILE *f = fopen(file, "w");
    for (int i = 0; i < 1000; i++)
        fputs("a file of another kind\n", f);
    fclose(f);
    CHECK_REFUSED(file, "file is not a database");
    CHECK_REFUSED(folder, "unable to open database file");
    CHECK_REFUSED("/nowhere/at/all", "unable to open database file");
    CHECK_REFUSED(":memory:", "the file can have no write-ahead log");
}

TEST_PROC_REAL(database_of_another_program_is_refused)
{
    make_folder();
    execute("create table jobs (n)");
    CHECK_REFUSED(file, "the database is that of another program");
    execute("drop table jobs; pragma application_id = 1416778101; pragma user_version = 2");
    CHECK_REFUSED(file, "the database was written by another version");
}

TEST_PROC_REAL(job_that_cannot_be_read_is_told)
{
    make_folder();
    stop(START(.workers = 1));
    execute("insert into jobs values (1, '{fine,1', null, 0, 0, 0)");
    CHECK_REFUSED(file, "a job in it cannot be read");
    execute("update jobs set job = '{fine,1}', reason = '{'");
    CHECK_REFUSED(file, "a job in it cannot be read");
    execute("update jobs set reason = null");
    tr_pid queue = START(.workers = 1);
    runs(1);
    stop(queue);
}

TEST_PROC_REAL(second_queue_on_a_file_is_refused)
{
    make_folder();
    tr_pid queue = START(.workers = 1);
    CHECK_REFUSED(file, "database is locked");
    CHECK_INT(tr_queue_push(queue, a_fine, 1), TR_OK);
    runs(1);
    stop(queue);
}

TEST_PROC_REAL(store_and_place_belong_together)
{
    make_folder();
    CHECK_TERM(tr_queue_start_link(OPTS_AT(NULL, .workers = 1)),
               tr_build(a_error, tr_tuple(a_bad_option, a_where)));
    CHECK_TERM(tr_queue_start_link(&(const struct tr_queue){ .run = work, .where = file }),
               tr_build(a_error, tr_tuple(a_bad_option, a_store)));
}

/* --- disks that fail --- */

/* Stands between SQLite and its files, of which some are locked and some (the log) are not: these
   have other methods, but write and sync alike. */
static struct {
    sqlite3_vfs vfs, *real;
    sqlite3_io_methods locking, other;
    const sqlite3_io_methods *real_locking;
    bool full;
    int sync_ms;
} disk;

static int disk_write(sqlite3_file *f, const void *bytes, int n, sqlite3_int64 at)
{
    return __atomic_load_n(&disk.full, __ATOMIC_SEQ_CST)
               ? SQLITE_FULL
               : disk.real_locking->xWrite(f, bytes, n, at);
}

/* Not a wait for anything: it is the disk that is slow. */
static int disk_sync(sqlite3_file *f, int flags)
{
    usleep((useconds_t)disk.sync_ms * 1000);
    return disk.real_locking->xSync(f, flags);
}

static int disk_open(sqlite3_vfs *vfs, const char *name, sqlite3_file *f, int flags, int *out)
{
    bool locks = flags & SQLITE_OPEN_MAIN_DB;
    sqlite3_io_methods *methods = locks ? &disk.locking : &disk.other;
    int rc = disk.real->xOpen(disk.real, name, f, flags, out);

    (void)vfs;
    if (rc || !f->pMethods)
        return rc;
    if (locks)
        disk.real_locking = f->pMethods;
    *methods = *f->pMethods;
    methods->xWrite = disk_write;
    methods->xSync = disk_sync;
    f->pMethods = methods;
    return rc;
}

static void use_disk(void)
{
    disk.real = sqlite3_vfs_find(NULL);
    disk.vfs = *disk.real;
    disk.vfs.zName = "disk";
    disk.vfs.xOpen = disk_open;
    CHECK_INT(sqlite3_vfs_register(&disk.vfs, 1), SQLITE_OK);
}

static void set_full(bool full)
{
    __atomic_store_n(&disk.full, full, __ATOMIC_SEQ_CST);
}

TEST_PROC_REAL(push_that_cannot_be_written_is_refused)
{
    make_folder();
    use_disk();
    tr_pid queue = START(.workers = 1);

    set_full(true);
    CHECK_INT(tr_queue_push(queue, a_fine, 1), TR_ESYS);
    set_full(false);
    CHECK_INT(tr_queue_push(queue, a_fine, 2), TR_OK);
    runs(2);
    CHECK_WITHIN(5000, tr_queue_status(queue).done == 1);
    stop(queue);
    set_full(true);
    unlink(file);
    CHECK_REFUSED(file, "database or disk is full");
    set_full(false);
}

TEST_PROC_REAL(queue_that_cannot_write_ends_and_has_its_jobs_again)
{
    make_folder();
    use_disk();
    tr_trap_exit(true);
    tr_pid queue = START(.workers = 1);
    tr_ref ref = tr_monitor(queue);

    CHECK_INT(tr_queue_push(queue, a_hang, 1), TR_OK);
    CHECK_INT(tr_queue_push(queue, a_fine, 2), TR_OK);
    tr_pid job = runs(1);
    set_full(true);
    tr_send(job, a_go);
    tr_receive_ref(m, ref) tr_on (m, a_DOWN, ref, a_process, tr_any(),
                                  tr_tuple(a_store, "database or disk is full"))
    {
    }
    set_full(false);
    queue = START(.workers = 1);
    job = runs(1);
    tr_send(job, a_go);
    runs(2);
    CHECK_WITHIN(5000, tr_queue_status(queue).done == 2);
    stop(queue);
}

static void ticks(tr_term boss)
{
    tr_pid pid;

    CHECK(tr_match(boss, &pid));
    for (;;) {
        tr_sleep(5);
        tr_send(pid, a_tick);
    }
}

TEST_PROC_REAL(only_the_queue_waits_for_the_disk)
{
    int n = 0;

    make_folder();
    use_disk();
    tr_pid queue = START(.workers = 1), other = tr_spawn(ticks, tr_self());
    disk.sync_ms = 500;
    CHECK_INT(tr_queue_push(queue, a_fine, 1), TR_OK);
    tr_exit_to(other, a_kill);
    disk.sync_ms = 0;
    for (bool more = true; more;)
        tr_receive (m) {
            tr_on (m, a_tick)
                n++;
            tr_after (m, 0)
                more = false;
        }
    CHECK(n >= 10);
    runs(1);
    stop(queue);
}
