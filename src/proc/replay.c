/* SPDX-License-Identifier: MIT */
/*
 * What a replay knows of processes: who they are, what they are about to receive, and the faults
 * that tests inject.
 *
 * Nothing here is on the way of a message. All of it happens between two turns, when no process
 * runs, and rests on there being one worker: what has come to an inbox during a turn was sent by
 * the process that had the turn; and a process whose turns have no budget gives its worker back at
 * its next call, whose price says which kind of call it was.
 */
#include "troupe/replay.h"

#include "base/clock.h"
#include "base/fault.h"
#include "os/log.h"
#include "proc/caps.h"
#include "proc/proc.h"
#include "proc/replay.h"
#include "proc/survivors.h"
#include "sched/replay.h"
#include "term/raise.h"
#include "troupe/random.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/random.h>

#define RULES  16
#define MS_MAX (INT64_C(1) << 43)

struct crash {
    uint64_t pid;       /* 0: unused */
    int64_t nth;        /* receives that are left */
    struct tr_sig *sig; /* the exit signal that it will be */
};

struct delay {
    uint64_t from; /* 0: everybody */
    uint64_t to;   /* 0: unused */
    int64_t ns;
    bool drawn;          /* each signal by a time of its own, up to `ns` */
    struct tr_sig *mark; /* newest in the inbox of `to` when the present turn began */
};

/* A signal that was held back. */
struct held {
    struct held *next;
    uint64_t from;
    int64_t due;
    struct tr_sig *sig;
};

static struct {
    struct crash crashes[RULES];
    struct delay delays[RULES];
    struct held *held; /* in the order in which they were sent */
    struct held **last;
} faults = { .last = &faults.held };

static struct tr_proc *proc_of(struct tr_runnable *r)
{
    return tr__container_of(r, struct tr_proc, runnable);
}

static uint64_t id_of(struct tr_proc *p)
{
    return atomic_load_explicit(&p->id, memory_order_relaxed);
}

static bool is_process(uint64_t pid)
{
    return (pid & 7) == TR__TAG_PID && tr__proc_alive(pid);
}

/* --- the digest --- */

static uint64_t name(struct tr_runnable *r)
{
    return id_of(proc_of(r));
}

/* The newest signal of an inbox, or NULL. */
static struct tr_sig *newest_of(struct tr_proc *p)
{
    struct tr_sig *newest = atomic_load_explicit(&p->inbox, memory_order_acquire);

    return newest == TR__ASLEEP || newest == TR__CLOSED ? NULL : newest;
}

/* A hash of what has arrived since the process looked last. */
static uint64_t look(struct tr_runnable *r)
{
    struct tr_proc *p = proc_of(r);
    uint64_t hash = 0;

    for (struct tr_sig *sig = newest_of(p); sig && sig != p->seen; sig = sig->next) {
        bool has_term = sig->kind == TR__SIG_MESSAGE || sig->kind == TR__SIG_REQUEST ||
                        sig->kind == TR__SIG_EXIT || sig->kind == TR__SIG_DOWN ||
                        sig->kind == TR__SIG_END;
        hash = hash * 31 + sig->kind + sig->to;
        hash = hash * 31 + (has_term ? tr_hash((tr_term){ sig->term }) : 0);
    }
    return hash;
}

/* --- crashes --- */

static void crash_before(struct tr_worker *w, uint64_t id)
{
    for (int i = 0; i < RULES; i++)
        if (faults.crashes[i].pid == id)
            w->budget = 0;
}

static void crash_now(struct tr_proc *p, struct crash *c)
{
    if (p->flags & (TR__P_DYING | TR__P_EXITING)) {
        tr__sig_free(c->sig);
    } else {
        p->dying = c->sig;
        p->flags |= TR__P_DYING;
    }
    *c = (struct crash){ 0 };
}

static void crash_after(struct tr_worker *w, struct tr_proc *p, uint64_t id)
{
    bool receives = p->action == TR__ACT_YIELD && w->budget == -TR__COST_RECEIVE;

    for (int i = 0; i < RULES; i++) {
        struct crash *c = &faults.crashes[i];
        if (c->pid == id && receives && --c->nth == 0)
            crash_now(p, c);
    }
}

