/* SPDX-License-Identifier: MIT */
#ifndef KIT_QUEUE_CHECK_H
#define KIT_QUEUE_CHECK_H

/* What the tests of job queues share: jobs that tell the test that they run, and the wait for it.
 */

#include "check_proc.h"
#include "troupe/kit/queue.h"

tr_atoms(ok, boss, ran, boom, hang, fine, go);

/* A job tells who has called this that it runs. */
static inline void be_boss(void)
{
    tr_log_set_level(TR_LOG_EMERGENCY);
    CHECK_INT(tr_register(a_boss, tr_self()), TR_OK);
}

/* A job is {boom | hang | fine, Number}. */
static inline tr_term work(tr_term job)
{
    tr_term what;
    int64_t n;

    CHECK(tr_match(job, &what, &n));
    tr_send(a_boss, a_ran, n, tr_self());
    if (tr_match(what, a_boom))
        tr_exit(a_boom, n);
    if (tr_match(what, a_hang)) {
        tr_receive (m)
            tr_on (m, a_go) {
            }
    }
    return tr_nil();
}

static inline tr_pid started(const struct tr_queue *opts)
{
    tr_pid pid = { 0 };
    tr_term result = tr_queue_start_link(opts);

    if (!tr_match(result, a_ok, &pid))
        FAIL(tr_inspect(result));
    return pid;
}

/* The job of that number runs. */
static inline tr_pid runs(int64_t number)
{
    tr_pid pid = { 0 };
    int64_t n = -1;

    tr_receive (m) {
        tr_on (m, a_ran, &n, &pid) {
        }
        tr_after (m, 10000) {
        }
    }
    CHECK_INT(n, number);
    return pid;
}

#endif
