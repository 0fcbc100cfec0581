/* SPDX-License-Identifier: MIT */
/*
 * A process: its control block, and what the files of this folder do with it.
 *
 * The first cache line is what others touch: they find the process by its slot, compare `id`, push
 * onto `inbox` and put `runnable` on a run queue. Everything else belongs to the owner: the thread
 * that runs the process at that moment.
 *
 * `inbox` is one word with four kinds of value:
 *
 *     NULL        the owner is awake, nothing has arrived since it went to sleep last
 *     a signal    the newest of a chain that ends at NULL or at `seen`
 *     ASLEEP      the owner waits; who replaces this value must wake it
 *     CLOSED      no process, or one that has ended: nothing is accepted
 *
 * The owner never empties the inbox while awake: it remembers in `seen` how far it has read, and
 * takes only what is newer. So reading costs no atomic exchange; the one exchange that puts
 * ASLEEP there also proves that nothing new has come. The price: the signal that `seen` points to
 * must not be freed while it is the head, or its address could come back as a new signal and look
 * like an old one (tr__sig_discard).
 */
#ifndef TROUPE_PROC_PROC_H
#define TROUPE_PROC_PROC_H

#include "base/panic.h"
#include "base/spin.h"
#include "mem/heap.h"
#include "mem/slots.h"
#include "mem/stack.h"
#include "os/context.h"
#include "os/fork.h"
#include "os/tls.h"
#include "proc/signal.h"
#include "proc/ties.h"
#include "sched/runnable.h"
#include "sched/thread.h"
#include "sched/wheel.h"
#include "sched/worker.h"
#include "troupe.h"

#define TR__SLOT_HEADER (offsetof(struct tr_slot, index) + sizeof(uint32_t))
/* The fields of a runnable without the padding behind them. */
#define TR__RUNNABLE_FIELDS (offsetof(struct tr_runnable, marks) + sizeof(uint8_t))
#define TR__ASLEEP          ((struct tr_sig *)1)
#define TR__CLOSED          ((struct tr_sig *)2)

/* <0.0.0>, which in OTP is init: the sender of exit signals that the runtime itself sends. No
   process has it. */
#define TR__RUNTIME_PID TR__PID_W(0, 0)

/* Why a process gave its worker back. */
enum tr_proc_action {
    TR__ACT_WAIT,
    TR__ACT_YIELD,
    TR__ACT_HIBERNATE,
    TR__ACT_EXIT,
    TR__ACT_RECLAIM /* its worker is gone: it wants another one */
};

enum {
    TR__P_TRAP_EXIT = 1,
    TR__P_DYING = 2,        /* an exit signal was accepted: it ends at its next step */
    TR__P_EXITING = 4,      /* it runs its clean-up */
    TR__P_MAIN = 8,         /* the program ends with it */
    TR__P_SEEN_DEAD = 16,   /* the signal at `seen` is to be freed as soon as it may be */
    TR__P_HIBERNATED = 32,  /* has no stack and waits for a message */
    TR__P_SEEN_BOUNCE = 64, /* as SEEN_DEAD, but it is to be answered as undeliverable */
    TR__P_SIGNALLED = 128   /* an exit signal ends it, not its own code */
};

/* What few processes have, allocated when first needed. */
struct tr_proc_rare {
    struct tr_dict *dictionary;
    struct tr_timer *timers; /* those it started for itself */
    struct tr_locals *locals;
    struct tr_thread *thread;    /* the only one that may run it; NULL: any */
    struct tr_catch *catcher;    /* the innermost tr_catch that is open */
    struct tr_fd_wait *fd_wait;  /* for a descriptor, whose signal has not come yet */
    struct tr_caps *caps;        /* see caps.h; NULL unless `capped` */
    uint64_t label;              /* kept term; 0: none */
    uint64_t log_metadata;       /* kept map; 0: none */
    struct tr_trace *trace;      /* where its error was raised; NULL: not known */
    int fd;                      /* of fd_wait */
    bool fd_closed;              /* how the last wait for a descriptor ended */
    struct tr_shared *offspring; /* the ancestors of its children; NULL: not made yet */
    struct tr_shared *asked;     /* the same for the callers of its tasks */
};

