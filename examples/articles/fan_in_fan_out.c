/* SPDX-License-Identifier: MIT */
/* Fan out, fan in: each notification is sent by a task of its own, and all are waited for. */
#include <stdio.h>

#include <troupe.h>

tr_atoms(ok);

enum { N = 4 };

static tr_term send_notification(tr_term to)
{
    tr_sleep(50);
    return tr_build(a_ok, to);
}

static void send_notifications(const char *const *to, tr_term *results)
{
    struct tr_task tasks[N];

    for (int i = 0; i < N; i++)
        tasks[i] = tr_async(send_notification, to[i]);
    tr_await_many(tasks, N, results);
}

static void body(tr_term args)
{
    const char *const to[N] = { "anna", "bert", "carla", "dirk" };
    tr_term results[N];

    (void)args;
    send_notifications(to, results);
    for (int i = 0; i < N; i++)
        printf("%s\n", tr_inspect(results[i]));
}

int main(int argc, char **argv)
{
    return tr_main(argc, argv, body);
}
