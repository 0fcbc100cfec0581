/* SPDX-License-Identifier: MIT */
/*
 * Work that is done every so often, by a server that sends itself a message, under a supervisor
 * that starts it again when the work fails. What the work is, the server does not know.
 */
#include <stdio.h>

#include <troupe.h>

tr_atoms(scheduler, work, boss, result);

/* --- the work --- */

static void do_work(void)
{
    static int n; /* outlives the server */

    if (++n == 2)
        tr_error("not this time");
    tr_send(a_boss, a_result, n);
}

/* --- when it is done --- */

struct scheduler {
    int64_t every_ms;
    bool forever;
};

static void schedule(const struct scheduler *s)
{
    tr_send_after(s->every_ms, tr_self(), a_work);
}

static tr_gen_result init(void *state, tr_term arg)
{
    struct scheduler *s = state;

    tr_match(arg, &s->every_ms, &s->forever);
    schedule(s);
    return tr_gen_ok();
}

static tr_gen_result handle_info(void *state, tr_term message)
{
    const struct scheduler *s = state;

    if (!tr_match(message, a_work))
        return tr_gen_unknown();
    do_work();
    if (s->forever)
        schedule(s);
    return tr_gen_noreply();
}

static const struct tr_gen_server scheduler = {
    .name = "scheduler",
    .state_size = sizeof(struct scheduler),
    .init = init,
    .handle_info = handle_info,
};

static const struct tr_supervisor tree = {
    .strategy = TR_ONE_FOR_ONE,
    .children = TR_CHILDREN({ .server = &scheduler, .name = "scheduler", .arg = "{20, true}" }),
};

static void body(tr_term args)
{
    int n;

    (void)args;
    if (tr_register(a_boss, tr_self()))
        return;
    tr_log_set_level(TR_LOG_EMERGENCY); /* the failure is expected */
    tr_supervisor_start_link(&tree, NULL);
    for (int i = 0; i < 3; i++)
        tr_receive (m)
            tr_on (m, a_result, &n)
                printf("work %d done\n", n);
}

int main(int argc, char **argv)
{
    return tr_main(argc, argv, body);
}
