/* SPDX-License-Identifier: MIT */
/* A cache from the kit: values expire, and of many who want the same one, one makes it. */
#include <stdatomic.h>
#include <stdio.h>

#include <troupe.h>
#include <troupe/kit/cache.h>

tr_atoms(reports);

enum { READERS = 100 };

static atomic_int nqueries;

static const struct tr_cache reports = { .name = "reports", .ttl_ms = 60000 };

/* Runs in the one who asks first. */
static tr_term query(tr_term key, tr_term old, int64_t *ttl_ms)
{
    (void)old;
    (void)ttl_ms;
    nqueries++;
    tr_sleep(50);
    return tr_build("report of", key);
}

static tr_term read_report(tr_term month)
{
    tr_term report;

    return tr_cache_get_or_store(a_reports, &report, month, query) ? tr_nil() : report;
}

static void body(tr_term args)
{
    struct tr_task tasks[READERS];
    tr_term texts[READERS], report;

    (void)args;
    tr_cache_start_link(&reports);
    for (int i = 0; i < READERS; i++)
        tasks[i] = tr_async(read_report, "May");
    tr_await_many(tasks, READERS, texts);
    printf("%s, queries: %d\n", tr_inspect(texts[READERS - 1]), nqueries);

    tr_cache_put_ttl(a_reports, 1, "June", "a preview");
    tr_sleep(20);
    printf("June: %s\n", tr_cache_get(a_reports, &report, "June") ? "there" : "expired");
    tr_cache_delete(a_reports, "May");
    printf("May: %s\n", tr_cache_get(a_reports, &report, "May") ? "there" : "deleted");
}

int main(int argc, char **argv)
{
    return tr_main(argc, argv, body);
}
