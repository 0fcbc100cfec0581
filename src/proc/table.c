/* SPDX-License-Identifier: MIT */
/* Finding processes by pid, and counting them. */
#include "proc/proc.h"

#include <stdio.h>
#include <stdlib.h>

static _Atomic uint64_t started_outside;

_Noreturn void tr__self_panic(const char *function)
{
    tr__fork_check();
    fprintf(stderr, "troupe: %s must be called by a process; this thread runs none\n", function);
    abort();
}

void tr__proc_started(struct tr_worker *w)
{
    if (w)
        tr__count_up(&w->started);
    else
        atomic_fetch_add_explicit(&started_outside, 1, memory_order_seq_cst);
}

void tr__proc_ended(struct tr_worker *w)
{
    tr__count_up(&w->ended);
}

int64_t tr__proc_count(void)
{
    uint64_t ended = 0;
    uint64_t started = 0;

    /* First all that ended, then all that started: a process seen to have ended is then seen to
       have started too, so the difference is never less than what was alive in between. */
    for (int i = 0; i < tr__worker_count(); i++)
        ended += atomic_load_explicit(&tr__worker_at(i)->ended, memory_order_seq_cst);
    for (int i = 0; i < tr__worker_count(); i++)
        started += atomic_load_explicit(&tr__worker_at(i)->started, memory_order_seq_cst);
    started += atomic_load_explicit(&started_outside, memory_order_seq_cst);
    return (int64_t)(started - ended);
}

void tr__proc_count_reset(void)
{
    atomic_store(&started_outside, 0);
}

int64_t tr_process_count(void)
{
    return tr__proc_count();
}

void tr_set_process_limit(uint32_t n)
{
    tr__slot_limit(n);
}

tr_ref tr_make_ref(void)
{
    TR__ENTER();
    static _Atomic uint64_t outside;
    struct tr_proc *p = tr__self();

    if (p)
        return (tr_ref){ tr__new_ref(p) };
    return (tr_ref){ TR__REF_W(0, atomic_fetch_add(&outside, 1) + 1) };
}
