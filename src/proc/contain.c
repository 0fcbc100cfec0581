/* SPDX-License-Identifier: MIT */
/*
 * Faults, and exit signals to processes that do not come to the library.
 *
 * Both end a process wherever it is, if it may be left there: in the program's own code, and in a
 * few functions of the C library that keep no state, called by the program's own code. Never inside
 * this library, malloc, stdio or any other: see src/os/code.h.
 *
 * The signal handler only looks, and makes the interrupted flow go on in end_of_kicked or
 * end_of_faulted. These run in the process, like any other code of the library: they enter it,
 * which gets the process a worker again if it has lost its own, and end the process.
 *
 * A kick. Who sends an exit signal puts a mark on the receiver, after the signal. The monitor kicks
 * the thread of a marked process every tick. The handler takes the mark away, then looks at the
 * inbox; whatever arrives later brings a mark of its own, so nothing is missed. It reads the
 * inbox like the owner does, since it interrupts the owner, but changes nothing there. If a signal
 * in it ends the process for certain, it puts the mark back until that is done.
 *
 * Where others wait for the end of a function, the handler makes it return into end_of_kicked.
 *
 * A fault. The process ends on a fresh stack, which its thread holds ready: the old one may be
 * full, or the stack pointer wild. The old one stays until the end, since open receive clauses
 * and registered clean-ups may lie on it.
 */
#define _GNU_SOURCE
#include "proc/contain.h"

#include "os/code.h"
#include "os/trace.h"
#include "os/trap.h"
#include "proc/caps.h"
#include "troupe/fault.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define FRAMES    32
#define KICKS_MAX 1000
#define RED_ZONE  256 /* more than any calling convention lets a function use below its pointer */

static struct {
    _Atomic bool off;
    bool certain; /* the program's own code can be told from all other */
} contain;

/* What a process takes with it to the stack it ends on. */
struct fault {
    int signal; /* 0: the stack is full */
    uintptr_t address;
    int nframes;
    void *frames[FRAMES];
};

/* The process whose own code, or code called by it, this thread runs. */
static struct tr_proc *interrupted(void)
{
    struct tr_tls *tls = tr__tls();

    if (atomic_load_explicit(&tls->inside, memory_order_relaxed))
        return NULL;
    return atomic_load_explicit(&tls->current, memory_order_relaxed);
}

/* --- where it may be left --- */

/* How a process stands that a signal has interrupted. */
struct place {
    bool began; /* the first frame of the program's own code was seen */
    bool free;  /* it is the innermost, but for functions that keep no state */
    bool held;  /* a function is open whose end others wait for: malloc, qsort, pthread_once */
    enum tr_code before;
    const void *back;  /* where the outermost function of that kind returns to, */
    const void **slot; /* and where it keeps that; NULL: not found */
};

/* Where a function stored its return address: at the end of its frame, or somewhat below. */
static const void **find_slot(const struct tr_frame *frame)
{
    for (int i = 1; i <= 64; i++)
        if (frame->limit[-i] == frame->back)
            return &frame->limit[-i];
    return NULL;
}

static bool look_at_frame(const struct tr_frame *frame, void *arg)
{
    struct place *place = arg;
    enum tr_code code = tr__code_at(frame->pc);

    if (code == TR__CODE_OWN && !place->began) {
        place->began = true;
        place->free = !place->held && place->before != TR__CODE_LIBRARY;
    }
    if (code == TR__CODE_OWN && place->before == TR__CODE_FOREIGN) {
        place->slot = find_slot(frame);
        place->back = frame->back;
    }
    if (code == TR__CODE_FOREIGN) {
        place->held = true;
        place->slot = NULL;
    }
    place->before = code == TR__CODE_PLAIN && place->held ? TR__CODE_FOREIGN : code;
    return true;
}

static struct place place_of(const struct tr_trap *trap)
{
    struct place place = { .before = TR__CODE_OWN };

    tr__trace_walk(trap->context, look_at_frame, &place);
    return place;
}

/* abort or a failed assert, called by the program's own code: the frames up to there are those of
   raising the signal. */
static bool is_own_abort(void *const *frames, int n)
{
    int i = 1;

    while (i < n && tr__code_at(frames[i]) != TR__CODE_OWN)
        i++;
    return i > 1 && i < n && tr__code_is_abort(frames[i - 1]);
}

