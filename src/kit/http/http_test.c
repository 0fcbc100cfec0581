/* SPDX-License-Identifier: MIT */
/* The HTTP client against a server that does as its paths say, and against nothing at all. */
#define _GNU_SOURCE
#include "check_proc.h"
#include "troupe/http.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

tr_atoms(ok, troupe_http, open, gone, kill, killed, done, closed, timeout, noproc, nxdomain,
         econnrefused, bad_url, bad_method, bad_header, bad_timeout, bad_response, body_too_large,
         headers_too_large, too_many_redirects, driver, DOWN, process, second, badarg, tls);

static int64_t patience(int64_t ms)
{
    return ms * check_env("TEST_TIMEOUT", 1);
}

/* --- the server --- */

static int port;

static void say(int fd, const char *text)
{
    if (tr_write(fd, text, strlen(text), TR_INFINITY))
        return;
}

/* Reads until the client closes. */
static void wait_for_end(int fd)
{
    char rest[4096];

    while (tr_read(fd, rest, sizeof rest, TR_INFINITY) > 0)
        continue;
}

static void repeat(int fd, const char *text, int n)
{
    for (int i = 0; i < n; i++)
        say(fd, text);
}

/* The request as the body of its response; a body is read as long as Content-Length says. */
static void echo(int fd, char *request, size_t n, size_t room)
{
    char head[100];
    const char *length = strcasestr(request, "\r\ncontent-length:");
    char *end = strstr(request, "\r\n\r\n") + 4;
    size_t want = (size_t)(end - request) + (length ? strtoul(length + 17, NULL, 10) : 0);

    while (n < want && want < room) {
        ssize_t more = tr_read(fd, request + n, room - n, TR_INFINITY);
        if (more <= 0)
            return;
        n += (size_t)more;
    }
    snprintf(head, sizeof head, "HTTP/1.1 200 OK\r\nContent-Length: %zu\r\n\r\n", n);
    say(fd, head);
    if (tr_write(fd, request, n, TR_INFINITY))
        return;
}

/* A body that would never end: 16 KiB at a time, until the client has had enough. */
static void flood(int fd)
{
    static char much[16384];

    say(fd, "HTTP/1.1 200 OK\r\n\r\n");
    while (tr_write(fd, much, sizeof much, TR_INFINITY) == TR_OK)
        continue;
}

static void perform(int fd, char *request, size_t n, size_t room, tr_pid test)
{
    char path[64] = "";

    if (sscanf(request, "%*s %63s", path) != 1)
        return;
    if (strcmp(path, "/echo") == 0) {
        echo(fd, request, n, room);
    } else if (strcmp(path, "/hang") == 0) {
        tr_send(test, a_open);
        wait_for_end(fd);
        tr_send(test, a_gone);
    } else if (strcmp(path, "/cut") == 0) {
        say(fd, "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nabc");
    } else if (strcmp(path, "/half") == 0) {
        shutdown(fd, SHUT_WR);
        wait_for_end(fd);
    } else if (strcmp(path, "/until_end") == 0) {
        say(fd, "HTTP/1.0 200 OK\r\nX-Empty:\r\nX-One:  1 \r\nx-one: 2\r\n\r\nto the end");
    } else if (strcmp(path, "/garbage") == 0) {
        say(fd, "\1\2\3 this is not HTTP\r\n\r\n");
    } else if (strcmp(path, "/bad_length") == 0) {
        say(fd, "HTTP/1.1 200 OK\r\nContent-Length: many\r\n\r\n");
    } else if (strcmp(path, "/heads") == 0) {
        say(fd, "HTTP/1.1 200 OK\r\n");
        repeat(fd, "X-Filler: 0123456789012345678901234567890123456789\r\n", 2000);
        say(fd, "\r\n");
    } else if (strcmp(path, "/flood") == 0) {
        flood(fd);
        tr_send(test, a_gone);
    } else if (strcmp(path, "/stall") == 0) {
        say(fd, "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nabc");
        tr_send(test, a_open);
        wait_for_end(fd);
        tr_send(test, a_gone);
    } else if (strcmp(path, "/loop") == 0) {
        say(fd, "HTTP/1.1 302 Found\r\nLocation: /loop\r\nContent-Length: 0\r\n"
                "Connection: close\r\n\r\n");
    } else if (strcmp(path, "/moved") == 0) {
        say(fd, "HTTP/1.1 302 Found\r\nLocation: /until_end\r\nContent-Length: 5\r\n"
                "Connection: close\r\n\r\nmoved");
    } else if (strcmp(path, "/away") == 0) {
        say(fd, "HTTP/1.1 302 Found\r\nLocation: ftp://127.0.0.1/\r\nContent-Length: 0\r\n\r\n");
    }
}

