/* SPDX-License-Identifier: MIT */
/*
 * The fault: two servers that call each other; each waits for the other until the time is over.
 * Troupe knows who waits for whom: the call that would close the circle fails at once, and names
 * it. The repair is a cast in one of the directions.
 */
#include <stdio.h>

#include <troupe.h>

tr_atoms(orders, stock, place, place_well, reserve, reserve_well, price, paid, ok);

static tr_gen_result init(void *state, tr_term unused)
{
    (void)state;
    (void)unused;
    return tr_gen_ok();
}

/* --- orders: asks stock while it handles a call --- */

static tr_gen_result orders_call(void *state, tr_term request, tr_term from)
{
    (void)state;
    (void)from;
    if (tr_match(request, a_place))
        return tr_gen_reply(tr_call(a_stock, a_reserve));
    if (tr_match(request, a_place_well))
        return tr_gen_reply(tr_call(a_stock, a_reserve_well));
    if (tr_match(request, a_price))
        return tr_gen_reply(5);
    return tr_gen_unknown();
}

static tr_gen_result orders_cast(void *state, tr_term request)
{
    (void)state;
    if (!tr_match(request, a_paid))
        return tr_gen_unknown();
    puts("orders: told of it by a cast");
    return tr_gen_noreply();
}

static const struct tr_gen_server orders = {
    .name = "orders", .init = init, .handle_call = orders_call, .handle_cast = orders_cast
};

/* --- stock: asks orders while it handles that --- */

static tr_gen_result stock_call(void *state, tr_term request, tr_term from)
{
    tr_term price, pids;
    tr_atom why;
    size_t n = 0;

    (void)state;
    (void)from;
    if (tr_match(request, a_reserve_well)) {
        tr_cast(a_orders, a_paid);
        return tr_gen_reply(a_ok);
    }
    if (!tr_match(request, a_reserve))
        return tr_gen_unknown();
    if (tr_try_call(a_orders, &price, a_price) == TR_EDEADLOCK && tr_match(price, &why, &pids) &&
        tr_list_length(pids, &n))
        return tr_gen_reply(why, n);
    return tr_gen_reply(price);
}

static const struct tr_gen_server stock = { .name = "stock",
                                            .init = init,
                                            .handle_call = stock_call };

static void body(tr_term args)
{
    (void)args;
    tr_gen_server_start_link(&orders, TR_GEN_SERVER_OPTS(.name = a_orders));
    tr_gen_server_start_link(&stock, TR_GEN_SERVER_OPTS(.name = a_stock));

    int64_t start = tr_monotonic_ms();
    tr_term answer = tr_call(a_orders, a_place);
    bool at_once = tr_monotonic_ms() - start < TR_CALL_TIMEOUT_MS;
    printf("call in both directions: %s, %s\n", tr_inspect(answer),
           at_once ? "at once" : "after a time-out");

    answer = tr_call(a_orders, a_place_well);
    tr_call(a_orders, a_price); /* after the cast */
    printf("call and cast: %s\n", tr_inspect(answer));
}

int main(int argc, char **argv)
{
    return tr_main(argc, argv, body);
}
