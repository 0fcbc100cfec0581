/* SPDX-License-Identifier: MIT */
/*
 * Sinks, their queues and threads.
 *
 * One lock guards everything; it is held for a few pointers at a time, never while a sink's
 * function runs or a backtrace is described. An event (log_event.c) is shared by the queues it is
 * in.
 *
 * An entry of a queue says how many events were dropped before it, so that the gap is reported
 * where it is. If nothing follows, the thread reports it when the second is over.
 */
#define _GNU_SOURCE
#include "os/log.h"

#include "base/clock.h"
#include "base/fault.h"
#include "os/log_event.h"
#include "os/name.h"
#include "troupe/message.h"

#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define NAME_SIZE     32
#define QUEUE_DEFAULT 1000
#define RATE_DEFAULT  500
#define WINDOW        TR__NS_PER_S
#define FLUSH_AT_EXIT 1000
#define STEP_NS       TR__NS_PER_S
#define FOREVER       INT64_MAX

struct entry {
    struct entry *next;
    struct tr_log_shared *event;
    uint64_t dropped; /* so many before it */
};

struct sink {
    struct sink *next;
    char name[NAME_SIZE];
    struct tr_sink options; /* without zeros */
    struct entry *first;
    struct entry **last;
    int length;
    int64_t window_start;
    int in_window;
    uint64_t dropped; /* since the newest entry */
    pthread_t thread;
    pthread_cond_t wake;
    bool running; /* has a thread */
    bool busy;    /* its function is being called */
    bool on_heap;
    bool removed;
};

static struct {
    pthread_mutex_t lock;
    struct sink *sinks; /* guarded by lock, as is all but `threshold` */
    bool prepared;      /* the default sink was made */
    enum tr_log_level level;
    _Atomic int threshold; /* what is less urgent is not even made; 0: not yet known */
    uint64_t dropped;
    pthread_cond_t idle; /* a sink has written all it had */
    _Atomic bool in_step;
} log_state = { .lock = PTHREAD_MUTEX_INITIALIZER, .level = TR_LOG_INFO };

static _Thread_local bool writes; /* it is the thread of a sink */

/* --- in step --- */

static bool in_step(void)
{
    return atomic_load_explicit(&log_state.in_step, memory_order_relaxed);
}

void tr__log_in_step(bool on)
{
    atomic_store_explicit(&log_state.in_step, on, memory_order_relaxed);
}

bool tr__log_is_step(void)
{
    return writes && in_step();
}

/* --- a sink's thread --- */

static void say_dropped(const struct sink *sink, uint64_t n)
{
    char text[64];
    struct tr_log_event event = { .level = TR_LOG_WARNING,
                                  .time_us = tr__log_now_us(),
                                  .process = "",
                                  .name = "",
                                  .text = text,
                                  .backtrace = "" };

    snprintf(text, sizeof text, "%llu %s dropped", (unsigned long long)n,
             n == 1 ? "message" : "messages");
    sink->options.write(&event, sink->options.arg);
}

static struct entry *pop(struct sink *sink)
{
    struct entry *entry = sink->first;

    if (!entry)
        return NULL;
    sink->first = entry->next;
    if (!sink->first)
        sink->last = &sink->first;
    sink->length--;
    return entry;
}

static struct timespec when(int64_t ns)
{
    return (struct timespec){ .tv_sec = ns / TR__NS_PER_S, .tv_nsec = ns % TR__NS_PER_S };
}

/* The number to be reported although nothing follows: once the second is over. */
static uint64_t overdue(struct sink *sink)
{
    if (sink->dropped == 0 || in_step() || tr__clock_ns() < sink->window_start + WINDOW)
        return 0;
    uint64_t n = sink->dropped;
    sink->dropped = 0;
    return n;
}

/* Waits for something to write: an entry, or *dropped; neither when the sink was removed. */
static struct entry *next_entry(struct sink *sink, uint64_t *dropped)
{
    for (;;) {
        struct entry *entry = sink->removed ? NULL : pop(sink);
        *dropped = entry ? entry->dropped : overdue(sink);
        if (entry || *dropped || sink->removed)
            return entry;
        pthread_cond_broadcast(&log_state.idle);
        if (sink->dropped && !in_step()) {
            struct timespec until = when(sink->window_start + WINDOW);
            pthread_cond_timedwait(&sink->wake, &log_state.lock, &until);
        } else {
            pthread_cond_wait(&sink->wake, &log_state.lock);
        }
    }
}

