/* SPDX-License-Identifier: MIT */
/*
 * The fault: messages of a kind that no clause takes stay in the mailbox for ever. A last clause
 * takes them all; a server of Troupe reports what it does not know and drops it.
 */
#include <stdio.h>

#include <troupe.h>

tr_atoms(ok, hello, ping, pong, message_queue_len);

enum { STRAYS = 1000 };

static void without_last_clause(tr_term unused)
{
    tr_pid caller;

    (void)unused;
    for (;;)
        tr_receive (m)
            tr_on (m, a_ping, &caller)
                tr_send(caller, a_pong);
}

static void with_last_clause(tr_term unused)
{
    tr_pid caller;

    (void)unused;
    for (;;)
        tr_receive (m) {
            tr_on (m, a_ping, &caller)
                tr_send(caller, a_pong);
            tr_on (m, tr_any()) {
            }
        }
}

static tr_gen_result init(void *state, tr_term unused)
{
    (void)state;
    (void)unused;
    return tr_gen_ok();
}

static tr_gen_result handle_info(void *state, tr_term message)
{
    tr_pid caller;

    (void)state;
    if (!tr_match(message, a_ping, &caller))
        return tr_gen_unknown();
    tr_send(caller, a_pong);
    return tr_gen_noreply();
}

static const struct tr_gen_server server = { .name = "server",
                                             .init = init,
                                             .handle_info = handle_info };

static void show(const char *what, tr_pid pid)
{
    tr_term length = tr_nil();

    for (int i = 0; i < STRAYS; i++)
        tr_send(pid, a_hello, i);
    tr_send(pid, a_ping, tr_self());
    tr_receive (m)
        tr_on (m, a_pong) {
        }
    tr_process_info(pid, a_message_queue_len, &length);
    printf("%s: %s\n", what, tr_inspect(length));
}

static void body(tr_term args)
{
    tr_pid pid;

    (void)args;
    tr_log_set_level(TR_LOG_EMERGENCY); /* the reports are expected */
    show("without a last clause", tr_spawn(without_last_clause));
    show("with one", tr_spawn(with_last_clause));
    if (tr_match(tr_gen_server_start_link(&server, NULL), a_ok, &pid))
        show("a server", pid);
}

int main(int argc, char **argv)
{
    return tr_main(argc, argv, body);
}
