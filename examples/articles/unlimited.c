/* SPDX-License-Identifier: MIT */
/*
 * The fault: a task for each of many items, all at once, on a database that has 20 connections.
 * Troupe's stream of tasks runs so many at a time and no more, and a supervisor of tasks can refuse
 * to start too many.
 */
#include <stdatomic.h>
#include <stdio.h>

#include <troupe.h>

tr_atoms(ok, refused, tried, go, tasks);

enum { CONNECTIONS = 20, ITEMS = 100 };

static atomic_int used;

static bool connect(void)
{
    return atomic_fetch_add(&used, 1) < CONNECTIONS;
}

static void disconnect(void)
{
    atomic_fetch_sub(&used, 1);
}

static tr_term store(tr_term item)
{
    bool connected = connect();

    (void)item;
    disconnect();
    return tr_build(connected ? a_ok : a_refused);
}

/* Slow: all others have tried before the first one is done. */
static tr_term store_slowly(tr_term boss)
{
    bool connected = connect();
    tr_pid pid;

    if (tr_match(boss, &pid))
        tr_send(pid, a_tried);
    tr_receive (m)
        tr_on (m, a_go) {
        }
    disconnect();
    return tr_build(connected ? a_ok : a_refused);
}

static void all_at_once(void)
{
    static struct tr_task tasks[ITEMS];
    static tr_term results[ITEMS];
    int nrefused = 0;

    for (int i = 0; i < ITEMS; i++)
        tasks[i] = tr_async(store_slowly, tr_self());
    for (int i = 0; i < ITEMS; i++)
        tr_receive (m)
            tr_on (m, a_tried) {
            }
    for (int i = 0; i < ITEMS; i++)
        tr_send(tasks[i].pid, a_go);
    tr_await_many(tasks, ITEMS, results);
    for (int i = 0; i < ITEMS; i++)
        nrefused += tr_match(results[i], a_refused);
    printf("all at once: %s refused\n", nrefused > 0 ? "some were" : "none was");
}

static void twenty_at_a_time(void)
{
    struct tr_iter items = tr_iter_range(1, ITEMS);
    int nrefused = 0;

    tr_async_stream (r, store, &items, .max_concurrency = CONNECTIONS)
        nrefused += tr_match(r.value, a_refused);
    printf("20 at a time: %s refused\n", nrefused > 0 ? "some were" : "none was");
}

static tr_term hold(tr_term unused)
{
    (void)unused;
    tr_sleep(TR_INFINITY);
    return tr_nil();
}

static void supervised(void)
{
    tr_task_supervisor_start_link(
        TR_TASK_SUPERVISOR_OPTS(.name = a_tasks, .max_children = CONNECTIONS));
    for (int i = 0; i < CONNECTIONS; i++)
        tr_task_start_child(a_tasks, hold);
    printf("one more task: %s\n", tr_inspect(tr_task_start_child(a_tasks, hold)));
}

static void body(tr_term args)
{
    (void)args;
    all_at_once();
    twenty_at_a_time();
    supervised();
}

int main(int argc, char **argv)
{
    return tr_main(argc, argv, body);
}
