/* SPDX-License-Identifier: MIT */
/* The two kinds of run queue; each atomic operation names the one it pairs with. */
#include "sched/runq.h"

#include "mem/slots.h"

/* False when the ring is full. */
static inline bool put(struct tr_runring *q, struct tr_runnable *r)
{
    uint32_t tail = atomic_load_explicit(&q->tail, memory_order_relaxed);
    /* Acquire pairs with the thieves' release of head: they have read a slot before we reuse it. */
    uint32_t head = atomic_load_explicit(&q->head, memory_order_acquire);

    if (tr__unlikely(tail - head >= TR__RING_SIZE))
        return false;
    atomic_store_explicit(&q->slots[tail % TR__RING_SIZE], r, memory_order_relaxed);
    /* Release pairs with the thieves' acquire of tail: who sees the count sees the entry, and all
       that was written to the runnable before. */
    atomic_store_explicit(&q->tail, tail + 1, memory_order_release);
    return true;
}

/* Offers what has waited longest, unless something is offered. */
static void make_offer(struct tr_runring *q)
{
    /* Relaxed: only the owner, which is us, puts anything there, so what is empty stays so. */
    if (q->thieves == 0 || atomic_load_explicit(&q->offer, memory_order_relaxed))
        return;
    struct tr_runnable *r = tr__backlog_pop_oldest(&q->behind);
    /* Release pairs with the acquire of who takes it: what was written to the runnable is seen. */
    if (r)
        atomic_store_explicit(&q->offer, r, memory_order_release);
}

static TR__NOINLINE void push_new_behind(struct tr_runring *q, struct tr_runnable *r, uint32_t turn)
{
    tr__backlog_push_new(&q->behind, r, turn);
    make_offer(q);
}

void tr__runring_push_new(struct tr_runring *q, struct tr_runnable *r, uint32_t turn)
{
    if (tr__unlikely(!put(q, r)))
        push_new_behind(q, r, turn);
}

void tr__runring_push(struct tr_runring *q, struct tr_runnable *r)
{
    if (tr__unlikely(!put(q, r)))
        tr__backlog_push(&q->behind, r);
}

void tr__runring_push_last(struct tr_runring *q, struct tr_runnable *r)
{
    if (tr__unlikely(tr__backlog_count(&q->behind) > 0))
        tr__backlog_push(&q->behind, r);
    else
        tr__runring_push(q, r);
}

/* Of those that are not new one for the owner, which no thief can take any more, and one for each
   thief, which moves up into the ring. */
static struct tr_runnable *take_other(struct tr_runring *q)
{
    struct tr_runnable *r = tr__backlog_pop(&q->behind), *more;

    for (unsigned i = 0; i < q->thieves && i < TR__RING_SIZE; i++)
        if ((more = tr__backlog_pop(&q->behind)))
            put(q, more);
    return r;
}

/* The ring is empty. Of those that are new the owner takes the newest; for thieves there is the
   oldest. */
static TR__NOINLINE struct tr_runnable *take_behind(struct tr_runring *q)
{
    if (!tr__backlog_has_new(&q->behind))
        return tr__backlog_count(&q->behind) > 0 ? take_other(q) : tr__runring_take_offer(q);
    struct tr_runnable *r = tr__backlog_pop_newest(&q->behind);
    make_offer(q);
    return r;
}

struct tr_runnable *tr__runring_pop_oldest(struct tr_runring *q)
{
    struct tr_runnable *r = tr__runring_take_offer(q);

    if (!r)
        return tr__backlog_pop_oldest(&q->behind);
    make_offer(q);
    return r;
}

struct tr_runnable *tr__runring_pop(struct tr_runring *q)
{
    uint32_t tail = atomic_load_explicit(&q->tail, memory_order_relaxed);
    /* Acquire: a thief that gave entries back does not exist, but the value must not be older than
       our own last pop. */
    uint32_t head = atomic_load_explicit(&q->head, memory_order_acquire);

    for (;;) {
        if (head == tail)
            return take_behind(q);
        struct tr_runnable *r =
            atomic_load_explicit(&q->slots[head % TR__RING_SIZE], memory_order_relaxed);
        if (q->thieves == 0) {
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
