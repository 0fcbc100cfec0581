/* SPDX-License-Identifier: MIT */
/* A limit of so many per period for each key; a timer empties the counts. */
#include <stdio.h>

#include <troupe.h>

tr_atoms(rate_limiter, check, reset, alice, bob);

#define PERIOD_MS 100

struct limiter {
    int64_t max;
    tr_term counts; /* kept: a map from key to count */
};

static void set_counts(struct limiter *l, tr_term counts)
{
    tr_term before = l->counts;

    l->counts = tr_keep(counts);
    if (before.w)
        tr_release(before);
}

static void start_period(struct limiter *l)
{
    set_counts(l, tr_map_from_arrays(NULL, NULL, 0));
    tr_send_after(PERIOD_MS, tr_self(), a_reset);
}

static tr_gen_result init(void *state, tr_term max)
{
    struct limiter *l = state;

    tr_match(max, &l->max);
    start_period(l);
    return tr_gen_ok();
}

static tr_gen_result handle_call(void *state, tr_term request, tr_term from)
{
    struct limiter *l = state;
    tr_term key, count;
    int64_t n = 0;

    (void)from;
    if (!tr_match(request, a_check, &key))
        return tr_gen_unknown();
    if (tr_map_get(l->counts, key, &count))
        tr_match(count, &n);
    bool allowed = n < l->max;
    if (allowed)
        set_counts(l, tr_map_put(l->counts, key, tr_build(n + 1)));
    return tr_gen_reply(allowed);
}

static tr_gen_result handle_info(void *state, tr_term message)
{
    if (!tr_match(message, a_reset))
        return tr_gen_unknown();
    start_period(state);
    return tr_gen_noreply();
}

static const struct tr_gen_server rate_limiter = {
    .name = "rate_limiter",
    .state_size = sizeof(struct limiter),
    .init = init,
    .handle_call = handle_call,
    .handle_info = handle_info,
};

static bool allow(tr_atom key)
{
    bool allowed = false;

    tr_match(tr_call(a_rate_limiter, a_check, key), &allowed);
    return allowed;
}

static void body(tr_term args)
{
    (void)args;
    tr_gen_server_start_link(&rate_limiter, TR_GEN_SERVER_OPTS(.name = a_rate_limiter), 2);
    for (int i = 1; i <= 3; i++)
        printf("alice %d: %s\n", i, allow(a_alice) ? "allowed" : "too many");
    printf("bob 1: %s\n", allow(a_bob) ? "allowed" : "too many");
    while (!allow(a_alice))
        tr_sleep(PERIOD_MS);
    printf("alice, later: allowed\n");
}

int main(int argc, char **argv)
{
    return tr_main(argc, argv, body);
}
