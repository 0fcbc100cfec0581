/* SPDX-License-Identifier: MIT */
/* A parallel map that runs so many items at a time: the next one is taken when one is done, so
   whoever is asked is never asked by more. Results are in the order of the items. */
#include <stdatomic.h>
#include <stdio.h>

#include <troupe.h>

tr_atoms(profile);

enum { LIMIT = 20 };

static atomic_int running;
static atomic_bool too_many;

static tr_term map(tr_task_fn fn, struct tr_iter *items, int max_concurrency)
{
    tr_term results = tr_nil();

    tr_async_stream (r, fn, items, .max_concurrency = max_concurrency, .timeout_ms = 30000)
        results = tr_list_push(results, tr_copy(r.value));
    return tr_list_reverse(results);
}

static tr_term fetch_profile(tr_term user)
{
    if (atomic_fetch_add(&running, 1) >= LIMIT)
        too_many = true;
    tr_sleep(5);
    atomic_fetch_sub(&running, 1);
    return tr_build(a_profile, user);
}

static void body(tr_term args)
{
    struct tr_iter users = tr_iter_range(1, 3), more = tr_iter_range(1, 200);
    size_t n = 0;

    (void)args;
    /* As many as there are cores, if nothing else is said. */
    printf("%s\n", tr_inspect(map(fetch_profile, &users, tr_schedulers_online())));

    tr_list_length(map(fetch_profile, &more, LIMIT), &n);
    printf("%zu profiles, never more than %d at a time: %s\n", n, LIMIT, too_many ? "no" : "yes");
}

int main(int argc, char **argv)
{
    return tr_main(argc, argv, body);
}
