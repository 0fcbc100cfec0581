/* SPDX-License-Identifier: MIT */
/*
 * Process-local storage: a pointer for each process under a common key, as pthread_getspecific has
 * one for each thread.
 *
 *     static tr_local buffer;                         made once: tr_local_new(&buffer, free)
 *
 *     char *mine = tr_local_get(buffer);
 *     if (!mine)
 *         tr_local_set(buffer, mine = malloc(4096));
 *
 * A variable of a thread (_Thread_local) is of no use to a process: others run on the same thread,
 * and it may go on on another one after any call into the library.
 */
#ifndef TROUPE_LOCAL_H
#define TROUPE_LOCAL_H

#include <stddef.h>
#include <stdint.h>

#include "troupe/error.h"
#include "troupe/version.h"

TR_HEADER_BEGIN

#define TR_LOCAL_MAX 1024

/* A key; one of all zeros is none. */
typedef struct tr_local {
    uint32_t n;
} tr_local;

/*
 * Makes a key, for all processes and for ever. When a process ends that holds a value other than
 * NULL, destructor(value) runs on it, like a function registered by tr_defer at the first
 * tr_local_set of the process; an exit in it skips the others. The destructor may be NULL.
 * TR_ELIMIT after TR_LOCAL_MAX keys. Any thread. (pthread_key_create)
 */
TR_MUST_USE tr_err tr_local_new(tr_local *key, void (*destructor)(void *));

/* The caller's value, NULL at first. Constant time. A key that is none ends the caller with badarg.
   Process only. */
void *tr_local_get(tr_local key);

/* Sets it; the value before is forgotten, not destroyed. Constant time but for the first time.
   Without memory the caller ends with out_of_memory. Process only. */
void tr_local_set(tr_local key, void *value);

TR_HEADER_END

#endif
