/* SPDX-License-Identifier: MIT */
/*
 * The system monitor: processes looked at when they give their worker back.
 *
 * At that moment their mailbox and heap stand still, and the thread may send. Only a process that
 * has lost its worker tells of its long turn itself, once it has another one.
 *
 * Which process sent a message is noted as its slot, in bits that the head of a signal has to
 * spare. The slot may have another process by the time somebody looks; then that one is named.
 */
#include "proc/watch.h"

#include "base/clock.h"
#include "proc/log.h"
#include "proc/proc.h"
#include "troupe/watch.h"

#include <inttypes.h>
#include <stdio.h>

#define CANDIDATES 16
#define TEXT_SIZE  160

_Atomic(bool) tr__watch_on;

static struct {
    _Atomic(uint64_t) to;
    _Atomic(int64_t) schedule; /* ns */
    _Atomic(size_t) queue;
    _Atomic(size_t) heap;
} limits;

static __thread int64_t turn_start; /* 0: not to be told */

void tr_system_monitor(const struct tr_watch_opts *opts)
{
    static const struct tr_watch_opts nothing;

    if (!opts)
        opts = &nothing;
    int64_t ms = opts->long_schedule_ms;
    atomic_store(&limits.to, opts->to.w);
    atomic_store(&limits.schedule,
                 ms > 0 && ms < TR__NEVER / TR__NS_PER_MS ? ms * TR__NS_PER_MS : 0);
    atomic_store(&limits.queue, opts->long_message_queue);
    atomic_store(&limits.heap, opts->large_heap);
    atomic_store(&tr__watch_on,
                 opts->long_schedule_ms > 0 || opts->long_message_queue || opts->large_heap);
}

/* Says it to whom it may concern: a message with that list, or a line in the log. */
static void tell(struct tr_proc *p, tr_atom what, struct tr_arg list, const char *text)
{
    uint64_t to = atomic_load_explicit(&limits.to, memory_order_relaxed);

    if (!to) {
        tr__log_text(NULL, TR_LOG_WARNING, (tr_term){ 0 }, text, NULL, 0);
        return;
    }
    uint64_t self = atomic_load_explicit(&p->id, memory_order_relaxed);
    struct tr_arg args[] = { tr__arg_atom(TR_ATOM(monitor)), tr__arg_word(self), tr__arg_atom(what),
                             list };
    struct tr_sig *sig = tr__sig_message(to, args, 4);
    if (sig)
        tr__sig_send(sig);
}

/* --- long turns --- */

TR__NOINLINE void tr__watch_begin(void)
{
    turn_start = tr__clock_ns();
}

TR__NOINLINE void tr__watch_pardon(void)
{
    turn_start = 0;
}

TR__NOINLINE int64_t tr__watch_held_for(void)
{
    return turn_start ? tr__clock_ns() - turn_start : 0;
}

void tr__watch_held(struct tr_proc *p, int64_t ns)
{
    int64_t limit = atomic_load_explicit(&limits.schedule, memory_order_relaxed);
    int64_t ms = ns / TR__NS_PER_MS;
    char text[TEXT_SIZE];

    if (limit == 0 || ns < limit)
        return;
    struct tr_arg pair[] = { tr__arg_atom(TR_ATOM(timeout)), tr__arg_int(ms) };
    struct tr_arg item = tr__arg_many(TR__ARG_TUPLE, pair, 2);
    snprintf(text, sizeof text, "long schedule: it ran or blocked for %" PRId64 " ms", ms);
    tell(p, TR_ATOM(long_schedule), tr__arg_many(TR__ARG_LIST, &item, 1), text);
}

/* --- long mailboxes --- */

uint32_t tr__watch_sender(void)
{
    struct tr_proc *p = tr__self();

    return p ? p->slot.index : 0;
}

static size_t messages_from(struct tr_proc *p, uint32_t slot)
{
    size_t n = 0;

    for (struct tr_sig *sig = p->first; sig; sig = sig->next)
        n += sig->from == slot;
    return n;
}

/* The slot that most messages came from, and how many; 0 when no sender is known. A sender of more
   than a sixteenth of them is certain to be among the candidates (Misra and Gries). */
