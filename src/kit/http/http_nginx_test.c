/* SPDX-License-Identifier: MIT */
/* The HTTP client and nginx, which test/nginx.sh starts. */
#include "check_proc.h"
#include "troupe/http.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

tr_atoms(ok, done, tls, troupe_http, driver, kill);

/* What OpenSSL keeps for each thread goes with the thread, and some are still there at the end. */
__attribute__((visibility("default"))) const char *__lsan_default_suppressions(void);
const char *__lsan_default_suppressions(void)
{
    return "leak:libcrypto";
}

static const char *url(const char *base, const char *path)
{
    static char text[200];

    if (!getenv(base))
        SKIP("no nginx");
    snprintf(text, sizeof text, "%s%s", getenv(base), path);
    return text;
}

static void set_up(const struct tr_http_start_opts *opts)
{
    CHECK(tr_match(tr_http_start_link(opts), a_ok, tr_any()));
}

static bool is(tr_bin bytes, const char *text)
{
    return bytes.size == strlen(text) && memcmp(bytes.data, text, bytes.size) == 0;
}

static int open_descriptors(void)
{
    DIR *dir = opendir("/proc/self/fd");
    int n = 0;

    CHECK(dir);
    while (readdir(dir))
        n++;
    closedir(dir);
    return n;
}

TEST_PROC_REAL(each_status_is_an_answer)
{
    struct tr_http_response r;

    set_up(NULL);
    CHECK_INT(tr_http_get(url("NGINX_URL", "/hello"), &r, NULL), TR_OK);
    CHECK_INT(r.status, 200);
    CHECK(is(r.body, "hello, world\n"));
    CHECK_INT(tr_http_get(url("NGINX_URL", "/broken"), &r, NULL), TR_OK);
    CHECK_INT(r.status, 500);
    CHECK(is(r.body, "broken\n"));
    CHECK_INT(tr_http_get(url("NGINX_URL", "/nothing"), &r, NULL), TR_OK);
    CHECK_INT(r.status, 404);
    CHECK_INT(tr_http_get(url("NGINX_URL", "/moved"), &r, NULL), TR_OK);
    CHECK_INT(r.status, 200);
}

TEST_PROC_REAL(connections_are_used_again)
{
    char first[40] = "";
    struct tr_http_response r;

    set_up(NULL);
    for (int i = 0; i < 10; i++) {
        CHECK_INT(tr_http_get(url("NGINX_URL", "/connection"), &r, NULL), TR_OK);
        CHECK(r.body.size > 0 && r.body.size < sizeof first);
        if (i == 0)
            memcpy(first, r.body.data, r.body.size);
        CHECK(is(r.body, first));
    }
}

static void get(tr_term arg)
{
    struct tr_http_response r;
    const char *path;
    tr_pid test;

    CHECK(tr_match(arg, &path, &test));
    CHECK_INT(tr_http_get(path, &r, NULL), TR_OK);
    CHECK_INT(r.status, 200);
    tr_send(test, a_done, r.body_term);
}

static void get_at_once(const char *path, int n)
{
    for (int i = 0; i < n; i++)
        tr_spawn(get, path, tr_self());
    for (int i = 0; i < n; i++)
        tr_receive (m) {
            tr_on (m, a_done, tr_any()) {
            }
            tr_after (m, 20000 * check_env("TEST_TIMEOUT", 1))
                FAIL("a response is missing");
        }
}

TEST_PROC_REAL(a_thousand_transfers_at_once)
{
    set_up(NULL);
    int before = open_descriptors();
    get_at_once(url("NGINX_URL", "/slow"), 1000);
    CHECK_TERM(tr_sys_get_state(tr_partition(a_troupe_http, 0)), tr_build(0));
    /* Those kept open for later, and no more. */
    CHECK(open_descriptors() <= before + 256 + 8);
}

