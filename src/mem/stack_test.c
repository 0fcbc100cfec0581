/* SPDX-License-Identifier: MIT */
/* Stacks: guarded, reused last-in first-out, and given back to the system when too many. */
#include "mem/stack.h"

#include "base/fault.h"
#include "check.h"
#include "os/pages.h"

#include <signal.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

static struct tr_stack_cache cache;

static char *bottom(struct tr_stack *s)
{
    return tr__stack_bottom(s);
}

static char *top(struct tr_stack *s)
{
    return tr__stack_top(s);
}

TEST(a_stack_has_the_size_asked_for)
{
    for (size_t size = 1; size <= (size_t)1 << 24; size = size * 3 + 5) {
        struct tr_stack *s = tr__stack_get(&cache, size);
        CHECK(s != NULL);
        /* The guards and the record take a few pages of the power of two. */
        CHECK((size_t)(top(s) - bottom(s)) + 6 * TR__PAGE >= size);
        *bottom(s) = *(top(s) - 1) = 1;
        tr__stack_put(&cache, s);
    }
    struct tr_stack *s = tr__stack_get(&cache, 0);
    CHECK(top(s) - bottom(s) > (ptrdiff_t)(TR__STACK_DEFAULT - 6 * TR__PAGE));
}

TEST(below_the_bottom_is_a_page_that_faults)
{
    struct tr_stack *s = tr__stack_get(&cache, 0);
    int status;

    for (unsigned i = 1; i <= TR__PAGE; i += TR__PAGE - 1) {
        pid_t child = fork();
        if (child == 0) {
            signal(SIGSEGV, SIG_DFL);
            *(volatile char *)(bottom(s) - i) = 1;
            _exit(0);
        }
        CHECK(waitpid(child, &status, 0) == child);
        CHECK(WIFSIGNALED(status) && WTERMSIG(status) == SIGSEGV);
    }
}

TEST(the_reserve_can_be_used_once_and_is_guarded_again_afterwards)
{
    struct tr_stack *s = tr__stack_get(&cache, 0);
    char *below = bottom(s) - 1;
    int status;

    CHECK(tr__stack_guards(s, (uintptr_t)below));
    CHECK(!tr__stack_guards(s, (uintptr_t)bottom(s)));
    CHECK(tr__stack_open(s));
    CHECK(!tr__stack_open(s));
    *below = 1;
    tr__stack_put(&cache, s);
    CHECK(tr__stack_get(&cache, 0) == s);
    pid_t child = fork();
    if (child == 0) {
        signal(SIGSEGV, SIG_DFL);
        *(volatile char *)below = 1;
        _exit(0);
    }
    CHECK(waitpid(child, &status, 0) == child);
    CHECK(WIFSIGNALED(status) && WTERMSIG(status) == SIGSEGV);
    CHECK(tr__stack_open(s));
    *below = 1;
}

TEST(small_stacks_have_no_reserve)
{
    CHECK(!tr__stack_open(tr__stack_get(&cache, 16384)));
}

TEST(the_warmest_stack_comes_first)
{
    struct tr_stack *s[TR__STACK_HOT + 8];
    int n = TR__STACK_HOT + 8;

    for (int i = 0; i < n; i++)
        s[i] = tr__stack_get(&cache, 0);
    for (int i = 0; i < n; i++)
        tr__stack_put(&cache, s[i]);
    CHECK_INT(cache.count, TR__STACK_HOT);
    for (int i = TR__STACK_HOT; i > 0; i--)
        CHECK(tr__stack_get(&cache, 0) == s[i - 1]);
    for (int i = n; i > TR__STACK_HOT; i--)
        CHECK(tr__stack_get(&cache, 0) == s[i - 1]);
}

TEST(another_size_leaves_the_cache_alone)
{
    struct tr_stack *s = tr__stack_get(&cache, 0);

    tr__stack_put(&cache, s);
    struct tr_stack *big = tr__stack_get(&cache, 1 << 20);
    CHECK(big != s);
    tr__stack_put(&cache, big);
    CHECK_INT(cache.count, 1);
    CHECK(tr__stack_get(&cache, 1 << 20) == big);
    CHECK(tr__stack_get(&cache, 0) == s);
    tr__stack_put(&cache, s);
    tr__stack_cache_flush(&cache);
    CHECK_INT(cache.count, 0);
    CHECK(tr__stack_get(&cache, 0) == s);
}

enum { MANY = 5000, WARM = 4096 + TR__STACK_HOT };

TEST(free_stacks_that_are_not_needed_give_their_memory_back)
{
    static struct tr_stack *s[MANY];
    int kept = 0;

    for (int i = 0; i < MANY; i++) {
        s[i] = tr__stack_get(&cache, 0);
        CHECK(s[i] != NULL);
        *bottom(s[i]) = 1;
        *(top(s[i]) - 64) = 1;
    }
    for (int i = 0; i < MANY; i++)
        tr__stack_put(&cache, s[i]);
    /* They have been needed since the time before this. */
    tr__stacks_age();
    CHECK(!tr__stacks_trim(MANY));
    tr__stacks_age();
    CHECK(tr__stacks_trim(MANY - WARM - 1));
    CHECK(!tr__stacks_trim(MANY));
    for (int i = 0; i < MANY; i++) {
        s[i] = tr__stack_get(&cache, 0);
        CHECK(s[i] != NULL);
        kept += *bottom(s[i]);
    }
    CHECK_INT(kept, WARM);
    /* All are different, cold ones too. */
    for (int i = 0; i < MANY; i++)
        *bottom(s[i]) = 0;
    for (int i = 0; i < MANY; i++) {
        CHECK_INT(*bottom(s[i]), 0);
        *bottom(s[i]) = 1;
    }
}

TEST(without_memory_there_is_no_stack_and_nothing_is_lost)
{
#ifndef TR_FAULTS
    SKIP("injected failures are not built in");
#endif
    struct tr_stack *s = NULL;

    for (int n = 1; !s && n < 10; n++) {
        tr__fault_arm(n);
        s = tr__stack_get(&cache, 1 << 16);
        tr__fault_arm(0);
    }
    CHECK(s != NULL);
    *bottom(s) = 1;
}
