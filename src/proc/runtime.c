/* SPDX-License-Identifier: MIT */
/*
 * tr_main: the runtime from start to stop.
 *
 * The first process ends the program: as part of its own end it kills all others and waits until
 * they are gone, with their clean-up done; then the workers stop. That this does not last for ever
 * is seen to by the guard (shutdown.c).
 */
#include "troupe/runtime.h"
#include "base/clock.h"
#include "base/fault.h"
#include "os/barrier.h"
#include "os/cpu.h"
#include "os/log.h"
#include "os/shadow.h"
#include "proc/caps.h"
#include "proc/contain.h"
#include "proc/proc.h"
#include "proc/replay.h"
#include "proc/shutdown.h"
#include "proc/survivors.h"
#include "sched/poll.h"
#include "sched/sched.h"
#include "term/raise.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define STOP_LOOK_MS 20
#define FLUSH_MS     1000

static struct {
    _Atomic(struct tr_proc *) stopping; /* the first process, once it waits for the others */
    _Atomic(uint64_t) first;            /* its pid */
    bool failed;                        /* it ended with an abnormal reason */
} runtime;

/* Sends a kill to every process but `self`. */
static void kill_others(struct tr_proc *self)
{
    uint32_t end = tr__slot_end();

    for (uint32_t i = 1; i < end; i++) {
        struct tr_proc *p = tr__slot_at(i);
        uint64_t id = atomic_load_explicit(&p->id, memory_order_acquire);
        if (!id || p == self)
            continue;
        struct tr_sig *sig = tr__sig_exit(id, id, TR_ATOM_W(kill), 0);
        if (sig)
            tr__sig_send_exit(sig);
        tr__spend(self, TR__COST_CALL);
    }
}

static bool is_shutdown(uint64_t reason)
{
    tr_term why;

    return reason == TR_ATOM_W(shutdown) || tr_match((tr_term){ reason }, TR_ATOM(shutdown), &why);
}

static void report(uint64_t reason, uint64_t followed)
{
    char text[1024], by[64] = "";

    tr_print_to(text, sizeof text, (tr_term){ reason });
    if (followed)
        tr_print_to(by, sizeof by, (tr_term){ followed });
    fflush(stdout);
    fprintf(stderr, "troupe: the first process ended with reason %s%s%s\n", text,
            followed ? ", as did the linked " : "", by);
}

/* Waits a moment, or until the last of the others has ended. */
static inline void look_again(struct tr_proc *p)
{
    p->wake_at = tr__clock_ns() + STOP_LOOK_MS * TR__NS_PER_MS;
    if (tr__proc_count() > 1)
        tr__wait(p);
}

/* The pids of those linked with the process; *n is 0 without memory for them. */
static uint64_t *linked_with(const struct tr_proc *p, uint32_t *n)
{
    uint64_t *pids = tr__fault() ? NULL : calloc(p->ties.count + 1u, sizeof *pids);

    *n = 0;
    for (const struct tr_tie *t = NULL; pids && (t = tr__ties_next(&p->ties, t));)
        if (t->kind == TR__TIE_LINK)
            pids[(*n)++] = t->key;
    return pids;
}

static bool has_ended(uint64_t pid)
{
    struct tr_proc *p = tr__proc_at(pid);

    return !p || atomic_load_explicit(&p->id, memory_order_acquire) != pid;
}

/* Those linked with the first process are told that it ends, and stop what is theirs in order. */
static inline void stop_linked(struct tr_proc *p)
{
    uint32_t n;
    uint64_t *pids = linked_with(p, &n);

    tr__untie(p, atomic_load_explicit(&p->id, memory_order_relaxed));
    for (uint32_t i = 0; i < n; i++)
        while (!has_ended(pids[i]) && !tr__shutdown_forced())
            look_again(p);
    free(pids);
}

TR__OPAQUE void tr__main_ended(struct tr_proc *p, uint64_t followed)
{
    tr__shutdown_begin();
    if (tr__shutdown_asked() && p->reason == TR_ATOM_W(normal))
        p->reason = TR_ATOM_W(shutdown);
    bool orderly = is_shutdown(p->reason);
    /* Whoever ends a program with shutdown means it. A supervisor that has failed does not. */
    bool fell = followed && !tr__shutdown_asked();
    runtime.failed = orderly ? fell : p->reason != TR_ATOM_W(normal);
    if (runtime.failed)
        report(p->reason, followed);
    atomic_store(&runtime.stopping, p);
    if (orderly)
        stop_linked(p);
    while (tr__proc_count() > 1) {
        kill_others(p);
        /* Those that were started meanwhile are killed in the next round. */
        look_again(p);
    }
    atomic_store(&runtime.stopping, NULL);
    tr__sched_stop();
}

