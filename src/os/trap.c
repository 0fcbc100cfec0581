/* SPDX-License-Identifier: MIT */
/* The handlers, the stacks they run on, and what is done to an interrupted context. */
#define _GNU_SOURCE
#include "os/trap.h"

#include "base/compiler.h"
#include "os/pages.h"

#include <errno.h>
#include <setjmp.h>
#include <signal.h>
#include <stddef.h>
#include <string.h>
#include <sys/syscall.h>
#include <ucontext.h>
#include <unistd.h>

/* Room for the widest registers and an unwinder. */
#define HANDLER_STACK (64u * 1024u)

/* Two signals for one purpose: SA_RESTART belongs to the handler, not to who sends. */
#define KICK_GENTLY SIGURG
#define KICK_HARD   (SIGRTMAX - 3)

static const int faulting[] = { SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGABRT };
enum { NFAULTING = sizeof faulting / sizeof *faulting };

static struct {
    struct tr_trap_hooks hooks;
    struct sigaction before[NFAULTING], before_gently, before_hard;
    bool faults, kicks; /* are installed */
} traps;

/* Where to go on when what this thread tries causes a fault. */
static __thread jmp_buf *volatile attempt;

static struct tr_trap describe(int signal, const siginfo_t *info, void *context)
{
    bool has_address = signal == SIGSEGV || signal == SIGBUS;

    return (struct tr_trap){
        .signal = signal,
        /* abort sends its signal to itself. */
        .sent = info->si_code <= 0 && !(signal == SIGABRT && info->si_pid == getpid()),
        .address = has_address ? (uintptr_t)info->si_addr : 0,
        .context = context,
    };
}

static const struct sigaction *before(int signal)
{
    for (int i = 0; i < NFAULTING; i++)
        if (faulting[i] == signal)
            return &traps.before[i];
    return signal == KICK_GENTLY ? &traps.before_gently : &traps.before_hard;
}

/* Calls the handler that was there before us; false when there was none. */
static bool pass_on(int signal, siginfo_t *info, void *context)
{
    const struct sigaction *old = before(signal);

    if (old->sa_flags & SA_SIGINFO) {
        old->sa_sigaction(signal, info, context);
        return true;
    }
    if (old->sa_handler == SIG_DFL || old->sa_handler == SIG_IGN)
        return false;
    old->sa_handler(signal);
    return true;
}

/* Lets the signal do what it does by default: at once when it was sent, at the next try of the
   instruction that caused it otherwise. */
static void give_up(int signal, bool sent)
{
    struct sigaction by_default = { .sa_handler = SIG_DFL };

    sigaction(signal, &by_default, NULL);
    if (sent || signal == SIGABRT)
        syscall(SYS_tgkill, getpid(), (pid_t)syscall(SYS_gettid), signal);
}

bool tr__trap_try(void (*fn)(void *), void *arg)
{
    jmp_buf here;

    attempt = &here;
    /* Without the signal mask: the handler of a fault masks no faults. */
    bool ok = _setjmp(here) == 0;
    if (ok)
        fn(arg);
    attempt = NULL;
    return ok;
}

static void on_fault(int signal, siginfo_t *info, void *context)
{
    struct tr_trap trap = describe(signal, info, context);
    int saved = errno;

    if (attempt && !trap.sent)
        _longjmp(*attempt, 1);

    if (!trap.sent && traps.hooks.fault(&trap)) {
        errno = saved;
        return;
    }
    if (!pass_on(signal, info, context)) {
        traps.hooks.last(&trap);
        give_up(signal, trap.sent);
    }
    errno = saved;
}

static void on_kick(int signal, siginfo_t *info, void *context)
{
    struct tr_trap trap = describe(signal, info, context);
    int saved = errno;

    traps.hooks.kick(&trap);
    /* SIGURG also says that urgent data has come to a socket. */
    if (info->si_code != SI_TKILL)
        pass_on(signal, info, context);
    errno = saved;
}

