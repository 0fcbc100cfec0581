/* SPDX-License-Identifier: MIT */
/* The log: events, sinks, levels, what is dropped, and what each sink makes of an event. */
#define _GNU_SOURCE
#include "troupe/log.h"

#include "base/fault.h"
#include "check_proc.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <semaphore.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <syslog.h>
#include <unistd.h>

tr_atoms(user, request, worker, opened, go);

/* --- a sink that remembers --- */

struct memory {
    pthread_mutex_t lock;
    int count;
    enum tr_log_level level;
    int line;
    char text[65536 + 16], process[64], name[64], meta[512], function[64];
};

static struct memory seen = { .lock = PTHREAD_MUTEX_INITIALIZER };

static void remember(const struct tr_log_event *e, void *arg)
{
    struct memory *m = arg;
    size_t at = 0;

    pthread_mutex_lock(&m->lock);
    m->count++;
    m->level = e->level;
    m->line = e->site.line;
    snprintf(m->text, sizeof m->text, "%s", e->text);
    snprintf(m->process, sizeof m->process, "%s", e->process);
    snprintf(m->name, sizeof m->name, "%s", e->name);
    snprintf(m->function, sizeof m->function, "%s", e->site.function ? e->site.function : "");
    m->meta[0] = '\0';
    for (size_t i = 0; i < e->nmeta; i++)
        at += (size_t)snprintf(m->meta + at, sizeof m->meta - at, "%s=%s;", e->meta[i].key,
                               e->meta[i].value);
    pthread_mutex_unlock(&m->lock);
}

static void only(const struct tr_sink *sink)
{
    CHECK_INT(tr_log_remove_sink("default"), TR_OK);
    CHECK_INT(tr_log_add_sink("test", sink), TR_OK);
}

static void remembering(void)
{
    only(&(struct tr_sink){ .write = remember, .arg = &seen, .max_per_second = TR_SINK_ANY });
}

static void flush(void)
{
    CHECK(tr_log_flush(10000));
}

TEST_PROC(event_says_who_where_and_what)
{
    remembering();
    CHECK_INT(tr_register(a_worker, tr_self()), TR_OK);
    tr_log_set_metadata(tr_build(tr_map(a_user, "ann")));
    tr_log_meta(TR_LOG_NOTICE, tr_map(a_request, 42), "opened %d of %s", 3, "four");
    int line = __LINE__ - 1;
    flush();
    CHECK_INT(seen.count, 1);
    CHECK_INT(seen.level, TR_LOG_NOTICE);
    CHECK_STR(seen.text, "opened 3 of four");
    CHECK_STR(seen.process, tr_inspect(tr_build(tr_self())));
    CHECK_STR(seen.name, "worker");
    CHECK_STR(seen.function, "test_event_says_who_where_and_what");
    CHECK_INT(seen.line, line);
    CHECK_STR(seen.meta, "user=ann;request=42;");
}

TEST_PROC(terms_are_logged_as_they_are_written)
{
    remembering();
    tr_log_term(TR_LOG_ERROR, a_opened, "door", tr_list(1, 2));
    flush();
    CHECK_STR(seen.text, "{opened,<<\"door\">>,[1,2]}");
    tr_log_term(TR_LOG_ERROR, a_opened);
    flush();
    CHECK_STR(seen.text, "opened");
}

TEST(any_thread_may_log)
{
    remembering();
    tr_log_warning("from %s", "outside");
    flush();
    CHECK_STR(seen.text, "from outside");
    CHECK_STR(seen.process, "");
    CHECK_STR(seen.name, "");
    tr_log_term(TR_LOG_ERROR, a_opened, 1);
    flush();
    CHECK_STR(seen.text, "{opened,1}");
}

TEST(long_text_is_whole_up_to_a_limit)
{
    static char text[70000];

    remembering();
    memset(text, 'x', 300);
    tr_log_info("%s", text);
    flush();
    CHECK_STR(seen.text, text);
    memset(text, 'x', sizeof text - 1);
    tr_log_info("%s", text);
    flush();
    CHECK_INT(strlen(seen.text), 65535);
}

