/* SPDX-License-Identifier: MIT */
/* Three workers, and five jobs that are dealt out to them in turn. */
#include <stdio.h>

#include <troupe.h>

tr_atoms(ok, work);

enum { NWORKERS = 3, NJOBS = 5 };

/* --- a worker: a server that knows its number --- */

static tr_gen_result init(void *id, tr_term arg)
{
    tr_match(arg, (int *)id);
    return tr_gen_ok();
}

static tr_gen_result handle_call(void *id, tr_term request, tr_term from)
{
    const char *job;
    char text[64];

    (void)from;
    if (!tr_match(request, a_work, &job))
        return tr_gen_unknown();
    tr_sleep(50);
    snprintf(text, sizeof text, "Completed: %s", job);
    return tr_gen_reply(a_ok, text, *(int *)id);
}

static const struct tr_gen_server server = {
    .name = "worker", .state_size = sizeof(int), .init = init, .handle_call = handle_call
};

/* --- the pool --- */

static void start_pool(tr_pid *workers)
{
    for (int i = 0; i < NWORKERS; i++)
        tr_match(tr_gen_server_start_link(&server, NULL, i + 1), a_ok, &workers[i]);
}

static tr_term ask(tr_term arg)
{
    tr_pid worker;
    tr_term job;

    return tr_match(arg, &worker, &job) ? tr_call(worker, a_work, job) : tr_nil();
}

static void distribute(const tr_pid *workers, const char *const *jobs, tr_term *results)
{
    struct tr_task tasks[NJOBS];

    for (int i = 0; i < NJOBS; i++)
        tasks[i] = tr_async(ask, workers[i % NWORKERS], jobs[i]);
    tr_await_many(tasks, NJOBS, results);
}

static void body(tr_term args)
{
    const char *const jobs[NJOBS] = { "task1", "task2", "task3", "task4", "task5" };
    tr_pid workers[NWORKERS];
    tr_term results[NJOBS];

    (void)args;
    start_pool(workers);
    distribute(workers, jobs, results);
    for (int i = 0; i < NJOBS; i++)
        printf("%s\n", tr_inspect(results[i]));
}

int main(int argc, char **argv)
{
    return tr_main(argc, argv, body);
}
