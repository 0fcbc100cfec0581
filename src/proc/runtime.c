/* SPDX-License-Identifier: MIT */
/*
 * tr_main: the runtime from start to stop.
 *
 * The first process ends the program: as part of its own end it kills all others and waits until
 * they are gone, with their clean-up done; then the workers stop. The wait has a deadline, so that
 * a process that hangs in its clean-up cannot keep the program from ending.
 */
#include "troupe/runtime.h"
#include "base/clock.h"
#include "base/fault.h"
#include "os/cpu.h"
#include "proc/caps.h"
#include "proc/contain.h"
#include "proc/proc.h"
#include "proc/replay.h"
#include "sched/poll.h"
#include "sched/sched.h"
#include "term/raise.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define STOP_SECONDS 10
#define STOP_LOOK_MS 20

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

void tr__processes_print(const struct tr_proc *self)
{
    uint32_t end = tr__slot_end();

    for (uint32_t i = 1; i < end; i++) {
        struct tr_proc *p = tr__slot_at(i);
        uint64_t id = atomic_load_explicit(&p->id, memory_order_acquire);
        if (id && p != self)
            fprintf(stderr, "  <0.%u.%llu> %s\n", i, (unsigned long long)TR__PID_GENERATION(id),
                    p->site);
    }
}

static bool is_abnormal(uint64_t reason)
{
    tr_term why;

    return reason != TR_ATOM_W(normal) && reason != TR_ATOM_W(shutdown) &&
           !tr_match((tr_term){ reason }, TR_ATOM(shutdown), &why);
}

static void report(uint64_t reason)
{
    char text[1024];

    tr_print_to(text, sizeof text, (tr_term){ reason });
    fflush(stdout);
    fprintf(stderr, "troupe: the first process ended with reason %s\n", text);
}

TR__OPAQUE void tr__main_ended(struct tr_proc *p)
{
    int64_t deadline = tr__clock_ns() + STOP_SECONDS * TR__NS_PER_S;

    runtime.failed = is_abnormal(p->reason);
    if (runtime.failed)
        report(p->reason);
    atomic_store(&runtime.stopping, p);
    while (tr__proc_count() > 1 && tr__clock_ns() < deadline) {
        kill_others(p);
        /* Woken by the last one that ends; looks again for those that were started meanwhile. */
        p->wake_at = tr__clock_ns() + STOP_LOOK_MS * TR__NS_PER_MS;
        if (tr__proc_count() > 1)
            tr__wait(p);
    }
    if (tr__proc_count() > 1) {
        fprintf(stderr, "troupe: these processes did not end in time:\n");
        tr__processes_print(p);
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

int tr_schedulers_online(void)
{
    return tr__worker_count();
}

bool tr_in_process(void)
{
    return tr__self() != NULL;
}

static int cannot_start(tr_err err)
{
    fprintf(stderr, "troupe: cannot start: %s\n", tr_strerror(err));
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

int tr_main(int argc, char **argv, tr_process_fn body)
{
    tr__raise_set_hook(tr__raise_in_process);
    tr__heap_set_guard(tr__caps_heap_room);
    runtime.failed = false;
    tr__replay_prepare();
    tr__contain_start();
    tr_err err = tr__sched_start(worker_count());
    if (err) {
        tr__contain_stop();
        tr__replay_finish();
        return cannot_start(err);
    }
    err = start_first(argc, argv, body);
    if (err)
        tr__sched_stop();
    tr__sched_run();
    tr__poll_stop();
    tr__contain_stop();
    tr__timers_fini();
    tr__proc_count_reset();
    tr__replay_finish();
    tr__first_process_is(0);
    if (err)
        return cannot_start(err);
    return runtime.failed ? 1 : 0;
}
