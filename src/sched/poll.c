/* SPDX-License-Identifier: MIT */
/*
 * The descriptors that somebody waits for, and what they are told.
 *
 * Each descriptor has an entry with a lock, and a list of those who wait. There are two ways to
 * have the kernel watch it.
 *
 * One that anybody may close, behind our back, is watched for what those who wait want together,
 * once (EPOLLONESHOT): after an event the entry asks again for those who still wait. That it was
 * closed is found out when its number is next added: the kernel has forgotten it. Who still waited
 * for the old file is told that it is closed. An event that was on its way meanwhile bears the
 * generation of the old file, and concerns nobody.
 *
 * One that is held (tr__poll_hold) has the same file until we are told, so it is watched for good,
 * edge by edge (EPOLLET), and the entry counts its events. Who waits says which count it has seen
 * before it found that there was nothing to do: if that is still the count, it has missed nothing,
 * and the wait needs no system call. If too many events in a row find nobody who waits, the kernel
 * is told to stop, until somebody does.
 *
 * A descriptor cannot be closed and forgotten at one stroke: who came in between would wait for
 * nothing. So closing first puts another file in its place, one that can neither be read nor
 * watched, as if there were none, while nobody else can get the number (tr__poll_bury).
 *
 * Entries are made when a number is first waited for, and last as long as the runtime. The set in
 * which they are watched is in poll_set.c.
 */
#include "sched/poll.h"

#include "base/fault.h"
#include "base/spin.h"
#include "sched/poll_set.h"

#include <errno.h>
#include <netinet/in.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/socket.h>

#define CHUNK    1024
#define CHUNKS   1024
#define UNWANTED 16 /* events of a held descriptor that nobody waits for, in a row */

struct entry {
    struct tr_spin lock;
    bool known;          /* to the kernel; guarded by lock, as is all to `first` */
    uint8_t watched;     /* of one that is held: for what, without being asked again */
    uint8_t unwanted;    /* events since somebody waited */
    uint32_t generation; /* of the file that the kernel watches */
    struct tr_poll_wait *first;

    /* Written with the lock held, read without. */
    _Atomic uint16_t holders;  /* who will not let it be closed behind our back */
    _Atomic bool tells;        /* to read less than was asked for means that nothing is left */
    _Atomic uint32_t seen_in;  /* events, to read and to write */
    _Atomic uint32_t seen_out; /* a wait that knows the number has missed none */

    /* When there was last found to be nothing to read: the number before. Written by anybody. */
    _Atomic uint32_t drained;
};

static _Atomic(struct entry *) chunks[CHUNKS];

/* --- entries --- */

static struct entry *find(int fd)
{
    struct entry *chunk = fd >= 0 && fd < CHUNK * CHUNKS
                              ? atomic_load_explicit(&chunks[fd / CHUNK], memory_order_acquire)
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
    if (!atomic_compare_exchange_strong_explicit(&chunks[fd / CHUNK], &none, chunk,
                                                 memory_order_release, memory_order_relaxed))
        free(chunk);
    return find(fd);
}

void tr__poll_forget_all(void)
{
    for (int i = 0; i < CHUNKS; i++) {
        free(atomic_load_explicit(&chunks[i], memory_order_relaxed));
        atomic_store_explicit(&chunks[i], NULL, memory_order_relaxed);
    }
}

static bool is_held(const struct entry *e)
{
    return atomic_load_explicit(&e->holders, memory_order_relaxed) > 0;
}

static int wanted(const struct entry *e)
{
    int events = 0;

    for (const struct tr_poll_wait *w = e->first; w; w = w->next)
        events |= w->events;
    return events;
}

/* Has the kernel watch the descriptor for all who wait; one that is held also for what it was
   watched for before. The lock is held. */
static int control(struct entry *e, int operation, int fd)
{
    int events = wanted(e) | (is_held(e) ? e->watched : 0);
    struct epoll_event event = {
        .events = (events & TR__POLL_READ ? (uint32_t)(EPOLLIN | EPOLLRDHUP | EPOLLPRI) : 0u) |
                  (events & TR__POLL_WRITE ? (uint32_t)EPOLLOUT : 0u) |
                  (is_held(e) ? (uint32_t)EPOLLET : (uint32_t)EPOLLONESHOT),
        .data.u64 = (uint64_t)e->generation << 32 | (uint32_t)fd
    };

    if (tr__fault()) {
        errno = ENOMEM;
        return -1;
    }
    if (tr__poll_control(operation, fd, &event) != 0)
        return -1;
    e->watched = (uint8_t)(is_held(e) ? events : 0);
    return 0;
}

