/* SPDX-License-Identifier: MIT */
/* A program with a shadow stack is refused. Needs a processor and a kernel that have them. */
#include "os/shadow.h"

#include "check_proc.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

TEST(there_is_none_unless_asked_for)
{
    CHECK(!tr__shadow_stack_on());
}

#ifdef __x86_64__

#define ARCH_SHSTK_ENABLE 0x5001

/* Inline, because functions that were open before must not return afterwards. */
static inline __attribute__((always_inline)) long enable(void)
{
    long result;

    __asm__ volatile("syscall"
                     : "=a"(result)
                     : "0"((long)SYS_arch_prctl), "D"((long)ARCH_SHSTK_ENABLE), "S"(1L)
                     : "rcx", "r11", "memory");
    return result;
}

static void nothing(tr_term arg)
{
    (void)arg;
}

enum { NONE = 77 };

TEST(a_program_with_a_shadow_stack_is_refused)
{
    int ends[2], status = 0;
    char text[512] = "";

    CHECK(pipe(ends) == 0);
    pid_t child = fork();
    if (child == 0) {
        dup2(ends[1], STDERR_FILENO);
        if (enable() != 0)
            _exit(NONE);
        _exit(tr_main(0, NULL, nothing));
    }
    close(ends[1]);
    ssize_t n = read(ends[0], text, sizeof text - 1);
    CHECK(n >= 0);
    CHECK_INT(waitpid(child, &status, 0), child);
    if (WIFEXITED(status) && WEXITSTATUS(status) == NONE)
        SKIP("no shadow stacks on this machine");
    CHECK(WIFEXITED(status) && WEXITSTATUS(status) == 1);
    CHECK(strstr(text, "cannot start: this program has a shadow stack"));
}

#endif
