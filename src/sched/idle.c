/* SPDX-License-Identifier: MIT */
/*
 * Idle workers: parking, and waking as few as needed.
 *
 * Waking a thread costs the waker microseconds, so at most one woken worker looks for work at a
 * time; when it finds some and sees more, it wakes the next.
 *
 * No work is lost between a worker that parks and a thread that brings work: the first puts itself
 * on the list, then looks once more at all queues; the second fills a queue, then looks at the
 * list. The counts of list and queues are read and written in one total order, so at least one of
 * the two sees the other. (A ring, and what is offered beside it, is its owner's own: the owner
 * never parks with work in either.)
 *
 * One of those that park sleeps not on its futex but in the set of descriptors (poll.h), and its
 * word says so: a waker that finds that has to ring there. If it leaves with work, the others sleep
 * on; it comes back when that is done, or else the monitor looks, and wakes one to take its place.
 */
#include "sched/worker.h"

#include "base/clock.h"
#include "os/futex.h"
#include "sched/poll.h"

#include <stddef.h>

enum { PARKED, WOKEN, POLLS }; /* the word of a worker */

static struct {
    struct tr_spin lock;
    struct tr_worker *first; /* guarded by lock */
    _Atomic int count;       /* written with the lock held */
    _Atomic int searching;   /* workers woken or looking that have not found work yet */
} idle;

int tr__idle_count(void)
{
    return atomic_load_explicit(&idle.count, memory_order_seq_cst);
}

void tr__idle_init(void)
{
    idle.first = NULL;
    atomic_store(&idle.count, 0);
    atomic_store(&idle.searching, 0);
}

static void list_push(struct tr_worker *w)
{
    tr__spin_lock(&idle.lock);
    w->idle_next = idle.first;
    w->idle = true;
    idle.first = w;
    atomic_fetch_add_explicit(&idle.count, 1, memory_order_seq_cst);
    tr__spin_unlock(&idle.lock);
}

/* The lock is held; the list is not empty. The one that looks at descriptors comes last. */
static struct tr_worker *pop_locked(void)
{
    struct tr_worker **p = &idle.first;

    if ((*p)->idle_next && atomic_load_explicit(&(*p)->wake, memory_order_relaxed) == POLLS)
        p = &(*p)->idle_next;
    struct tr_worker *w = *p;
    *p = w->idle_next;
    w->idle = false;
    atomic_fetch_sub_explicit(&idle.count, 1, memory_order_seq_cst);
    return w;
}

static struct tr_worker *list_pop(void)
{
    tr__spin_lock(&idle.lock);
    struct tr_worker *w = idle.first ? pop_locked() : NULL;
    tr__spin_unlock(&idle.lock);
    return w;
}

/* Takes a worker off the list and counts it as searching; NULL when there is none, or one that
   searches. Both as one step: whoever sees the count relies on there being a worker behind it. */
static struct tr_worker *pop_to_search(void)
{
    struct tr_worker *w = NULL;
    int none = 0;

    tr__spin_lock(&idle.lock);
    if (idle.first && atomic_compare_exchange_strong_explicit(
                          &idle.searching, &none, 1, memory_order_seq_cst, memory_order_seq_cst))
        w = pop_locked();
    tr__spin_unlock(&idle.lock);
    return w;
}

/* Takes the worker off the list; false when a waker has already done so. */
static bool list_remove(struct tr_worker *w)
{
    tr__spin_lock(&idle.lock);
    bool found = w->idle;
    if (found) {
        struct tr_worker **p = &idle.first;
        while (*p != w)
            p = &(*p)->idle_next;
        *p = w->idle_next;
        w->idle = false;
        atomic_fetch_sub_explicit(&idle.count, 1, memory_order_seq_cst);
    }
    tr__spin_unlock(&idle.lock);
    /* The monitor may have found all workers idle. */
    if (found)
        tr__monitor_wake();
    return found;
}

