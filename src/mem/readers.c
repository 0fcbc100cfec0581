/* SPDX-License-Identifier: MIT */
/*
 * Grace periods: when what was retired may be freed.
 *
 * A reader marks its section by two plain stores to its record. So a lookup has no atomic
 * read-modify-write in it, and the processor may begin the next lookup while the cache misses of
 * this one are on their way. The price is on the side of who frees, once for 64 KiB:
 *
 *     who frees: unlink x (release)        reader: turn = odd (plain)
 *                ask for a grace period            find x (acquire)
 *                barrier on all threads            read x
 *                look at all turns (acquire)       turn = even (release)
 *
 * The barrier (membarrier) runs on every thread at some point between two of its instructions. If
 * that point lies behind the reader's store, the odd turn is seen, and x is kept until it changes.
 * If it lies before, everything the section loads it loads after the barrier, and so after x was
 * unlinked: it does not find x. A turn that has changed, or is even, was loaded with acquire from
 * the store that ended the section, or from a later one of the same thread, which C11 counts as
 * part of the same release sequence: so the reads of the section happen before x is freed. That
 * a section begins by a relaxed store matters on arm64, where a load-acquire waits for every
 * store-release before it.
 *
 * A record that is not light (no membarrier; or that of the threads without a worker) changes its
 * turn by read-modify-writes only, and who looks does so by one, too. All of them acquire and
 * release, and they are in one order. The look comes before the section begins: then the section
 * synchronizes with it, and does not find x. Or within it: then the odd turn is seen. Or after its
 * end: then the look synchronizes with that.
 *
 * Grace periods are numbered. Who has something to free takes a ticket: the number of the next one
 * to begin. It is read by a read-modify-write, so it is not stale, and whoever begins that period
 * by counting it synchronizes with it: what was unlinked before is unlinked for the barrier. One
 * period serves all tickets that were taken before it. Whoever finds the lock free takes the next
 * step; nobody waits for it, nor for a section that lasts: there is another look after the next
 * 64 KiB.
 *
 * test/models/readers.pml checks this protocol.
 *
 * Considered instead: epochs. They need a barrier in each section or a delay of three epochs; the
 * turns need none. Or the turns of the workers as quiescent states: a process that computes in its
 * own code for a second would hold up all freeing. Or hazard pointers: a full barrier for each
 * pointer that is followed. Or records of threads instead of workers: a program may have many
 * threads that wait in system calls, and each would hold back what it has retired.
 */
#include "mem/readers.h"

#include "base/spin.h"
#include "os/barrier.h"
#include "os/tls.h"

#include <sched.h>

#ifdef TR_HOSTILE
#define ENOUGH 1u
#else
#define ENOUGH (64u * 1024u)
#endif

void (*tr__retired_word_destroy)(_Atomic(uintptr_t) *word);

/* Of all threads that have no worker. */
static struct {
    struct tr_spin lock;
    struct tr_reader reader;
} shared = { .reader.enough = ENOUGH };

static struct {
    struct tr_spin lock;       /* who begins or ends a period, adds or removes a record */
    struct tr_reader *records; /* guarded by lock */
    size_t light;              /* how many of them are; guarded by lock */
    _Atomic(uint64_t) begun;   /* the number of the last one; changed with the lock held, as is */
    _Atomic(uint64_t) over;    /* the last one that is over: `begun`, or one less */
} grace = { .records = &shared.reader };

/* --- grace periods --- */

static uint64_t take_ticket(void)
{
    return atomic_fetch_add_explicit(&grace.begun, 0, memory_order_acq_rel) + 1;
}

static uint64_t turn_of(struct tr_reader *r)
{
    return r->light ? atomic_load_explicit(&r->turn, memory_order_acquire)
                    : atomic_fetch_add_explicit(&r->turn, 0, memory_order_acq_rel);
}

/* The lock is held. */
static void begin_period(void)
{
    atomic_fetch_add_explicit(&grace.begun, 1, memory_order_acq_rel);
    if (grace.light)
        tr__barrier_all();
    for (struct tr_reader *r = grace.records; r; r = r->next) {
        uint64_t turn = turn_of(r);
        r->seen = turn % 2 ? turn : 0;
    }
}

/* Have the sections ended that were open when the period began? The lock is held. */
static bool all_have_ended(void)
{
    for (struct tr_reader *r = grace.records; r; r = r->next) {
        if (r->seen && turn_of(r) == r->seen)
            return false;
        r->seen = 0;
    }
    return true;
}

