/* SPDX-License-Identifier: MIT */
/* A server that does something every so often: it sends itself a message each time. */
#include <stdio.h>

#include <troupe.h>

tr_atoms(ticker, tick, normal, DOWN);

struct ticker {
    int64_t interval_ms;
    int count;
};

static void schedule_tick(const struct ticker *t)
{
    tr_send_after(t->interval_ms, tr_self(), a_tick);
}

static tr_gen_result init(void *state, tr_term interval)
{
    struct ticker *t = state;

    tr_match(interval, &t->interval_ms);
    schedule_tick(t);
    return tr_gen_ok();
}

static tr_gen_result handle_info(void *state, tr_term message)
{
    struct ticker *t = state;

    if (!tr_match(message, a_tick))
        return tr_gen_unknown();
    printf("Tick %d\n", t->count++);
    schedule_tick(t);
    return t->count < 3 ? tr_gen_noreply() : tr_gen_stop(a_normal);
}

static const struct tr_gen_server ticker = {
    .name = "ticker",
    .state_size = sizeof(struct ticker),
    .init = init,
    .handle_info = handle_info,
};

static void body(tr_term args)
{
    (void)args;
    tr_gen_server_start_link(&ticker, TR_GEN_SERVER_OPTS(.name = a_ticker), 10);
    tr_ref ref = tr_monitor(a_ticker);
    tr_receive (m)
        tr_on (m, a_DOWN, ref, tr_any(), tr_any(), a_normal)
            printf("No more ticks\n");
}

int main(int argc, char **argv)
{
    return tr_main(argc, argv, body);
}
