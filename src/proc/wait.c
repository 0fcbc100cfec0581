/* SPDX-License-Identifier: MIT */
/*
 * Who waits for whom: the edges along which a cycle of calls is found.
 *
 * A table beside the processes has an entry for each slot, in chunks made when a process of that
 * range first calls. An entry is an edge while its `ref` is not 0: `waiter` waits for `target`,
 * until something is sent through the alias `ref`. The waiter writes target and waiter, then ref;
 * anybody may set ref back to 0. References are never made twice, so one that is read twice has
 * been there all the time in between.
 *
 * Nothing is missed: each waiter stores its edge, then looks at the others, all in one total order
 * (seq_cst). Of the processes of a cycle one stores last, and that one sees all the other edges.
 *
 * Nothing is made up: the edges of a cycle are read once, then all are read again. If each still
 * has its reference, all of them held at the moment between the two; and then nobody in the cycle
 * can answer, since who answers clears the edge before it sends (tr__wait_answered), which happens
 * before anything it does afterwards. Edges whose waiter has ended, or begun to, do not count.
 *
 * The lock is taken only where a cycle has been seen already. It makes those that have closed the
 * same cycle decide one after the other, so that one of them fails and the others wait.
 */
#include "base/fault.h"
#include "base/spin.h"
#include "proc/proc.h"
#include "troupe/deadlock.h"
#include "troupe/memory.h"

#include <stdlib.h>

#define CHUNK  4096u
#define CHUNKS 4096u

struct wait {
    _Atomic(uint64_t) ref;
    _Atomic(uint64_t) waiter;
    _Atomic(uint64_t) target;
};

struct edge {
    uint64_t from, ref;
};

static _Atomic(struct wait *) chunks[CHUNKS];
static struct tr_spin lock;
static atomic_bool off;

/* The entry of a slot; NULL when nobody near it has ever called. The chunk is published and looked
   up in the total order of the edges, so that it is seen wherever an edge in it would be. */
static struct wait *find(uint32_t slot)
{
    struct wait *chunk = atomic_load(&chunks[slot / CHUNK % CHUNKS]);

    return chunk ? &chunk[slot % CHUNK] : NULL;
}

static struct wait *find_or_make(uint32_t slot)
{
    _Atomic(struct wait *) *at = &chunks[slot / CHUNK % CHUNKS];
    struct wait *none = NULL;

    if (tr__likely(atomic_load(at)))
        return find(slot);
    struct wait *fresh = tr__fault() ? NULL : calloc(CHUNK, sizeof *fresh);
    if (fresh && !atomic_compare_exchange_strong(at, &none, fresh))
        free(fresh);
    return find(slot);
}

/* For whom a process waits, and the reference of that edge; 0 when for nobody. */
static uint64_t next(uint64_t pid, uint64_t *ref)
{
    struct wait *w = find(TR__PID_SLOT(pid));

    *ref = w ? atomic_load(&w->ref) : 0;
    if (!*ref)
        return 0;
    uint64_t waiter = atomic_load(&w->waiter);
    uint64_t target = atomic_load(&w->target);
    /* Still the same: so the two belong to it, and not to a later edge. */
    if (atomic_load(&w->ref) != *ref || waiter != pid || !tr__proc_alive(pid))
        return 0;
    return target;
}

/* The number of edges from `self` back to itself; 0 when they lead elsewhere. A cycle that others
   have closed is found by a mark that is left behind at each power of two. */
static size_t cycle_length(uint64_t self)
{
    uint64_t ref;
    uint64_t pid = next(self, &ref);
    uint64_t mark = pid;
    size_t n = 1;

    for (size_t renew = 2; pid && pid != self; n++) {
        pid = next(pid, &ref);
        if (pid == mark)
            return 0;
        if (n == renew) {
            mark = pid;
            renew *= 2;
        }
    }
    return pid ? n : 0;
}

/* Reads the n edges of a cycle, then makes sure that they all hold still. */
static bool collect(uint64_t self, struct edge *edges, size_t n)
{
    uint64_t pid = self;

    for (size_t i = 0; i < n; i++) {
        edges[i].from = pid;
        pid = next(pid, &edges[i].ref);
        if (!pid)
            return false;
    }
    for (size_t i = 0; i < n; i++)
        if (atomic_load(&find(TR__PID_SLOT(edges[i].from))->ref) != edges[i].ref)
            return false;
    return pid == self;
}

/* Takes the edge of the caller back if it closes a cycle. */
static bool break_cycle(struct wait *own, uint64_t self, struct edge *edges, size_t n)
{
    tr__spin_lock(&lock);
    bool closed = collect(self, edges, n);
    if (closed)
        atomic_store(&own->ref, 0);
    tr__spin_unlock(&lock);
    return closed;
}

static tr_term list_of(const struct edge *edges, size_t n)
{
    tr_term list = tr_nil();

    while (n > 0)
        list = tr_list_push(list, (tr_term){ edges[--n].from });
    return list;
}

/* A cycle was seen: is it one, and is it for the caller to break it? */
static TR__COLD tr_err look_closer(struct wait *own, uint64_t self, size_t n, tr_term *cycle)
{
    struct edge *edges = tr_alloc(n * sizeof *edges);
    tr_err err = TR_OK;

    if (break_cycle(own, self, edges, n)) {
        *cycle = list_of(edges, n);
        err = TR_EDEADLOCK;
    }
    tr_free(edges);
    return err;
}

tr_err tr__wait_begin(struct tr_proc *p, uint64_t server, uint64_t ref, tr_term *cycle)
{
    uint64_t self = atomic_load_explicit(&p->id, memory_order_relaxed);

    if (atomic_load_explicit(&off, memory_order_relaxed))
        return TR_OK;
    struct wait *own = find_or_make(p->slot.index);
    if (!own)
        return TR_OK;
    /* Release, after the reference was cleared: who reads one of these sees that, too. */
    atomic_store_explicit(&own->target, server, memory_order_release);
    atomic_store_explicit(&own->waiter, self, memory_order_release);
    atomic_store(&own->ref, ref);
    struct wait *other = find(TR__PID_SLOT(server));
    if (tr__likely(!other || !atomic_load(&other->ref)))
        return TR_OK;
    size_t n = cycle_length(self);
    return n ? look_closer(own, self, n, cycle) : TR_OK;
}

tr_err tr_call_wait_begin(tr_pid server, tr_ref ref, tr_term *cycle)
{
    TR__ENTER();

    return tr__wait_begin(TR__SELF(), server.w, ref.w, cycle);
}

void tr_call_wait_end(tr_ref ref)
{
    TR__ENTER();

    TR__SELF();
    tr__wait_answered(ref.w);
}

void tr_call_wait_release(tr_ref ref)
{
    TR__ENTER();

    tr__wait_answered(ref.w);
}

void tr__wait_answered(uint64_t ref)
{
    struct wait *w = find(TR__REF_SLOT(ref));

    /* Relaxed: whoever can answer has got the request, which was sent after the store. Only this
       reference may be cleared: its owner may have given up, and wait anew. */
    if (w && atomic_load_explicit(&w->ref, memory_order_relaxed) == ref)
        atomic_compare_exchange_strong(&w->ref, &(uint64_t){ ref }, 0);
}

void tr__wait_abandoned(const struct tr_proc *p)
{
    struct wait *own = find(p->slot.index);

    if (own)
        atomic_store(&own->ref, 0);
}

void tr_detect_deadlocks(bool on)
{
    atomic_store_explicit(&off, !on, memory_order_relaxed);
}