/* What every process has that was started as part of a tree, and others have not: allocated when
   first needed too. A million of them may be idle: keep it small. */
struct tr_proc_extra {
    struct tr_proc_rare *rare; /* NULL until needed: read by tr__rare_of */
    uint64_t leader;           /* group leader; 0: the first process */
    uint64_t ancestors;        /* kept term, or see lineage; 0: none */
    uint64_t initial_call;     /* kept term, or see initial_module; 0: none */
    uint64_t callers;          /* kept term, or see asked; 0: none */
    bool lineage;              /* ancestors is the address of a struct tr_shared */
    bool asked;                /* callers is one */
    bool initial_module;       /* initial_call is the atom M, which stands for {M, init, 1} */
    bool reports_exits;        /* also an exit that is no error makes a crash report */
    bool reported;
    bool queue_told, heap_told; /* that they are too long, too large: watch.c */
};

/* A piece of memory to be freed when the process ends, behind this head. */
struct tr_cleanup {
    struct tr_cleanup *next;  /* the one registered before */
    struct tr_cleanup **link; /* what points to this one */
    void (*fn)(void *);       /* run with the memory before; NULL: none */
    size_t size;              /* of the memory */
};

struct tr_proc {
    /* Any thread. */
    union {
        struct tr_slot slot;
        struct { /* in the room that the slot's header leaves */
            char header[TR__SLOT_HEADER];
            uint16_t suspended;      /* how many suspensions are in force; owner only */
            _Atomic(bool) timed_out; /* `timeout` has fired since it was armed */
            _Atomic(bool) ending;    /* it has begun to end: counts as dead for others */
        };
    };
    union {
        struct tr_runnable runnable; /* on a queue only between wake and run */
        struct {                     /* in the room behind its fields */
            char runnable_fields[TR__RUNNABLE_FIELDS];
            _Atomic(bool) capped; /* has, or had, caps: written with caps_lock held */
            struct tr_spin caps_lock;
            _Atomic(bool) has_tables; /* for the layer above: see tr__tables_hook */
        };
    };
    _Atomic(uint64_t) id; /* pid word; 0: no process */
    _Atomic(struct tr_sig *) inbox;
    uint64_t generation; /* survives the process: the next one in this slot gets one more */

    /* Owner only from here on, `name` and `timeout` apart. */
    struct tr_sig *seen TR__ALIGNED(TR__CACHE_LINE);
    struct tr_sig *first; /* mailbox: messages in order of arrival */
    struct tr_sig **last; /* where the next one is linked */
    struct tr_context context;
    struct tr_stack *stack;
    struct tr_worker *worker; /* on which it runs */
    struct tr_heap heap;
    struct tr_receive_scope *scopes; /* receive clauses that are open, innermost first */
    struct tr_ties ties;
    struct tr_cleanup *cleanups;
    union {
        struct tr_sig *dying;       /* the exit signal that was accepted */
        struct tr_exit_frame *exit; /* once it runs its clean-up */
    };
    union {
        tr_process_fn fn; /* until it starts, or goes on after hibernation */
        uint64_t reason;  /* once it ends */
    };
    uint64_t arg;                 /* an immediate, or the signal block that holds the argument */
    const char *site;             /* name of its function, NUL, file:line where it was spawned */
    struct tr_wheel_node timeout; /* guarded by its wheel's lock; see run.c */
    int64_t wake_at;              /* of the present receive, ns; TR__NEVER */
    struct tr_proc_extra *extra;
    uint64_t parent;
    _Atomic(uint64_t) name; /* atom; 0: none. Written with the table of names locked */
    uint64_t ref_count;     /* survives too: references are never made twice */
    uint64_t mark_ref;      /* no message before mark_at can hold this reference */
    struct tr_sig **mark_at;
    uint64_t reductions;
    uint32_t nmessages;
    uint16_t wheel; /* index of the wheel that `timeout` is pending on */
    uint8_t flags;
    uint8_t action : 3;      /* enum tr_proc_action */
    uint8_t stack_order : 5; /* log2 of the stack's size; 0: default */
};

