/* SPDX-License-Identifier: MIT */
/*
 * What the library keeps for each thread, and how a thread holds on to its worker.
 *
 * A worker (src/sched) may be taken from a thread that stays too long in the program's own code,
 * at any moment and without the thread's help; never while the thread runs library code. So
 * library code that touches a worker says so: it sets `inside`, then looks at `lost`; the taker
 * sets `lost`, makes all threads pass a memory barrier (membarrier), then looks at `inside`. One
 * of the two sees the other, and the thread pays two plain instructions for it.
 */
#ifndef TROUPE_OS_TLS_H
#define TROUPE_OS_TLS_H

#include "base/compiler.h"

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

enum {
    TR__KEPT,
    TR__LOST,  /* the worker is being, or has been, taken */
    TR__RISKED /* it has not, but who enters is to act as if, now and then: a replay */
};

struct tr_tls {
    void *worker;            /* what it works for; valid while inside and not lost */
    void *thread;            /* its struct tr_thread; NULL on threads that are not the library's */
    _Atomic(void *) current; /* the process it runs; written by the thread, read by the monitor */
    void *blocks;            /* the worker's cache of blocks */
    void *reader;            /* the worker's record of read sections */
    void *heap;              /* where terms are built; NULL: in a heap of the thread's own */
    int *errno_at;           /* the thread's errno; NULL on threads that are not the library's */
    _Atomic(bool) inside;    /* runs library code; written by the thread, read by the taker */
    _Atomic(uint8_t) lost;   /* one of these; written by the taker */
};

extern __thread struct tr_tls tr__tls_of_thread __attribute__((visibility("hidden")));

/* The calling thread's, by a call. The slow paths use it; so the linker finds the record also when
   it optimises at link time, and does not look into the assembly below. */
struct tr_tls *tr__tls_call(void);

/*
 * The same in two instructions. Computed afresh at each call: a process may go on on another thread
 * after any switch, and a compiler that knew this for an ordinary variable would reuse the address.
 */
#if defined(__x86_64__)
static inline struct tr_tls *tr__tls(void)
{
    struct tr_tls *tls;

    __asm__ volatile("movq %%fs:0, %0\n\t"
                     "addq tr__tls_of_thread@gottpoff(%%rip), %0"
                     : "=r"(tls)
                     :
                     : "cc");
    return tls;
}
#else
#define tr__tls tr__tls_call
#endif

/* Enters the library; the result says whether the thread was inside already, for tr__tls_leave. */
TR__INLINED bool tr__tls_enter(struct tr_tls *tls)
{
    bool was = atomic_load_explicit(&tls->inside, memory_order_relaxed);

    atomic_store_explicit(&tls->inside, true, memory_order_relaxed);
    /* The compiler must not look at `lost` first; for the processor the taker's barrier sees to it.
     */
    atomic_signal_fence(memory_order_seq_cst);
    return was;
}

static inline bool tr__tls_lost(struct tr_tls *tls)
{
    return tr__unlikely(atomic_load_explicit(&tls->lost, memory_order_acquire) == TR__LOST);
}

/* Has who enters to see to it? */
static inline bool tr__tls_in_doubt(struct tr_tls *tls)
{
    return tr__unlikely(atomic_load_explicit(&tls->lost, memory_order_acquire) != TR__KEPT);
}

/*
 * TR__GUARD() keeps the rest of the block from being interrupted for good: no kick ends the process
 * in it, and a fault in it is not contained. For code that holds a lock, links lists, or owns
 * memory that nothing else knows of, and does not enter by TR__ENTER (src/proc/proc.h) anyway.
 */
#define TR__GUARD()                                                                                \
    bool guarded __attribute__((cleanup(tr__tls_unguard), unused)) = tr__tls_enter(tr__tls())

TR__INLINED void tr__tls_leave(struct tr_tls *tls, bool was)
{
    /* Release pairs with the taker's acquire: what was done to the worker is seen by its next
       thread. */
    atomic_store_explicit(&tls->inside, was, memory_order_release);
}

static inline void tr__tls_unguard(const bool *was)
{
    tr__tls_leave(tr__tls(), *was);
}

#endif
