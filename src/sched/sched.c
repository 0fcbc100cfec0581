/* SPDX-License-Identifier: MIT */
/*
 * The scheduler as a whole.
 *
 * The workers' threads block all signals, so that those sent to the program arrive at threads that
 * the program knows.
 */
#define _GNU_SOURCE
#include "sched/sched.h"

#include "base/clock.h"
#include "base/fault.h"
#include "sched/worker.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void worker_init(struct tr_worker *w, int index, int64_t now)
{
    memset(w, 0, sizeof *w);
    w->index = index;
    w->random = 0x9e3779b97f4a7c15u * (unsigned)(index + 1);
    w->budget = TR__TURN_BUDGET;
    tr__wheel_init(&w->wheel, now);
}

static int start_thread(struct tr_worker *w)
{
    char name[16];
    sigset_t all, before;

    if (tr__fault())
        return -1;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    int failed = pthread_create(&w->thread, NULL, tr__worker_main, w);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    if (!failed) {
        snprintf(name, sizeof name, "troupe/%d", w->index);
        pthread_setname_np(w->thread, name);
    }
    return failed;
}

/* Waits for the first `started` threads and frees all. */
static void finish(int started)
{
    for (int i = 0; i < started; i++)
        pthread_join(tr__sched.workers[i].thread, NULL);
    for (int i = 0; i < tr__sched.count; i++) {
        struct tr_worker *w = &tr__sched.workers[i];
        tr__slot_cache_flush(&w->slots);
        tr__stack_cache_flush(&w->stacks);
        tr__block_cache_flush(&w->blocks);
    }
    free(tr__sched.workers);
    tr__sched.workers = NULL;
    tr__sched.count = 0;
}

tr_err tr__sched_start(int count)
{
    int64_t now = tr__clock_ns();
    int n = count < TR__MAX_WORKERS ? count : TR__MAX_WORKERS;
    struct tr_worker *workers =
        tr__fault() ? NULL : aligned_alloc(TR__CACHE_LINE, (size_t)n * sizeof *workers);

    if (!workers)
        return TR_ENOMEM;
    for (int i = 0; i < n; i++)
        worker_init(&workers[i], i, now);
    tr__sched.workers = workers;
    tr__sched.count = n;
    atomic_store(&tr__sched.stopping, false);
    tr__idle_init();
    for (int i = 0; i < n; i++) {
        if (start_thread(&workers[i])) {
            tr__sched_stop();
            finish(i);
            return TR_ESYS;
        }
    }
    return TR_OK;
}

void tr__sched_stop(void)
{
    atomic_store_explicit(&tr__sched.stopping, true, memory_order_seq_cst);
    tr__idle_wake_all();
    tr__monitor_wake();
}

void tr__sched_run(void)
{
    tr__monitor_main();
    tr__idle_wake_all();
    finish(tr__sched.count);
}
