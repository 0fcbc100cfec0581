/* SPDX-License-Identifier: MIT */
/*
 * Calls of other libraries that block, with one worker: everybody else goes on meanwhile, and the
 * call ends as it would in a program without processes.
 */
#include "contain.h"

#include <arpa/inet.h>
#include <netdb.h>
#include <resolv.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <unistd.h>
#ifdef CHECK_SQLITE
#include <sqlite3.h>
#endif

tr_atoms(ping, pong);

enum { OTHERS = 100 };

static char path[] = "/tmp/troupe-blocking-XXXXXX";
static atomic_bool blocks; /* the call is about to be made */
static atomic_bool ended;

static void answers(tr_term arg)
{
    tr_pid from;

    (void)arg;
    tr_receive (m)
        tr_on (m, a_ping, &from)
            tr_send(from, a_pong);
}

/* Runs `fn` in a process, and sees that it has not ended when a hundred others have answered. */
static void start_blocked(tr_process_fn fn)
{
    atomic_store(&blocks, false);
    atomic_store(&ended, false);
    tr_spawn_link(fn);
    CHECK_WITHIN(patience(10000), atomic_load(&blocks));
    for (int i = 0; i < OTHERS; i++) {
        tr_send(tr_spawn(answers), a_ping, tr_self());
        tr_receive (m)
            tr_on (m, a_pong) {
            }
    }
    CHECK(!atomic_load(&ended));
}

static void await_end(void)
{
    CHECK_WITHIN(patience(20000), atomic_load(&ended));
}

static void one_worker(void)
{
    CHECK_INT(tr_schedulers_online(), 1);
}

__attribute__((constructor)) static void ask_for_one_worker(void)
{
    setenv("TROUPE_SCHEDULERS", "1", 1);
}

static void make_file(void)
{
    int fd = mkstemp(path);

    CHECK(fd >= 0);
    close(fd);
}

/* --- sleep --- */

static void sleeps(tr_term arg)
{
    (void)arg;
    atomic_store(&blocks, true);
    usleep(300000);
    atomic_store(&ended, true);
}

TEST_PROC_REAL(a_sleep_of_libc_holds_up_nobody)
{
    one_worker();
    start_blocked(sleeps);
    await_end();
}

/* --- flock --- */

static void locks(tr_term arg)
{
    int fd = open(path, O_RDWR | O_CLOEXEC);

    (void)arg;
    CHECK(fd >= 0);
    atomic_store(&blocks, true);
    CHECK_INT(flock(fd, LOCK_EX), 0);
    atomic_store(&ended, true);
    close(fd);
}

TEST_PROC_REAL(flock_on_a_locked_file_holds_up_nobody)
{
    one_worker();
    make_file();
    int fd = open(path, O_RDWR | O_CLOEXEC);
    CHECK_INT(flock(fd, LOCK_EX), 0);
    start_blocked(locks);
    CHECK_INT(flock(fd, LOCK_UN), 0);
    await_end();
    close(fd);
    unlink(path);
}

/* --- getaddrinfo --- */

static struct sockaddr_in name_server; /* never answers */

static void resolves(tr_term arg)
{
    struct addrinfo *found = NULL;
    const struct addrinfo hints = { .ai_family = AF_INET, .ai_socktype = SOCK_STREAM };

    (void)arg;
    /* The resolver's state is that of the thread, and nothing switches from here to the call. */
    CHECK_INT(res_init(), 0);
    _res.nscount = 1;
    _res.nsaddr_list[0] = name_server;
    _res.retrans = 1;
    _res.retry = 1;
    atomic_store(&blocks, true);
    CHECK(getaddrinfo("nobody.troupe.invalid", "80", &hints, &found) != 0);
    atomic_store(&ended, true);
}

TEST_PROC_REAL(getaddrinfo_holds_up_nobody)
{
    int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    socklen_t size = sizeof name_server;

    one_worker();
    CHECK_NO_EMULATOR();
    name_server.sin_family = AF_INET;
    name_server.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    CHECK_INT(bind(fd, (struct sockaddr *)&name_server, size), 0);
    CHECK_INT(getsockname(fd, (struct sockaddr *)&name_server, &size), 0);
    start_blocked(resolves);
    await_end();
    close(fd);
}

/* --- SQLite --- */

#ifdef CHECK_SQLITE
static sqlite3 *open_database(void)
{
    sqlite3 *db;

    CHECK_INT(sqlite3_open(path, &db), SQLITE_OK);
    CHECK_INT(sqlite3_busy_timeout(db, 20000), SQLITE_OK);
    return db;
}

static void run_sql(sqlite3 *db, const char *text)
{
    sqlite3_stmt *statement;

    CHECK_INT(sqlite3_prepare_v2(db, text, -1, &statement, NULL), SQLITE_OK);
    CHECK_INT(sqlite3_step(statement), SQLITE_DONE);
    sqlite3_finalize(statement);
}

static void writes(tr_term arg)
{
    sqlite3 *db = open_database();

    (void)arg;
    atomic_store(&blocks, true);
    run_sql(db, "insert into t values (1)");
    atomic_store(&ended, true);
    sqlite3_close(db);
}
#endif

TEST_PROC_REAL(step_on_a_locked_sqlite_file_holds_up_nobody)
{
    one_worker();
#ifdef CHECK_SQLITE
    make_file();
    sqlite3 *db = open_database();
    run_sql(db, "create table t (n)");
    run_sql(db, "begin exclusive");
    start_blocked(writes);
    run_sql(db, "commit");
    await_end();
    run_sql(db, "delete from t where n = 1");
    CHECK_INT(sqlite3_changes(db), 1);
    sqlite3_close(db);
    unlink(path);
#else
    SKIP("SQLite is not installed");
#endif
}
