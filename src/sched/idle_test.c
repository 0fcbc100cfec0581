/* SPDX-License-Identifier: MIT */
/* Parking: who wakes whom, with plain runnables and no process in sight. */
#include "base/clock.h"
#include "check.h"
#include "sched/sched.h"
#include "sched/worker.h"

#include <pthread.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <unistd.h>

/* A runnable that counts its runs, and may hold its worker until it is let go. */
struct job {
    struct tr_runnable runnable;
    _Atomic int runs;
    _Atomic bool hold;
    struct job *brings; /* so many are put on the worker's own queue when this one runs; */
    int nbrings;        /* 0: one */
};

static struct tr_runnable *run_job(struct tr_worker *w, struct tr_runnable *r)
{
    struct job *job = (struct job *)(void *)r;

    (void)w;
    for (int i = 0; job->brings && (i == 0 || i < job->nbrings); i++)
        tr__enqueue(&job->brings[i].runnable);
    atomic_fetch_add(&job->runs, 1);
    /* Keeps its thread until told otherwise, which is what the test wants of it. */
    while (atomic_load(&job->hold))
        usleep(100);
    return NULL;
}

static struct job new_job(int priority)
{
    return (struct job){ .runnable = { .run = run_job, .priority = (uint8_t)priority } };
}

static pthread_t watcher;

static void *watch(void *unused)
{
    (void)unused;
    tr__sched_run();
    return NULL;
}

static void start(int workers)
{
    CHECK_INT(tr__sched_start(workers), TR_OK);
    pthread_create(&watcher, NULL, watch, NULL);
}

static void stop(void)
{
    tr__sched_stop();
    pthread_join(watcher, NULL);
    CHECK_INT(tr__idle_count(), 0);
}

TEST(work_from_outside_wakes_a_parked_worker)
{
    struct job job = new_job(TR__PRIO_NORMAL);

    start(2);
    for (int i = 1; i <= 2000; i++) {
        if (i % 100 == 0)
            CHECK_WITHIN(5000, tr__idle_count() == 2);
        tr__enqueue(&job.runnable);
        CHECK_WITHIN(5000, atomic_load(&job.runs) == i);
    }
    stop();
}

TEST(each_priority_is_served)
{
    struct job jobs[TR__PRIO_COUNT];

    start(1);
    for (int p = 0; p < TR__PRIO_COUNT; p++) {
        jobs[p] = new_job(p);
        tr__wake(&jobs[p].runnable);
    }
    for (int p = 0; p < TR__PRIO_COUNT; p++)
        CHECK_WITHIN(5000, atomic_load(&jobs[p].runs) == 1);
    stop();
}

/* One entry in the ring of a busy worker wakes nobody by itself: the monitor sees to it. */
TEST(work_behind_a_stuck_runnable_is_stolen)
{
    struct job behind = new_job(TR__PRIO_NORMAL);
    struct job stuck = new_job(TR__PRIO_NORMAL);

    stuck.brings = &behind;
    atomic_store(&stuck.hold, true);
    start(2);
    CHECK_WITHIN(5000, tr__idle_count() == 2);
    tr__enqueue(&stuck.runnable);
    CHECK_WITHIN(5000, atomic_load(&behind.runs) == 1);
    atomic_store(&stuck.hold, false);
    stop();
}

/* Of what does not fit in the ring one is offered, and stolen; what is left waits for its owner. */
TEST(what_a_stuck_worker_offers_is_stolen)
{
    enum { OFFERED = TR__RING_SIZE, LAST, COUNT };
    static struct job behind[COUNT];
    struct job stuck = new_job(TR__PRIO_NORMAL);

    for (int i = 0; i < COUNT; i++)
        behind[i] = new_job(TR__PRIO_NORMAL);
    stuck.brings = behind;
    stuck.nbrings = COUNT;
    atomic_store(&stuck.hold, true);
    start(2);
    CHECK_WITHIN(5000, tr__idle_count() == 2);
    tr__enqueue(&stuck.runnable);
    for (int i = 0; i <= OFFERED; i++)
        CHECK_WITHIN(5000, atomic_load(&behind[i].runs) == 1);
    atomic_store(&stuck.hold, false);
    CHECK_WITHIN(5000, atomic_load(&behind[LAST].runs) == 1);
    stop();
}

/* The same when the worker was woken by its own timer, after the monitor had gone to sleep. */
static struct job timed, after;

static void fire(struct tr_wheel_node *node)
{
    (void)node;
    tr__wake(&timed.runnable);
}

TEST(a_worker_woken_by_its_own_timer_is_watched)
{
    static struct tr_wheel_node node = { .fire = fire };
    struct tr_worker *w;

    timed = new_job(TR__PRIO_NORMAL);
    after = new_job(TR__PRIO_NORMAL);
    timed.brings = &after;
    atomic_store(&timed.hold, true);
    start(2);
    w = tr__worker_at(0);
    tr__ring_init(&node.ring);
    node.due = tr__clock_ns() + 200 * TR__NS_PER_MS;
    tr__spin_lock(&w->wheel.lock);
    tr__wheel_start(&w->wheel, &node);
    tr__spin_unlock(&w->wheel.lock);
    tr__idle_wake_all();
    CHECK_WITHIN(5000, atomic_load(&timed.runs) == 1);
    CHECK_WITHIN(5000, atomic_load(&after.runs) == 1);
    atomic_store(&timed.hold, false);
    stop();
}

/* What one scheduler leaves behind must not keep the next from waking its workers. */
TEST(workers_wake_in_every_life_of_the_scheduler)
{
    for (int life = 0; life < 300; life++) {
        struct job jobs[3] = { new_job(TR__PRIO_NORMAL), new_job(TR__PRIO_NORMAL),
                               new_job(TR__PRIO_NORMAL) };
        start(2);
        if (life % 3 == 0)
            CHECK_WITHIN(5000, tr__idle_count() == 2);
        for (int i = 0; i < 2; i++)
            tr__enqueue(&jobs[i].runnable);
        for (int i = 0; i < 2; i++)
            CHECK_WITHIN(5000, atomic_load(&jobs[i].runs) == 1);
        tr__enqueue(&jobs[2].runnable);
        stop();
    }
}

static int64_t switches(void)
{
    struct rusage usage;

    getrusage(RUSAGE_SELF, &usage);
    return usage.ru_nvcsw;
}

TEST(an_idle_scheduler_sleeps)
{
#ifdef TR__TSAN
    SKIP("the sanitizer's own thread wakes up ten times a second");
#endif
    start(2);
    CHECK_WITHIN(5000, tr__idle_count() == 2);
    /* Time itself is tested here: the monitor's last looks, then a second in which nothing is due.
     */
    usleep(100000);
    int64_t before = switches();
    usleep(1000000);
    /* Our own sleep is one of them. */
    CHECK(switches() - before <= 5);
    stop();
}
