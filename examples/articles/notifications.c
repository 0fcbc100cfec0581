/* SPDX-License-Identifier: MIT */
/*
 * Sending many messages at once, four at a time, when some of them fail: a stream of tasks under a
 * supervisor; and a job that nobody waits for.
 */
#include <stdio.h>

#include <troupe.h>

tr_atoms(workers, sent, no_such_address);

/* Takes some time; users whose number can be divided by 4 have no address. */
static tr_term notify(tr_term user)
{
    int64_t n;

    tr_sleep(10);
    if (tr_match(user, &n) && n % 4 == 0)
        tr_exit(a_no_such_address, n);
    return tr_build(a_sent, user);
}

static tr_term clean_up(tr_term what)
{
    tr_puts(tr_inspect(what));
    return tr_nil();
}

static void notify_all(void)
{
    struct tr_iter users = tr_iter_range(1, 9);
    int nsent = 0;

    tr_async_stream (r, notify, &users, .max_concurrency = 4, .supervisor = tr_build(a_workers),
                     .nolink = true, .timeout_ms = 1000, .on_timeout = TR_STREAM_KILL) {
        if (r.err)
            printf("user %s: %s\n", tr_inspect(r.input), tr_inspect(r.value));
        else
            nsent++;
    }
    printf("sent: %d\n", nsent);
}

static void body(tr_term args)
{
    tr_pid job;

    (void)args;
    tr_log_set_level(TR_LOG_CRITICAL); /* the failures are expected */
    tr_task_supervisor_start_link(TR_TASK_SUPERVISOR_OPTS(.name = a_workers));
    notify_all();
    fflush(stdout);
    if (tr_match(tr_task_start_child(a_workers, clean_up, "cleaned up"), tr_any(), &job)) {
        tr_ref ended = tr_monitor(job);
        tr_receive (m)
            tr_on (m, tr_any(), ended, tr_any(), tr_any(), tr_any()) {
            }
    }
    printf("tasks left: %s\n", tr_inspect(tr_task_children(a_workers)));
}

int main(int argc, char **argv)
{
    return tr_main(argc, argv, body);
}