/*
 * Prices, against TR__TURN_BUDGET. Sending is dearer than receiving, so that in one round of turns
 * a receiver can take what several senders send it: the queue between them stays in the cache.
 * Sending the same to many is cheaper: who has much to tell them comes round all of them several
 * times in a turn, and each finds more than one message when it runs.
 */
enum {
    TR__COST_RECEIVE = 1,
    TR__COST_CALL = 8,
    TR__COST_SEND = 16,
    TR__COST_SEND_EACH = 4,
    TR__COST_SPAWN = 200
};

_Static_assert(sizeof(struct tr_proc) <= TR__SLOT_SIZE, "a control block must fit its slot");

/* The calling process, or NULL on a thread that runs none. */
TR__INLINED struct tr_proc *tr__self(void)
{
    return atomic_load_explicit(&tr__tls()->current, memory_order_relaxed);
}

/* The calling process; panics with the name of the function when there is none. */
TR__INLINED struct tr_proc *tr__self_or_panic(const char *function);
TR__COLD _Noreturn void tr__self_panic(const char *function);
#define TR__SELF() tr__self_or_panic(__func__)

TR__INLINED struct tr_proc *tr__self_or_panic(const char *function)
{
    struct tr_proc *p = tr__self();

    if (tr__unlikely(!p))
        tr__self_panic(function);
    return p;
}

/*
 * TR__ENTER() at the top of a public function keeps the worker from being taken until the function
 * returns; where it has been taken already, the process waits for another one first. Every public
 * function that touches a worker or may switch begins with it. See src/os/tls.h.
 */
#define TR__ENTER() bool entered __attribute__((cleanup(tr__leave), unused)) = tr__enter()

/* The worker was, or is being, taken, or a replay has it so: goes on when the process has one. */
void tr__reclaim(void);

TR__INLINED bool tr__enter(void)
{
    struct tr_tls *tls = tr__tls();
    bool was = tr__tls_enter(tls);

    if (tr__unlikely(tr__tls_in_doubt(tls) && !was))
        tr__reclaim();
    return was;
}

TR__INLINED void tr__leave(const bool *was)
{
    tr__tls_leave(tr__tls(), *was);
}

/* The same for functions that look the thread's record up once; *tls is another one after any call
   that may switch. */
TR__INLINED bool tr__enter_at(struct tr_tls **tls)
{
    *tls = tr__tls();
    bool was = tr__tls_enter(*tls);

    if (tr__unlikely(tr__tls_in_doubt(*tls) && !was)) {
        tr__reclaim();
        *tls = tr__tls();
    }
    return was;
}

/* Runs code of the program from inside the library. */
static inline void tr__run_outside(void (*fn)(void *), void *arg)
{
    tr__tls_leave(tr__tls(), false);
    fn(arg);
    tr__enter();
}

/* The slot a pid or local reference names, or NULL; it may hold another process by now. */
TR__INLINED struct tr_proc *tr__proc_at(uint64_t pid_or_ref)
{
    uint32_t slot =
        (pid_or_ref & 3) == TR__TAG_REF ? TR__REF_SLOT(pid_or_ref) : TR__PID_SLOT(pid_or_ref);

    return tr__slot_at(slot);
}

/* The process that a signal is for, or NULL when there is none. A look that saves work for the
   receiver; whether it is the one meant, it checks itself. */
TR__INLINED struct tr_proc *tr__receiver(const struct tr_sig *sig)
{
    struct tr_proc *p = tr__proc_at(sig->to);
    uint64_t id = p ? atomic_load_explicit(&p->id, memory_order_acquire) : 0;

    return id == sig->to || (id && (sig->to & 3) == TR__TAG_REF) ? p : NULL;
}

/* True when `pid` names a process that has not begun to end; the signals that are on their way to
   it are not considered. Any thread. */
static inline bool tr__proc_alive(uint64_t pid)
{
    struct tr_proc *p = tr__slot_at(TR__PID_SLOT(pid));

    return p && atomic_load_explicit(&p->id, memory_order_acquire) == pid &&
           !atomic_load_explicit(&p->ending, memory_order_acquire);
}

/* How many processes exist: never too few. Any thread. */
int64_t tr__proc_count(void);

