/* SPDX-License-Identifier: MIT */
/*
 * The descriptors that somebody waits for, and the thread that watches them.
 *
 * Each descriptor has an entry with a lock, and a list of those who wait. The kernel watches it for
 * what they want together, once (EPOLLONESHOT): after an event the entry asks again for those who
 * still wait. So a descriptor that nobody waits for never wakes the thread, whatever happens on it.
 *
 * A descriptor that was closed behind our back is found out when its number is next added: the
 * kernel has forgotten it. Who still waited for the old file is told that it is closed. An event
 * that was on its way meanwhile bears the generation of the old file, and concerns nobody.
 *
 * A descriptor cannot be closed and forgotten at one stroke: who came in between would wait for
 * nothing. So closing first puts another file in its place, one that can neither be read nor
 * watched, as if there were none, while nobody else can get the number (tr__poll_bury).
 *
 * Entries are made when a number is first waited for, and last as long as the runtime.
 */
#define _GNU_SOURCE
#include "sched/poll.h"

#include "base/fault.h"
#include "base/spin.h"
#include "os/name.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#define CHUNK  1024
#define CHUNKS 1024
#define EVENTS 256
#define STOP   UINT64_MAX /* in place of descriptor and generation */

struct entry {
    struct tr_spin lock;
    bool known;          /* to the kernel; guarded by lock, as is all below */
    uint32_t generation; /* of the file that the kernel watches */
    struct tr_poll_wait *first;
};

static struct {
    pthread_mutex_t lock; /* for starting and stopping */
    _Atomic bool running;
    int epoll, stop; /* the set, and what ends the thread */
    int grave;       /* what takes the place of a descriptor that is to be closed */
    pthread_t thread;
    _Atomic(struct entry *) chunks[CHUNKS];
} poll = { .lock = PTHREAD_MUTEX_INITIALIZER };

/* --- entries --- */

static struct entry *find(int fd)
{
    struct entry *chunk = fd >= 0 && fd < CHUNK * CHUNKS
                              ? atomic_load_explicit(&poll.chunks[fd / CHUNK], memory_order_acquire)
                              : NULL;

    return chunk ? &chunk[fd % CHUNK] : NULL;
}

static struct entry *find_or_make(int fd)
{
    struct entry *none = NULL;
    struct entry *e = find(fd);

    if (e || fd < 0 || fd >= CHUNK * CHUNKS)
        return e;
    struct entry *chunk = tr__fault() ? NULL : calloc(CHUNK, sizeof *chunk);
    if (!chunk)
        return NULL;
    /* Release: who finds the chunk finds it zeroed. Another thread may have been first. */
    if (!atomic_compare_exchange_strong_explicit(&poll.chunks[fd / CHUNK], &none, chunk,
                                                 memory_order_release, memory_order_relaxed))
        free(chunk);
    return find(fd);
}

static uint32_t wanted(const struct entry *e)
{
    int events = 0;

    for (const struct tr_poll_wait *w = e->first; w; w = w->next)
        events |= w->events;
    return (events & TR__POLL_READ ? (uint32_t)(EPOLLIN | EPOLLRDHUP) : 0u) |
           (events & TR__POLL_WRITE ? (uint32_t)EPOLLOUT : 0u);
}

/* Has the kernel watch the descriptor for all who wait. */
static int control(const struct entry *e, int operation, int fd)
{
    struct epoll_event event = { .events = wanted(e) | EPOLLONESHOT,
                                 .data.u64 = (uint64_t)e->generation << 32 | (uint32_t)fd };

    if (tr__fault()) {
        errno = ENOMEM;
        return -1;
    }
    return epoll_ctl(poll.epoll, operation, fd, &event);
}

/* Takes from the list those whom these events concern. The lock is held. */
static struct tr_poll_wait *take(struct entry *e, int events)
{
    struct tr_poll_wait **link = &e->first;
    struct tr_poll_wait *taken = NULL;

    while (*link) {
        struct tr_poll_wait *w = *link;
        if (!(w->events & events)) {
            link = &w->next;
            continue;
        }
        *link = w->next;
        w->next = taken;
        taken = w;
    }
    return taken;
}

/* The lock is not held: `done` may wake, and then there is no more wait. */
static void tell(struct tr_poll_wait *list, bool closed)
{
    while (list) {
        struct tr_poll_wait *next = list->next;
        list->done(list, closed);
        list = next;
    }
}

/* --- the thread --- */

static int ready_for(uint32_t events)
{
    /* An error or a hang-up concerns all: their next operation will say what it is. */
    if (events & (EPOLLERR | EPOLLHUP))
        return TR__POLL_ANY;
    return (events & (EPOLLIN | EPOLLRDHUP) ? TR__POLL_READ : 0) |
           (events & EPOLLOUT ? TR__POLL_WRITE : 0);
}

