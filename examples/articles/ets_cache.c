/* SPDX-License-Identifier: MIT */
/* A cache in a table: all read and write it at the same time, and no process stands between. */
#include <stdio.h>

#include "await.h"

tr_atoms(colours, already_exists);

static bool add(tr_atom table, const char *value)
{
    return tr_ets_insert_new(table, tr_tuple(value));
}

static bool exists(tr_atom table, const char *value)
{
    return tr_ets_member(table, value);
}

static void init(tr_atom table, const char *seed)
{
    tr_term old;

    if (tr_ets_whereis(table, &old))
        tr_error(a_already_exists, table);
    tr_ets_new(table, &(struct tr_ets_opts){
                          .type = TR_ETS_ORDERED_SET, .access = TR_ETS_PUBLIC, .named = true });
    add(table, seed);
}

static tr_term retrieve_all(tr_atom table)
{
    tr_term matches = tr_ets_match(table, tr_tuple(tr_intern("$1")), TR_ETS_ALL);
    tr_term all = tr_nil(), match;

    while (tr_list_next(&matches, &match))
        all = tr_list_push(all, tr_head(match));
    return tr_list_reverse(all);
}

static void teardown(tr_atom table)
{
    tr_ets_delete_table(table);
}

/* --- its use --- */

static void another_user(tr_term unused)
{
    (void)unused;
    add(a_colours, "green");
    add(a_colours, "red"); /* is there already */
    init(a_colours, "blue");
}

static void body(tr_term args)
{
    tr_term reason;
    tr_ref ref;

    (void)args;
    init(a_colours, "red");
    tr_spawn_monitor(another_user, &ref);
    tr_receive (m)
        tr_on (m, a_DOWN, ref, a_process, tr_any(), &reason)
            printf("a second one: %s\n", tr_inspect(tr_element(reason, 0)));
    printf("red: %s\n", exists(a_colours, "red") ? "true" : "false");
    printf("blue: %s\n", exists(a_colours, "blue") ? "true" : "false");
    printf("%s\n", tr_inspect(retrieve_all(a_colours)));
    teardown(a_colours);
}

int main(int argc, char **argv)
{
    return tr_main(argc, argv, body);
}
