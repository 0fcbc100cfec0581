/* SPDX-License-Identifier: MIT */
/* A group of processes, and one who is told when it changes. */
#include <troupe.h>

tr_atoms(offices, kill);

static void printer(tr_term arg)
{
    (void)arg;
    tr_sleep(TR_INFINITY);
}

static size_t members(void)
{
    size_t n = 0;

    tr_list_length(tr_pg_get_members(a_offices, "printers"), &n);
    return n;
}

/* Prints the next change: which kind, and how many pids. */
static void print_change(tr_ref ref)
{
    tr_term pids;
    tr_atom what;
    size_t n;

    tr_receive (m)
        tr_on (m, ref, &what, "printers", &pids)
            if (tr_list_length(pids, &n))
                tr_puts(tr_inspect(tr_build(what, n)));
}

static void body(tr_term args)
{
    tr_pid first = tr_spawn(printer), second = tr_spawn(printer);
    tr_term now;

    (void)args;
    tr_pg_start_link(a_offices);
    tr_ref ref = tr_pg_monitor(a_offices, "printers", &now);
    tr_puts(tr_inspect(now));

    tr_pg_join(a_offices, "printers", tr_list(first, second));
    print_change(ref);
    tr_puts(tr_inspect(tr_build(members())));

    if (tr_pg_leave(a_offices, "printers", first) == TR_OK)
        print_change(ref);
    tr_exit_to(second, a_kill); /* who ends is no member any more */
    print_change(ref);
    tr_puts(tr_inspect(tr_pg_which_groups(a_offices)));
}

int main(int argc, char **argv)
{
    return tr_main(argc, argv, body);
}
