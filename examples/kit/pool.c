/* SPDX-License-Identifier: MIT */
/* Two connections, shared by six clients; one connection breaks. */
#include <stdio.h>

#include <troupe.h>
#include <troupe/kit/pool.h>

tr_atoms(connections, query, broken, busy);

/* --- a worker: a connection that answers slowly --- */

static tr_gen_result connect_to(void *state, tr_term address)
{
    (void)state;
    (void)address;
    return tr_gen_ok();
}

static tr_gen_result answer(void *state, tr_term request, tr_term from)
{
    int64_t n;

    (void)state;
    (void)from;
    if (!tr_match(request, a_query, &n))
        return tr_gen_unknown();
    tr_sleep(10);
    if (n == 3)
        return tr_gen_stop(a_broken);
    return tr_gen_reply(n * n);
}

static const struct tr_gen_server connection = { .name = "connection",
                                                 .init = connect_to,
                                                 .handle_call = answer };

static const struct tr_pool pool = {
    .name = "connections",
    .worker = TR_CHILD(.server = &connection, .arg = "{localhost, 5432}"),
    .size = 2,
};

/* --- its use --- */

static tr_term ask(tr_pid worker, tr_term n)
{
    tr_term reply;

    return tr_try_call(worker, &reply, a_query, n) ? tr_build(a_broken) : reply;
}

static tr_term client(tr_term n)
{
    tr_term reply;

    return tr_pool_transaction(a_connections, 1000, &reply, ask, n) ? tr_build(a_busy) : reply;
}

static void body(tr_term args)
{
    struct tr_iter numbers = tr_iter_range(1, 6);

    (void)args;
    tr_log_set_level(TR_LOG_CRITICAL); /* the failure is expected */
    tr_pool_start_link(&pool);
    tr_async_stream (r, client, &numbers, .max_concurrency = 6)
        printf("%s: %s\n", tr_inspect(r.input), tr_inspect(r.value));

    tr_sleep(200);
    struct tr_pool_status status = tr_pool_status(a_connections);
    printf("workers: %d, free: %d\n", status.workers, status.free);
}

int main(int argc, char **argv)
{
    return tr_main(argc, argv, body);
}