static void connection(tr_term arg)
{
    char request[20000] = "";
    size_t n = 0;
    tr_pid test;
    int fd;

    CHECK(tr_match(arg, &fd, &test));
    tr_own_fd(fd);
    while (!strstr(request, "\r\n\r\n")) {
        ssize_t more = tr_read(fd, request + n, sizeof request - 1 - n, TR_INFINITY);
        if (more <= 0)
            return;
        n += (size_t)more;
        request[n] = '\0';
    }
    perform(fd, request, n, sizeof request - 1, test);
}

static int listening(void)
{
    struct sockaddr_in address = { .sin_family = AF_INET,
                                   .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
    socklen_t size = sizeof address;
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

    CHECK(fd >= 0 && bind(fd, (struct sockaddr *)&address, size) == 0 && listen(fd, 1024) == 0);
    CHECK(getsockname(fd, (struct sockaddr *)&address, &size) == 0);
    port = ntohs(address.sin_port);
    return fd;
}

static void server(tr_term arg)
{
    tr_pid test;
    int fd, one;

    CHECK(tr_match(arg, &fd, &test));
    while ((one = tr_accept(fd, TR_INFINITY)) >= 0)
        tr_spawn(connection, one, test);
}

/* Starts the client and a server, whose connections tell this process of themselves. */
static void set_up(void)
{
    CHECK(tr_match(tr_http_start_link(NULL), a_ok, tr_any()));
    tr_spawn_link(server, listening(), tr_self());
}

/* Lives as long as the process. */
static const char *url(const char *path)
{
    char *text = tr_alloc(200);

    snprintf(text, 200, "http://127.0.0.1:%d%s", port, path);
    return text;
}

static tr_bin bin(const char *text)
{
    return (tr_bin){ text, strlen(text) };
}

static bool holds(tr_bin bytes, const char *text)
{
    return memmem(bytes.data, bytes.size, text, strlen(text)) != NULL;
}

static bool is(tr_bin bytes, const char *text)
{
    return bytes.size == strlen(text) && memcmp(bytes.data, text, bytes.size) == 0;
}

/* A request for the path fails so. */
#define CHECK_FAILS(path, opts, code, ...)                                                         \
    do {                                                                                           \
        struct tr_http_response failed;                                                            \
        CHECK_INT(tr_http_get(url(path), &failed, opts), code);                                    \
        CHECK_TERM(failed.reason, tr_build(__VA_ARGS__));                                          \
        CHECK_INT(failed.status, 0);                                                               \
        CHECK_INT(failed.body.size, 0);                                                            \
    } while (0)

static void wait_for(tr_atom what)
{
    tr_receive (m) {
        tr_on (m, what) {
        }
        tr_after (m, patience(10000))
            check_fail(__FILE__, __LINE__, "%s has not come", tr_atom_name(what, NULL));
    }
}

/* --- requests and responses --- */

TEST_PROC_REAL(a_response_has_status_headers_and_body)
{
    struct tr_http_response r;
    tr_bin value;

    set_up();
    CHECK_INT(tr_http_get(url("/until_end"), &r, NULL), TR_OK);
    CHECK_INT(r.status, 200);
    CHECK(is(r.body, "to the end"));
    CHECK_TERM(r.body_term, tr_build("to the end"));
    CHECK_TERM(r.url, tr_build(url("/until_end")));
    CHECK_TERM(r.headers, tr_build(tr_list(tr_tuple("x-empty", ""), tr_tuple("x-one", "1"),
                                           tr_tuple("x-one", "2"))));
    CHECK(tr_http_header_value(&r, "x-one", &value) && is(value, "1"));
    CHECK(!tr_http_header_value(&r, "x-two", &value));
}

TEST_PROC_REAL(the_request_carries_method_headers_and_body)
{
    static const struct tr_http_header headers[] = {
        { "X-First", "one" }, { "X-Empty", "" }, { "User-Agent", "mine" }, { NULL, NULL }
    };
    struct tr_http_response r;

    set_up();
    CHECK_INT(tr_http_request("PUT", url("/echo"), &r,
                              TR_HTTP_OPTS(.headers = headers, .body = bin("the body"))),
              TR_OK);
    CHECK(holds(r.body, "PUT /echo HTTP/1.1\r\n"));
    CHECK(holds(r.body, "\r\nX-First: one\r\n"));
    CHECK(holds(r.body, "\r\nX-Empty:\r\n"));
    CHECK(holds(r.body, "\r\nUser-Agent: mine\r\n"));
    CHECK(holds(r.body, "\r\n\r\nthe body"));
    CHECK(!holds(r.body, "Content-Type"));

    CHECK_INT(tr_http_post(url("/echo"), "text/plain", "a\0b", 3, &r, NULL), TR_OK);
    CHECK(holds(r.body, "POST /echo HTTP/1.1\r\n"));
    CHECK(holds(r.body, "\r\nContent-Type: text/plain\r\n"));
    CHECK(memmem(r.body.data, r.body.size, "\r\n\r\na\0b", 7));

    CHECK_INT(tr_http_post(url("/echo"), NULL, NULL, 0, &r, NULL), TR_OK);
    CHECK(holds(r.body, "\r\nContent-Length: 0\r\n"));
    CHECK_INT(tr_http_request("DELETE", url("/echo"), &r, NULL), TR_OK);
    CHECK(holds(r.body, "DELETE /echo HTTP/1.1\r\n"));
}

TEST_PROC_REAL(a_large_body_is_sent_whole)
{
    static char much[15000];
    struct tr_http_response r;

    set_up();
    memset(much, 'x', sizeof much);
    CHECK_INT(tr_http_post(url("/echo"), NULL, much, sizeof much, &r, NULL), TR_OK);
    CHECK(r.body.size > sizeof much);
    CHECK(memcmp((const char *)r.body.data + r.body.size - sizeof much, much, sizeof much) == 0);
}

TEST_PROC_REAL(headers_may_be_longer_than_a_stack)
{
    enum { SIZE = 200000 };
    char *value = tr_alloc(SIZE + 1);
    const struct tr_http_header headers[] = { { "X-Long", value }, { NULL, NULL } };
    struct tr_http_response r;

    set_up();
    memset(value, 'x', SIZE);
    /* Longer than the server wants to read. */
    CHECK_INT(tr_http_get(url("/echo"), &r, TR_HTTP_OPTS(.headers = headers)), TR_ECLOSED);
    CHECK_TERM(r.reason, tr_build(a_closed));
}

TEST_PROC_REAL(head_has_no_body)
{
    struct tr_http_response r;

    set_up();
    CHECK_INT(tr_http_head(url("/cut"), &r, NULL), TR_OK);
    CHECK_INT(r.status, 200);
    CHECK_INT(r.body.size, 0);
}

TEST_PROC_REAL(redirects_are_followed_up_to_a_limit)
{
    struct tr_http_response r;

    set_up();
    CHECK_INT(tr_http_get(url("/moved"), &r, NULL), TR_OK);
    CHECK_INT(r.status, 200);
    CHECK(is(r.body, "to the end"));
    CHECK_TERM(r.url, tr_build(url("/until_end")));
    CHECK(!tr_http_header_value(&r, "location", &(tr_bin){ 0 }));

    CHECK_INT(tr_http_get(url("/moved"), &r, TR_HTTP_OPTS(.max_redirects = TR_HTTP_NO_REDIRECTS)),
              TR_OK);
    CHECK_INT(r.status, 302);
    CHECK(is(r.body, "moved"));
    CHECK_FAILS("/loop", NULL, TR_ELIMIT, a_too_many_redirects);
    CHECK_FAILS("/away", NULL, TR_EINVAL, a_bad_url);
}

/* --- failures --- */

TEST_PROC_REAL(what_is_no_request_is_told_at_once)
{
    const struct tr_http_header split[] = { { "X", "a\r\nY: b" }, { NULL, NULL } };
    const struct tr_http_header strange[] = { { "X Y", "a" }, { NULL, NULL } };
    const struct tr_http_header none[] = { { "X", NULL }, { NULL, NULL } };
    static const char *const urls[] = { NULL,
                                        "",
                                        "nothing",
                                        "ftp://127.0.0.1/",
                                        "http://",
                                        "http:///",
                                        "file:///etc/passwd",
                                        "http://a b/",
                                        "http://127.0.0.1:99999/" };
    struct tr_http_response r;

    set_up();
    for (size_t i = 0; i < sizeof urls / sizeof *urls; i++) {
        CHECK_INT(tr_http_get(urls[i], &r, NULL), TR_EINVAL);
        CHECK_TERM(r.reason, tr_build(a_bad_url));
    }
    CHECK_INT(tr_http_request("GET /", url("/"), &r, NULL), TR_EINVAL);
    CHECK_TERM(r.reason, tr_build(a_bad_method));
    CHECK_INT(tr_http_request(NULL, url("/"), &r, NULL), TR_EINVAL);
    CHECK_FAILS("/", TR_HTTP_OPTS(.headers = split), TR_EINVAL, a_bad_header);
    CHECK_FAILS("/", TR_HTTP_OPTS(.headers = strange), TR_EINVAL, a_bad_header);
    CHECK_FAILS("/", TR_HTTP_OPTS(.headers = none), TR_EINVAL, a_bad_header);
    CHECK_FAILS("/", TR_HTTP_OPTS(.timeout_ms = -1), TR_EINVAL, a_bad_timeout);
}

TEST_PROC_REAL(nobody_listens)
{
    set_up();
    int fd = listening();
    close(fd);
    CHECK_FAILS("/", NULL, TR_ECLOSED, a_econnrefused);
}

TEST_PROC_REAL(a_host_that_is_unknown)
{
    struct tr_http_response r;

    set_up();
    CHECK_INT(tr_http_get("http://no-such-host.invalid/", &r, TR_HTTP_OPTS(.proxy = "")),
              TR_ENOTFOUND);
    CHECK_TERM(r.reason, tr_build(a_nxdomain));
}

TEST_PROC_REAL(a_server_that_never_answers)
{
    set_up();
    int64_t start = tr_monotonic_ms();
    CHECK_FAILS("/hang", TR_HTTP_OPTS(.timeout_ms = 100), TR_ETIMEOUT, a_timeout);
    CHECK(tr_monotonic_ms() - start >= 100);
    wait_for(a_gone); /* its connection is closed */
}

TEST_PROC_REAL(a_server_that_stops_in_the_middle)
{
    set_up();
    CHECK_FAILS("/stall", TR_HTTP_OPTS(.stall_timeout_ms = 1000), TR_ETIMEOUT, a_timeout);
    wait_for(a_gone);
}

TEST_PROC_REAL(a_connection_that_is_not_made_in_time)
{
    struct tr_http_response r;

    set_up();
    /* An address for documents, where nobody is: unless the network refuses it. */
    tr_err err =
        tr_http_get("http://192.0.2.1/", &r, TR_HTTP_OPTS(.connect_timeout_ms = 50, .proxy = ""));
    CHECK(err == TR_ETIMEOUT || err == TR_ECLOSED);
}

TEST_PROC_REAL(a_connection_that_is_closed_too_early)
{
    set_up();
    CHECK_FAILS("/cut", NULL, TR_ECLOSED, a_closed);
    CHECK_FAILS("/half", NULL, TR_ECLOSED, a_closed);
    CHECK_FAILS("/nothing", NULL, TR_ECLOSED, a_closed);
}

TEST_PROC_REAL(what_is_not_http)
{
    set_up();
    CHECK_FAILS("/garbage", NULL, TR_ESYNTAX, a_bad_response);
    CHECK_FAILS("/bad_length", NULL, TR_ESYNTAX, a_bad_response);
}

TEST_PROC_REAL(limits_of_size)
{
    struct tr_http_response r;

    set_up();
    CHECK_FAILS("/flood", TR_HTTP_OPTS(.max_body = 100000), TR_ELIMIT, a_body_too_large);
    wait_for(a_gone);
    CHECK_FAILS("/flood", NULL, TR_ELIMIT, a_body_too_large);
    CHECK_FAILS("/heads", NULL, TR_ELIMIT, a_headers_too_large);
    CHECK_INT(tr_http_get(url("/heads"), &r, TR_HTTP_OPTS(.max_headers = 200000)), TR_OK);
    CHECK_INT(tr_http_get(url("/until_end"), &r, TR_HTTP_OPTS(.max_body = 10)), TR_OK);
    CHECK_FAILS("/until_end", TR_HTTP_OPTS(.max_body = 9), TR_ELIMIT, a_body_too_large);
}

TEST_PROC_REAL(a_server_that_does_not_speak_tls)
{
    struct tr_http_response r;
    char text[100];

    set_up();
    snprintf(text, sizeof text, "https://127.0.0.1:%d/garbage", port);
    CHECK_INT(tr_http_get(text, &r, TR_HTTP_OPTS(.timeout_ms = 300)), TR_ETIMEOUT);
    CHECK_INT(tr_http_get(text, &r, TR_HTTP_OPTS(.ca_file = "/no/such/file")), TR_ESYS);
    CHECK(tr_match(r.reason, a_tls, tr_any()));
}

TEST_PROC_REAL(without_a_client_there_is_noproc)
{
    CHECK_FAILS("/", NULL, TR_ENOPROC, a_noproc);
    set_up();
    CHECK_FAILS("/", TR_HTTP_OPTS(.client = a_second), TR_ENOPROC, a_noproc);
}

static void start_badly(tr_term arg)
{
    (void)arg;
    tr_http_start_link(&(const struct tr_http_start_opts){ .drivers = -1 });
}

TEST_PROC_REAL(options_of_the_start_are_checked)
{
    tr_ref ref;

    tr_log_set_level(TR_LOG_CRITICAL);
    tr_spawn_monitor(start_badly, &ref);
    tr_receive (m)
        tr_on (m, a_DOWN, ref, a_process, tr_any(),
               tr_tuple(tr_tuple(a_badarg, a_troupe_http), tr_any())) {
        }
}

TEST_PROC_REAL(a_client_under_a_supervisor)
{
    static const struct tr_http_start_opts opts = { .name = { 0 },
                                                    .drivers = 3,
                                                    .max_per_host = 2 };
    const struct tr_supervisor app = {
        .children = TR_CHILDREN(
            { .start = tr_http_child, .id = "http", .arg_pointer = &opts, .type = TR_SUPERVISOR }),
    };
    struct tr_http_response r;

    CHECK(tr_match(tr_supervisor_start_link(&app, NULL), a_ok, tr_any()));
    CHECK_INT(tr_partition_count(a_troupe_http), 3);
    tr_spawn_link(server, listening(), tr_self());
    CHECK_INT(tr_http_get(url("/until_end"), &r, NULL), TR_OK);
}

/* --- clients and drivers that end --- */

static void hanging(tr_term arg)
{
    struct tr_http_response r;
    tr_pid test;

    CHECK(tr_match(arg, &test));
    tr_err err = tr_http_get(url("/hang"), &r, NULL);
    tr_send(test, a_done, (int)err, r.reason);
}

static tr_pid the_driver(void)
{
    return tr_partition(a_troupe_http, 0);
}

TEST_PROC_REAL(a_client_that_is_killed_cancels_its_transfer)
{
    set_up();
    tr_pid client = tr_spawn(hanging, tr_self());
    wait_for(a_open);
    tr_exit_to(client, a_kill);
    wait_for(a_gone);
    CHECK_TERM(tr_sys_get_state(the_driver()), tr_build(0));
}

TEST_PROC_REAL(a_driver_that_is_killed_is_replaced_and_its_clients_know)
{
    struct tr_http_response r;
    struct tr_http_stream s;
    tr_term reason;
    tr_bin piece;

    set_up();
    tr_log_set_level(TR_LOG_CRITICAL);
    CHECK_INT(tr_http_open("GET", url("/flood"), &s, &r, NULL), TR_OK);
    tr_spawn(hanging, tr_self());
    wait_for(a_open);
    tr_pid old = the_driver(), now = { 0 };
    tr_exit_to(old, a_kill);
    tr_receive (m)
        tr_on (m, a_done, (int)TR_ECLOSED, tr_tuple(a_driver, a_killed)) {
        }
    wait_for(a_gone); /* the connections are closed */
    wait_for(a_gone);
    CHECK_INT(tr_http_read(&s, &piece, &reason), TR_ECLOSED);
    CHECK_WITHIN(patience(5000), !tr_try_partition(a_troupe_http, &now, 0) && now.w != old.w);
    CHECK_INT(tr_http_get(url("/until_end"), &r, NULL), TR_OK);
}

TEST_PROC_REAL(a_thousand_clients_are_killed)
{
    enum { N = 1000 };
    tr_pid clients[N];
    struct rlimit files;

    /* Both ends of each connection are in this program. */
    getrlimit(RLIMIT_NOFILE, &files);
    files.rlim_cur = files.rlim_max;
    if (files.rlim_max < 2 * N + 100 || setrlimit(RLIMIT_NOFILE, &files))
        SKIP("too few descriptors");
    set_up();
    for (int i = 0; i < N; i++)
        clients[i] = tr_spawn(hanging, tr_self());
    for (int i = 0; i < N; i++)
        wait_for(a_open);
    CHECK_TERM(tr_sys_get_state(the_driver()), tr_build(N));
    for (int i = 0; i < N; i++)
        tr_exit_to(clients[i], a_kill);
    for (int i = 0; i < N; i++)
        wait_for(a_gone);
    CHECK_TERM(tr_sys_get_state(the_driver()), tr_build(0));
}

/* --- bodies in pieces --- */

TEST_PROC_REAL(a_body_comes_in_pieces)
{
    struct tr_http_response r;
    struct tr_http_stream s;
    tr_bin piece;

    set_up();
    CHECK_INT(tr_http_open("GET", url("/until_end"), &s, &r, NULL), TR_OK);
    CHECK_INT(r.status, 200);
    CHECK_INT(r.body.size, 0);
    CHECK_INT(tr_http_read(&s, &piece, NULL), TR_OK);
    CHECK(is(piece, "to the end"));
    CHECK_INT(tr_http_read(&s, &piece, NULL), TR_OK);
    CHECK_INT(piece.size, 0);
    CHECK_INT(tr_http_read(&s, &piece, NULL), TR_ECLOSED);
    CHECK_TERM(tr_sys_get_state(the_driver()), tr_build(0));
}

TEST_PROC_REAL(a_stream_is_open_as_soon_as_there_are_headers)
{
    struct tr_http_response r;
    struct tr_http_stream s;
    tr_bin piece;

    set_up();
    CHECK_INT(tr_http_open("GET", url("/stall"), &s, &r, NULL), TR_OK);
    CHECK_INT(tr_http_read(&s, &piece, NULL), TR_OK);
    CHECK(is(piece, "abc"));
    tr_http_close(&s);
    tr_http_close(&s);
    wait_for(a_gone);
    CHECK_INT(tr_http_read(&s, &piece, NULL), TR_ECLOSED);
}

TEST_PROC_REAL(a_slow_reader_holds_its_server_up_and_nobody_else)
{
    struct tr_http_response r;
    struct tr_http_stream s;
    size_t total = 0;
    tr_bin piece;

    set_up();
    CHECK_INT(tr_http_open("GET", url("/flood"), &s, &r, NULL), TR_OK);
    CHECK_INT(tr_http_get(url("/until_end"), &r, NULL), TR_OK);
    while (total < 5000000)
        tr_scope
        {
            CHECK_INT(tr_http_read(&s, &piece, NULL), TR_OK);
            CHECK(piece.size > 0 && piece.size < 400000);
            total += piece.size;
        }
    tr_http_close(&s);
    wait_for(a_gone);
}

TEST_PROC_REAL(a_stream_that_fails)
{
    struct tr_http_response r;
    struct tr_http_stream s;
    tr_term reason;
    tr_bin piece;
    tr_err err;

    set_up();
    CHECK_INT(tr_http_open("GET", url("/garbage"), &s, &r, NULL), TR_ESYNTAX);
    CHECK_INT(tr_http_open("GET", url("/cut"), &s, &r, NULL), TR_OK);
    while ((err = tr_http_read(&s, &piece, &reason)) == TR_OK)
        CHECK(piece.size > 0);
    CHECK_INT(err, TR_ECLOSED);
    CHECK_TERM(reason, tr_build(a_closed));

    CHECK_INT(tr_http_open("GET", url("/flood"), &s, &r, TR_HTTP_OPTS(.max_body = 1000000)), TR_OK);
    while ((err = tr_http_read(&s, &piece, &reason)) == TR_OK)
        CHECK(piece.size > 0);
    CHECK_INT(err, TR_ELIMIT);
    CHECK_TERM(reason, tr_build(a_body_too_large));

    CHECK_INT(tr_http_open("GET", url("/stall"), &s, &r, TR_HTTP_OPTS(.timeout_ms = 200)), TR_OK);
    while ((err = tr_http_read(&s, &piece, &reason)) == TR_OK)
        CHECK(piece.size > 0);
    CHECK_INT(err, TR_ETIMEOUT);
}

static void open_and_end(tr_term arg)
{
    struct tr_http_response r;
    struct tr_http_stream s;

    (void)arg;
    CHECK_INT(tr_http_open("GET", url("/flood"), &s, &r, NULL), TR_OK);
}

TEST_PROC_REAL(a_stream_ends_with_its_owner)
{
    set_up();
    tr_spawn(open_and_end, 0);
    wait_for(a_gone);
}