/* The stack of the process that an address lies in, guards included; NULL when it lies in none.
   Older ones are in use as well: a clean-up function that faults goes back to the stack it started
   on. */
static struct tr_stack *stack_at(const struct tr_proc *p, uintptr_t address)
{
    for (struct tr_stack *s = p->stack; s; s = s->next)
        if (address - (uintptr_t)s->base < (uintptr_t)1 << s->order)
            return s;
    return NULL;
}

/* The frames of what a trap interrupted. A call through a wild pointer has come to no function, so
   the unwinder finds none; its caller is known all the same. */
static int trace(const struct tr_proc *p, const struct tr_trap *trap, void **frames)
{
    int n = tr__trace_from(trap->context, frames, FRAMES);

    if (trap->address != tr__trap_pc(trap->context) || !stack_at(p, tr__trap_sp(trap->context)))
        return n;
    frames[0] = (void *)(tr__trap_caller(trap->context) - 1);
    return 1;
}

/* The innermost frames are functions that keep no state, then the program's own code or a function
   of this library that holds nothing. */
static bool may_fault(void *const *frames, int n)
{
    int i = 0;

    while (i < n && tr__code_at(frames[i]) == TR__CODE_PLAIN)
        i++;
    enum tr_code code = i < n ? tr__code_at(frames[i]) : TR__CODE_FOREIGN;
    return code == TR__CODE_OWN || (code == TR__CODE_LIBRARY && i == 0);
}

/* --- kicks --- */

/* Would the process die of this signal? Decided as in handle.c, without touching anything. */
static bool is_fatal(struct tr_proc *p, struct tr_sig *sig)
{
    bool down = sig->kind == TR__SIG_DOWN;
    bool linked = sig->flags & TR__SIG_LINKED;

    /* Another one may have fewer words than are read below. */
    if (sig->kind != TR__SIG_EXIT && sig->kind != TR__SIG_END && !(down && linked))
        return false;
    uint64_t from = tr__sig_words(sig)[down ? 4 : 2];
    uint64_t reason = tr__sig_words(sig)[down ? 5 : 3];
    if (sig->to != atomic_load_explicit(&p->id, memory_order_relaxed))
        return false;
    if (sig->flags & TR__SIG_TIMER && !tr__timer_is_on_its_way(sig))
        return false;
    if (reason == TR_ATOM_W(kill) && !linked)
        return true;
    if (p->flags & TR__P_TRAP_EXIT || reason == TR_ATOM_W(normal))
        return false;
    if (!linked)
        return true;
    /* No tie yet: then the link is in the inbox too, before this signal. */
    const struct tr_tie *tie = tr__ties_find(&p->ties, from);
    return !tie || !tie->unlink_id;
}

static void mark(struct tr_proc *p, unsigned marks)
{
    atomic_fetch_or_explicit(&p->runnable.marks, (uint8_t)marks, memory_order_seq_cst);
}

/* The signals of a process with caps wait behind a bell, see caps.h. The interrupted flow does not
   hold the lock, since it is outside the library; where another one does, the next kick looks. */
static bool has_fatal_behind_bell(struct tr_proc *p)
{
    bool fatal = false;

    if (!tr__spin_try(&p->caps_lock)) {
        mark(p, TR__MARK_EXIT);
        return false;
    }
    for (struct tr_sig *sig = tr__caps_of(p)->first; sig && !fatal; sig = sig->next)
        fatal = is_fatal(p, sig);
    tr__spin_unlock(&p->caps_lock);
    return fatal;
}

static bool has_fatal_signal(struct tr_proc *p)
{
    struct tr_sig *sig = atomic_load_explicit(&p->inbox, memory_order_acquire);

    if (p->flags & (TR__P_DYING | TR__P_EXITING))
        return false;
    for (; sig != p->seen; sig = sig->next)
        if (is_fatal(p, sig) || (sig->kind == TR__SIG_BELL && has_fatal_behind_bell(p)))
            return true;
    return false;
}

static enum tr_kick wants_kick(void *current)
{
    struct tr_proc *p = current;
    unsigned marks = atomic_load_explicit(&p->runnable.marks, memory_order_seq_cst);

    if (!marks)
        return TR__KICK_NONE;
    return marks & TR__MARK_DOOMED ? TR__KICK_HARD : TR__KICK_GENTLY;
}

