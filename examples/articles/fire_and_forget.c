/* SPDX-License-Identifier: MIT */
/*
 * Fire and forget: an event is handled while a notification goes its own way, as a task under a
 * supervisor. So no task outlives the application, not even one that hangs.
 */
#include <stdio.h>

#include "await.h"

tr_atoms(tasks, notification, started);

/* --- what is done aside --- */

static tr_term send_notification(tr_term arg)
{
    tr_term text;
    tr_pid to;

    if (tr_match(arg, &to, &text))
        tr_send(to, a_notification, text);
    return tr_nil();
}

static void say_good_bye(void *unused)
{
    (void)unused;
    printf("cleaned up: %s\n", tr_inspect(tr_exit_reason()));
}

static tr_term hang(tr_term boss)
{
    tr_defer(say_good_bye, NULL);
    tr_send(boss, a_started);
    tr_sleep(TR_INFINITY);
    return tr_nil();
}

/* --- the program --- */

static int process_event(int event)
{
    tr_task_start_child(a_tasks, send_notification, tr_self(), "Hey! We got an event!");
    return event * 2 + 1; /* something, and something else */
}

static void work(tr_term arg)
{
    tr_term text;

    (void)arg;
    printf("event: %d\n", process_event(20));
    tr_receive (m)
        tr_on (m, a_notification, &text)
            printf("%s\n", tr_inspect(text));

    tr_task_start_child(a_tasks, hang, tr_self());
    tr_receive (m)
        tr_on (m, a_started)
            tr_application_halt(0);
}

static tr_term start_tasks(tr_term arg)
{
    (void)arg;
    return tr_task_supervisor_start_link(TR_TASK_SUPERVISOR_OPTS(.name = a_tasks));
}

static const struct tr_supervisor tree = {
    .strategy = TR_ONE_FOR_ONE,
    .children = TR_CHILDREN({ .start = start_tasks, .id = "tasks", .type = TR_SUPERVISOR },
                            { .process = work, .id = "work", .restart = TR_TRANSIENT }),
};

static const struct tr_application application = { .name = "events", .supervisor = &tree };

int main(int argc, char **argv)
{
    return tr_application_main(argc, argv, &application);
}