TEST_PROC_REAL(hosts_have_as_many_connections_as_is_set)
{
    set_up(&(const struct tr_http_start_opts){ .max_per_host = 2 });
    int before = open_descriptors();
    get_at_once(url("NGINX_URL", "/hello"), 200);
    CHECK(open_descriptors() <= before + 2 + 8);
}

TEST_PROC_REAL(a_large_body_whole_and_in_pieces)
{
    const size_t size = (size_t)8 * 1024 * 1024;
    struct tr_http_response r;
    struct tr_http_stream s;
    size_t total = 0;
    tr_bin piece = { "", 1 };

    set_up(NULL);
    CHECK_INT(tr_http_get(url("NGINX_URL", "/large"), &r, NULL), TR_OK);
    CHECK_INT(r.body.size, size);
    CHECK_INT(tr_http_open("GET", url("NGINX_URL", "/large"), &s, &r, NULL), TR_OK);
    while (piece.size > 0)
        tr_scope
        {
            CHECK_INT(tr_http_read(&s, &piece, NULL), TR_OK);
            total += piece.size;
        }
    CHECK_INT(total, size);
}

TEST_PROC_REAL(a_certificate_has_to_be_trusted)
{
    struct tr_http_response r;
    const char *path = url("NGINX_TLS_URL", "/hello");

    set_up(NULL);
    CHECK_INT(tr_http_get(path, &r, NULL), TR_ESYS);
    CHECK(tr_match(r.reason, a_tls, tr_any()));
    CHECK_INT(tr_http_get(path, &r, TR_HTTP_OPTS(.ca_file = getenv("NGINX_CERTIFICATE"))), TR_OK);
    CHECK(is(r.body, "hello, world\n"));
    CHECK_INT(tr_http_get(path, &r, TR_HTTP_OPTS(.insecure = true)), TR_OK);
    /* And the connection of a request that did not look is not used by one that does. */
    CHECK_INT(tr_http_get(path, &r, NULL), TR_ESYS);
}

/* Fetches until it is told to end; each request succeeds, or says that its driver did not last. */
static void fetching(tr_term arg)
{
    struct tr_http_response r;
    const char *path;
    bool more = true;
    int nfetched = 0;
    tr_pid test;

    CHECK(tr_match(arg, &path, &test));
    while (more)
        tr_scope
        {
            tr_err err = tr_http_get(path, &r, TR_HTTP_OPTS(.insecure = true));
            if (err && err != TR_ENOPROC &&
                !(err == TR_ECLOSED && tr_match(r.reason, a_driver, tr_any())))
                FAIL(tr_inspect(r.reason));
            nfetched += err == TR_OK;
            tr_receive (m) {
                tr_on (m, a_done)
                    more = false;
                tr_after (m, err == TR_ENOPROC)
                    continue;
            }
        }
    tr_send(test, a_done, nfetched);
}

TEST_PROC_REAL(drivers_that_are_killed_while_they_work)
{
    enum { NCLIENTS = 10, NKILLS = 20 };
    tr_pid clients[NCLIENTS], driver;
    int nfetched;

    tr_log_set_level(TR_LOG_CRITICAL);
    set_up(&(const struct tr_http_start_opts){ .max_restarts = 1000 });
    int before = open_descriptors();
    for (int i = 0; i < NCLIENTS; i++)
        clients[i] = tr_spawn(fetching, url("NGINX_TLS_URL", "/large"), tr_self());
    for (int i = 0; i < NKILLS; i++) {
        tr_sleep(1 + 3 * (i % 8));
        if (tr_try_partition(a_troupe_http, &driver, 0) == TR_OK)
            tr_exit_to(driver, a_kill);
    }
    for (int i = 0; i < NCLIENTS; i++) {
        tr_send(clients[i], a_done);
        tr_receive (m) {
            tr_on (m, a_done, &nfetched) {
            }
            tr_after (m, 20000 * check_env("TEST_TIMEOUT", 1))
                FAIL("a client hangs");
        }
    }
    /* Connections and epoll sets of those that were killed are closed. */
    CHECK(open_descriptors() <= before + NCLIENTS + 8);
}
