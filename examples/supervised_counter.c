/* SPDX-License-Identifier: MIT */
/* A counter that crashes, and the supervisor that starts it again. */
#include <stdio.h>
#include <troupe.h>

tr_atoms(ok, counter, increment, get, divide, normal, badarg);

/* --- the counter: a server whose state is a number --- */

static tr_gen_result counter_init(void *state, tr_term arg)
{
    int64_t *n = state;

    return tr_match(arg, n) ? tr_gen_ok() : tr_gen_stop(a_badarg);
}

static tr_gen_result counter_call(void *state, tr_term request, tr_term from)
{
    int64_t *n = state;

    (void)from;
    return tr_match(request, a_get) ? tr_gen_reply(*n) : tr_gen_unknown();
}

static tr_gen_result counter_cast(void *state, tr_term request)
{
    int64_t *n = state;

    if (!tr_match(request, a_increment))
        return tr_gen_unknown();
    ++*n;
    return tr_gen_noreply();
}

static const struct tr_gen_server counter = { .name = "counter",
                                              .state_size = sizeof(int64_t),
                                              .init = counter_init,
                                              .handle_call = counter_call,
                                              .handle_cast = counter_cast };

static int64_t counter_get(void)
{
    int64_t n = -1;

    tr_match(tr_call(a_counter, a_get), &n);
    return n;
}

/* --- what the program is made of --- */

static const struct tr_supervisor app = {
    .strategy = TR_ONE_FOR_ONE,
    .children = TR_CHILDREN({ .server = &counter, .name = "counter", .arg = "40" }),
};

static void body(tr_term args)
{
    tr_pid supervisor, first, second;

    (void)args;
    tr_log_set_level(TR_LOG_EMERGENCY); /* its crash is expected */
    if (!tr_match(tr_supervisor_start_link(&app, NULL), a_ok, &supervisor))
        return;
    tr_cast(a_counter, a_increment);
    tr_cast(a_counter, a_increment);
    printf("the counter is at %ld\n", (long)counter_get());

    tr_whereis(a_counter, &first);
    tr_ref ref = tr_monitor(first);
    tr_cast(a_counter, a_divide, 0); /* a request it does not know: it ends */
    tr_receive (m)
        tr_on (m, tr_any(), ref, tr_any(), first, tr_any())
            printf("the counter has crashed\n");

    while (!tr_whereis(a_counter, &second) || second.w == first.w)
        tr_sleep(1);
    printf("there is a new one\n");
    printf("the counter is at %ld\n", (long)counter_get());
    tr_stop(supervisor, a_normal, TR_INFINITY);
    printf("and now there is %s\n", tr_whereis(a_counter, NULL) ? "still a counter" : "none");
}

int main(int argc, char **argv)
{
    return tr_main(argc, argv, body);
}
