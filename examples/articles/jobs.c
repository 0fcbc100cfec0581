/* SPDX-License-Identifier: MIT */
/* Exercise: a queue whose jobs are done one at a time, in the order in which they came. */
#include <stdio.h>

#include <troupe.h>
#include <troupe/kit/queue.h>

tr_atoms(jobs, done);

static tr_term process(tr_term job)
{
    tr_pid boss;
    const char *text;

    if (!tr_match(job, &boss, &text))
        return tr_nil();
    printf("Processing: %s\n", text);
    tr_sleep(20);
    tr_send(boss, a_done);
    return tr_nil();
}

static const struct tr_queue jobs = { .name = "jobs", .run = process, .workers = 1 };

static void body(tr_term args)
{
    const char *const names[] = { "job 1", "job 2", "job 3" };
    int npushed = 0;

    (void)args;
    tr_queue_start_link(&jobs);
    while (npushed < 3 && tr_queue_push(a_jobs, tr_self(), names[npushed]) == TR_OK)
        npushed++;
    for (int i = 0; i < npushed; i++)
        tr_receive (m)
            tr_on (m, a_done) {
            }
    puts("all done");
}

int main(int argc, char **argv)
{
    return tr_main(argc, argv, body);
}
