/* SPDX-License-Identifier: MIT */
/* All callbacks of a server, and what each may return. */
#include <stdio.h>

#include "await.h"

tr_atoms(ok, ignore, refuse, in_use, hello, get, get_later, answer, leave, set, heard, done);

struct my_server {
    tr_pid boss;
    int64_t value;
    tr_term waiting; /* who has asked and has no answer yet */
};

static tr_gen_result init(void *state, tr_term arg)
{
    struct my_server *s = state;

    if (tr_match(arg, a_ignore))
        return tr_gen_ignore();
    if (tr_match(arg, a_refuse))
        return tr_gen_stop(a_in_use);
    tr_match(arg, &s->boss, &s->value);
    return tr_gen_timeout(0, tr_gen_ok()); /* a message `timeout`, unless there is another one */
}

/* Synchronous. */
static tr_gen_result handle_call(void *state, tr_term request, tr_term from)
{
    struct my_server *s = state;

    if (tr_match(request, a_get))
        return tr_gen_reply(s->value);
    if (tr_match(request, a_get_later)) {
        s->waiting = tr_keep(from);
        tr_cast(tr_self(), a_answer);
        return tr_gen_noreply();
    }
    if (tr_match(request, a_leave))
        return tr_gen_stop_reply(a_done, "good-bye");
    return tr_gen_unknown();
}

/* Asynchronous. */
static tr_gen_result handle_cast(void *state, tr_term request)
{
    struct my_server *s = state;

    if (tr_match(request, a_set, &s->value))
        return tr_gen_noreply();
    if (!tr_match(request, a_answer))
        return tr_gen_unknown();
    tr_reply(s->waiting, s->value);
    return tr_gen_noreply();
}

/* All other messages. */
static tr_gen_result handle_info(void *state, tr_term message)
{
    const struct my_server *s = state;

    printf("info: %s\n", tr_inspect(message));
    tr_send(s->boss, a_heard);
    return tr_gen_noreply();
}

static void terminate(void *state, tr_term reason)
{
    (void)state;
    printf("terminate: %s\n", tr_inspect(reason));
}

static const struct tr_gen_server my_server = {
    .name = "my_server",
    .state_size = sizeof(struct my_server),
    .init = init,
    .handle_call = handle_call,
    .handle_cast = handle_cast,
    .handle_info = handle_info,
    .terminate = terminate,
};

static void wait_until_heard(void)
{
    tr_receive (m)
        tr_on (m, a_heard) {
        }
}

static void body(tr_term args)
{
    tr_pid server;

    (void)args;
    printf("%s\n", tr_inspect(tr_gen_server_start(&my_server, NULL, a_ignore)));
    printf("%s\n", tr_inspect(tr_gen_server_start(&my_server, NULL, a_refuse)));
    if (!tr_match(tr_gen_server_start(&my_server, NULL, tr_self(), 1), a_ok, &server))
        return;
    wait_until_heard();
    tr_send(server, a_hello);
    wait_until_heard();
    printf("call: %s\n", tr_inspect(tr_call(server, a_get)));
    tr_cast(server, a_set, 2);
    printf("answered later: %s\n", tr_inspect(tr_call(server, a_get_later)));
    printf("%s\n", tr_inspect(tr_call(server, a_leave)));
    await_end_of(server);
}

int main(int argc, char **argv)
{
    return tr_main(argc, argv, body);
}
