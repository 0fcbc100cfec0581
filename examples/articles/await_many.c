/* SPDX-License-Identifier: MIT */
/* Several tasks at once: the results come in the order of the tasks, whoever ends first. */
#include <stdio.h>

#include <troupe.h>

tr_atoms(users, orders, products, ok);

#define N 3

static tr_term fetch_users(tr_term arg)
{
    (void)arg;
    tr_sleep(60);
    return tr_build(a_users);
}

static tr_term fetch_orders(tr_term arg)
{
    (void)arg;
    tr_sleep(30);
    return tr_build(a_orders);
}

static tr_term fetch_products(tr_term arg)
{
    (void)arg;
    return tr_build(a_products);
}

/* Stands for a request by HTTP, which url_fetcher.c makes. */
static tr_term get(tr_term url)
{
    return tr_build(a_ok, url);
}

static void body(tr_term args)
{
    const char *const urls[N] = { "https://a.com", "https://b.com", "https://c.com" };
    struct tr_task tasks[N] = { tr_async(fetch_users), tr_async(fetch_orders),
                                tr_async(fetch_products) };
    tr_term results[N];

    (void)args;
    tr_await_many(tasks, N, results);
    printf("%s\n", tr_inspect(tr_list_from_array(results, N)));

    for (int i = 0; i < N; i++)
        tasks[i] = tr_async(get, urls[i]);
    tr_await_many_within(15000, tasks, N, results);
    for (int i = 0; i < N; i++)
        printf("%s\n", tr_inspect(results[i]));
}

int main(int argc, char **argv)
{
    return tr_main(argc, argv, body);
}
