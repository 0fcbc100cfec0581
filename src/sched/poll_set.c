/* SPDX-License-Identifier: MIT */
/*
 * The epoll set: who sleeps in it, what wakes him, its start and its end.
 *
 * It is made when somebody first waits for a descriptor. One flag settles who looks into it; the
 * locks are for its start and for its bell.
 */
#define _GNU_SOURCE
#include "sched/poll_set.h"

#include "base/clock.h"
#include "base/fault.h"
#include "base/spin.h"
#include "sched/poll.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <sys/eventfd.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#define BREAK UINT64_MAX /* in place of descriptor and generation */

static struct {
    pthread_mutex_t lock; /* for starting and stopping */
    _Atomic bool running;
    _Atomic bool looking;   /* somebody sleeps in the set */
    _Atomic uint32_t looks; /* so often somebody has begun to */
    uint32_t looks_before;  /* the same, at the monitor's last look; monitor only */
    _Atomic bool coarse;    /* the kernel has no epoll_pwait2 */
    int epoll;
    struct tr_spin bell_lock; /* threads of ours may ring while the set is made or closed */
    int bell;                 /* wakes who sleeps in the set; -1: there is none */
    int grave;                /* what takes the place of a descriptor that is to be closed */
} poll = { .lock = PTHREAD_MUTEX_INITIALIZER, .bell = -1 };

int tr__poll_control(int operation, int fd, struct epoll_event *event)
{
    /* Not by epoll_ctl: an event may be about the last file of a number that somebody opens again
       at this moment. The kernel says so then, and all is well; the thread sanitizer, which knows
       that function, takes it for a race. */
    return (int)syscall(SYS_epoll_ctl, poll.epoll, operation, fd, event);
}

bool tr__poll_bury(int fd)
{
    return atomic_load_explicit(&poll.running, memory_order_acquire) &&
           dup3(poll.grave, fd, O_CLOEXEC) == fd;
}

/* --- looking --- */

static int wait_ms(struct tr_poll_events *list, int64_t ns)
{
    int64_t ms = (ns + TR__NS_PER_MS - 1) / TR__NS_PER_MS;

    return epoll_wait(poll.epoll, list->events, TR__POLL_EVENTS,
                      ns < 0 ? -1 : (int)(ms < INT32_MAX ? ms : INT32_MAX));
}

static int wait_ns(struct tr_poll_events *list, int64_t ns)
{
#ifdef SYS_epoll_pwait2
    struct timespec time = { .tv_sec = ns / TR__NS_PER_S, .tv_nsec = ns % TR__NS_PER_S };

    if (ns > 0 && !atomic_load_explicit(&poll.coarse, memory_order_relaxed)) {
        int n = (int)syscall(SYS_epoll_pwait2, poll.epoll, list->events, TR__POLL_EVENTS, &time,
                             NULL, (size_t)0);
        if (n >= 0 || errno == EINTR)
            return n;
        atomic_store_explicit(&poll.coarse, true, memory_order_relaxed);
    }
#endif
    return wait_ms(list, ns);
}

bool tr__poll_begin(void)
{
    if (!atomic_load_explicit(&poll.running, memory_order_acquire) ||
        atomic_load_explicit(&poll.looking, memory_order_relaxed) ||
        atomic_exchange_explicit(&poll.looking, true, memory_order_acq_rel))
        return false;
    atomic_fetch_add_explicit(&poll.looks, 1, memory_order_relaxed);
    return true;
}

void tr__poll_sleep(struct tr_poll_events *list, int64_t ns)
{
    int saved = errno;
    int n = wait_ns(list, ns);

    list->n = n > 0 ? n : 0;
    errno = saved;
}

void tr__poll_end(void)
{
    atomic_store_explicit(&poll.looking, false, memory_order_release);
}

void tr__poll_tell(const struct tr_poll_events *list)
{
    for (int i = 0; i < list->n; i++)
        if (list->events[i].data.u64 != BREAK)
            tr__poll_handle(&list->events[i]);
}

void tr__poll_break(void)
{
    tr__spin_lock(&poll.bell_lock);
    /* Twice, if need be: who is not woken might sleep for ever. */
    if (poll.bell >= 0 && eventfd_write(poll.bell, 1) != 0)
        (void)eventfd_write(poll.bell, 1);
    tr__spin_unlock(&poll.bell_lock);
}

bool tr__poll_tick(void)
{
    struct tr_poll_events list;
    uint32_t looks = atomic_load_explicit(&poll.looks, memory_order_relaxed);
    uint32_t before = poll.looks_before;

    poll.looks_before = looks;
    if (looks != before || !tr__poll_begin())
        return false;
    tr__poll_sleep(&list, 0);
    tr__poll_end();
    poll.looks_before++;
    tr__poll_tell(&list);
    return true;
}

/* --- the start and the end --- */

static void close_all(void)
{
    if (poll.epoll >= 0)
        close(poll.epoll);
    tr__spin_lock(&poll.bell_lock);
    if (poll.bell >= 0)
        close(poll.bell);
    poll.bell = -1;
    tr__spin_unlock(&poll.bell_lock);
    if (poll.grave >= 0)
        close(poll.grave);
}

/* The lock is held. */
static tr_err start(void)
{
    if (tr__fault())
        return TR_ESYS;
    poll.epoll = epoll_create1(EPOLL_CLOEXEC);
    tr__spin_lock(&poll.bell_lock);
    poll.bell = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    tr__spin_unlock(&poll.bell_lock);
    poll.grave = open("/", O_PATH | O_CLOEXEC);
    /* Each ring is an edge, so it need not be read. */
    struct epoll_event event = { .events = EPOLLIN | EPOLLET, .data.u64 = BREAK };
    if (poll.epoll < 0 || poll.bell < 0 || poll.grave < 0 ||
        epoll_ctl(poll.epoll, EPOLL_CTL_ADD, poll.bell, &event) != 0) {
        close_all();
        return TR_ESYS;
    }
    atomic_store_explicit(&poll.running, true, memory_order_release);
    return TR_OK;
}

tr_err tr__poll_start(void)
{
    tr_err err = TR_OK;

    if (atomic_load_explicit(&poll.running, memory_order_acquire))
        return TR_OK;
    pthread_mutex_lock(&poll.lock);
    if (!atomic_load_explicit(&poll.running, memory_order_relaxed))
        err = start();
    pthread_mutex_unlock(&poll.lock);
    return err;
}

void tr__poll_stop(void)
{
    if (!atomic_load_explicit(&poll.running, memory_order_acquire))
        return;
    close_all();
    tr__poll_forget_all();
    atomic_store_explicit(&poll.running, false, memory_order_release);
}