void tr__sig_send_exit(struct tr_sig *sig)
{
    struct tr_proc *p = tr__proc_at(sig->to);

    tr__sig_send(sig);
    if (!p)
        return;
    mark(p, TR__MARK_EXIT);
    tr__monitor_wake();
}

/* Runs in the process, in the place of what was interrupted, or of what it was to return to. */
static _Noreturn void end_of_kicked(void *unused)
{
    (void)unused;
    tr__enter();
    struct tr_proc *p = tr__self();
    if (atomic_load_explicit(&p->runnable.marks, memory_order_relaxed) & TR__MARK_OVERFLOW)
        tr__exit_error(p, TR_ATOM_W(stack_overflow));
    tr__take_signals(p);
    tr__check_dying(p);
    TR__PANIC("a process was interrupted to end, but nothing ends it");
}

/* Makes a function that must come to its end return into end_of_kicked. */
static void end_on_return(const struct place *place)
{
    if (place->slot && *place->slot == place->back)
        *place->slot = tr__trap_landing(end_of_kicked);
}

/* The program's own code loops in a function that a library has called, such as the comparison of
   a qsort: the library has not come to its end for a thousand kicks, and never may. */
static bool has_waited_long(const struct tr_proc *p)
{
    static __thread const struct tr_proc *whom;
    static __thread int kicks;

    if (whom != p)
        kicks = 0;
    whom = p;
    return ++kicks > KICKS_MAX;
}

static void on_kick(const struct tr_trap *trap)
{
    struct tr_proc *p = interrupted();

    if (!p || !contain.certain)
        return;
    unsigned marks =
        atomic_fetch_and_explicit(&p->runnable.marks, TR__MARK_OVERFLOW, memory_order_seq_cst);
    if (!(marks & TR__MARK_OVERFLOW) && !has_fatal_signal(p))
        return;
    mark(p, TR__MARK_EXIT | TR__MARK_DOOMED);
    struct place place = place_of(trap);
    if (place.free && (!place.held || has_waited_long(p)))
        tr__trap_redirect(trap->context, end_of_kicked, NULL,
                          (void *)(tr__trap_sp(trap->context) - RED_ZONE));
    else if (place.held)
        end_on_return(&place);
}

/* --- faults --- */

static const struct {
    int signal;
    uint64_t atom;
} signal_atoms[] = {
    { SIGSEGV, TR_ATOM_W(sigsegv) }, { SIGBUS, TR_ATOM_W(sigbus) },   { SIGFPE, TR_ATOM_W(sigfpe) },
    { SIGILL, TR_ATOM_W(sigill) },   { SIGABRT, TR_ATOM_W(sigabrt) },
};

static uint64_t signal_atom(int signal)
{
    for (size_t i = 0; i < sizeof signal_atoms / sizeof *signal_atoms; i++)
        if (signal_atoms[i].signal == signal)
            return signal_atoms[i].atom;
    return TR_ATOM_W(undefined);
}

/* {fault, Signal, Address, [Where]}, or stack_overflow. */
static uint64_t reason_of(const struct fault *fault)
{
    tr_term frames = tr_nil();
    char text[256];

    if (fault->signal == 0)
        return TR_ATOM_W(stack_overflow);
    for (int i = fault->nframes; i-- > 0;) {
        tr__trace_name(fault->frames[i], text, sizeof text);
        frames = tr_list_push(frames, tr_build((const char *)text));
    }
    return tr_build(TR_ATOM(fault), (tr_atom){ signal_atom(fault->signal) },
                    (uint64_t)fault->address, frames)
        .w;
}

/* Runs in the process, on the stack it ends on; the argument lies at that stack's top. */
static _Noreturn void end_of_faulted(void *arg)
{
    const struct fault *fault = arg;

    tr__enter();
    /* For the next one: this process may fault again in its clean-up, or let others run. */
    tr__thread_restock(tr__thread());
    struct tr_proc *p = tr__self();
    tr__report_trace(p, fault->frames, fault->nframes);
    tr__exit_error(p, reason_of(fault));
}

/* Gives the process a fresh stack, with the fault at its top; NULL when there is none. */
static struct fault *change_stack(struct tr_proc *p)
{
    struct tr_thread *t = tr__thread();
    struct tr_stack *fresh = t->reserve;