/* Counts one more, on that worker (NULL: none), and one less; and starts again from none. */
void tr__proc_started(struct tr_worker *w);
void tr__proc_ended(struct tr_worker *w);
void tr__proc_count_reset(void);

/* --- send.c --- */

/* The pid or alias that a destination means: TR_ENOTFOUND for a name that nobody holds, TR_EBADARG
   for what is no destination. *to is 0 for one that swallows everything. */
tr_err tr__destination(tr_term dest, uint64_t *to);

/* Sends a message that nobody waits to get rid of: a full mailbox refuses it or takes it. */
void tr__message_send(struct tr_sig *sig);

/* Sends one as tr_send does: waits where the mailbox makes it wait, and pays. */
void tr__message_send_and_pay(struct tr_sig *sig);

/* --- handle.c --- */

/* Applies one signal that is not an ordinary message to the process itself. */
void tr__handle(struct tr_proc *p, struct tr_sig *sig);

/* --- await.c --- */

/* Is it the message that somebody waits for, or one that says that it will not come? */
typedef bool tr__wanted(uint64_t message, void *what);

/* Waits for a message that came after the reference `since` was made, and gives where in the
   mailbox it stands; NULL when none has come until the deadline, which may be TR__NEVER, or 0 not
   to wait. Not for one that a mailbox with a cap counts. */
struct tr_sig **tr__await_message(struct tr_proc *p, uint64_t since, int64_t deadline,
                                  tr__wanted *wanted, void *what);

/* --- spawn.c --- */

/* The argument of a process: set as a copy (false without memory), read, freed by its word. */
bool tr__argument_set(struct tr_proc *p, const struct tr_arg *args, int n);
tr_term tr__argument(const struct tr_proc *p);
void tr__argument_free(uint64_t word);

/* Starts the process that the program ends with. */
tr_err tr__spawn_first(tr_process_fn fn, const struct tr_arg *args, int n);

/* --- report.c --- */

/* Addresses of calls, innermost first. */
struct tr_trace {
    int n;
    void *pcs[];
};

/* Keeps where the error happened that is about to end the process, for its report; a second one
   is ignored. Without memory it does nothing. Owner only; allocates. */
void tr__report_trace(struct tr_proc *p, void *const *pcs, int n);

/* Logs that the process ends with an error, once. */
void tr__report_error(struct tr_proc *p, tr_term reason);

/* The same for an end that is no error, where the process asked for it. */
void tr__report_exit(struct tr_proc *p, tr_term reason);

/* --- exit.c --- */

/* Ends the process by an error, with a report; its trace is taken here unless there is one. The
   reason lives at least until it has ended. */
_Noreturn void tr__exit_error(struct tr_proc *p, uint64_t reason);

/* The hook of the term layer: ends the calling process, if there is one. */
void tr__raise_in_process(tr_term reason);

/* Ends the calling process with a reason that lives at least until it has ended. */
_Noreturn void tr__exit(struct tr_proc *p, uint64_t reason);

/* Ends a process that the caller owns and that is quiet and has no stack, with an immediate as the
   reason. The signal that ends it goes too; NULL: there is none. */
void tr__vanish_idle(struct tr_proc *p, uint64_t reason, struct tr_sig *dying);

/* Tells everybody who is tied to the process that it ends; its table is empty afterwards. `id` is
   its pid. */
void tr__untie(struct tr_proc *p, uint64_t id);

/* Runs everything registered by tr_defer, and frees what tr_alloc gave. */
void tr__cleanups_run(struct tr_proc *p);

/* The same for a process that a signal ends, where nothing was registered by tr_defer: quiet. */
void tr__cleanups_free(struct tr_proc *p);
bool tr__cleanups_quiet(const struct tr_proc *p);

/* Bytes that tr_alloc has given and that are not freed. */
size_t tr__cleanups_size(const struct tr_proc *p);

/* Frees the messages of the open receive clauses inside `outer`; NULL: of all. */
void tr__receive_close_until(struct tr_proc *p, const struct tr_receive_scope *outer);

/*
 * Of the layer above, NULL if it has nothing: drops what belongs to a process that ends and whose
 * has_tables is set. Any process sets that for another one, with sequential consistency, and then
 * looks at its id; whoever ends clears the id, then looks at has_tables. So what is given to an
 * ending process is dropped by it, or refused. Called once while the process may still switch
 * (`may_switch`), and, if more has come meanwhile, once more when it has no id.
 */
