/* SPDX-License-Identifier: MIT */
/* Backtraces by the compiler's own unwinder, which needs no lock and no memory of its own. */
#define _GNU_SOURCE
#include "os/trace.h"

#include "base/compiler.h"
#include "os/trap.h"

#include <stdbool.h>
#include <stdint.h>
#include <unwind.h>

struct walk {
    bool (*each)(const struct tr_frame *frame, void *arg);
    void *arg;
    uintptr_t from; /* nothing is shown before this address comes; 0: it has */
};

static _Unwind_Reason_Code step(struct _Unwind_Context *context, void *arg)
{
    struct walk *walk = arg;
    int exact = 0;
    uintptr_t pc = _Unwind_GetIPInfo(context, &exact);
    /* A return address may already belong to the next function: the call is before it. */
    struct tr_frame frame = { (const void *)(exact ? pc : pc - 1), (const void *)pc,
                              (const void **)_Unwind_GetCFA(context) };

    if (walk->from && pc != walk->from)
        return _URC_NO_REASON;
    walk->from = 0;
    return pc && walk->each(&frame, walk->arg) ? _URC_NO_REASON : _URC_END_OF_STACK;
}

struct collection {
    void **pcs;
    int n, max; /* n starts below 0: so many are left out */
};

static bool collect(const struct tr_frame *frame, void *arg)
{
    struct collection *c = arg;

    if (c->n >= 0 && c->n < c->max)
        c->pcs[c->n] = (void *)(uintptr_t)frame->pc;
    return ++c->n < c->max;
}

TR__NOINLINE int tr__trace_here(void **pcs, int max)
{
    struct collection found = { pcs, -1, max };
    struct walk walk = { collect, &found, 0 };

    _Unwind_Backtrace(step, &walk);
    return found.n > 0 ? found.n : 0;
}

static void unwind(void *walk)
{
    _Unwind_Backtrace(step, walk);
}

void tr__trace_walk(const void *context, bool (*each)(const struct tr_frame *frame, void *arg),
                    void *arg)
{
    struct walk walk = { each, arg, tr__trap_pc(context) };

    /* A torn stack leads the unwinder astray. */
    if (walk.from)
        tr__trap_try(unwind, &walk);
}

int tr__trace_from(const void *context, void **pcs, int max)
{
    struct collection found = { pcs, 0, max };

    tr__trace_walk(context, collect, &found);
    if (found.n == 0 && max > 0) /* the unwinder lost its way */
        pcs[found.n++] = (void *)tr__trap_pc(context);
    return found.n;
}
