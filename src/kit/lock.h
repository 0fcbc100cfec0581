/* SPDX-License-Identifier: MIT */
#ifndef KIT_LOCK_H
#define KIT_LOCK_H

/*
 * A lock for a few instructions without a call into the library, so that no process is switched
 * away while it holds it. Signals are blocked meanwhile: a process may be killed in the middle of
 * code that is linked into the program, and would leave the lock locked.
 */
#include <pthread.h>
#include <signal.h>

static inline void tr__kit_lock(pthread_mutex_t *lock, sigset_t *before)
{
    sigset_t all;

    sigfillset(&all);
    pthread_sigmask(SIG_BLOCK, &all, before);
    pthread_mutex_lock(lock);
}

static inline void tr__kit_unlock(pthread_mutex_t *lock, const sigset_t *before)
{
    pthread_mutex_unlock(lock);
    pthread_sigmask(SIG_SETMASK, before, NULL);
}

#endif
