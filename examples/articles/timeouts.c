/* SPDX-License-Identifier: MIT */
/* How long to wait for an answer: calls and awaits have a bound, and say when it is over. What
   comes later does not arrive any more. */
#include <stdio.h>

#include "await.h"

tr_atoms(ok, ask, release);

static tr_gen_result init(void *state, tr_term unused)
{
    (void)state;
    (void)unused;
    return tr_gen_ok();
}

/* Answers when it is released, by a message that it looks for itself. */
static tr_gen_result handle_call(void *state, tr_term request, tr_term from)
{
    (void)state;
    (void)from;
    if (!tr_match(request, a_ask))
        return tr_gen_unknown();
    tr_receive (m)
        tr_on (m, a_release) {
        }
    return tr_gen_reply(42);
}

static const struct tr_gen_server slow = { .name = "slow",
                                           .init = init,
                                           .handle_call = handle_call };

static tr_term slow_task(tr_term unused)
{
    (void)unused;
    tr_sleep(TR_INFINITY);
    return tr_nil();
}

/* A plain call that gets no answer ends who has called. */
static void call_it(tr_term arg)
{
    tr_pid server;

    if (tr_match(arg, &server))
        tr_call_within(20, server, a_ask);
}

static void body(tr_term args)
{
    tr_pid server;
    tr_term result;
    tr_ref ref;

    (void)args;
    if (!tr_match(tr_gen_server_start_link(&slow, NULL), a_ok, &server))
        return;
    if (tr_try_call_within(20, server, &result, a_ask) == TR_ETIMEOUT)
        printf("call: %s\n", tr_inspect(result));
    tr_send(server, a_release);

    tr_spawn_monitor(call_it, &ref, server);
    tr_receive (m)
        tr_on (m, a_DOWN, ref, a_process, tr_any(), &result)
            printf("the caller ended: %s\n", tr_inspect(tr_element(result, 0)));
    tr_send(server, a_release);

    struct tr_task task = tr_async(slow_task);
    if (tr_try_await_within(20, task, &result) == TR_ETIMEOUT)
        puts("await: timeout");
    tr_task_shutdown(task, TR_TASK_BRUTAL_KILL, &result);

    tr_stop(server, tr_intern("normal"), TR_INFINITY); /* it has answered both */
    printf("late answers: %zu\n", tr_mailbox_length());
}

int main(int argc, char **argv)
{
    return tr_main(argc, argv, body);
}