/* Calls the sink's function; the lock is given up meanwhile. */
static void deliver(struct sink *sink, struct entry *entry, uint64_t dropped)
{
    sink->busy = true;
    pthread_mutex_unlock(&log_state.lock);
    if (dropped)
        say_dropped(sink, dropped);
    if (entry) {
        struct tr_log_event view = tr__log_event_view(entry->event);
        sink->options.write(&view, sink->options.arg);
    }
    pthread_mutex_lock(&log_state.lock);
    sink->busy = false;
    if (!entry)
        return;
    tr__log_event_release(entry->event);
    free(entry);
}

static void *sink_main(void *arg)
{
    struct sink *sink = arg;
    struct entry *entry;
    uint64_t dropped;

    writes = true;
    tr__thread_name("troupe/log");
    pthread_mutex_lock(&log_state.lock);
    while ((entry = next_entry(sink, &dropped)) || dropped)
        deliver(sink, entry, dropped);
    pthread_mutex_unlock(&log_state.lock);
    return NULL;
}

static void flush_at_exit(void)
{
    tr__log_flush(FLUSH_AT_EXIT);
}

/* Starts the sink's thread when it is first needed. Without one the event waits for the next try.
 */
static void ensure_thread(struct sink *sink)
{
    static bool registered;
    sigset_t all, before;

    if (sink->running || tr__fault())
        return;
    /* The program's signals go to the program's own threads. */
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    sink->running = pthread_create(&sink->thread, NULL, sink_main, sink) == 0;
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    if (!sink->running)
        return;
    if (!registered)
        registered = atexit(flush_at_exit) == 0;
}

/* --- the list of sinks; lock held --- */

static struct sink **find(const char *name)
{
    struct sink **at = &log_state.sinks;

    while (*at && strcmp((*at)->name, name) != 0)
        at = &(*at)->next;
    return at;
}

static void update_threshold(void)
{
    int most = 0;

    for (struct sink *s = log_state.sinks; s; s = s->next)
        if ((int)s->options.level > most)
            most = (int)s->options.level;
    if (most > (int)log_state.level)
        most = (int)log_state.level;
    /* No sink: below every level, but known. */
    atomic_store_explicit(&log_state.threshold, most ? most : -1, memory_order_relaxed);
}

static void init_cond(pthread_cond_t *cond)
{
    pthread_condattr_t attr;

    pthread_condattr_init(&attr);
    pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
    pthread_cond_init(cond, &attr);
    pthread_condattr_destroy(&attr);
}

static void sink_init(struct sink *sink, const char *name, const struct tr_sink *options)
{
    *sink = (struct sink){ .options = *options, .last = &sink->first };
    snprintf(sink->name, sizeof sink->name, "%s", name);
    if (!sink->options.level)
        sink->options.level = TR_LOG_DEBUG;
    if (!sink->options.max_queue)
        sink->options.max_queue = QUEUE_DEFAULT;
    if (!sink->options.max_per_second)
        sink->options.max_per_second = RATE_DEFAULT;
    init_cond(&sink->wake);
}

/* The default sink, the first time. */
static void prepare(void)
{
    static struct sink standard;

    if (log_state.prepared)
        return;
    log_state.prepared = true;
    init_cond(&log_state.idle);
    sink_init(&standard, "default", &(struct tr_sink){ .write = tr_sink_stderr });
    log_state.sinks = &standard;
    update_threshold();
}

static void lock_prepared(void)
{
    pthread_mutex_lock(&log_state.lock);
    prepare();
}

static void unlock(void)
{
    pthread_mutex_unlock(&log_state.lock);
}

static bool valid_level(enum tr_log_level level)
{
    return (int)level >= TR_LOG_EMERGENCY && (int)level <= TR_LOG_DEBUG;
}

static bool valid(const char *name, const struct tr_sink *sink)
{
    return name && *name && strlen(name) < NAME_SIZE && sink->write &&
           (!sink->level || valid_level(sink->level)) && sink->max_queue >= 0 &&
           sink->max_per_second >= TR_SINK_ANY;
}

tr_err tr_log_add_sink(const char *name, const struct tr_sink *options)
{
    if (!valid(name, options))
        return TR_EINVAL;
    struct sink *sink = tr__fault() ? NULL : malloc(sizeof *sink);
    if (!sink)
        return TR_ENOMEM;
    sink_init(sink, name, options);
    sink->on_heap = true;
    lock_prepared();
    struct sink **at = find(name);
    bool taken = *at != NULL;
    if (!taken)
        *at = sink;
    update_threshold();
    unlock();
    if (!taken)
        return TR_OK;
    free(sink);
    return TR_EEXIST;
}

static void drop_queue(struct sink *sink)
{
    struct entry *entry;

    while ((entry = pop(sink))) {
        tr__log_event_release(entry->event);
        free(entry);
    }
}