static void unpark(struct tr_worker *w)
{
    /* Release pairs with the acquire in sleep_until_woken: w->searching is seen. */
    if (atomic_exchange_explicit(&w->wake, WOKEN, memory_order_acq_rel) == POLLS)
        tr__poll_break();
    else
        tr__futex_wake(&w->wake, 1);
    tr__monitor_wake();
}

void tr__idle_wake_one(void)
{
    if (tr__idle_count() == 0 || atomic_load_explicit(&idle.searching, memory_order_seq_cst) != 0)
        return;
    struct tr_worker *w = pop_to_search();
    if (!w)
        return;
    w->searching = true;
    unpark(w);
}

void tr__idle_wake_all(void)
{
    struct tr_worker *w;

    while ((w = list_pop()))
        unpark(w);
}

void tr__idle_search(struct tr_worker *w)
{
    if (w->searching)
        return;
    w->searching = true;
    atomic_fetch_add_explicit(&idle.searching, 1, memory_order_seq_cst);
}

/* Takes the worker out of the count; true when it was the last one there. */
static bool stop_searching(struct tr_worker *w)
{
    w->searching = false;
    return atomic_fetch_sub_explicit(&idle.searching, 1, memory_order_seq_cst) == 1;
}

static bool any_work(struct tr_worker *w)
{
    for (int i = 0; i < TR__PRIO_COUNT; i++)
        if (!tr__runlist_empty(&tr__sched.lists[i]))
            return true;
    for (int i = 0; i < tr__sched.count; i++)
        if (tr__runring_tempts(&tr__sched.workers[i].ring))
            return true;
    return atomic_load_explicit(&w->next, memory_order_relaxed) != NULL || tr__sched_stops();
}

void tr__idle_found(struct tr_worker *w)
{
    if (w->searching && stop_searching(w) && tr__idle_count() > 0 && any_work(w))
        tr__idle_wake_one();
}

/* Nanoseconds until a timer of this worker is due: 0 if one is, -1 if there is none. */
static int64_t until_timer(struct tr_worker *w)
{
    int64_t due = atomic_load_explicit(&w->wheel.next_due, memory_order_relaxed);

    if (due == TR__NEVER)
        return -1;
    int64_t now = tr__clock_ns();
    return due > now ? due - now : 0;
}

/* Changes the word; false when it is WOKEN already. */
static bool change_word(struct tr_worker *w, uint32_t from, uint32_t to)
{
    return atomic_compare_exchange_strong_explicit(&w->wake, &from, to, memory_order_acq_rel,
                                                   memory_order_acquire);
}

/* Sleeps in the set of descriptors. True when something has happened there, and the worker is off
   the list. */
static bool sleep_in_poll(struct tr_worker *w, int64_t ns)
{
    struct tr_poll_events list;

    list.n = 0;
    if (change_word(w, PARKED, POLLS)) {
        tr__poll_sleep(&list, ns);
        change_word(w, POLLS, PARKED);
    }
    tr__poll_end();
    if (!list.n)
        return false;
    bool removed = list_remove(w);
    tr__poll_tell(&list);
    return removed;
}

static void sleep_until_woken(struct tr_worker *w)
{
    while (atomic_load_explicit(&w->wake, memory_order_acquire) != WOKEN) {
        int64_t ns = until_timer(w);
        if (ns == 0) {
            if (list_remove(w))
                return;
            ns = -1; /* a waker has taken us: its word is on the way */
        }
        if (!tr__poll_begin())
            tr__futex_wait(&w->wake, PARKED, ns);
        else if (sleep_in_poll(w, ns))
            return;
    }
}

void tr__idle_park(struct tr_worker *w)
{
    stop_searching(w);
    atomic_store_explicit(&w->wake, PARKED, memory_order_relaxed);
    list_push(w);
    if (any_work(w) && list_remove(w))
        return;
    sleep_until_woken(w);
}