/* Those who have looked before look again. The lock is held. */
static void count_event(struct entry *e, int events)
{
    if (events & TR__POLL_READ)
        atomic_fetch_add_explicit(&e->seen_in, 1, memory_order_release);
    if (events & TR__POLL_WRITE)
        atomic_fetch_add_explicit(&e->seen_out, 1, memory_order_release);
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

/* --- events --- */

static int ready_for(uint32_t events)
{
    /* An error or a hang-up concerns all: their next operation will say what it is. */
    if (events & (EPOLLERR | EPOLLHUP))
        return TR__POLL_ANY;
    return (events & (EPOLLIN | EPOLLRDHUP | EPOLLPRI) ? TR__POLL_READ : 0) |
           (events & EPOLLOUT ? TR__POLL_WRITE : 0);
}

/* Nobody waits: how long is it to be watched? The lock is held. */
static void neglect(struct entry *e, int fd)
{
    if (!e->watched || (is_held(e) && ++e->unwanted < UNWANTED))
        return;
    e->watched = 0;
    control(e, EPOLL_CTL_MOD, fd);
}

void tr__poll_handle(const struct epoll_event *event)
{
    int fd = (int)(uint32_t)event->data.u64;
    struct entry *e = find(fd);
    struct tr_poll_wait *ready = NULL, *rest = NULL;

    tr__spin_lock(&e->lock);
    if (event->data.u64 >> 32 == e->generation) {
        int events = ready_for(event->events);
        /* After its end, or with urgent data in it, a short read does not mean that all was read;
           before the count, so that who knows that one knows this. */
        if (event->events & (EPOLLRDHUP | EPOLLHUP | EPOLLERR | EPOLLPRI))
            atomic_store_explicit(&e->tells, false, memory_order_relaxed);
        count_event(e, events);
        ready = take(e, events);
        if (!ready && !e->first)
            neglect(e, fd);
        /* If it cannot be watched any more, let those who are left look for themselves. */
        if (e->first && (!is_held(e) || wanted(e) & ~e->watched) &&
            control(e, EPOLL_CTL_MOD, fd) != 0)
            rest = take(e, TR__POLL_ANY);
    }
    tr__spin_unlock(&e->lock);
    tell(ready, false);
    tell(rest, false);
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
    if (is_held(e) && !(mine->events & ~e->watched))
        return 0;
    if (e->known && control(e, EPOLL_CTL_MOD, mine->fd) == 0)
        return 0;
    if (e->known && errno != ENOENT && errno != EBADF)
        return -1;
    *stale = mine->next;
    mine->next = NULL;
    e->watched = 0;
    e->generation++;
    e->known = control(e, EPOLL_CTL_ADD, mine->fd) == 0;
    return e->known ? 0 : -1;
}

void tr__poll_mark(struct tr_poll_wait *wait)
{
    struct entry *e = find(wait->fd);

    wait->seen_in = e ? atomic_load_explicit(&e->seen_in, memory_order_acquire) : 0;
    wait->seen_out = e ? atomic_load_explicit(&e->seen_out, memory_order_acquire) : 0;
}

/* Has something happened since the mark, that no new watching would find? The lock is held. */
static bool has_missed(struct entry *e, const struct tr_poll_wait *wait)
{
    return is_held(e) &&
           ((wait->events & TR__POLL_READ &&
             atomic_load_explicit(&e->seen_in, memory_order_relaxed) != wait->seen_in) ||
            (wait->events & TR__POLL_WRITE &&
             atomic_load_explicit(&e->seen_out, memory_order_relaxed) != wait->seen_out));
}

tr_err tr__poll_add(struct tr_poll_wait *wait)
{
    int saved = errno;
    struct tr_poll_wait *stale = NULL;
    tr_err err = tr__poll_start();
    struct entry *e = err ? NULL : find_or_make(wait->fd);

    if (err || !e)
        return err ? err : wait->fd < 0 || wait->fd >= CHUNK * CHUNKS ? TR_EINVAL : TR_ENOMEM;
    tr__spin_lock(&e->lock);
    if (has_missed(e, wait)) {
        err = TR_EBUSY;
    } else {
        wait->next = e->first;
        e->first = wait;
        e->unwanted = 0;
        if (watch(e, wait, &stale) != 0) {
            err = error_of(errno);
            e->first = wait->next;
        }
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
        (void)tr__poll_control(EPOLL_CTL_DEL, fd, NULL);
    e->known = false;
    atomic_store_explicit(&e->holders, 0, memory_order_relaxed);
    tr__spin_unlock(&e->lock);
    tell(waiting, true);
}

/* --- held descriptors --- */

static bool is_tcp(int fd)
{
    int protocol = 0;
    socklen_t size = sizeof protocol;

    return getsockopt(fd, SOL_SOCKET, SO_PROTOCOL, &protocol, &size) == 0 &&
           protocol == IPPROTO_TCP;
}

void tr__poll_hold(int fd)
{
    int saved = errno;
    struct entry *e = find_or_make(fd);
    bool tells = is_tcp(fd);

    errno = saved;
    if (!e)
        return;
    tr__spin_lock(&e->lock);
    atomic_fetch_add_explicit(&e->holders, 1, memory_order_relaxed);
    /* What was known may concern another file. */
    e->watched = 0;
    e->unwanted = 0;
    atomic_store_explicit(&e->tells, tells, memory_order_relaxed);
    count_event(e, TR__POLL_ANY);
    tr__spin_unlock(&e->lock);
}

void tr__poll_release(int fd)
{
    struct entry *e = find(fd);
    struct tr_poll_wait *waiting = NULL;

    if (!e)
        return;
    tr__spin_lock(&e->lock);
    if (is_held(e) && atomic_fetch_sub_explicit(&e->holders, 1, memory_order_relaxed) == 1)
        waiting = take(e, TR__POLL_ANY);
    tr__spin_unlock(&e->lock);
    /* They come again, and are watched for in the other way. */
    tell(waiting, false);
}

void tr__poll_drained(int fd, uint32_t seen, bool by_count)
{
    struct entry *e = find(fd);

    if (e && (!by_count || atomic_load_explicit(&e->tells, memory_order_relaxed)))
        atomic_store_explicit(&e->drained, seen, memory_order_relaxed);
}

bool tr__poll_is_drained(int fd)
{
    struct entry *e = find(fd);

    return e && is_held(e) &&
           atomic_load_explicit(&e->drained, memory_order_relaxed) ==
               atomic_load_explicit(&e->seen_in, memory_order_acquire);
}
