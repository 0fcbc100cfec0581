/* SPDX-License-Identifier: MIT */
/*
 * The kit, with each allocation in it failing in turn: those of the library, and those that the
 * kit makes itself, whose malloc and calloc the linker leads here.
 */
#include "faults.h"
#include "troupe/kit/breaker.h"
#include "troupe/kit/cache.h"
#include "troupe/kit/cron.h"
#include "troupe/kit/fan_out.h"
#include "troupe/kit/pool.h"
#include "troupe/kit/queue.h"
#include "troupe/kit/rate.h"
#include "troupe/kit/ticker.h"
#include "troupe/kit/zone.h"

tr_atoms(ok, one, two);

void *__real_malloc(size_t size);
void *__real_calloc(size_t n, size_t size);
void *__wrap_malloc(size_t size);
void *__wrap_calloc(size_t n, size_t size);

/* Only where a test says so: what the library allocates has points of its own. */
static _Atomic bool counted; /* the monitor allocates, too */

void *__wrap_malloc(size_t size)
{
    return counted && tr__fault() ? NULL : __real_malloc(size);
}

void *__wrap_calloc(size_t n, size_t size)
{
    return counted && tr__fault() ? NULL : __real_calloc(n, size);
}

static void no_reports(void)
{
    CHECK(tr_log_remove_sink("default") != TR_EBUSY);
}

/* --- without a process --- */

static struct tr_limiter *the_limiter;

static void free_limiter(void *unused)
{
    (void)unused;
    counted = false;
    tr_limiter_free(the_limiter);
    the_limiter = NULL;
}

FAULT_TEST(a_limiter)
{
    const struct tr_rate rate = { .kind = TR_SLIDING_WINDOW, .limit = 100, .per_ms = 100000 };

    no_reports();
    tr_defer(free_limiter, NULL);
    counted = true;
    arm();
    tr_err err = tr_limiter_new(&the_limiter, &rate, NULL);
    if (err) {
        CHECK_INT(err, TR_ENOMEM);
        return false;
    }
    int64_t nrefused = 0;
    for (int i = 0; i < 40; i++)
        nrefused += tr_limiter_take(the_limiter, 1, "a key", i % 20) != 0;
    CHECK_INT(tr_limiter_take(the_limiter, 50, "another key"), 0);
    CHECK_INT(nrefused, 0);
    return true;
}

static struct tr_zone *the_zone;

static void close_zone(void *unused)
{
    (void)unused;
    counted = false;
    tr_zone_close(the_zone);
    the_zone = NULL;
}

FAULT_TEST(a_zone)
{
    tr_defer(close_zone, NULL);
    counted = true;
    arm();
    tr_err err = tr_zone_open(&the_zone, "Europe/Berlin");
    CHECK(err == TR_OK || err == TR_ENOMEM || err == TR_ENOTFOUND);
    return err == TR_OK || err == TR_ENOTFOUND;
}

static struct tr_breaker *the_breaker;

static void free_breaker(void *unused)
{
    (void)unused;
    counted = false;
    tr_breaker_free(the_breaker);
    the_breaker = NULL;
}

static tr_term echo(tr_term arg)
{
    return tr_build(arg, "and more");
}

FAULT_TEST(a_breaker)
{
    const struct tr_breaker_opts opts = { .name = "fuse", .notify = tr_build(tr_self()) };
    tr_term result;

    no_reports();
    tr_defer(free_breaker, NULL);
    counted = true;
    arm();
    tr_err err = tr_breaker_new(&the_breaker, &opts, NULL);
    if (err) {
        /* A name that is no atom is an option that is wrong. */
        CHECK(err == TR_ENOMEM || err == TR_EINVAL);
        return false;
    }
    CHECK_INT(tr_breaker_call(the_breaker, &result, echo, "text"), TR_OK);
    tr_breaker_trip(the_breaker, 1000);
    CHECK_INT(tr_breaker_call(the_breaker, &result, echo, "text"), TR_EBUSY);
    return true;
}

/* --- servers --- */

static bool started(tr_term result, tr_pid *pid)
{
    return tr_match(result, a_ok, pid);
}

/* However far it came. */
static bool stopped(tr_pid pid, bool done)
{
    tr_exit_to(pid, a_kill);
    return done;
}

static tr_term fill(tr_term key, tr_term old, int64_t *ttl_ms)
{
    (void)old;
    (void)ttl_ms;
    return tr_build(key, "filled");
}

struct attempt {
    tr_pid pid;
    tr_term result;
    bool done;
};

