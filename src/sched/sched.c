/* SPDX-License-Identifier: MIT */
/* The scheduler as a whole: workers and lists made, threads started, all taken down again. */
#include "sched/sched.h"

#include "base/clock.h"
#include "base/fault.h"
#include "os/barrier.h"
#include "sched/gather.h"
#include "sched/replay.h"
#include "sched/thread.h"
#include "sched/worker.h"

#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

/* Steals are spread by it, and programs get numbers of it. */
static uint64_t random_state(void)
{
    uint64_t state = 0;

    if (getrandom(&state, sizeof state, GRND_NONBLOCK) != sizeof state)
        state = (uint64_t)tr__clock_real_ns();
    return state ? state : 1;
}

static void worker_init(struct tr_worker *w, int index, int count, int64_t now, bool barrier)
{
    memset(w, 0, sizeof *w);
    w->index = index;
    w->random = random_state();
    w->budget = TR__TURN_BUDGET;
    w->ring.thieves = (unsigned)count - 1;
    tr__wheel_init(&w->wheel, now);
    tr__reader_add(&w->reader, barrier);
}

static void free_workers(void)
{
    for (int i = 0; i < tr__sched.count; i++) {
        struct tr_worker *w = &tr__sched.workers[i];
        tr__reader_remove(&w->reader);
        tr__slot_cache_flush(&w->slots);
        tr__stack_cache_flush(&w->stacks);
        tr__block_cache_flush(&w->blocks);
        tr__backlog_free(&w->ring.behind);
    }
    free(tr__sched.workers);
    tr__sched.workers = NULL;
    tr__sched.count = 0;
}

tr_err tr__sched_start(int count)
{
    tr__replay_begin();
    int64_t now = tr__clock_ns();
    int most = tr__replay_on ? 1 : TR__MAX_WORKERS;
    int n = count < most ? count : most;
    struct tr_worker *workers =
        tr__fault() ? NULL : aligned_alloc(TR__CACHE_LINE, (size_t)n * sizeof *workers);

    if (!workers)
        return TR_ENOMEM;
    bool barrier = tr__barrier_prepare();
    tr__clock_near_prepare();
    for (int i = 0; i < n; i++)
        worker_init(&workers[i], i, n, now, barrier);
    tr__sched.workers = workers;
    tr__sched.count = n;
    atomic_store(&tr__sched.stopping, false);
    atomic_store(&tr__sched.asked, 0);
    tr__idle_init();
    tr__gather_init();
    for (int i = 0; i < TR__PRIO_COUNT; i++)
        tr__sched.lists[i] = (struct tr_runlist){ 0 };
    tr_err err = tr__threads_start();
    if (err) {
        tr__sched_stop();
        tr__threads_finish();
        free_workers();
    }
    return err;
}

void tr__sched_stop(void)
{
    atomic_store_explicit(&tr__sched.stopping, true, memory_order_seq_cst);
    tr__sched_ask();
    tr__idle_wake_all();
    tr__monitor_call();
}

void tr__sched_run(void)
{
    tr__monitor_main();
    tr__idle_wake_all();
    tr__threads_finish();
    free_workers();
}
