/* SPDX-License-Identifier: MIT */
/*
 * What concdict and concsll share: 20 workers that ask one actor, each so many times, and wait for
 * each {result, Value}.
 */
#ifndef BENCH_SAVINA_WORKERS_H
#define BENCH_SAVINA_WORKERS_H

#include "savina.h"

tr_atoms(result);

enum { WORKERS = 20, WRITE_PERCENT = 10 };

/* Sends one request, with the caller's pid in it. */
typedef void (*savina_ask)(tr_pid actor, int64_t *random);

static struct {
    savina_ask ask;
    int64_t each;
} savina_requests;

static inline void savina_worker(tr_term arg)
{
    tr_pid parent, actor;
    int64_t random;

    tr_match(arg, &parent, &actor, &random);
    for (int64_t i = 0; i < savina_requests.each; i++) {
        savina_requests.ask(actor, &random);
        tr_receive (m)
            tr_on (m, a_result, tr_any())
                continue;
    }
    tr_send(parent, a_done, 0);
}

/* Starts the actor and the workers, the first of which draws from `seed` on; the value of the
   {done, Value} with which the actor answers {stop, Pid}. */
static inline int64_t savina_ask_all(tr_process_fn actor, savina_ask ask, int64_t each,
                                     int64_t seed)
{
    tr_pid self = tr_self(), pid = tr_spawn(actor);

    savina_requests.ask = ask;
    savina_requests.each = each;
    for (int64_t i = 0; i < WORKERS; i++)
        tr_spawn(savina_worker, self, pid, i + seed);
    savina_await(WORKERS);
    tr_send(pid, a_stop, self);
    return savina_await(1);
}

#endif