tr_err tr_replay_crash_args(tr_pid pid, int64_t nth, const struct tr_arg *args, int n)
{
    TR__ENTER();
    struct crash *c = faults.crashes;

    if (!tr__replay_on)
        return TR_ENOTSUP;
    if (nth < 1)
        return TR_EINVAL;
    if (!is_process(pid.w))
        return TR_ENOPROC;
    while (c < faults.crashes + RULES && c->pid)
        c++;
    if (c == faults.crashes + RULES)
        return TR_ELIMIT;
    struct tr_sig *sig = tr__sig_exit(pid.w, pid.w, tr_build_args(args, n).w, TR__SIG_CRASH);
    if (!sig)
        return TR_ENOMEM;
    *c = (struct crash){ pid.w, nth, sig };
    return TR_OK;
}

/* --- delays --- */

/* The process that a rule is about, unless it had the turn itself. What is sent to one with a cap
   does not go through its inbox. */
static struct tr_proc *receiver(const struct delay *d, uint64_t runs)
{
    struct tr_proc *p = d->to && d->to != runs ? tr__proc_at(d->to) : NULL;

    return p && id_of(p) == d->to && !tr__is_capped(p) && (!d->from || d->from == runs) ? p : NULL;
}

static void delay_before(uint64_t id)
{
    for (int i = 0; i < RULES; i++) {
        struct delay *d = &faults.delays[i];
        struct tr_proc *p = receiver(d, id);
        if (p)
            d->mark = newest_of(p);
    }
}

/* When a signal is to arrive: never before one that the same process sent before. */
static int64_t due_for(const struct delay *d, uint64_t from)
{
    int64_t ns = d->drawn ? (int64_t)tr__replay_draw((uint64_t)d->ns + 1) : d->ns;
    int64_t due = tr__clock_ns() + ns;

    for (struct held *h = faults.held; h; h = h->next)
        if (h->from == from && h->sig->to == d->to && h->due > due)
            due = h->due;
    return due;
}

static void hold(const struct delay *d, uint64_t from, struct tr_sig *sig)
{
    struct held *h = malloc(sizeof *h);

    if (!h)
        TR__PANIC("no memory for the replay");
    *h = (struct held){ NULL, from, due_for(d, from), sig };
    *faults.last = h;
    faults.last = &h->next;
}

/* Takes out of the inbox what has come since the turn began. */
static void delay_after(uint64_t id)
{
    for (int i = 0; i < RULES; i++) {
        struct delay *d = &faults.delays[i];
        struct tr_proc *p = receiver(d, id);
        struct tr_sig *sig = p ? newest_of(p) : NULL;
        struct tr_sig *list = NULL;
        if (!sig || sig == d->mark)
            continue;
        while (sig != d->mark) {
            struct tr_sig *older = sig->next;
            sig->next = list;
            list = sig;
            sig = older;
        }
        atomic_store_explicit(&p->inbox, d->mark, memory_order_release);
        while (list) {
            struct tr_sig *newer = list->next;
            hold(d, id, list);
            list = newer;
        }
    }
}

static void deliver(int64_t now)
{
    struct held **link = &faults.held;

    while (*link) {
        struct held *h = *link;
        if (h->due > now) {
            link = &h->next;
            continue;
        }
        *link = h->next;
        tr__sig_send(h->sig);
        free(h);
    }
    faults.last = link;
}

static int64_t due(void)
{
    int64_t first = TR__NEVER;

    for (struct held *h = faults.held; h; h = h->next)
        if (h->due < first)
            first = h->due;
    return first;
}

static tr_err add_delay(struct delay rule, int64_t ms)
{
    struct delay *d = faults.delays;

    if (!tr__replay_on)
        return TR_ENOTSUP;
    if (ms < 0 || ms > MS_MAX)
        return TR_EINVAL;
    if (!is_process(rule.to))
        return TR_ENOPROC;
    if (tr__is_capped(tr__proc_at(rule.to)))
        return TR_ENOTSUP;
    while (d < faults.delays + RULES && d->to)
        d++;
    if (d == faults.delays + RULES)
        return TR_ELIMIT;
    rule.ns = ms * TR__NS_PER_MS;
    *d = rule;
    return TR_OK;
}