static void use_cache(void *arg)
{
    struct attempt *a = arg;

    tr_cache_put(a->pid, a_one, "a value");
    tr_cache_put(a->pid, a_two, "another value");
    a->done = tr_cache_get_or_store(a->pid, &a->result, "a key", fill) == TR_OK &&
              tr_cache_delete(a->pid, a_two);
}

/* What fails in a server ends the call of the actor, which is caught. */
static bool use(void (*fn)(void *), tr_pid pid)
{
    struct attempt a = { .pid = pid };
    tr_term reason;

    return !tr_catch(fn, &a, &reason) && a.done;
}

FAULT_TEST(a_cache)
{
    tr_pid pid;

    no_reports();
    tr_trap_exit(true);
    arm();
    if (!started(tr_cache_start_link(&(const struct tr_cache){ .max_size = 2, .ttl_ms = 60000 }),
                 &pid))
        return false;
    return stopped(pid, use(use_cache, pid));
}

static tr_gen_result worker_init(void *state, tr_term arg)
{
    (void)state;
    (void)arg;
    return tr_gen_ok();
}

static const struct tr_gen_server worker = { .name = "worker", .init = worker_init };

static tr_term with_worker(tr_pid pid, tr_term arg)
{
    return tr_build(pid, arg);
}

static void use_pool(void *arg)
{
    struct attempt *a = arg;

    a->done = tr_pool_transaction(a->pid, 1000, &a->result, with_worker, "text") == TR_OK &&
              tr_pool_status(a->pid).busy == 0;
}

FAULT_TEST(a_pool)
{
    const struct tr_pool opts = { .worker = TR_CHILD(.server = &worker), .size = 2 };
    tr_pid pid;

    no_reports();
    tr_trap_exit(true);
    arm();
    if (!started(tr_pool_start_link(&opts), &pid))
        return false;
    return stopped(pid, use(use_pool, pid));
}

static void use_queue(void *arg)
{
    struct attempt *a = arg;

    if (tr_queue_push(a->pid, "a job", 1))
        return;
    while (tr_queue_status(a->pid).done + tr_queue_status(a->pid).dead == 0)
        tr_sleep(10);
    a->done = tr_is_nil(tr_queue_take_dead(a->pid));
}

FAULT_TEST(a_job_queue)
{
    tr_pid pid;

    no_reports();
    tr_trap_exit(true);
    arm();
    if (!started(tr_queue_start_link(&(const struct tr_queue){
                     .run = echo, .backoff = { .first_ms = 1 }, .max_attempts = 2 }),
                 &pid))
        return false;
    return stopped(pid, use(use_queue, pid));
}

static void use_ticker(void *arg)
{
    struct attempt *a = arg;

    tr_ticker_pause(a->pid);
    tr_ticker_resume(a->pid);
    a->done = !tr_ticker_status(a->pid).paused;
}

FAULT_TEST(a_ticker)
{
    tr_pid pid;

    no_reports();
    tr_trap_exit(true);
    arm();
    if (!started(tr_ticker_start_link(&(const struct tr_ticker){
                     .every_ms = 60000, .to = tr_build(tr_self()), .arg = tr_build("a text") }),
                 &pid))
        return false;
    return stopped(pid, use(use_ticker, pid));
}

static void use_cron(void *arg)
{
    struct attempt *a = arg;
    const struct tr_cron_job more = { .id = "more", .schedule = "@daily", .run = echo };

    if (!tr_match(tr_cron_add(a->pid, &more), a_ok))
        return;
    a->done = tr_match(tr_cron_remove(a->pid, "more"), a_ok);
    tr_cron_jobs(a->pid);
}

FAULT_TEST(a_cron)
{
    const struct tr_cron cron = {
        .jobs =
            TR_CRON_JOBS({ .id = "report", .schedule = "@yearly", .run = echo, .arg = "{1,2}" }),
    };
    tr_pid pid;

    no_reports();
    tr_trap_exit(true);
    arm();
    if (!started(tr_cron_start_link(&cron), &pid))
        return false;
    return stopped(pid, use(use_cron, pid));
}

FAULT_TEST(a_fan_out)
{
    struct tr_iter items = tr_iter_range(1, 5);
    tr_term results, result;
    int nok = 0;

    no_reports();
    arm();
    if (tr_fan_out(&results, echo, &items, &(const struct tr_fan_out_opts){ .max_concurrency = 2 },
                   NULL))
        return false;
    while (tr_list_next(&results, &result))
        nok += tr_match(result, a_ok, tr_any());
    return nok == 5;
}
