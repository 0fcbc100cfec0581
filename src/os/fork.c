/* SPDX-License-Identifier: MIT */
/*
 * The one thread of the child runs no process any more and counts as one that has lost its worker;
 * so the next call that enters the library takes the slow path, and the fast ones pay nothing.
 */
#include "os/fork.h"

#include "os/quit.h"
#include "os/tls.h"

#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <unistd.h>

enum { STATUS = 126 };

bool tr__is_forked;

static atomic_bool watched;
static pthread_once_t once = PTHREAD_ONCE_INIT;

static void mark(void)
{
    struct tr_tls *tls = tr__tls();

    tr__is_forked = true;
    atomic_store_explicit(&tls->current, NULL, memory_order_relaxed);
    atomic_store_explicit(&tls->lost, TR__LOST, memory_order_relaxed);
    atomic_store_explicit(&tls->inside, false, memory_order_relaxed);
}

/* A signal that comes while the child still has our handlers would be noted, and nobody would act
   on it: it waits until they are gone. */
static __thread sigset_t mask;

static void before(void)
{
    sigset_t all;

    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &mask);
}

static void in_parent(void)
{
    pthread_sigmask(SIG_SETMASK, &mask, NULL);
}

static void in_child(void)
{
    if (atomic_load(&watched)) {
        mark();
        tr__quit_return();
    }
    pthread_sigmask(SIG_SETMASK, &mask, NULL);
}

static void install(void)
{
    pthread_atfork(before, in_parent, in_child);
}

void tr__fork_watch(bool running)
{
    pthread_once(&once, install);
    atomic_store(&watched, running);
}

_Noreturn void tr__fork_refuse(void)
{
    static const char text[] =
        "troupe: this is the child of a fork in a running node, where nothing of the node runs; "
        "it may only call exec or _exit\n";

    if (write(STDERR_FILENO, text, sizeof text - 1) < 0)
        _exit(STATUS);
    _exit(STATUS);
}
