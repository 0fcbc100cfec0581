/* SPDX-License-Identifier: MIT */
/* A logger that counts what it has logged: casts to log, a call to ask. */
#include <stdio.h>

#include <troupe.h>

tr_atoms(log, print_stats, return_stats, ok);

static tr_gen_result init(void *state, tr_term count)
{
    tr_match(count, (int *)state);
    return tr_gen_ok();
}

static tr_gen_result handle_cast(void *state, tr_term request)
{
    int *count = state;
    const char *text;

    if (tr_match(request, a_log, &text)) {
        printf("%s\n", text);
        (*count)++;
        return tr_gen_noreply();
    }
    if (tr_match(request, a_print_stats)) {
        printf("I've logged %d messages\n", *count);
        return tr_gen_noreply();
    }
    return tr_gen_unknown();
}

static tr_gen_result handle_call(void *state, tr_term request, tr_term from)
{
    (void)from;
    return tr_match(request, a_return_stats) ? tr_gen_reply(*(int *)state) : tr_gen_unknown();
}

static const struct tr_gen_server my_logger = {
    .name = "my_logger",
    .state_size = sizeof(int),
    .init = init,
    .handle_call = handle_call,
    .handle_cast = handle_cast,
};

static void body(tr_term args)
{
    tr_pid logger;

    (void)args;
    if (!tr_match(tr_gen_server_start_link(&my_logger, NULL, 0), a_ok, &logger))
        return;
    tr_cast(logger, a_log, "First message");
    tr_cast(logger, a_log, "Another message");
    tr_cast(logger, a_print_stats);
    printf("Stats: %s\n", tr_inspect(tr_call(logger, a_return_stats)));
}

int main(int argc, char **argv)
{
    return tr_main(argc, argv, body);
}