tr_err tr_replay_delay(tr_pid from, tr_pid to, int64_t ms)
{
    TR__ENTER();
    return add_delay((struct delay){ .from = from.w, .to = to.w }, ms);
}

tr_err tr_replay_reorder(tr_pid to, int64_t ms)
{
    TR__ENTER();
    return add_delay((struct delay){ .to = to.w, .drawn = true }, ms);
}

tr_err tr_replay_fail_alloc(int64_t nth)
{
#ifdef TR_FAULTS
    if (!tr__replay_on)
        return TR_ENOTSUP;
    tr__fault_arm(nth);
    return TR_OK;
#else
    (void)nth;
    return TR_ENOTSUP;
#endif
}

/* --- around a turn --- */

static uint64_t running; /* the process that has the turn; its slot may be free afterwards */

static void before(struct tr_worker *w, struct tr_runnable *r)
{
    running = name(r);
    crash_before(w, running);
    delay_before(running);
}

static void after(struct tr_worker *w, struct tr_runnable *r)
{
    /* With another thread about, inboxes are no longer ours to change. */
    if (tr__replay_broken())
        return;
    crash_after(w, proc_of(r), running);
    delay_after(running);
}

/* No process runs, so this thread may do what one of them would. The end of the first process ends
   all others in good order. */
static void stand_still(void)
{
    uint64_t first = tr__first_process();
    struct tr_sig *sig = tr__sig_exit(first, first, TR_ATOM_W(kill), 0);

    fflush(stdout);
    fprintf(stderr, "troupe: replay: every process waits, and no timer is set:\n");
    tr__survivors_print();
    if (sig)
        tr__sig_send(sig);
}

static const struct tr_replay_hooks hooks = {
    .name = name,
    .look = look,
    .before = before,
    .after = after,
    .deliver = deliver,
    .due = due,
    .stand_still = stand_still,
};

void tr__replay_prepare(void)
{
    tr__replay_hooks(&hooks);
}

void tr__replay_finish(void)
{
    while (faults.held) {
        struct held *h = faults.held;
        faults.held = h->next;
        if (h->sig->kind == TR__SIG_END)
            tr__sig_free(&tr__sig_end_take(h->sig)->sig);
        tr__sig_free(h->sig);
        free(h);
    }
    faults.last = &faults.held;
    for (int i = 0; i < RULES; i++) {
        if (faults.crashes[i].pid)
            tr__sig_free(faults.crashes[i].sig);
        faults.crashes[i] = (struct crash){ 0 };
        faults.delays[i] = (struct delay){ 0 };
    }
    tr__replay_end();
}

void tr__replay_outside(const char *function)
{
    /* The main thread starts the first process before any can call; who logs waits for the log. */
    if (tr__first_process() && !tr__log_is_step())
        tr__replay_breaks(function);
}

/* --- the interface --- */

void tr_replay(uint64_t seed)
{
    tr__replay_ask(seed);
}

bool tr_replaying(void)
{
    return tr__replay_on;
}

uint64_t tr_replay_seed(void)
{
    return tr__replay_seed();
}

uint64_t tr_replay_digest(void)
{
    return tr__replay_digest();
}

const char *tr_replay_broken(void)
{
    return tr__replay_broken();
}

void tr_replay_breaks(const char *function)
{
    tr__replay_breaks(function);
}

TR__OPAQUE void tr_replay_settle(void)
{
    TR__ENTER();
    struct tr_proc *p = TR__SELF();

    if (tr__replay_on)
        tr__replay_settle(&p->runnable);
    tr__yield_now(p);
}

static uint64_t outside_random(void)
{
    uint64_t word = 0;

    if (getrandom(&word, sizeof word, 0) != sizeof word)
        word = (uint64_t)tr__clock_real_ns();
    return word;
}

uint64_t tr_random(uint64_t n)
{
    TR__ENTER();
    struct tr_proc *p = tr__self();
    uint64_t word;

    if (!p) {
        tr__replay_breaks("tr_random");
        word = outside_random();
    } else {
        word = tr__replay_on ? tr__replay_random() : tr__worker_random(p->worker);
    }
    return n ? (uint64_t)((unsigned __int128)word * n >> 64) : word;
}
