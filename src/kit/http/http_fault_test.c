/* SPDX-License-Identifier: MIT */
/*
 * The HTTP client with each allocation in it failing in turn: those of the library, those that the
 * client makes itself, whose malloc, calloc and realloc the linker leads here, and those of
 * libcurl, which is told of them by the test. What is answered is right, or an error that says so.
 */
#define _GNU_SOURCE
#include "faults/faults.h"
#include "troupe/http.h"

#include <arpa/inet.h>
#include <curl/curl.h>
#include <netinet/in.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

tr_atoms(ok, driver, nxdomain);

/* --- allocations --- */

void *__real_malloc(size_t size);
void *__real_calloc(size_t n, size_t size);
void *__real_realloc(void *old, size_t size);
void *__wrap_malloc(size_t size);
void *__wrap_calloc(size_t n, size_t size);
void *__wrap_realloc(void *old, size_t size);

static _Atomic bool counted; /* the monitor allocates, too */

void *__wrap_malloc(size_t size)
{
    return counted && tr__fault() ? NULL : __real_malloc(size);
}

void *__wrap_calloc(size_t n, size_t size)
{
    return counted && tr__fault() ? NULL : __real_calloc(n, size);
}

void *__wrap_realloc(void *old, size_t size)
{
    return counted && tr__fault() ? NULL : __real_realloc(old, size);
}

static char *copy_of(const char *text)
{
    char *copy = __wrap_malloc(strlen(text) + 1);

    return copy ? strcpy(copy, text) : NULL;
}

/* --- a server: a thread that allocates nothing --- */

static int port;

static bool say(int fd, const char *data, size_t size)
{
    return send(fd, data, size, MSG_NOSIGNAL) == (ssize_t)size;
}

/* The request is the body of the response, after more than libcurl reads at once. */
static void serve(int fd)
{
    static const char head[] = "HTTP/1.1 200 OK\r\nX-One: 1\r\n\r\n";
    static char filler[70000];
    char request[4000];
    size_t n = 0;
    ssize_t more = 1;

    while (more > 0 && !memmem(request, n, "\r\n\r\n", 4)) {
        more = read(fd, request + n, sizeof request - n);
        n += more > 0 ? (size_t)more : 0;
    }
    if (!say(fd, head, sizeof head - 1) || !say(fd, filler, sizeof filler) || !say(fd, request, n))
        return;
    shutdown(fd, SHUT_WR);
    while (read(fd, request, sizeof request) > 0)
        continue;
}

static void *server(void *listening)
{
    int fd;

    while ((fd = accept(*(int *)listening, NULL, NULL)) >= 0) {
        serve(fd);
        close(fd);
    }
    return NULL;
}

static void start_server(void)
{
    static int fd;
    struct sockaddr_in address = { .sin_family = AF_INET,
                                   .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
    socklen_t size = sizeof address;
    pthread_t thread;

    if (port)
        return;
    fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    CHECK(fd >= 0 && bind(fd, (struct sockaddr *)&address, size) == 0 && listen(fd, 100) == 0);
    CHECK(getsockname(fd, (struct sockaddr *)&address, &size) == 0);
    port = ntohs(address.sin_port);
    CHECK_INT(pthread_create(&thread, NULL, server, &fd), 0);
    /* The client's own call comes later and changes nothing. */
    CHECK_INT(curl_global_init_mem(CURL_GLOBAL_DEFAULT, __wrap_malloc, free, __wrap_realloc,
                                   copy_of, __wrap_calloc),
              CURLE_OK);
}

/* --- what is tried --- */

static tr_pid client;

static void stop_counting(void *unused)
{
    (void)unused;
    counted = false;
}

static void prepare(void)
{
    CHECK(tr_log_remove_sink("default") != TR_EBUSY);
    tr_trap_exit(true);
    start_server();
    tr_defer(stop_counting, NULL);
}

static bool start_client(void)
{
    return tr_match(tr_http_start_link(NULL), a_ok, &client);
}

static bool ended(bool done)
{
    counted = false;
    tr_exit_to(client, a_kill);
    return done;
}

static void count(void)
{
    counted = true;
    arm();
}

/* Without memory: of the transfer, or of the driver, which ends. */
static bool is_told(tr_err err, tr_term reason)
{
    if (err == TR_ENOMEM)
        CHECK_TERM(reason, tr_build(a_out_of_memory));
    else if (err == TR_ECLOSED)
        CHECK_TERM(reason, tr_build(a_driver, a_out_of_memory));
    else if (err == TR_ENOTFOUND)
        CHECK_TERM(reason, tr_build(a_nxdomain)); /* so says libcurl */
    else
        check_fail(__FILE__, __LINE__, "%s: %s", tr_strerror(err), tr_inspect(reason));
    return false;
}

static const char *url(void)
{
    static char text[64];

    snprintf(text, sizeof text, "http://127.0.0.1:%d/path", port);
    return text;
}

static bool holds(tr_bin bytes, const char *text)
{
    return memmem(bytes.data, bytes.size, text, strlen(text)) != NULL;
}

FAULT_TEST_REAL(a_start)
{
    prepare();
    count();
    return ended(start_client());
}

FAULT_TEST_REAL(a_request)
{
    static const struct tr_http_header headers[] = { { "X-First", "one" }, { NULL, NULL } };
    struct tr_http_response r;

    prepare();
    CHECK(start_client());
    count();
    tr_err err = tr_http_request("DELETE", url(), &r, TR_HTTP_OPTS(.headers = headers));
    if (err)
        return ended(is_told(err, r.reason));
    CHECK_INT(r.status, 200);
    CHECK(holds(r.body, "DELETE /path HTTP/1.1\r\n"));
    CHECK(holds(r.body, "\r\nX-First: one\r\n"));
    CHECK(holds(r.body, "\r\nUser-Agent: troupe/"));
    return ended(true);
}

FAULT_TEST_REAL(a_stream)
{
    struct tr_http_response r;
    struct tr_http_stream s;
    tr_bin piece = { NULL, 1 };
    tr_term reason;
    size_t n = 0;

    prepare();
    CHECK(start_client());
    count();
    tr_err err = tr_http_open("GET", url(), &s, &r, NULL);
    if (err)
        return ended(is_told(err, r.reason));
    while (piece.size) {
        if ((err = tr_http_read(&s, &piece, &reason)))
            return ended(is_told(err, reason));
        n += piece.size;
    }
    CHECK(n > 70000);
    return ended(true);
}