static void handle(const struct epoll_event *event)
{
    int fd = (int)(uint32_t)event->data.u64;
    struct entry *e = find(fd);
    struct tr_poll_wait *ready = NULL, *rest = NULL;

    tr__spin_lock(&e->lock);
    if (event->data.u64 >> 32 == e->generation) {
        ready = take(e, ready_for(event->events));
        /* If it cannot be watched any more, let those who are left look for themselves. */
        if (e->first && control(e, EPOLL_CTL_MOD, fd) != 0)
            rest = take(e, TR__POLL_ANY);
    }
    tr__spin_unlock(&e->lock);
    tell(ready, false);
    tell(rest, false);
}

static void *poll_main(void *unused)
{
    struct epoll_event events[EVENTS];

    tr__thread_name("troupe/poll");
    for (;;) {
        int n = epoll_wait(poll.epoll, events, EVENTS, -1);
        for (int i = 0; i < n; i++) {
            if (events[i].data.u64 == STOP)
                return unused;
            handle(&events[i]);
        }
    }
}

static void close_all(void)
{
    if (poll.epoll >= 0)
        close(poll.epoll);
    if (poll.stop >= 0)
        close(poll.stop);
    if (poll.grave >= 0)
        close(poll.grave);
}

static bool launch(void)
{
    sigset_t all, before;

    if (tr__fault())
        return false;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    bool ok = pthread_create(&poll.thread, NULL, poll_main, NULL) == 0;
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    return ok;
}

/* The lock is held. */
static tr_err start(void)
{
    if (tr__fault())
        return TR_ESYS;
    poll.epoll = epoll_create1(EPOLL_CLOEXEC);
    poll.stop = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    poll.grave = open("/", O_PATH | O_CLOEXEC);
    struct epoll_event event = { .events = EPOLLIN, .data.u64 = STOP };
    if (poll.epoll < 0 || poll.stop < 0 || poll.grave < 0 ||
        epoll_ctl(poll.epoll, EPOLL_CTL_ADD, poll.stop, &event) != 0 || !launch()) {
        close_all();
        return TR_ESYS;
    }
    atomic_store_explicit(&poll.running, true, memory_order_release);
    return TR_OK;
}

static tr_err start_once(void)
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
    eventfd_write(poll.stop, 1);
    pthread_join(poll.thread, NULL);
    close_all();
    for (int i = 0; i < CHUNKS; i++) {
        free(atomic_load_explicit(&poll.chunks[i], memory_order_relaxed));
        atomic_store_explicit(&poll.chunks[i], NULL, memory_order_relaxed);
    }
    atomic_store_explicit(&poll.running, false, memory_order_release);
}

/* --- waiting --- */

static tr_err error_of(int number)
{
    if (number == EPERM)
        return TR_EBUSY;
    if (number == EBADF || number == EINVAL)
        return TR_EINVAL;
    return number == ENOMEM || number == ENOSPC ? TR_ENOMEM : TR_ESYS;
}

/* Has the kernel watch the descriptor for all who wait, of whom `mine` is the newest. The lock is
   held. *stale are those who waited for another file of this number. */
static int watch(struct entry *e, struct tr_poll_wait *mine, struct tr_poll_wait **stale)
{
    if (e->known && control(e, EPOLL_CTL_MOD, mine->fd) == 0)
        return 0;
    if (e->known && errno != ENOENT && errno != EBADF)
        return -1;
    *stale = mine->next;
    mine->next = NULL;
    e->generation++;
    e->known = control(e, EPOLL_CTL_ADD, mine->fd) == 0;
    return e->known ? 0 : -1;
}

tr_err tr__poll_add(struct tr_poll_wait *wait)
{
    int saved = errno;
    struct tr_poll_wait *stale = NULL;
    tr_err err = start_once();
    struct entry *e = err ? NULL : find_or_make(wait->fd);

    if (err || !e)
        return err ? err : wait->fd < 0 || wait->fd >= CHUNK * CHUNKS ? TR_EINVAL : TR_ENOMEM;
    tr__spin_lock(&e->lock);
    wait->next = e->first;
    e->first = wait;
    if (watch(e, wait, &stale) != 0) {
        err = error_of(errno);
        e->first = wait->next;
    }
    tr__spin_unlock(&e->lock);
    tell(stale, true);
    errno = saved;
    return err;
}

bool tr__poll_remove(struct tr_poll_wait *wait)
{
    struct entry *e = find(wait->fd);
    bool found = false;

    tr__spin_lock(&e->lock);
    for (struct tr_poll_wait **link = &e->first; *link && !found; link = &(*link)->next) {
        if (*link != wait)
            continue;
        *link = wait->next;
        found = true;
        break;
    }
    tr__spin_unlock(&e->lock);
    return found;
}

void tr__poll_forget(int fd)
{
    struct entry *e = find(fd);

    if (!e)
        return;
    tr__spin_lock(&e->lock);
    struct tr_poll_wait *waiting = take(e, TR__POLL_ANY);
    if (e->known)
        epoll_ctl(poll.epoll, EPOLL_CTL_DEL, fd, NULL);
    e->known = false;
    tr__spin_unlock(&e->lock);
    tell(waiting, true);
}

bool tr__poll_bury(int fd)
{
    return atomic_load_explicit(&poll.running, memory_order_acquire) &&
           dup3(poll.grave, fd, O_CLOEXEC) == fd;
}