static void metadata_of_no_map(tr_term arg)
{
    tr_log_set_metadata(arg);
}

TEST_PROC(metadata_is_a_map)
{
    tr_term reason;
    tr_ref ref;

    remembering();
    tr_spawn_monitor(metadata_of_no_map, &ref, 7);
    tr_receive (m)
        tr_on (m, tr_any(), ref, tr_any(), tr_any(), &reason)
            CHECK_STR(tr_inspect(reason), "{badarg,7}");
    tr_log_set_metadata(tr_build(tr_map(a_user, tr_list(1, 2))));
    tr_log_set_metadata(tr_build(tr_map(3, tr_tuple(1, 2))));
    tr_log_info("x");
    flush();
    CHECK_STR(seen.meta, "3={1,2};");
}

TEST_PROC(metadata_can_be_read_and_added_to)
{
    remembering();
    CHECK_TERM(tr_log_metadata(), tr_build(tr_map()));
    tr_log_set_metadata(tr_build(tr_map(a_user, "ann", a_request, 1)));
    tr_log_update_metadata(tr_build(tr_map(a_request, 2)));
    CHECK_TERM(tr_log_metadata(), tr_build(tr_map(a_user, "ann", a_request, 2)));
}

static void updates_with_no_map(tr_term arg)
{
    tr_log_update_metadata(arg);
}

TEST_PROC(metadata_is_not_added_from_no_map)
{
    tr_term reason;
    tr_ref ref;

    remembering();
    tr_spawn_monitor(updates_with_no_map, &ref, 7);
    tr_receive (m)
        tr_on (m, tr_any(), ref, tr_any(), tr_any(), &reason)
            CHECK_STR(tr_inspect(reason), "{badarg,7}");
}

TEST_PROC(metadata_of_the_call_comes_before_that_of_the_process)
{
    remembering();
    tr_log_set_metadata(tr_build(tr_map(a_user, "ann")));
    tr_log_meta(TR_LOG_NOTICE, tr_map(a_user, "bob"), "x");
    flush();
    CHECK_STR(seen.meta, "user=bob;");
}

/* --- levels --- */

TEST(levels_of_the_log_and_of_a_sink_both_count)
{
    remembering();
    CHECK(tr_log_allows(TR_LOG_INFO) && !tr_log_allows(TR_LOG_DEBUG));
    tr_log_debug("no");
    tr_log_set_level(TR_LOG_DEBUG);
    tr_log_debug("yes");
    flush();
    CHECK_INT(seen.count, 1);
    CHECK_INT(tr_log_set_sink_level("test", TR_LOG_ERROR), TR_OK);
    CHECK(!tr_log_allows(TR_LOG_WARNING));
    tr_log_warning("no");
    tr_log_emergency("yes");
    flush();
    CHECK_INT(seen.count, 2);
    CHECK_INT(seen.level, TR_LOG_EMERGENCY);
    tr_log_set_level((enum tr_log_level)0);
    tr_log_set_level((enum tr_log_level)9);
    CHECK(tr_log_allows(TR_LOG_ERROR));
    CHECK(!tr_log_allows((enum tr_log_level)0));
    CHECK_INT(tr_log_set_sink_level("nobody", TR_LOG_ERROR), TR_ENOTFOUND);
    CHECK_INT(tr_log_set_sink_level("test", (enum tr_log_level)9), TR_EINVAL);
    CHECK_INT(tr_log_remove_sink("test"), TR_OK);
    CHECK(!tr_log_allows(TR_LOG_EMERGENCY));
    tr_log_emergency("to nobody");
    flush();
}

static int evaluated;

static int evaluate(void)
{
    return ++evaluated;
}

TEST(what_no_sink_wants_is_not_even_made)
{
    remembering();
    tr_log_debug("%d", evaluate());
    CHECK_INT(evaluated, 0);
    tr_log_info("%d", evaluate());
    CHECK_INT(evaluated, 1);
}

