/* SPDX-License-Identifier: MIT */
/*
 * Reclaiming what readers without a lock may still be looking at.
 *
 * A reader marks its section by two plain stores to a counter of its worker: odd, then even. So a
 * lookup has no atomic read-modify-write in it, and the processor may begin the next lookup while
 * the cache misses of this one are on their way. The price is on the side of who frees, once for
 * 64 KiB of retired objects:
 *
 *     writer: unlink x (release)        reader: count = odd (plain)
 *             retire x                          find x (acquire)
 *             barrier on all threads            read x
 *             look at all counts (acquire)      count = even (release)
 *
 * The barrier (membarrier) runs on every thread at some point between two of its instructions. If
 * that point lies behind the reader's store, the writer sees the odd count and waits for it to
 * change before it frees x. If it lies before, everything the reader loads in the section it loads
 * after the barrier, and so after x was unlinked: it does not find x. An even count is loaded with
 * acquire, so the reads of the section before happen before the free.
 *
 * Without membarrier the reader's store is a sequentially consistent exchange, and the writer reads
 * the counts by sequentially consistent read-modify-writes, after its unlinking store; then one of
 * the two sees the other as well.
 *
 * Considered instead: epochs. They need a barrier in each section or a delay of three epochs; the
 * counts need none. Or the turns of the workers as quiescent states: a process that computes in its
 * own code for a second would hold up all freeing. Or hazard pointers: a full barrier for each
 * pointer that is followed.
 */
#include "ets/section.h"

#include "ets/node.h"

#include <sched.h>

struct tr_section tr__sections[TR__MAX_WORKERS];
struct tr_limbo tr__limbos[TR__MAX_WORKERS];

void tr__section_retire(struct tr_worker *w, struct tr_section_retired *retired, size_t size)
{
    struct tr_limbo *limbo = &tr__limbos[w->index];

    retired->next = limbo->fresh.others;
    limbo->fresh.others = retired;
    limbo->size += size;
}

void tr__section_retire_node(struct tr_worker *w, struct tr_node *node)
{
    struct tr_limbo *limbo = &tr__limbos[w->index];

    if (node->loose)
        return;
    tr__node_link(node, limbo->fresh.nodes);
    limbo->fresh.nodes = node;
    limbo->size += tr__node_size(node);
}

static void destroy_all(struct tr_limbo_lists lists)
{
    while (lists.others) {
        struct tr_section_retired *next = lists.others->next;
        lists.others->destroy(lists.others);
        lists.others = next;
    }
    while (lists.nodes) {
        struct tr_node *next = tr__node_linked(lists.nodes);
        tr__node_free(lists.nodes);
        lists.nodes = next;
    }
}

static uint64_t count_of(int worker)
{
    _Atomic uint64_t *count = &tr__sections[worker].count;

    if (!tr__barrier_there)
        return atomic_fetch_add_explicit(count, 0, memory_order_seq_cst);
    return atomic_load_explicit(count, memory_order_acquire);
}

static bool is_over(int worker, uint64_t count)
{
    return atomic_load_explicit(&tr__sections[worker].count, memory_order_acquire) != count;
}

static void wait_for(int worker, uint64_t count)
{
    for (int i = 0; !is_over(worker, count); i++) {
        if (i < 100)
            tr__cpu_relax();
        else
            sched_yield();
    }
}

/* Are the sections over that the waiting ones wait for? */
static bool are_over(struct tr_limbo *limbo)
{
    while (limbo->nseen &&
           is_over(limbo->seen[limbo->nseen - 1].worker, limbo->seen[limbo->nseen - 1].count))
        limbo->nseen--;
    return limbo->nseen == 0;
}

/* Notes the sections that are going on; waits for those that there is no room to note. */
static void look_at_sections(struct tr_limbo *limbo)
{
    const int room = sizeof limbo->seen / sizeof *limbo->seen;

    if (tr__barrier_there)
        tr__barrier_all();
    for (int i = 0; i < tr__worker_count(); i++) {
        uint64_t count = count_of(i);
        if (count % 2 == 0)
            continue;
        if (limbo->nseen == room) {
            wait_for(i, count);
            continue;
        }
        limbo->seen[limbo->nseen].worker = i;
        limbo->seen[limbo->nseen++].count = count;
    }
}

void tr__section_wait(void)
{
    if (tr__barrier_there)
        tr__barrier_all();
    for (int i = 0; i < tr__worker_count(); i++) {
        uint64_t count = count_of(i);
        if (count % 2)
            wait_for(i, count);
    }
}

void tr__section_sweep_now(struct tr_worker *w)
{
    struct tr_limbo *limbo = &tr__limbos[w->index];

    /* Sections are short: one that still lasts since the sweep before was descheduled. */
    while (!are_over(limbo))
        wait_for(limbo->seen[limbo->nseen - 1].worker, limbo->seen[limbo->nseen - 1].count);
    struct tr_limbo_lists old = limbo->waiting, fresh = limbo->fresh;
    limbo->fresh = limbo->waiting = (struct tr_limbo_lists){ 0 };
    limbo->size = 0;
    look_at_sections(limbo);
    if (are_over(limbo))
        destroy_all(fresh);
    else
        limbo->waiting = fresh;
    destroy_all(old);
}

void tr__sections_fini(void)
{
    for (int i = 0; i < TR__MAX_WORKERS; i++) {
        struct tr_limbo *limbo = &tr__limbos[i];
        struct tr_limbo_lists waiting = limbo->waiting, fresh = limbo->fresh;
        *limbo = (struct tr_limbo){ 0 };
        destroy_all(waiting);
        destroy_all(fresh);
    }
}
