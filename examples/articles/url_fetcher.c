/* SPDX-License-Identifier: MIT */
/* Concurrent URL fetcher: a task for each address, all awaited. What fails is a value, and so is a
   status that is not 200. Usage: url_fetcher SERVER; test/nginx.sh runs it beside a server. */
#include <stdio.h>
#include <stdlib.h>

#include <troupe.h>
#include <troupe/http.h>

#define N 5

tr_atoms(ok, error, status);

/* {ok, Status, Size}, {error, {status, Status}} or {error, Reason}. */
static tr_term fetch(tr_term url)
{
    struct tr_http_response r;
    const char *text;

    if (!tr_match(url, &text))
        tr_error(a_error, url);
    if (tr_http_get(text, &r, TR_HTTP_OPTS(.timeout_ms = 10000)))
        return tr_build(a_error, r.reason);
    if (r.status != 200)
        return tr_build(a_error, tr_tuple(a_status, r.status));
    return tr_build(a_ok, r.status, r.body.size);
}

static void body(tr_term args)
{
    static const char *const paths[N] = { "/hello", "/slow", "/broken", "/moved", "/large" };
    const char *server = getenv("NGINX_URL");
    int64_t start = tr_monotonic_ms();
    struct tr_task tasks[N];
    tr_term results[N];
    char url[256];

    if (!tr_match(args, tr_list(tr_any(), &server)) && !server) {
        puts("usage: url_fetcher SERVER");
        return;
    }
    tr_http_start_link(NULL);
    for (int i = 0; i < N; i++) {
        snprintf(url, sizeof url, "%s%s", server, paths[i]);
        tasks[i] = tr_async(fetch, url);
    }
    tr_await_many_within(10000, tasks, N, results);
    int64_t ms = tr_monotonic_ms() - start;

    for (int i = 0; i < N; i++)
        printf("%-8s %s\n", paths[i], tr_inspect(results[i]));
    if (ms < 3000)
        puts("all of them in the time of the slowest, 2 seconds");
    else
        printf("it took %d ms\n", (int)ms);
}

int main(int argc, char **argv)
{
    return tr_main(argc, argv, body);
}
