/* SPDX-License-Identifier: MIT */
/*
 * Reads control blocks that are not its own: of a process that sleeps nothing changes, of another
 * one only what is constant is looked at.
 */
#define _GNU_SOURCE
#include "proc/survivors.h"

#include "base/clock.h"
#include "base/fault.h"
#include "os/frames.h"
#include "os/syscalls.h"
#include "os/trace.h"
#include "proc/log.h"
#include "proc/proc.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define LINES  50
#define FRAMES 4
#define GROUPS 8

/* A text that grows at its end and is cut where it is full. */
struct line {
    char text[2048];
    size_t used;
};

__attribute__((format(printf, 2, 3))) static void add(struct line *line, const char *format, ...)
{
    size_t room = sizeof line->text - line->used;
    va_list args;

    va_start(args, format);
    int n = vsnprintf(line->text + line->used, room, format, args);
    va_end(args);
    if (n > 0)
        line->used += (size_t)n < room ? (size_t)n : room - 1;
}

/* The functions that are open on the stack of a process that sleeps. */
TR__UNSYNCHRONISED static void add_callers(struct line *line, struct tr_proc *p)
{
    uintptr_t pcs[FRAMES];
    struct tr_stack *stack = p->stack;

    if (!stack || !stack->base)
        return;
    int n = tr__frames_of(&p->context, tr__stack_bottom(stack), tr__stack_top(stack), pcs, FRAMES);
    for (int i = 0; i < n; i++) {
        char text[256];
        /* The call is before the address that it returns to. */
        tr__trace_describe((void *)(pcs[i] - 1), text, sizeof text);
        add(line, "%s%s", i == 0 ? ", called from " : " < ", text);
    }
}

TR__UNSYNCHRONISED static void add_sleep(struct line *line, struct tr_proc *p)
{
    int64_t wake_at = p->wake_at;

    if (p->suspended)
        add(line, "is suspended");
    else if (p->flags & TR__P_HIBERNATED)
        add(line, "hibernates until a message comes");
    else if (tr__rare_of(p)->fd_wait)
        add(line, "waits for descriptor %d", tr__rare_of(p)->fd);
    else
        add(line, "waits for a message");
    if (p->flags & TR__P_EXITING)
        add(line, " in its clean-up");
    if (wake_at != TR__NEVER)
        add(line, " or %" PRId64 " ms", (wake_at - tr__clock_ns()) / TR__NS_PER_MS);
    if (p->nmessages)
        add(line, ", has %" PRIu32 " it does not accept", p->nmessages);
    add_callers(line, p);
}

static void add_thread(struct line *line, pid_t tid, int number)
{
    char text[96];

    tr__syscall_text(tid, text, sizeof text);
    add(line, "%s on thread troupe/%d", text, number);
}

static void add_state(struct line *line, struct tr_proc *p)
{
    int number;
    pid_t tid;

    if (atomic_load_explicit(&p->inbox, memory_order_acquire) == TR__ASLEEP) {
        add_sleep(line, p);
    } else if (tr__thread_running(p, &tid, &number)) {
        add_thread(line, tid, number);
    } else {
        add(line, "waits for a worker");
    }
}

static void add_name(struct line *line, struct tr_proc *p)
{
    uint64_t name = atomic_load_explicit(&p->name, memory_order_relaxed);
    size_t size;

    if (!name)
        return;
    const char *text = tr_atom_name((tr_atom){ name }, &size);
    add(line, " (%.*s)", (int)size, text);
}

static void add_pid(struct line *line, struct tr_proc *p, uint64_t id)
{
    add(line, "<0.%u.%llu>", TR__PID_SLOT(id), (unsigned long long)TR__PID_GENERATION(id));
    add_name(line, p);
}

TR__UNSYNCHRONISED static void print(struct tr_proc *p, uint64_t id)
{
    struct line line = { .used = 0 };

    add(&line, "  ");
    add_pid(&line, p, id);
    if (p->site)
        add(&line, " %s at %s", p->site, p->site + strlen(p->site) + 1);
    add(&line, ": ");
    add_state(&line, p);
    dprintf(STDERR_FILENO, "%s\n", line.text);
}

void tr__survivors_print(void)
{
    uint32_t end = tr__slot_end();
    int64_t n = 0;

    for (uint32_t i = 1; i < end; i++) {
        struct tr_proc *p = tr__slot_at(i);
        uint64_t id = atomic_load_explicit(&p->id, memory_order_acquire);
        if (id && n++ < LINES)
            print(p, id);
    }
    if (n > LINES)
        dprintf(STDERR_FILENO, "  and %" PRId64 " more\n", n - LINES);
}

/* --- who holds the threads --- */

/* Those that were spawned at the same place, and one of them. */
struct group {
    const char *site;
    const struct tr_holder *one;
    uint64_t id; /* of that one */
    int n;
};

/* Counts a holder in its group; false when there is no more room for another one. */
TR__UNSYNCHRONISED static bool count(struct group *groups, const struct tr_holder *holder)
{
    struct tr_proc *p = holder->process;
    uint64_t id = atomic_load_explicit(&p->id, memory_order_acquire);
    const char *site = p->site ? p->site : "?\0?";
    int i = 0;

    while (i < GROUPS && groups[i].site && groups[i].site != site)
        i++;
    if (i == GROUPS)
        return false;
    if (!groups[i].site)
        groups[i] = (struct group){ site, holder, id, 0 };
    groups[i].n++;
    return true;
}

static void add_group(struct line *line, const struct group *g)
{
    add(line, "\n  %d of %s at %s, such as ", g->n, g->site, g->site + strlen(g->site) + 1);
    add_pid(line, g->one->process, g->id);
    add(line, ": ");
    add_thread(line, g->one->tid, g->one->number);
}

void tr__holders_log(int limit)
{
    struct tr_holder *holders = tr__fault() ? NULL : malloc((size_t)limit * sizeof *holders);
    struct group groups[GROUPS] = { { 0 } };
    struct line line = { .used = 0 };
    int n = holders ? tr__threads_held(holders, limit) : 0;
    int others = 0;

    add(&line, "all %d threads are in use: processes that block now hold up others. %d are held by",
        limit, n);
    for (int i = 0; i < n; i++)
        others += !count(groups, &holders[i]);
    for (int i = 0; i < GROUPS && groups[i].site; i++)
        add_group(&line, &groups[i]);
    if (others)
        add(&line, "\n  %d others", others);
    tr__log_text(NULL, TR_LOG_WARNING, (tr_term){ 0 }, line.text, NULL, 0);
    free(holders);
}