static void install(int signal, void (*handler)(int, siginfo_t *, void *), int flags,
                    struct sigaction *old)
{
    struct sigaction ours = { .sa_sigaction = handler, .sa_flags = SA_SIGINFO | flags };

    /* What a kick interrupts must be the process, never a handler. */
    sigaddset(&ours.sa_mask, KICK_GENTLY);
    sigaddset(&ours.sa_mask, KICK_HARD);
    sigaction(signal, &ours, old);
}

void tr__trap_install(const struct tr_trap_hooks *hooks, bool faults)
{
    traps.hooks = *hooks;
    traps.faults = faults;
    traps.kicks = true;
    for (int i = 0; faults && i < NFAULTING; i++)
        install(faulting[i], on_fault, SA_ONSTACK | SA_NODEFER, &traps.before[i]);
    install(KICK_GENTLY, on_kick, SA_ONSTACK | SA_RESTART, &traps.before_gently);
    install(KICK_HARD, on_kick, SA_ONSTACK, &traps.before_hard);
}

static void put_back(int signal, void (*handler)(int, siginfo_t *, void *),
                     const struct sigaction *old)
{
    struct sigaction now;

    if (sigaction(signal, NULL, &now) == 0 && now.sa_flags & SA_SIGINFO &&
        now.sa_sigaction == handler)
        sigaction(signal, old, NULL);
}

void tr__trap_remove(void)
{
    for (int i = 0; traps.faults && i < NFAULTING; i++)
        put_back(faulting[i], on_fault, &traps.before[i]);
    if (traps.kicks) {
        put_back(KICK_GENTLY, on_kick, &traps.before_gently);
        put_back(KICK_HARD, on_kick, &traps.before_hard);
    }
    traps.faults = traps.kicks = false;
}

/* --- threads --- */

static void unmask(void)
{
    sigset_t set;

    sigemptyset(&set);
    for (int i = 0; i < NFAULTING; i++)
        sigaddset(&set, faulting[i]);
    sigaddset(&set, KICK_GENTLY);
    sigaddset(&set, KICK_HARD);
    pthread_sigmask(SIG_UNBLOCK, &set, NULL);
}

bool tr__trap_thread_begin(void)
{
    stack_t stack = { .ss_size = HANDLER_STACK };

    stack.ss_sp = tr__pages_map(HANDLER_STACK, TR__PAGE);
    if (!stack.ss_sp)
        return false;
    sigaltstack(&stack, NULL);
    unmask();
    return true;
}

void tr__trap_thread_end(void)
{
    stack_t none = { .ss_flags = SS_DISABLE };
    stack_t stack = { 0 };
    sigset_t all;

    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, NULL);
    sigaltstack(&none, &stack);
    if (!(stack.ss_flags & SS_DISABLE))
        tr__pages_unmap(stack.ss_sp, stack.ss_size);
}

void tr__trap_kick(pid_t thread, bool interrupt)
{
    int saved = errno;

    syscall(SYS_tgkill, getpid(), thread, interrupt ? KICK_HARD : KICK_GENTLY);
    errno = saved;
}

/* --- contexts --- */

#if defined(__x86_64__) || defined(__aarch64__)
void tr__landing(void) __attribute__((visibility("hidden")));
#endif
static void (*landing_fn)(void *);

/* Called where a return came to the landing, from assembly only. */
void tr__trap_landed(void) __attribute__((visibility("hidden"), used));

void tr__trap_landed(void)
{
    landing_fn(NULL);
}

#if defined(__x86_64__)

/* Aligns the stack as a call would. Unwinders find the end of the stack here, and look for it one
   byte before the return address: hence the nop. Where shadow stacks are on, no return may come
   here. */
