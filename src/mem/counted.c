/* SPDX-License-Identifier: MIT */
/*
 * Counted objects: taking and letting go of references.
 *
 * Memory order. A reference is taken relaxed: it is made from one that exists. It is let go with
 * release, and who finds that it had the last one does so with acquire, so it sees everybody's last
 * use. Whether all there are lie in the hand is found by a load: it reads what the last decrement
 * wrote, and all of them are read-modify-writes, so that load synchronises with each. Nobody can
 * take one more then, for nobody else has one.
 *
 * The hand belongs to the worker and is touched by its thread alone, inside.
 */
#include "mem/counted.h"

#include "mem/block.h"
#include "os/tls.h"

#define AT_ONCE 64u /* taken into the hand when it is empty */

/* The hand of the worker that the thread works for, or NULL. The thread is inside. */
static inline struct tr_shared_hand *hand_of(struct tr_tls *tls)
{
    struct tr_block_cache *cache = tr__block_cache_of(tls);

    return cache ? &cache->hand : NULL;
}

static inline void take(struct tr_shared_hand *hand, struct tr_shared *shared)
{
    uint64_t n = 1;

    if (hand && hand->of == shared) {
        if (hand->n) {
            hand->n--;
            return;
        }
        /* The second time in one turn. */
        n = AT_ONCE;
        hand->n = AT_ONCE - 1;
    } else if (hand && !hand->n) {
        hand->of = shared;
    }
    atomic_fetch_add_explicit(&shared->refs, n, memory_order_relaxed);
}

void tr__shared_retain(struct tr_shared *shared)
{
    struct tr_tls *tls = tr__tls();
    bool was = tr__tls_enter(tls);

    take(hand_of(tls), shared);
    tr__tls_leave(tls, was);
}

/* Lets go of n; true when these were the last. */
static inline bool let_go(struct tr_shared *shared, uint64_t n)
{
    return atomic_fetch_sub_explicit(&shared->refs, n, memory_order_acq_rel) == n;
}

/* Keeps one in the hand, or lets it go; true when there is no other. */
static inline bool give(struct tr_shared_hand *hand, struct tr_shared *shared)
{
    if (!hand || (hand->of != shared && hand->n))
        return let_go(shared, 1);
    uint64_t n = hand->n + 1;
    if (atomic_load_explicit(&shared->refs, memory_order_acquire) == n) {
        *hand = (struct tr_shared_hand){ NULL, 0 };
        return true;
    }
    *hand = (struct tr_shared_hand){ shared, n };
    return false;
}

void tr__shared_release(struct tr_shared *shared)
{
    struct tr_tls *tls = tr__tls();
    bool was = tr__tls_enter(tls);
    bool last = give(hand_of(tls), shared);

    tr__tls_leave(tls, was);
    if (last)
        shared->destroy(shared);
}

TR__NOINLINE void tr__shared_settle_slow(struct tr_shared_hand *hand)
{
    struct tr_shared_hand had = *hand;

    *hand = (struct tr_shared_hand){ NULL, 0 };
    if (had.n && let_go(had.of, had.n))
        had.of->destroy(had.of);
}

void tr__counted_release_until(struct tr_counted *list, const struct tr_counted *end)
{
    while (list != end) {
        struct tr_counted *next = list->next;
        tr__shared_release(list->shared);
        list = next;
    }
}