/* Begins a period, unless one is going on, and ends it if it is over; true when it was. */
static bool advance(void)
{
    if (!tr__spin_try(&grace.lock))
        return false;
    uint64_t begun = atomic_load_explicit(&grace.begun, memory_order_relaxed);
    if (begun == atomic_load_explicit(&grace.over, memory_order_relaxed)) {
        begin_period();
        begun++;
    }
    bool ended = all_have_ended();
    if (ended) /* release hands on what all_have_ended acquired */
        atomic_store_explicit(&grace.over, begun, memory_order_release);
    tr__spin_unlock(&grace.lock);
    return ended;
}

static bool is_over(uint64_t ticket)
{
    while (atomic_load_explicit(&grace.over, memory_order_acquire) < ticket)
        if (!advance())
            return false;
    return true;
}

void tr__readers_wait(void)
{
    uint64_t ticket = take_ticket();

    for (int i = 0; !is_over(ticket); i++) {
        if (i < 100)
            tr__cpu_relax();
        else
            sched_yield();
    }
}

/* --- what was retired --- */

static void destroy_all(struct tr_retired_lists *lists)
{
    struct tr_retired *thing = lists->things;
    _Atomic(uintptr_t) *word = lists->words;

    *lists = (struct tr_retired_lists){ 0 };
    while (thing) {
        struct tr_retired *next = thing->next;
        thing->destroy(thing);
        thing = next;
    }
    while (word) {
        uintptr_t next = atomic_load_explicit(word, memory_order_relaxed) - 1;
        tr__retired_word_destroy(word);
        word = (_Atomic(uintptr_t) *)next;
    }
}

void tr__reader_retire(struct tr_reader *r, struct tr_retired *retired,
                       void (*destroy)(struct tr_retired *retired), size_t size)
{
    retired->destroy = destroy;
    retired->next = r->fresh.things;
    r->fresh.things = retired;
    r->size += size;
}

void tr__reader_retire_word(struct tr_reader *r, _Atomic(uintptr_t) *word, size_t size)
{
    atomic_store_explicit(word, (uintptr_t)r->fresh.words | 1, memory_order_relaxed);
    r->fresh.words = word;
    r->size += size;
}

void tr__reader_sweep_now(struct tr_reader *r)
{
    if (!is_over(r->ticket)) {
        r->enough = r->size + ENOUGH;
        return;
    }
    destroy_all(&r->waiting);
    r->waiting = r->fresh;
    r->fresh = (struct tr_retired_lists){ 0 };
    r->size = 0;
    r->enough = ENOUGH;
    r->ticket = take_ticket();
    if (is_over(r->ticket))
        destroy_all(&r->waiting);
}

/* --- records --- */

void tr__reader_add(struct tr_reader *r, bool light)
{
    r->light = light;
    r->enough = ENOUGH;
    tr__spin_lock(&grace.lock);
    grace.light += light;
    r->next = grace.records;
    grace.records = r;
    tr__spin_unlock(&grace.lock);
}

void tr__reader_remove(struct tr_reader *r)
{
    tr__readers_wait();
    destroy_all(&r->waiting);
    destroy_all(&r->fresh);
    tr__spin_lock(&grace.lock);
    struct tr_reader **at = &grace.records;
    while (*at != r)
        at = &(*at)->next;
    *at = r->next;
    grace.light -= r->light;
    tr__spin_unlock(&grace.lock);
}

/* --- any thread --- */

/* The record that the thread owns; or the shared one, its lock taken. */
static struct tr_reader *take_record(void)
{
    struct tr_tls *tls = tr__tls();

    if (tr__likely(tls->reader && !tr__tls_lost(tls)))
        return tls->reader;
    tr__spin_lock(&shared.lock);
    return &shared.reader;
}

static void return_record(struct tr_reader *r)
{
    if (tr__unlikely(r == &shared.reader))
        tr__spin_unlock(&shared.lock);
}

struct tr_reader *tr__read_begin(void)
{
    struct tr_reader *r = take_record();

    tr__reader_begin(r);
    return r;
}

void tr__read_end(struct tr_reader *r)
{
    tr__reader_end(r);
    if (tr__unlikely(!r->light)) /* the shared one is not */
        return_record(r);
}

void tr__retire(struct tr_retired *retired, void (*destroy)(struct tr_retired *retired),
                size_t size)
{
    struct tr_reader *r = take_record();

    tr__reader_retire(r, retired, destroy, size);
    return_record(r);
}

void tr__retired_free(void)
{
    struct tr_reader *r = take_record();

    tr__reader_sweep(r);
    return_record(r);
}
