/* SPDX-License-Identifier: MIT */
/* The two kinds of run queue; each atomic operation names the one it pairs with. */
#include "sched/runq.h"

#include "mem/slots.h"

static TR__NOINLINE void push_behind(struct tr_runring *q, struct tr_runnable *r)
{
    r->next = NULL;
    if (q->behind)
        q->last->next = r;
    else
        q->behind = r;
    q->last = r;
}

void tr__runring_push(struct tr_runring *q, struct tr_runnable *r)
{
    uint32_t tail = atomic_load_explicit(&q->tail, memory_order_relaxed);
    /* Acquire pairs with the thieves' release of head: they have read a slot before we reuse it. */
    uint32_t head = atomic_load_explicit(&q->head, memory_order_acquire);

    if (tr__unlikely(tail - head >= TR__RING_SIZE)) {
        push_behind(q, r);
        return;
    }
    atomic_store_explicit(&q->slots[tail % TR__RING_SIZE], r, memory_order_relaxed);
    /* Release pairs with the thieves' acquire of tail: who sees the count sees the entry, and all
       that was written to the runnable before. */
    atomic_store_explicit(&q->tail, tail + 1, memory_order_release);
}

void tr__runring_push_last(struct tr_runring *q, struct tr_runnable *r)
{
    if (tr__unlikely(q->behind))
        push_behind(q, r);
    else
        tr__runring_push(q, r);
}

/* The ring is empty: one for its owner, which no thief can take any more, and one for each thief
   moves up into the ring. */
static TR__NOINLINE struct tr_runnable *take_behind(struct tr_runring *q, unsigned thieves)
{
    struct tr_runnable *r = tr__runring_pop_behind(q);

    for (unsigned i = 0; i < thieves && i < TR__RING_SIZE && q->behind; i++)
        tr__runring_push(q, tr__runring_pop_behind(q));
    return r;
}

struct tr_runnable *tr__runring_pop(struct tr_runring *q, unsigned thieves)
{
    uint32_t tail = atomic_load_explicit(&q->tail, memory_order_relaxed);
    /* Acquire: a thief that gave entries back does not exist, but the value must not be older than
       our own last pop. */
    uint32_t head = atomic_load_explicit(&q->head, memory_order_acquire);

    for (;;) {
        if (head == tail)
            return take_behind(q, thieves);
        struct tr_runnable *r =
            atomic_load_explicit(&q->slots[head % TR__RING_SIZE], memory_order_relaxed);
        if (thieves == 0) {
            atomic_store_explicit(&q->head, head + 1, memory_order_relaxed);
            return r;
        }
        /* Only the one whose exchange succeeds owns the entry. */
        if (atomic_compare_exchange_weak_explicit(&q->head, &head, head + 1, memory_order_acq_rel,
                                                  memory_order_acquire))
            return r;
    }
}

/* Copies up to half of `from` behind `tail` of `to`, without making it visible; the count. */
static uint32_t grab(struct tr_runring *to, uint32_t tail, struct tr_runring *from)
{
    for (;;) {
        uint32_t head = atomic_load_explicit(&from->head, memory_order_acquire);
        /* Acquire pairs with the release in tr__runring_push. */
        uint32_t end = atomic_load_explicit(&from->tail, memory_order_acquire);
        uint32_t n = end - head;
        n -= n / 2;
        if (n == 0)
            return 0;
        /* head and tail were read at different moments and do not belong together. */
        if (n > TR__RING_SIZE / 2)
            continue;
        for (uint32_t i = 0; i < n; i++) {
            struct tr_runnable *r = atomic_load_explicit(&from->slots[(head + i) % TR__RING_SIZE],
                                                         memory_order_relaxed);
            atomic_store_explicit(&to->slots[(tail + i) % TR__RING_SIZE], r, memory_order_relaxed);
            tr__slot_prefetch(r);
        }
        /* Release pairs with the acquire of head in tr__runring_push: the slots were read. */
        if (atomic_compare_exchange_strong_explicit(&from->head, &head, head + n,
                                                    memory_order_acq_rel, memory_order_relaxed))
            return n;
    }
}

struct tr_runnable *tr__runring_steal(struct tr_runring *to, struct tr_runring *from)
{
    uint32_t tail = atomic_load_explicit(&to->tail, memory_order_relaxed);
    uint32_t n = grab(to, tail, from);

    if (n == 0)
        return NULL;
    n--;
    struct tr_runnable *r =
        atomic_load_explicit(&to->slots[(tail + n) % TR__RING_SIZE], memory_order_relaxed);
    if (n > 0)
        atomic_store_explicit(&to->tail, tail + n, memory_order_release);
    return r;
}

void tr__runlist_push(struct tr_runlist *q, struct tr_runnable *r)
{
    r->next = NULL;
    tr__spin_lock(&q->lock);
    if (q->last)
        q->last->next = r;
    else
        q->first = r;
    q->last = r;
    atomic_fetch_add_explicit(&q->count, 1, memory_order_seq_cst);
    tr__spin_unlock(&q->lock);
}

struct tr_runnable *tr__runlist_pop(struct tr_runlist *q)
{
    if (tr__runlist_empty(q))
        return NULL;
    tr__spin_lock(&q->lock);
    struct tr_runnable *r = q->first;
    if (r) {
        q->first = r->next;
        if (!q->first)
            q->last = NULL;
        atomic_fetch_sub_explicit(&q->count, 1, memory_order_seq_cst);
    }
    tr__spin_unlock(&q->lock);
    return r;
}