extern void (*tr__tables_hook)(struct tr_proc *p, uint64_t pid, bool may_switch);

/* --- end_idle.c --- */

/* The end of a hibernated process that has accepted an exit signal, on the worker's own stack;
   false, and nothing is done, when it needs one. */
bool tr__idle_dies(struct tr_proc *p);

/* --- catch.c --- */

/* Goes on after the innermost tr_catch, if one is open; else returns. */
void tr__catch(struct tr_proc *p, uint64_t reason);

/* Nothing returns to where a tr_catch is open: forgets them. */
void tr__catch_forget(struct tr_proc *p);

/* --- contain.c --- */

/* Sends an exit signal, so that it reaches also a process that does not come to the library. */
void tr__sig_send_exit(struct tr_sig *sig);

/* --- fd.c --- */

/* Takes the signal of a descriptor. */
void tr__fd_arrived(struct tr_proc *p, struct tr_sig *sig);

/* Gives up the wait for a descriptor, if there is one. */
void tr__fd_forget(struct tr_proc *p);

/* --- link.c --- */

/* A reason on its way to many: a word, or a counted copy of the term. */
struct tr_reason {
    uint64_t word;
    struct tr_shared *share; /* NULL for immediates */
};

/* Makes the two ends of a link for a process that does not run yet; false without memory. */
bool tr__link_both(struct tr_proc *parent, struct tr_proc *child);

/* Writes {'EXIT', From, Reason} over a tie, which becomes the exit signal of a link. */
struct tr_sig *tr__exit_in_place(struct tr_tie *tie, uint64_t from, uint64_t reason);

/* Sends the exit signal of a link; the tie becomes the signal. */
void tr__link_exit_send(struct tr_tie *tie, uint64_t from, struct tr_reason reason);

/* An UNLINK or UNLINK_ACK; NULL without memory. */
struct tr_sig *tr__unlink_signal(enum tr_sig_kind kind, uint64_t to, uint64_t from, uint64_t id);

/* --- monitor.c --- */

/* The two ends of one monitor, the watcher's first, not yet in any table; false without memory. */
bool tr__monitor_ends(struct tr_tie *ends[2], uint64_t ref, uint64_t watcher, uint64_t watched);

/* Makes the two ends of a monitor for a process that does not run yet; false without memory. */
bool tr__monitor_both(struct tr_proc *parent, struct tr_proc *child,
                      const struct tr_spawn_opts *opts, tr_ref *ref);

/* Sends the 'DOWN' of a watcher; the tie becomes the signal. With `linked` it is the exit signal of
   a link too; then the reason is immediate, and the object a pid. */
void tr__down_send(struct tr_tie *tie, uint64_t object, struct tr_reason reason, bool linked);

/* The monitor is over: drops it, unless it lives on as an alias. */
void tr__monitor_end(struct tr_proc *p, struct tr_tie *tie);

/* Tells the watched process that nobody watches any more; the tie is freed or becomes the signal.
 */
void tr__monitor_withdraw(struct tr_proc *p, struct tr_tie *tie);

/* True when a message through an alias is to be accepted. */
bool tr__alias_accepts(struct tr_proc *p, struct tr_sig *sig);

/* A message is about to be sent through an alias. If its sender is watched until it comes, the
   sender's end of that monitor goes now, and nothing needs to be sent back for it. */
void tr__monitor_answered(struct tr_sig *sig);

/* --- name.c --- */

/* Takes the name of an ending process away. */
void tr__name_drop(struct tr_proc *p);

/* Names a process that does not run yet. */
tr_err tr__name_give(struct tr_proc *p, uint64_t name);

bool tr__name_lookup(uint64_t name, uint64_t *pid);

/* --- via.c --- */

/* The process that {via, Module, Name} means: TR_ENOTFOUND when there is none, TR_EBADARG for any
   other term. Runs code of the program, outside the library. */
tr_err tr__via_lookup(tr_term to, uint64_t *pid);

/* --- timer.c --- */

/* Cancels the timers that an ending process started for itself. */
void tr__timers_drop(struct tr_proc *p);