    if (!fresh)
        return NULL;
    t->reserve = NULL;
    fresh->next = p->stack;
    p->stack = fresh;
    return (struct fault *)(void *)(((uintptr_t)tr__stack_top(fresh) - sizeof(struct fault)) &
                                    ~(uintptr_t)63);
}

static bool end_by_fault(struct tr_proc *p, const struct tr_trap *trap, bool overflow,
                         void *const *frames, int n)
{
    struct fault *fault = change_stack(p);

    if (!fault)
        return false;
    fault->signal = overflow ? 0 : trap->signal;
    fault->address = trap->address;
    fault->nframes = n;
    memcpy(fault->frames, frames, (size_t)n * sizeof *frames);
    tr__trap_redirect(trap->context, end_of_faulted, fault, fault);
    return true;
}

/* The stack is full inside a function that must come to its end: it gets the reserve. In this
   library that is all that can be done now; the process is kicked from then on. */
static bool let_finish(struct tr_proc *p, struct tr_stack *full, const struct tr_trap *trap)
{
    if (!tr__stack_open(full))
        return false;
    mark(p, TR__MARK_OVERFLOW);
    if (!interrupted()) {
        tr__monitor_wake();
    } else {
        struct place place = place_of(trap);
        end_on_return(&place);
    }
    return true;
}

static bool on_fault(const struct tr_trap *trap)
{
    struct tr_proc *p = interrupted();
    struct tr_proc *current = tr__self();
    void *frames[FRAMES];
    struct tr_stack *full =
        trap->signal == SIGSEGV && current ? stack_at(current, trap->address) : NULL;

    if (full && !tr__stack_guards(full, trap->address))
        full = NULL;
    if (!p)
        return full && let_finish(current, full, trap);
    int n = trace(p, trap, frames);
    bool free = trap->signal == SIGABRT ? is_own_abort(frames, n) : may_fault(frames, n);
    if (free)
        return end_by_fault(p, trap, full != NULL, frames, n);
    return full && let_finish(p, full, trap);
}

/* --- what is not contained --- */

static void say(const char *text)
{
    if (write(STDERR_FILENO, text, strlen(text)) < 0)
        return;
}

/* The report of a node that ends; nothing here may allocate or lock. */
static void on_last(const struct tr_trap *trap)
{
    struct tr_proc *p = tr__self();
    void *frames[FRAMES];
    char line[384];

    snprintf(line, sizeof line, "troupe: %s at address %#lx%s; the program ends\n",
             strsignal(trap->signal), (unsigned long)trap->address,
             trap->sent ? ", sent by another program" : "");
    say(line);
    if (p) {
        uint64_t id = atomic_load_explicit(&p->id, memory_order_relaxed);
        snprintf(line, sizeof line, "  in process <0.%u.%llu>, started as %s\n", TR__PID_SLOT(id),
                 (unsigned long long)TR__PID_GENERATION(id), p->site);
        say(line);
    }
    if (trap->sent)
        return;
    if (p && tr__tls()->inside)
        say("  inside the library, whose state may be torn\n");
    int n = tr__trace_from(trap->context, frames, FRAMES);
    for (int i = 0; i < n; i++) {
        char where[256];
        tr__trace_name(frames[i], where, sizeof where);
        snprintf(line, sizeof line, "  %s\n", where);
        say(line);
    }
}

/* --- the option --- */

void tr_contain_faults(bool on)
{
    atomic_store(&contain.off, !on);
}

tr_err tr_own_code(const void *address)
{
    return tr__code_add(address) ? TR_OK : TR_ENOTFOUND;
}

static bool is_off(void)
{
    const char *text = getenv("TROUPE_CONTAIN_FAULTS");
    bool off = atomic_load(&contain.off) || (text && strcmp(text, "0") == 0);

#if defined(TR__SANITIZED)
    off = true; /* a fault is the sanitizer's to report */
#endif
    return off;
}

void tr__contain_start(void)
{
    static const struct tr_trap_hooks hooks = { on_fault, on_last, on_kick };

    tr__sched.wants_kick = wants_kick;
    contain.certain = tr__code_prepare();
#if defined(TR__TSAN)
    /* ThreadSanitizer calls handlers later than they were due, from somewhere else. */
    contain.certain = false;
#endif
    tr__trap_install(&hooks, !is_off());
}

void tr__contain_stop(void)
{
    tr__trap_remove();
}