static uint32_t top_sender(struct tr_proc *p, size_t *count)
{
    struct {
        uint32_t slot;
        size_t n;
    } candidates[CANDIDATES] = { { 0, 0 } };
    uint32_t best = 0;

    for (struct tr_sig *sig = p->first; sig; sig = sig->next) {
        int at = -1;
        for (int i = 0; i < CANDIDATES && sig->from; i++) {
            if (candidates[i].n && candidates[i].slot == sig->from) {
                at = i;
                break;
            }
            if (!candidates[i].n)
                at = i;
        }
        if (at >= 0) {
            candidates[at].slot = sig->from;
            candidates[at].n++;
        }
        for (int i = 0; i < CANDIDATES && at < 0 && sig->from; i++)
            candidates[i].n--;
    }
    *count = 0;
    for (int i = 0; i < CANDIDATES; i++) {
        size_t n = candidates[i].n ? messages_from(p, candidates[i].slot) : 0;
        if (n > *count) {
            *count = n;
            best = candidates[i].slot;
        }
    }
    return best;
}

static void tell_queue(struct tr_proc *p)
{
    size_t count;
    uint32_t slot = top_sender(p, &count);
    uint64_t sender = slot ? atomic_load_explicit(&((struct tr_proc *)tr__slot_at(slot))->id,
                                                  memory_order_relaxed)
                           : 0;
    struct tr_arg length[] = { tr__arg_atom(TR_ATOM(message_queue_len)),
                               tr__arg_int((int64_t)p->nmessages) };
    struct tr_arg from[] = { tr__arg_atom(TR_ATOM(sender)), tr__arg_word(sender),
                             tr__arg_int((int64_t)count) };
    struct tr_arg items[] = { tr__arg_many(TR__ARG_TUPLE, length, 2),
                              tr__arg_many(TR__ARG_TUPLE, from, 3) };
    char text[TEXT_SIZE], name[64];

    int n = snprintf(text, sizeof text, "long message queue: %u messages wait", p->nmessages);
    if (sender) {
        tr_print_to(name, sizeof name, (tr_term){ sender });
        snprintf(text + n, sizeof text - (size_t)n, ", %zu of them from %s", count, name);
    }
    tell(p, TR_ATOM(long_message_queue), tr__arg_many(TR__ARG_LIST, items, sender ? 2 : 1), text);
}

/* --- large heaps --- */

static void tell_heap(struct tr_proc *p, size_t size)
{
    struct tr_arg pair[] = { tr__arg_atom(TR_ATOM(heap_size)), tr__arg_int((int64_t)size) };
    struct tr_arg item = tr__arg_many(TR__ARG_TUPLE, pair, 2);
    char text[TEXT_SIZE];

    snprintf(text, sizeof text, "large heap: %zu bytes", size);
    tell(p, TR_ATOM(large_heap), tr__arg_many(TR__ARG_LIST, &item, 1), text);
}

/* --- looking --- */

enum about { QUEUE, HEAP };

/* True when it must be told now that `value` has come to the limit: the first time since it was at
   half of it. Without memory to note that, not at all. */
static bool is_news(struct tr_proc *p, size_t value, size_t limit, enum about about)
{
    if (limit == 0 || (value < limit && !p->extra))
        return false;
    struct tr_proc_extra *extra = tr__extra_make(p);
    if (!extra)
        return false;
    bool *told = about == QUEUE ? &extra->queue_told : &extra->heap_told;
    bool news = value >= limit && !*told;
    if (value >= limit)
        *told = true;
    else if (value <= limit / 2)
        *told = false;
    return news;
}

void tr__watch_end(struct tr_proc *p)
{
    size_t heap_limit = atomic_load_explicit(&limits.heap, memory_order_relaxed);
    size_t heap = heap_limit ? tr__heap_size(&p->heap) : 0;

    if (p->action == TR__ACT_RECLAIM || p->action == TR__ACT_EXIT)
        return;
    tr__watch_held(p, tr__watch_held_for());
    if (is_news(p, p->nmessages, atomic_load_explicit(&limits.queue, memory_order_relaxed), QUEUE))
        tell_queue(p);
    if (is_news(p, heap, heap_limit, HEAP))
        tell_heap(p, heap);
}
