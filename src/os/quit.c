/* SPDX-License-Identifier: MIT */
/*
 * Handlers, and not threads that wait for blocked signals: a blocked signal stays blocked in the
 * programs that a process starts, and a thread of the program that does not block it would still
 * die of it.
 */
#include "os/quit.h"

#include "base/compiler.h"

#include <errno.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>

static struct {
    int signal;
    bool taken;
    struct sigaction before;
} quits[] = { { .signal = SIGTERM }, { .signal = SIGINT } };

#define NQUITS (sizeof quits / sizeof *quits)

static void (*_Atomic callback)(int signal);

static void handler(int signal)
{
    int saved = errno;

    atomic_load (&callback)(signal);
    errno = saved;
}

/* ThreadSanitizer calls handlers late, when the thread next calls something it knows: a thread that
   sleeps must wake up for that. */
#ifdef TR__TSAN
#define FLAGS SA_ONSTACK
#else
#define FLAGS (SA_RESTART | SA_ONSTACK)
#endif

void tr__quit_take(void (*fn)(int signal))
{
    struct sigaction ours = { .sa_handler = handler, .sa_flags = FLAGS };

    atomic_store(&callback, fn);
    sigemptyset(&ours.sa_mask);
    for (size_t i = 0; i < NQUITS; i++) {
        sigaction(quits[i].signal, NULL, &quits[i].before);
        quits[i].taken = quits[i].before.sa_handler == SIG_DFL;
        if (quits[i].taken)
            sigaction(quits[i].signal, &ours, NULL);
    }
}

void tr__quit_return(void)
{
    for (size_t i = 0; i < NQUITS; i++) {
        struct sigaction now;
        sigaction(quits[i].signal, NULL, &now);
        if (quits[i].taken && now.sa_handler == handler)
            sigaction(quits[i].signal, &quits[i].before, NULL);
        quits[i].taken = false;
    }
}