TEST(names_of_levels)
{
    CHECK_STR(tr_log_level_name(TR_LOG_EMERGENCY), "emergency");
    CHECK_STR(tr_log_level_name(TR_LOG_DEBUG), "debug");
    CHECK_STR(tr_log_level_name((enum tr_log_level)9), "level");
}

/* --- sinks come and go --- */

static tr_err own_removal = TR_OK;

static void remove_itself(const struct tr_log_event *event, void *arg)
{
    (void)event;
    (void)arg;
    own_removal = tr_log_remove_sink("self");
}

TEST(sinks_are_added_and_removed_by_name)
{
    static struct memory second = { .lock = PTHREAD_MUTEX_INITIALIZER };
    struct tr_sink sink = { .write = remember, .arg = &second };

    remembering();
    CHECK_INT(tr_log_add_sink("test", &sink), TR_EEXIST);
    CHECK_INT(tr_log_add_sink("", &sink), TR_EINVAL);
    CHECK_INT(tr_log_add_sink("a name of more than thirty-one bytes", &sink), TR_EINVAL);
    CHECK_INT(tr_log_add_sink("x", &(struct tr_sink){ .write = NULL }), TR_EINVAL);
    sink.max_queue = -1;
    CHECK_INT(tr_log_add_sink("x", &sink), TR_EINVAL);
    sink.max_queue = 0;
    CHECK_INT(tr_log_add_sink("default", &sink), TR_OK);
    tr_log_info("both");
    flush();
    CHECK_INT(seen.count, 1);
    CHECK_INT(second.count, 1);
    CHECK_INT(tr_log_remove_sink("default"), TR_OK);
    CHECK_INT(tr_log_remove_sink("default"), TR_ENOTFOUND);
    tr_log_info("one");
    flush();
    CHECK_INT(seen.count, 2);
    CHECK_INT(second.count, 1);
    CHECK_INT(tr_log_add_sink("self", &(struct tr_sink){ .write = remove_itself }), TR_OK);
    tr_log_info("x");
    flush();
    CHECK_INT(own_removal, TR_EBUSY);
}

/* --- overload --- */

static sem_t gate;
static atomic_int waiting;
static char written[4096];

/* Writes nothing until it is let. */
static void slow(const struct tr_log_event *event, void *arg)
{
    (void)arg;
    atomic_fetch_add(&waiting, 1);
    while (sem_wait(&gate) < 0)
        ;
    strcat(strcat(written, event->text), ";");
}

TEST(full_queue_drops_and_says_so_where_the_gap_is)
{
    sem_init(&gate, 0, 0);
    only(&(struct tr_sink){ .write = slow, .max_queue = 2 });
    tr_log_info("0");
    CHECK_WITHIN(10000, atomic_load(&waiting) == 1);
    for (int i = 1; i <= 5; i++)
        tr_log_info("%d", i);
    CHECK_INT(tr_log_dropped(), 3);
    CHECK(!tr_log_flush(1));
    sem_post(&gate);
    CHECK_WITHIN(10000, atomic_load(&waiting) == 2);
    tr_log_info("6");
    for (int i = 0; i < 10; i++)
        sem_post(&gate);
    flush();
    CHECK_STR(written, "0;1;2;3 messages dropped;6;");
}

TEST(rate_is_limited_and_the_rest_counted)
{
    sem_init(&gate, 0, 1000);
    only(&(struct tr_sink){ .write = slow, .max_per_second = 2 });
    for (int i = 0; i < 3; i++)
        tr_log_info("x");
    /* Nothing follows, so it is said when the second is over. */
    CHECK_WITHIN(10000, strstr(written, "1 message dropped;"));
}

TEST_PROC_REAL(sink_that_blocks_holds_up_nobody)
{
    int pipes[2];

    CHECK_INT(pipe(pipes), 0);
    CHECK(dup2(pipes[1], STDERR_FILENO) >= 0);
    /* Far more than a pipe takes, which nobody reads. */
    for (int i = 0; i < 5000; i++)
        tr_log_error("%0200d", i);
    CHECK(!tr_log_flush(1));
    CHECK(tr_log_dropped() > 0);
}