/* Takes note of a signal from a timer; false when it is not to be delivered. */
bool tr__timer_arrived(struct tr_proc *p, struct tr_sig *sig);

/* True when the exit signal of a timer, found in the inbox, is to be delivered. Owner only. */
bool tr__timer_is_on_its_way(struct tr_sig *sig);

/* Frees the timer that a signal is part of. */
void tr__timer_free(struct tr_sig *sig);

/* Frees all timers that are left when the scheduler has stopped. */
void tr__timers_fini(void);

/* --- wait.c --- */

/* What tr_call_wait_begin says, for a caller that is inside. */
tr_err tr__wait_begin(struct tr_proc *p, uint64_t server, uint64_t ref, tr_term *cycle);

/* What a process waits for is on its way to it: called before anything is sent through an alias. */
void tr__wait_answered(uint64_t ref);

/* The process waits for nobody any more: what it did was left by a catch. */
void tr__wait_abandoned(const struct tr_proc *p);

/* --- dict.c, info.c, runtime.c --- */

/* What a process lacks at first, to be written; without memory tr__extra and tr__rare raise
   out_of_memory, the two others return NULL. */
struct tr_proc_extra *tr__extra_make(struct tr_proc *p);
struct tr_proc_extra *tr__extra(struct tr_proc *p);
struct tr_proc_rare *tr__rare_make(struct tr_proc *p);
struct tr_proc_rare *tr__rare(struct tr_proc *p);

/* The same to be read: of a process that has none, all zero. What is not made is not there to be
   written either: who finds something in it may write through tr__rare, which does not fail then.
 */
extern const struct tr_proc_rare tr__no_rare;

static inline const struct tr_proc_rare *tr__rare_of(const struct tr_proc *p)
{
    return p->extra && p->extra->rare ? p->extra->rare : &tr__no_rare;
}

/* Makes the child know its ancestors: its parent (NULL: none) and those of that one. The list is
   shared by all children of a parent. False without memory. */
bool tr__lineage_give(struct tr_proc *child, struct tr_proc *parent);

/* The same for its callers. */
bool tr__callers_give(struct tr_proc *child, struct tr_proc *parent);

/* The list of ancestors, of callers, which lives as long as the process keeps it; 0: none. */
uint64_t tr__lineage(const struct tr_proc *p);
uint64_t tr__callers(const struct tr_proc *p);

/* One of the two is about to change: lets go what is shared of it, and what its children are given
   is to be found out anew. Other fields are left alone. */
void tr__lineage_let_go(struct tr_proc *p, const uint64_t *field);

/* Lets go the lists that an ending process shares with others: its own, and those it has made. */
void tr__lineage_drop(struct tr_proc *p);
void tr__lineage_forget(struct tr_proc_rare *rare);

/* How many entries a dictionary has. */
size_t tr__dict_size(const struct tr_dict *dict);

void tr__extra_free(struct tr_proc *p);

/* The list of pairs or keys of the dictionary, for tr_process_info. */
tr_term tr__dictionary(struct tr_proc *p);

/* The group leader. */
uint64_t tr__leader(const struct tr_proc *p);

/* The function it was started in, as {Module, Function, Arity}; in the current heap. */
tr_term tr__initial_call(struct tr_proc *p);

/* The pid of the first process. */
uint64_t tr__first_process(void);
void tr__first_process_is(uint64_t pid);

/* low, normal, high or max. */
uint64_t tr__priority_atom(struct tr_proc *p);

/* A reference never made before. */
uint64_t tr__new_ref(struct tr_proc *p);

/* The program's first process is ending: called by it after its clean-up, ends all others. It
   follows another one that it was linked with (0: none). */
void tr__main_ended(struct tr_proc *p, uint64_t followed);

/* Called when some process is gone. */
void tr__runtime_process_gone(void);

/* Nothing is left of a process but its control block, which goes back to the worker. */
static inline void tr__proc_gone(struct tr_worker *w, struct tr_proc *p)
{
    tr__slot_return(&w->slots, p);
    tr__proc_ended(w);
    tr__runtime_process_gone();
}

#include "proc/inbox.h"
#include "proc/turn.h"

#endif
