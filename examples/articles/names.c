/* SPDX-License-Identifier: MIT */
/* Names: sending to a process by an atom, finding who holds it, and taking it away. */
#include <stdio.h>

#include "await.h"

tr_atoms(my_process);

static void print_one(tr_term arg)
{
    const char *text;

    (void)arg;
    tr_receive (m) {
        tr_on (m, &text)
            printf("Got: %s\n", text);
    }
}

static tr_pid start_with_name(void)
{
    tr_pid pid = tr_spawn(print_one);
    tr_err err = tr_register(a_my_process, pid);

    if (err)
        tr_error(tr_strerror(err));
    return pid;
}

static void show_holder(const char *when, tr_pid expected)
{
    tr_pid holder;
    const char *who = "nobody";

    if (tr_whereis(a_my_process, &holder))
        who = holder.w == expected.w ? "the process" : "another one";
    printf("%s: %s\n", when, who);
}

static void body(tr_term args)
{
    (void)args;
    tr_pid pid = start_with_name();
    show_holder("registered", pid);
    tr_send(a_my_process, "Hello!");
    await_end_of(pid);
    show_holder("ended", pid);

    pid = start_with_name();
    tr_unregister(a_my_process);
    show_holder("unregistered", pid);
    tr_send(pid, "Hello again!"); /* its pid is as good as ever */
    await_end_of(pid);
}

int main(int argc, char **argv)
{
    return tr_main(argc, argv, body);
}
