/* SPDX-License-Identifier: MIT */
/* What is said of a thread that computes, and of one in the kernel. */
#define _GNU_SOURCE
#include "os/syscalls.h"

#include "check.h"

#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <unistd.h>

static int channel[2];
static _Atomic(pid_t) tid;
static atomic_bool go_on;

static void *blocks_in_read(void *arg)
{
    char c;

    (void)arg;
    atomic_store(&tid, gettid());
    CHECK_INT(read(channel[0], &c, 1), 1);
    return NULL;
}

static void *pauses(void *arg)
{
    (void)arg;
    atomic_store(&tid, gettid());
    while (atomic_load(&go_on))
        sigsuspend(&(sigset_t){ 0 });
    return NULL;
}

static void *computes(void *arg)
{
    (void)arg;
    atomic_store(&tid, gettid());
    while (atomic_load(&go_on))
        ;
    return NULL;
}

static const char *seen(void)
{
    static char text[96];

    tr__syscall_text(atomic_load(&tid), text, sizeof text);
    return text;
}

static pthread_t start(void *(*fn)(void *))
{
    pthread_t thread;

    if (access("/proc/self/syscall", R_OK) != 0)
        SKIP("the kernel does not tell");
    atomic_store(&go_on, true);
    CHECK_INT(pthread_create(&thread, NULL, fn, NULL), 0);
    CHECK_WITHIN(5000, atomic_load(&tid) != 0);
    return thread;
}

TEST(a_blocked_read_is_named_with_its_descriptor)
{
    CHECK_NO_EMULATOR();
    char want[64];

    CHECK_INT(pipe(channel), 0);
    pthread_t thread = start(blocks_in_read);
    snprintf(want, sizeof want, "is blocked in read of descriptor %d", channel[0]);
    CHECK_WITHIN(5000, strcmp(seen(), want) == 0);
    CHECK_INT(write(channel[1], "x", 1), 1);
    pthread_join(thread, NULL);
}

TEST(a_call_that_has_no_name_is_a_number)
{
    start(pauses);
    CHECK_WITHIN(5000, strncmp(seen(), "is blocked in system call ", 26) == 0);
}

TEST(a_thread_that_computes_runs)
{
    pthread_t thread = start(computes);

    CHECK_WITHIN(5000, strcmp(seen(), "runs") == 0);
    atomic_store(&go_on, false);
    pthread_join(thread, NULL);
}

TEST(of_a_thread_that_is_none_nothing_is_known)
{
    atomic_store(&tid, 0);
    CHECK_STR(seen(), "runs or is blocked");
}
