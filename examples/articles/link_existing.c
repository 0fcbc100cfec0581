/* SPDX-License-Identifier: MIT */
/* Linking with a process that runs already, and reading the links. */
#include <stdio.h>

#include <troupe.h>

tr_atoms(links);

static void nap(tr_term arg)
{
    (void)arg;
    tr_sleep(5000);
}

static void show_links(const char *when, tr_pid pid)
{
    tr_term list;

    if (!tr_process_info(tr_self(), a_links, &list))
        return;
    bool linked = tr_match(list, tr_list(pid));
    printf("%s: %s\n", when, linked ? "linked with it, and with nobody else" : "no links");
}

static void body(tr_term args)
{
    (void)args;
    tr_pid pid = tr_spawn(nap);

    show_links("before", pid);
    tr_link(pid);
    show_links("after", pid);
    /* The nap is not waited for: the program ends with its first process. */
}

int main(int argc, char **argv)
{
    return tr_main(argc, argv, body);
}