__asm__(".pushsection .text\n"
        ".globl tr__landing\n"
        ".hidden tr__landing\n"
        ".type tr__landing, @function\n"
        ".cfi_startproc\n\t"
        ".cfi_undefined rip\n\t"
        "nop\n"
        "tr__landing:\n\t"
        "andq $-16, %rsp\n\t"
        "xorl %ebp, %ebp\n\t"
        "pushq $0\n\t"
        "jmp tr__trap_landed\n"
        ".cfi_endproc\n"
        ".size tr__landing, . - tr__landing\n"
        ".popsection");

uintptr_t tr__trap_pc(const void *context)
{
    return (uintptr_t)((const ucontext_t *)context)->uc_mcontext.gregs[REG_RIP];
}

uintptr_t tr__trap_sp(const void *context)
{
    return (uintptr_t)((const ucontext_t *)context)->uc_mcontext.gregs[REG_RSP];
}

uintptr_t tr__trap_caller(const void *context)
{
    return *(const uintptr_t *)tr__trap_sp(context);
}

void tr__trap_redirect(void *context, void (*fn)(void *), void *arg, void *top)
{
    greg_t *regs = ((ucontext_t *)context)->uc_mcontext.gregs;
    /* As after a call: the return address, here none, at a multiple of 16 less 8. */
    uint64_t *sp = (uint64_t *)((uintptr_t)top & ~(uintptr_t)15) - 1;

    *sp = 0;
    regs[REG_RSP] = (greg_t)(uintptr_t)sp;
    regs[REG_RIP] = (greg_t)(uintptr_t)fn;
    regs[REG_RDI] = (greg_t)(uintptr_t)arg;
    regs[REG_RBP] = 0;
    regs[REG_EFL] &= ~(greg_t)0x400; /* the calling convention wants the direction flag clear */
}

#elif defined(__aarch64__)

__asm__(".pushsection .text\n"
        ".globl tr__landing\n"
        ".hidden tr__landing\n"
        ".type tr__landing, %function\n"
        ".cfi_startproc\n\t"
        ".cfi_undefined x30\n\t"
        "nop\n"
        "tr__landing:\n\t"
        "mov x29, xzr\n\t"
        "mov x30, xzr\n\t"
        "b tr__trap_landed\n"
        ".cfi_endproc\n"
        ".size tr__landing, . - tr__landing\n"
        ".popsection");

uintptr_t tr__trap_pc(const void *context)
{
    return (uintptr_t)((const ucontext_t *)context)->uc_mcontext.pc;
}

uintptr_t tr__trap_sp(const void *context)
{
    return (uintptr_t)((const ucontext_t *)context)->uc_mcontext.sp;
}

uintptr_t tr__trap_caller(const void *context)
{
    return (uintptr_t)((const ucontext_t *)context)->uc_mcontext.regs[30];
}

void tr__trap_redirect(void *context, void (*fn)(void *), void *arg, void *top)
{
    mcontext_t *m = &((ucontext_t *)context)->uc_mcontext;

    m->sp = (uintptr_t)top & ~(uintptr_t)15;
    m->pc = (uintptr_t)fn;
    m->regs[0] = (uintptr_t)arg;
    m->regs[29] = 0; /* frame pointer */
    m->regs[30] = 0; /* return address */
}

#else

uintptr_t tr__trap_pc(const void *context)
{
    (void)context;
    return 0; /* nobody's code: nothing is contained on this kind of processor */
}

uintptr_t tr__trap_sp(const void *context)
{
    (void)context;
    return 0;
}

uintptr_t tr__trap_caller(const void *context)
{
    (void)context;
    return 0;
}

void tr__trap_redirect(void *context, void (*fn)(void *), void *arg, void *top)
{
    (void)context;
    (void)fn;
    (void)arg;
    (void)top;
}

static void tr__landing(void)
{
}

#endif

const void *tr__trap_landing(void (*fn)(void *))
{
    landing_fn = fn;
    return (const void *)(uintptr_t)tr__landing;
}
