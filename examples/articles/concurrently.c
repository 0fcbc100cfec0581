/* SPDX-License-Identifier: MIT */
/* Why processes: three slow operations, one after the other and then all at the same time. */
#include <stdio.h>

#include <troupe.h>

tr_atoms(begun, ended);

static void operation(tr_term arg)
{
    tr_pid boss;
    int n;

    if (!tr_match(arg, &boss, &n))
        return;
    tr_send(boss, a_begun, n);
    tr_sleep(100);
    tr_send(boss, a_ended, n);
}

static void show_events(const char *how)
{
    tr_atom what;

    printf("%s:", how);
    for (int i = 0; i < 6; i++)
        tr_receive (m)
            tr_on (m, &what, tr_any())
                printf(" %s", tr_atom_name(what, NULL));
    putchar('\n');
}

static void body(tr_term args)
{
    (void)args;
    for (int n = 1; n <= 3; n++)
        operation(tr_build(tr_self(), n));
    show_events("one after the other");

    for (int n = 1; n <= 3; n++)
        tr_spawn(operation, tr_self(), n);
    show_events("at the same time");
}

int main(int argc, char **argv)
{
    return tr_main(argc, argv, body);
}
