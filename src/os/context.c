/* SPDX-License-Identifier: MIT */
/*
 * The switch as the rest of the library sees it: the raw one of this CPU, with the sanitizers told.
 *
 * AddressSanitizer learns of a switch before and after it; ThreadSanitizer only before, and from
 * a function that it has not instrumented, or its own shadow stack would be left unbalanced.
 */
#define _GNU_SOURCE
#include "os/context.h"

#include <pthread.h>

#if defined(TR__ASAN)
#include <sanitizer/asan_interface.h>
#include <sanitizer/common_interface_defs.h>
#endif

#if defined(TR__TSAN)
#include <sanitizer/tsan_interface.h>
#endif

void tr__context_make(struct tr_context *c, void *bottom, void *top, void (*entry)(void),
                      const struct tr_context_home *home)
{
    c->sp = tr__context_raw_make(top, entry, home->own_words);
#if defined(TR__ASAN)
    c->fake_stack = NULL;
    c->bottom = bottom;
    c->size = (size_t)((char *)top - (char *)bottom);
    /* Functions that its last user never returned from have left their marks. */
    __asan_unpoison_memory_region(bottom, c->size);
#else
    (void)bottom;
#endif
#if defined(TR__TSAN)
    c->fiber = __tsan_create_fiber(0);
#endif
}

void tr__context_of_thread(struct tr_context_home *home)
{
    uint64_t words = tr__context_raw_words();

    *home = (struct tr_context_home){ .words = words, .own_words = words };
#if defined(TR__ASAN)
    pthread_attr_t attr;
    void *bottom = NULL;

    if (pthread_getattr_np(pthread_self(), &attr) == 0) {
        pthread_attr_getstack(&attr, &bottom, &home->context.size);
        pthread_attr_destroy(&attr);
    }
    home->context.bottom = bottom;
#endif
#if defined(TR__TSAN)
    home->context.fiber = __tsan_get_current_fiber();
#endif
}

#if !defined(__x86_64__) || defined(TR__SANITIZED)
TR__INLINED TR__UNSEEN void announce(struct tr_context *from, struct tr_context *to, bool ending)
{
#if defined(TR__ASAN)
    __sanitizer_start_switch_fiber(ending ? NULL : &from->fake_stack, to->bottom, to->size);
#endif
#if defined(TR__TSAN)
    __tsan_switch_to_fiber(to->fiber, 0);
#endif
    (void)from;
    (void)to;
    (void)ending;
}

TR__INLINED TR__UNSEEN void resumed(struct tr_context *from)
{
#if defined(TR__ASAN)
    __sanitizer_finish_switch_fiber(from->fake_stack, NULL, NULL);
#else
    (void)from;
#endif
}

TR__UNSEEN TR__NOINLINE void tr__context_enter(struct tr_context_home *home, struct tr_context *to)
{
    announce(&home->context, to, false);
    tr__context_raw_enter(&home->context.sp, to->sp, &home->words);
    resumed(&home->context);
}

TR__UNSEEN TR__NOINLINE void *tr__context_leave(struct tr_context *from,
                                                struct tr_context_home *home, bool ending)
{
    announce(from, &home->context, ending);
    (void)tr__context_raw_leave(&from->sp, home->context.sp, &home->words, NULL);
    resumed(from);
    return NULL;
}

#endif

void tr__context_entered(struct tr_context *c)
{
#if defined(TR__ASAN)
    __sanitizer_finish_switch_fiber(c->fake_stack, NULL, NULL);
#else
    (void)c;
#endif
}

void tr__context_drop(struct tr_context *c)
{
#if defined(TR__TSAN)
    if (c->fiber)
        __tsan_destroy_fiber(c->fiber);
    c->fiber = NULL;
#endif
    c->sp = NULL;
}
