/* SPDX-License-Identifier: MIT */
#include <stdio.h>

#include <troupe.h>
#include <troupe/kit/cache.h>

tr_atoms(pages, expired);

/* Runs in the process that asks, once for each page that is not there. */
static tr_term fetch(tr_term key, tr_term old, int64_t *ttl_ms)
{
    (void)old;
    *ttl_ms = 100;
    printf("fetching %s\n", tr_inspect(key));
    return tr_build("text of", key);
}

static void show(const char *page)
{
    tr_term text;

    if (tr_cache_get_or_store(a_pages, &text, page, fetch) == TR_OK)
        printf("%s\n", tr_inspect(text));
}

static void body(tr_term args)
{
    const struct tr_cache pages = {
        .name = "pages", .ttl_ms = 60000, .max_size = 1000, .notify = tr_build(tr_self())
    };
    tr_term key;

    (void)args;
    tr_cache_start_link(&pages);
    show("/a");
    show("/a");
    tr_receive (m)
        tr_on (m, a_expired, &key, tr_any())
            printf("expired %s\n", tr_inspect(key));
    show("/a");

    struct tr_cache_status s = tr_cache_status(a_pages);
    printf("%d hit, %d misses\n", (int)s.hits, (int)s.misses);
}

int main(int argc, char **argv)
{
    return tr_main(argc, argv, body);
}
