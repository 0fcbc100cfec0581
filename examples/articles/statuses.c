/* SPDX-License-Identifier: MIT */
/* The statuses of five addresses, all asked at once: it takes as long as the slowest of them. */
#include <stdio.h>
#include <string.h>

#include <troupe.h>

/* Stands for the network, which url_fetcher.c has. */
static const struct site {
    const char *url;
    int status;
    int takes_ms;
} sites[] = {
    { "http://localhost/1", 200, 10 },  { "http://localhost/2", 200, 200 },
    { "http://localhost/3", 500, 100 }, { "http://localhost/4", 200, 150 },
    { "http://localhost/5", 200, 50 },
};

enum { NSITES = sizeof sites / sizeof *sites };

static tr_term status_of(tr_term url)
{
    const char *text;

    if (tr_match(url, &text))
        for (const struct site *s = sites; s < sites + NSITES; s++)
            if (strcmp(s->url, text) == 0) {
                tr_sleep(s->takes_ms);
                return tr_build(url, s->status);
            }
    return tr_build(url, "not found");
}

static void body(tr_term args)
{
    int64_t start = tr_monotonic_ms();
    struct tr_task tasks[NSITES];
    tr_term results[NSITES];

    (void)args;
    for (int i = 0; i < NSITES; i++)
        tasks[i] = tr_async(status_of, sites[i].url);
    tr_await_many(tasks, NSITES, results);
    bool together = tr_monotonic_ms() - start < 510;

    for (int i = 0; i < NSITES; i++)
        printf("%s\n", tr_inspect(results[i]));
    printf("in less than the sum of their times: %s\n", together ? "yes" : "no");
}

int main(int argc, char **argv)
{
    return tr_main(argc, argv, body);
}