tr_err tr__log_remove_sink(const char *name)
{
    lock_prepared();
    struct sink **at = find(name);
    struct sink *sink = *at;
    if (!sink || (sink->running && pthread_equal(sink->thread, pthread_self()))) {
        unlock();
        return sink ? TR_EBUSY : TR_ENOTFOUND;
    }
    *at = sink->next;
    update_threshold();
    sink->removed = true;
    drop_queue(sink);
    pthread_cond_signal(&sink->wake);
    pthread_cond_broadcast(&log_state.idle);
    unlock();
    if (sink->running)
        pthread_join(sink->thread, NULL);
    pthread_cond_destroy(&sink->wake);
    if (sink->on_heap)
        free(sink);
    return TR_OK;
}

tr_err tr_log_set_sink_level(const char *name, enum tr_log_level level)
{
    if (!valid_level(level))
        return TR_EINVAL;
    lock_prepared();
    struct sink *sink = *find(name);
    if (sink)
        sink->options.level = level;
    update_threshold();
    unlock();
    return sink ? TR_OK : TR_ENOTFOUND;
}

void tr_log_set_level(enum tr_log_level level)
{
    if (!valid_level(level))
        return;
    lock_prepared();
    log_state.level = level;
    update_threshold();
    unlock();
}

bool tr_log_allows(enum tr_log_level level)
{
    int threshold = atomic_load_explicit(&log_state.threshold, memory_order_relaxed);

    if (threshold == 0) {
        lock_prepared();
        threshold = atomic_load_explicit(&log_state.threshold, memory_order_relaxed);
        unlock();
    }
    return valid_level(level) && (int)level <= threshold;
}

/* --- putting events there --- */

/* Counts the event in the present second; false when that has had its share. */
static bool within_rate(struct sink *sink)
{
    int64_t now = tr__clock_ns();

    if (now >= sink->window_start + WINDOW) {
        sink->window_start = now;
        sink->in_window = 0;
    }
    if (sink->options.max_per_second == TR_SINK_ANY)
        return true;
    return sink->in_window < sink->options.max_per_second && ++sink->in_window;
}

static bool enqueue(struct sink *sink, struct tr_log_shared *event)
{
    if (!event || !within_rate(sink) || sink->length >= sink->options.max_queue)
        return false;
    struct entry *entry = tr__fault() ? NULL : malloc(sizeof *entry);
    if (!entry)
        return false;
    *entry = (struct entry){ NULL, event, sink->dropped };
    event->refs++;
    sink->dropped = 0;
    *sink->last = entry;
    sink->last = &entry->next;
    sink->length++;
    return true;
}

static bool all_written(void)
{
    for (struct sink *sink = log_state.sinks; sink; sink = sink->next)
        if (sink->first || sink->busy)
            return false;
    return true;
}

/* Waits until a sink has nothing to do; false when it is past `until`. */
static bool wait_idle(int64_t until)
{
    struct timespec t = when(until);

    if (until == FOREVER)
        return pthread_cond_wait(&log_state.idle, &log_state.lock) == 0;
    return pthread_cond_timedwait(&log_state.idle, &log_state.lock, &t) == 0;
}

/* Waits until the sinks have nothing to do; false when it is past `until`. */
static bool wait_written(int64_t until)
{
    while (!all_written() && wait_idle(until))
        ;
    return all_written();
}

void tr__log_put(const struct tr_log_draft *draft)
{
    struct tr_log_shared *event = tr__log_event_new(draft);

    lock_prepared();
    for (struct sink *sink = log_state.sinks; sink; sink = sink->next) {
        if (draft->event.level > sink->options.level)
            continue;
        if (!enqueue(sink, event)) {
            sink->dropped++;
            log_state.dropped++;
        }
        ensure_thread(sink);
        pthread_cond_signal(&sink->wake);
    }
    if (event)
        tr__log_event_release(event);
    if (in_step() && !writes)
        wait_written(tr__clock_real_ns() + STEP_NS);
    unlock();
}

uint64_t tr_log_dropped(void)
{
    pthread_mutex_lock(&log_state.lock);
    uint64_t n = log_state.dropped;
    unlock();
    return n;
}

bool tr__log_flush(int64_t timeout_ms)
{
    int64_t until =
        timeout_ms == TR_INFINITY ? FOREVER : tr__clock_real_ns() + timeout_ms * TR__NS_PER_MS;

    lock_prepared();
    for (struct sink *sink = log_state.sinks; sink; sink = sink->next)
        if (sink->first)
            ensure_thread(sink);
    bool written = wait_written(until);
    unlock();
    return written;
}