/* --- lines --- */

static int capture(void)
{
    int pipes[2];

    CHECK_INT(pipe(pipes), 0);
    CHECK(dup2(pipes[1], STDERR_FILENO) >= 0);
    close(pipes[1]);
    return pipes[0];
}

static const char *captured(int fd)
{
    static char text[8192];
    ssize_t n = read(fd, text, sizeof text - 1);

    CHECK(n > 0);
    text[n] = '\0';
    return text;
}

static void expect_in(const char *text, const char *part)
{
    if (!strstr(text, part))
        check_fail(__FILE__, __LINE__, "no \"%s\" in:\n%s", part, text);
}

TEST_PROC(line_on_standard_error)
{
    char place[64];
    int fd = capture();

    CHECK_INT(tr_register(a_worker, tr_self()), TR_OK);
    tr_log_meta(TR_LOG_WARNING, tr_map(a_user, 7), "low on %s", "paper");
    snprintf(place, sizeof place, " (worker) log_test.c:%d: low on paper user=7\n", __LINE__ - 1);
    flush();
    const char *text = captured(fd);
    expect_in(text, " [warning] <0.");
    expect_in(text, place);
}

enum { WRITERS = 8, LINES = 50 };

static void writer(tr_term arg)
{
    int n;

    CHECK(tr_match(arg, &n));
    for (int i = 0; i < LINES; i++)
        tr_log_info("%d%s%d", n, "abcdefghijklmnopqrstuvwxyz", n);
}

TEST_PROC(lines_are_whole)
{
    int fd = capture(), lines = 0, a, b;
    tr_ref ref;
    FILE *in = fdopen(fd, "r");
    char line[512];

    CHECK_INT(tr_log_remove_sink("default"), TR_OK);
    CHECK_INT(tr_log_add_sink("lines", &(struct tr_sink){ .write = tr_sink_stderr,
                                                          .max_per_second = TR_SINK_ANY }),
              TR_OK);
    for (int i = 0; i < WRITERS; i++)
        tr_spawn_monitor(writer, &ref, i);
    for (int i = 0; i < WRITERS; i++)
        tr_receive (m)
            tr_on (m, tr_any(), tr_any(), tr_any(), tr_any(), tr_any()) {
            }
    flush();
    while (lines < WRITERS * LINES && fgets(line, sizeof line, in)) {
        const char *text = strstr(line, ": ");
        CHECK(text && sscanf(text, ": %dabcdefghijklmnopqrstuvwxyz%d\n", &a, &b) == 2 && a == b);
        lines++;
    }
    CHECK_INT(lines, WRITERS * LINES);
    fclose(in);
}

TEST(syslog_gets_the_line)
{
    int fd = capture();

    /* LOG_PERROR copies to standard error what goes to the daemon, which need not be there. */
    openlog("troupe-test", LOG_PERROR, LOG_USER);
    only(&(struct tr_sink){ .write = tr_sink_syslog });
    tr_log_error("cannot open");
    flush();
    const char *text = captured(fd);
    expect_in(text, "troupe-test: log_test.c:");
    expect_in(text, ": cannot open");
}

/* --- journald --- */

static struct sockaddr_un address = { .sun_family = AF_UNIX };

static int journal(void)
{
    int fd = socket(AF_UNIX, SOCK_DGRAM, 0);
    char folder[] = "/tmp/troupe-journal-XXXXXX";

    CHECK(fd >= 0 && mkdtemp(folder));
    snprintf(address.sun_path, sizeof address.sun_path, "%s/socket", folder);
    CHECK_INT(bind(fd, (struct sockaddr *)&address, sizeof address), 0);
    only(&(struct tr_sink){ .write = tr_sink_journald, .arg = address.sun_path });
    return fd;
}