void tr__runtime_process_gone(void)
{
    struct tr_proc *p = atomic_load_explicit(&runtime.stopping, memory_order_acquire);

    if (tr__unlikely(p && tr__proc_count() == 1))
        tr__poke(p);
}

static int worker_count(void)
{
    const char *text = getenv("TROUPE_SCHEDULERS");

    if (text && *text) {
        char *end;
        long n = strtol(text, &end, 10);
        if (*end == '\0' && n >= 1 && n <= TR__MAX_WORKERS)
            return (int)n;
        fprintf(stderr, "troupe: TROUPE_SCHEDULERS=%s is not a number from 1 to %d; ignored\n",
                text, TR__MAX_WORKERS);
    }
    return tr__cpu_count();
}

uint64_t tr__first_process(void)
{
    return atomic_load_explicit(&runtime.first, memory_order_acquire);
}

void tr__first_process_is(uint64_t pid)
{
    atomic_store_explicit(&runtime.first, pid, memory_order_release);
}

tr_pid tr_first_process(void)
{
    return (tr_pid){ tr__first_process() };
}

int tr_schedulers_online(void)
{
    return tr__worker_count();
}

bool tr_in_process(void)
{
    return tr__self() != NULL;
}

static int cannot_start(const char *why)
{
    fprintf(stderr, "troupe: cannot start: %s\n", why);
    return 1;
}

/* The first process, with the arguments as a list of binaries. */
static tr_err start_first(int argc, char **argv, tr_process_fn body)
{
    size_t n = argc > 0 ? (size_t)argc : 0;
    struct tr_arg *items = tr__fault() ? NULL : calloc(n + 1, sizeof *items);

    if (!items)
        return TR_ENOMEM;
    for (size_t i = 0; i < n; i++)
        items[i] = tr__arg_string(argv[i]);
    struct tr_arg list = tr__arg_many(TR__ARG_LIST, items, (uint32_t)n);
    tr_err err = tr__spawn_first(body, &list, 1);
    free(items);
    return err;
}

/* From the start of the scheduler to its end. */
static tr_err run(int argc, char **argv, tr_process_fn body)
{
    tr__heap_set_guard(tr__caps_heap_room);
    tr__replay_prepare();
    tr__contain_start();
    tr__sched.out_of_threads = tr__holders_log;
    tr_err err = tr__sched_start(worker_count());

    if (err) {
        tr__contain_stop();
        tr__replay_finish();
        return err;
    }
    tr__fork_watch(true);
    err = start_first(argc, argv, body);
    if (err)
        tr__sched_stop();
    else
        tr__shutdown_first_is_there();
    tr__sched_run();
    tr__fork_watch(false);
    tr__poll_stop();
    tr__contain_stop();
    tr__timers_fini();
    tr__proc_count_reset();
    tr__replay_finish();
    tr__log_flush(FLUSH_MS);
    return err;
}

int tr_main_opt(int argc, char **argv, tr_process_fn body, const struct tr_main_opts *opts)
{
    static const struct tr_main_opts defaults;

    tr__fork_check();
    opts = opts ? opts : &defaults;
    if (tr__shadow_stack_on())
        return cannot_start("this program has a shadow stack (CET), and processes have stacks of "
                            "their own; run it with GLIBC_TUNABLES=glibc.cpu.x86_shstk=off, or "
                            "link it with -z noshstk");
    if (opts->stop_ms < 0 && opts->stop_ms != TR_INFINITY)
        return cannot_start(tr_strerror(TR_EINVAL));
    tr__raise_set_hook(tr__raise_in_process);
    runtime.failed = false;
    tr__first_process_is(0);
    /* Before the first thread: the kernel takes 10 ms to do it for a program that has several. */
    tr__barrier_prepare();
    tr_err err = tr__shutdown_start(opts);
    if (err)
        return cannot_start(tr_strerror(err));
    err = run(argc, argv, body);
    tr__shutdown_finish();
    if (err)
        return cannot_start(tr_strerror(err));
    if (tr__shutdown_forced())
        return TR_STATUS_FORCED;
    return runtime.failed ? 1 : 0;
}

int tr_main(int argc, char **argv, tr_process_fn body)
{
    return tr_main_opt(argc, argv, body, NULL);
}
