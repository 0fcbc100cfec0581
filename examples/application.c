/* SPDX-License-Identifier: MIT */
/* A program that is an application: it needs another one, is configured, and stops in order. */
#include <stdio.h>
#include <troupe.h>

tr_atoms(ok, greeter, greet, greeting, times);

/* --- the dictionary: an application without a process --- */

static const struct tr_application dictionary = {
    .name = "dictionary",
    .env = "[{greeting, <<\"hello\">>}]",
};

/* --- the greeter: a server that reads how it is configured --- */

static tr_gen_result greeter_init(void *state, tr_term arg)
{
    (void)state;
    (void)arg;
    return tr_gen_ok();
}

static tr_gen_result greeter_call(void *state, tr_term request, tr_term from)
{
    const char *name, *greeting = "";
    int64_t times = 0;

    (void)state;
    (void)from;
    if (!tr_match(request, a_greet, &name))
        return tr_gen_unknown();
    tr_match(tr_application_get_env(tr_intern("dictionary"), a_greeting, "?"), &greeting);
    tr_match(tr_application_get_env(tr_intern("greetings"), a_times, 1), &times);
    for (int64_t i = 0; i < times; i++)
        printf("%s, %s\n", greeting, name);
    return tr_gen_reply(a_ok);
}

static const struct tr_gen_server greeter = { .name = "greeter",
                                              .init = greeter_init,
                                              .handle_call = greeter_call };

/* Greets and ends the program: a part of the tree that is not a server. */
static void visitor(tr_term arg)
{
    const char *name = "";

    tr_match(arg, &name);
    tr_call(a_greeter, a_greet, name);
    tr_application_halt(0);
}

static const struct tr_supervisor tree = {
    .strategy = TR_ONE_FOR_ALL,
    .children = TR_CHILDREN(
        { .server = &greeter, .name = "greeter" },
        { .process = visitor, .id = "visitor", .arg = "<<\"world\">>", .restart = TR_TRANSIENT }),
};

static void stopped(tr_term state)
{
    (void)state;
    printf("the tree has ended\n");
}

static const struct tr_application greetings = {
    .name = "greetings",
    .applications = TR_APPLICATIONS(&dictionary),
    .env = "[{times, 2}]",
    .supervisor = &tree,
    .stop = stopped,
};

int main(int argc, char **argv)
{
    return tr_application_main(argc, argv, &greetings);
}