static void journal_close(int fd)
{
    close(fd);
    unlink(address.sun_path);
    *strrchr(address.sun_path, '/') = '\0';
    rmdir(address.sun_path);
}

TEST_PROC(journald_gets_fields)
{
    static char datagram[4096];
    int fd = journal();

    CHECK_INT(tr_register(a_worker, tr_self()), TR_OK);
    tr_log_meta(TR_LOG_ERROR, tr_map("7 user-id", "a\nb"), "cannot open");
    flush();
    ssize_t n = recv(fd, datagram, sizeof datagram - 1, MSG_DONTWAIT);
    CHECK(n > 0);
    expect_in(datagram, "MESSAGE=cannot open\n");
    expect_in(datagram, "\nPRIORITY=3\n");
    expect_in(datagram, "\nSYSLOG_IDENTIFIER=log_test\n");
    expect_in(datagram, "log_test.c\nCODE_LINE=");
    expect_in(datagram, "\nCODE_FUNC=test_journald_gets_fields\n");
    expect_in(datagram, "\nTROUPE_PROCESS=<0.");
    expect_in(datagram, "\nTROUPE_NAME=worker\n");
    static const char field[] = "\nF_7_USER_ID\n\3\0\0\0\0\0\0\0a\nb\n";
    CHECK(memmem(datagram, (size_t)n, field, sizeof field - 1) != NULL);
    journal_close(fd);
}

TEST(journald_gets_what_is_too_large_as_a_file)
{
    static char text[400000], start[16];
    union {
        struct cmsghdr head;
        char room[CMSG_SPACE(sizeof(int))];
    } control = { .room = { 0 } };
    struct msghdr message = { .msg_control = &control, .msg_controllen = sizeof control };
    int fd = journal(), file;

    memset(text, 'x', sizeof text - 1);
    tr_sink_journald(
        &(struct tr_log_event){
            .level = TR_LOG_INFO, .process = "", .name = "", .text = text, .backtrace = "" },
        address.sun_path);
    CHECK_INT(recvmsg(fd, &message, MSG_DONTWAIT), 0);
    struct cmsghdr *head = CMSG_FIRSTHDR(&message);
#if defined(__aarch64__)
    if (!head || head->cmsg_type != SCM_RIGHTS)
        SKIP("qemu-user passes no descriptor with an empty datagram");
#endif
    CHECK(head && head->cmsg_type == SCM_RIGHTS);
    memcpy(&file, CMSG_DATA(head), sizeof file);
    CHECK(fcntl(file, F_GET_SEALS) & F_SEAL_WRITE);
    CHECK(lseek(file, 0, SEEK_END) > (off_t)sizeof text);
    CHECK(pread(file, start, sizeof start - 1, 0) > 0);
    CHECK_STR(start, "MESSAGE=xxxxxxx");
    journal_close(fd);
}

TEST(journald_that_is_not_there_is_no_error)
{
    only(&(struct tr_sink){ .write = tr_sink_journald, .arg = (char *)"/nowhere/socket" });
    tr_log_error("to nobody");
    flush();
}

/* --- injected failures --- */

TEST(each_failure_costs_one_event_at_most)
{
#ifndef TR_FAULTS
    SKIP("injected failures are not built in");
#endif
    int fd = capture();

    CHECK_INT(fcntl(fd, F_SETFL, O_NONBLOCK), 0);
    for (int64_t n = 1;; n++) {
        tr__fault_arm(n);
        tr_err err = tr_log_add_sink("journal", &(struct tr_sink){ .write = tr_sink_journald });
        CHECK(err == TR_OK || err == TR_ENOMEM);
        tr_log_error("%0400d", 7);
        while (!tr_log_flush(100))
            ;
        bool done = tr__fault_count() < n;
        tr__fault_arm(0);
        if (!err)
            CHECK_INT(tr_log_remove_sink("journal"), TR_OK);
        tr_log_error("after it");
        flush();
        if (done)
            break;
    }
    expect_in(captured(fd), "after it");
}
