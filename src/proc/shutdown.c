/* SPDX-License-Identifier: MIT */
/*
 * The guard's thread: asks, waits, names who did not come, forces.
 *
 * It takes no lock that a process of the program can hold, and prints past stdio.
 */
#define _GNU_SOURCE
#include "proc/shutdown.h"

#include "base/clock.h"
#include "base/fault.h"
#include "os/futex.h"
#include "os/name.h"
#include "os/quit.h"
#include "proc/proc.h"
#include "proc/survivors.h"

#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <unistd.h>

#define LIMIT_NS (10 * TR__NS_PER_S)
#define MS_MAX   (INT64_C(1) << 42) /* longer is for ever */
#define KILL_NS  (1 * TR__NS_PER_S) /* how long the killed have for their clean-up */

static struct {
    _Atomic uint32_t word;    /* futex: changes with everything below */
    _Atomic uint32_t signals; /* how many have come */
    _Atomic int64_t deadline; /* TR__NEVER until the stop begins */
    _Atomic bool finished;
    _Atomic bool forced;
    int64_t limit; /* ns from the begin of the stop to its deadline; TR__NEVER */
    pthread_t thread;
} guard;

static void changed(void)
{
    atomic_fetch_add(&guard.word, 1);
    tr__futex_wake(&guard.word, 1);
}

bool tr__shutdown_asked(void)
{
    return atomic_load(&guard.signals) > 0;
}

bool tr__shutdown_forced(void)
{
    return atomic_load(&guard.forced);
}

void tr__shutdown_begin(void)
{
    int64_t never = TR__NEVER;
    int64_t deadline = guard.limit == TR__NEVER ? TR__NEVER : tr__clock_real_ns() + guard.limit;

    atomic_compare_exchange_strong(&guard.deadline, &never, deadline);
    changed();
}

/* In a signal handler. The second signal is for the guard; should even that hang, the third ends
   the program on the spot. */
static void on_signal(int signal)
{
    (void)signal;
    if (atomic_fetch_add(&guard.signals, 1) >= 2)
        _exit(TR_STATUS_FORCED);
    changed();
}

static void send_exit(uint64_t pid, uint64_t reason)
{
    struct tr_sig *sig = tr__sig_exit(pid, TR__RUNTIME_PID, reason, 0);

    if (sig)
        tr__sig_send_exit(sig);
}

static void kill_all(void)
{
    uint32_t end = tr__slot_end();

    for (uint32_t i = 1; i < end; i++) {
        struct tr_proc *p = tr__slot_at(i);
        uint64_t id = atomic_load_explicit(&p->id, memory_order_acquire);
        if (id)
            send_exit(id, TR_ATOM_W(kill));
    }
}

/* What still runs cannot be made to leave its code, so the whole program ends. */
static _Noreturn void abandon(const char *why)
{
    dprintf(STDERR_FILENO, "troupe: %s: ends at once; what still runs:\n", why);
    tr__survivors_print();
    _exit(TR_STATUS_FORCED);
}

static void on_deadline(void)
{
    if (atomic_load(&guard.forced))
        abandon("processes that were killed go on");
    dprintf(STDERR_FILENO, "troupe: not stopped within %lld ms; killed are:\n",
            (long long)(guard.limit / TR__NS_PER_MS));
    tr__survivors_print();
    atomic_store(&guard.forced, true);
    atomic_store(&guard.deadline, tr__clock_real_ns() + KILL_NS);
    kill_all();
}

static void *guard_main(void *arg)
{
    bool asked = false;

    (void)arg;
    tr__thread_name("troupe/stop");
    for (;;) {
        uint32_t word = atomic_load(&guard.word);
        if (atomic_load(&guard.finished))
            return NULL;
        uint32_t signals = atomic_load(&guard.signals);
        if (signals > 1)
            abandon("a second signal");
        if (signals == 1 && !asked && tr__first_process()) {
            asked = true;
            tr__shutdown_begin();
            send_exit(tr__first_process(), TR_ATOM_W(shutdown));
            continue;
        }
        int64_t deadline = atomic_load(&guard.deadline);
        int64_t left = deadline == TR__NEVER ? -1 : deadline - tr__clock_real_ns();
        if (deadline != TR__NEVER && left <= 0)
            on_deadline();
        else
            tr__futex_wait(&guard.word, word, left);
    }
}

static int64_t limit_of(const struct tr_main_opts *opts)
{
    if (opts->stop_ms == 0)
        return LIMIT_NS;
    if (opts->stop_ms == TR_INFINITY || opts->stop_ms > MS_MAX)
        return TR__NEVER;
    return opts->stop_ms * TR__NS_PER_MS;
}

tr_err tr__shutdown_start(const struct tr_main_opts *opts)
{
    sigset_t all, before;

    atomic_store(&guard.signals, 0);
    atomic_store(&guard.deadline, TR__NEVER);
    atomic_store(&guard.finished, false);
    atomic_store(&guard.forced, false);
    guard.limit = limit_of(opts);
    if (tr__fault())
        return TR_ESYS;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    int failed = pthread_create(&guard.thread, NULL, guard_main, NULL);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    if (failed)
        return TR_ESYS;
    if (!opts->keep_signals)
        tr__quit_take(on_signal);
    return TR_OK;
}

void tr__shutdown_first_is_there(void)
{
    changed();
}

void tr__shutdown_finish(void)
{
    tr__quit_return();
    atomic_store(&guard.finished, true);
    changed();
    pthread_join(guard.thread, NULL);
}
