/* SPDX-License-Identifier: MIT */
/*
 * Processes: starting them, ending them, and what each knows of itself.
 *
 *     static void hello(tr_term arg)
 *     {
 *         const char *who;
 *
 *         if (tr_match(arg, &who))
 *             printf("hello, %s\n", who);
 *     }
 *
 *     static void body(tr_term args)
 *     {
 *         tr_ref ref;
 *
 *         tr_spawn_monitor(hello, &ref, "world");
 *         tr_receive (m)
 *             tr_on (m, tr_any()) {}
 *     }
 *
 *     int main(int argc, char **argv)
 *     {
 *         return tr_main(argc, argv, body);
 *     }
 *
 * Functions that only a process may call (marked "process only") print their name and abort when
 * a thread that runs none calls them.
 */
#ifndef TROUPE_PROCESS_H
#define TROUPE_PROCESS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "troupe/term.h"
#include "troupe/version.h"

TR_HEADER_BEGIN

/* The `site` of the functions below: the name of a function, NUL, and the place of the call. It
   must last; reports show it. */
#define TR__SITE(fn)      #fn "\0" __FILE__ ":" TR__SITE_LINE(__LINE__)
#define TR__SITE_LINE(n)  TR__SITE_LINE_(n)
#define TR__SITE_LINE_(n) #n

/* What a process runs; `arg` lives as long as the process. */
typedef void (*tr_process_fn)(tr_term arg);

enum tr_priority { TR_PRIORITY_NORMAL, TR_PRIORITY_LOW, TR_PRIORITY_HIGH, TR_PRIORITY_MAX };

/* What happens to a message for a mailbox that holds as many as it may. */
enum tr_mailbox_policy {
    TR_MAILBOX_WAIT,        /* its sender waits until there is room, in order of arrival */
    TR_MAILBOX_DROP_NEWEST, /* it is dropped */
    TR_MAILBOX_DROP_OLDEST, /* it is taken, the oldest is dropped */
    TR_MAILBOX_EXIT         /* it is dropped, the receiver ends: {mailbox_full, Max, TopSender} */
};

/* When a monitor doubles as an alias for its owner, until when (see tr_monitor_opt). */
enum tr_monitor_alias {
    TR_ALIAS_NONE,
    TR_ALIAS_EXPLICIT_UNALIAS, /* until tr_unalias */
    TR_ALIAS_DEMONITOR,        /* until tr_unalias, or the monitor ends */
    TR_ALIAS_REPLY_DEMONITOR   /* the same, or a message came through it, which ends the monitor */
};

/* Options of a new process; zero is the default of each. */
struct tr_spawn_opts {
    bool link;                 /* linked with the caller as one step */
    tr_ref *monitor;           /* not NULL: watched by the caller as one step, reference here */
    enum tr_priority priority; /* runs before (high, max) or after (low) normal ones */
    size_t stack_size;         /* bytes of address space, rounded up to a power of two; 128 KiB */
    tr_atom name;              /* registered before it runs; taken: spawn fails with TR_EEXIST */
    tr_atom monitor_tag;       /* stands first in the 'DOWN' message instead of 'DOWN' */
    bool own_thread;           /* see below */
    bool lineage;              /* knows its ancestors, see troupe/start.h */
    bool callers;              /* knows who asked for it, see troupe/task.h */

    /* Caps, none when zero; see tr_set_max_memory. */
    size_t max_memory;                     /* bytes */
    uint32_t max_mailbox;                  /* messages */
    enum tr_mailbox_policy mailbox_policy; /* of a full mailbox */
    uint64_t max_reductions;               /* without a receive */
    enum tr_monitor_alias monitor_alias;   /* .monitor is an alias too; see tr_parent_monitor */
};

/*
 * With `own_thread` the process runs on one thread of the system from its start to its end, and no
 * other process runs there: for libraries that keep state in variables of the thread (OpenGL, the
 * error queue of OpenSSL, an interpreter). The thread counts against tr_set_thread_limit; beyond it
 * spawning fails with TR_ELIMIT, and with TR_ESYS when the system gives no thread. It does not add
 * a core: for each turn the process borrows a worker, which costs it and whoever it talks to two
 * wake-ups of a thread, some ten microseconds.
 */

/*
 * tr_pid tr_spawn(fn, ...): starts a process that runs fn(arg), where arg is made of the further
 * arguments as in tr_send: one stands for itself, several are a tuple, none is the empty list.
 * Returns its pid at once, whether or not it has run yet. The argument is copied. When there is no
 * room for one more process the caller ends with system_limit; without memory, with
 * out_of_memory. Any thread; tr_spawn_link and the option .link need a process. (spawn/1)
 *
 *     tr_spawn_link(fn, ...)           linked with the caller as one step (spawn_link/1)
 *     tr_spawn_monitor(fn, &ref, ...)  watched by the caller as one step (spawn_monitor/1)
 *     tr_spawn_opt(fn, &opts, ...)     as the options say (spawn_opt/2)
 */
tr_pid tr_spawn_args(tr_process_fn fn, const struct tr_spawn_opts *opts, const char *site,
                     const struct tr_arg *args, int n);

#define tr_spawn(fn, ...) tr_spawn_args(fn, NULL, TR__SITE(fn), TR_ARGS(__VA_ARGS__))
#define tr_spawn_link(fn, ...)                                                                     \
    tr_spawn_args(fn, tr__opts_link(), TR__SITE(fn), TR_ARGS(__VA_ARGS__))
#define tr_spawn_monitor(fn, ref, ...)                                                             \
    tr_spawn_args(fn, &(const struct tr_spawn_opts){ .monitor = (ref) }, TR__SITE(fn),             \
                  TR_ARGS(__VA_ARGS__))
#define tr_spawn_opt(fn, opts, ...) tr_spawn_args(fn, opts, TR__SITE(fn), TR_ARGS(__VA_ARGS__))

/*
 * The same with a result: TR_ELIMIT (too many processes), TR_ENOMEM, TR_EEXIST (name taken),
 * TR_EINVAL (fn is NULL, options out of range). On failure nothing was started.
 */
TR_MUST_USE tr_err tr_try_spawn_args(tr_pid *pid, tr_process_fn fn,
                                     const struct tr_spawn_opts *opts, const char *site,
                                     const struct tr_arg *args, int n);
#define tr_try_spawn(pid, fn, opts, ...)                                                           \
    tr_try_spawn_args(pid, fn, opts, TR__SITE(fn), TR_ARGS(__VA_ARGS__))

/*
 * Starts a process and answers by message: {spawn_reply, ReqId, ok, Pid}, or
 * {spawn_reply, ReqId, error, Reason} with badopt, name_taken, system_limit or out_of_memory.
 * Process only. (spawn_request/2)
 */
tr_ref tr_spawn_request_args(tr_process_fn fn, const struct tr_spawn_opts *opts, const char *site,
                             const struct tr_arg *args, int n);
#define tr_spawn_request(fn, opts, ...)                                                            \
    tr_spawn_request_args(fn, opts, TR__SITE(fn), TR_ARGS(__VA_ARGS__))

/* The pid of the calling process; process only. (self/0) */
tr_pid tr_self(void);

/* True when the calling thread runs a process. Any thread. */
bool tr_in_process(void);

/*
 * False when the process has ended, or begun to, or never existed; signals that the caller sent it
 * before have been seen then. A process may block for a moment; any thread. (is_process_alive/1)
 */
bool tr_is_alive(tr_pid pid);

/* The process that spawned the caller; w is 0 for the first one and those spawned from outside.
   Process only. (process_info parent) */
tr_pid tr_parent(void);

/* The reference by which the parent watches the caller since it spawned it (.monitor); w is 0 when
   it did not, or no longer does. Process only. */
tr_ref tr_parent_monitor(void);

/*
 * void tr_exit(...): ends the calling process; the arguments are its reason. Does not return.
 * Its clean-up runs, links and monitors are told. Process only. (exit/1)
 */
TR_NORETURN void tr_exit_args(const struct tr_arg *args, int n);
#define tr_exit(...) tr_exit_args(TR_ARGS(__VA_ARGS__))

/* Ends the caller with {Reason, []}, as an error in Erlang does, where the list stands for the
   stack trace. Process only. (error/1) */
TR_NORETURN void tr_error_args(const struct tr_arg *args, int n);
#define tr_error(...) tr_error_args(TR_ARGS(__VA_ARGS__))

/* Ends the caller with {{nocatch, Term}, []}. Process only. (throw/1, which nobody catches) */
TR_NORETURN void tr_throw_args(const struct tr_arg *args, int n);
#define tr_throw(...) tr_throw_args(TR_ARGS(__VA_ARGS__))

/*
 * Runs fn(arg). True, with the reason in the current heap, when it would have ended the caller:
 * by tr_exit, tr_error, tr_throw, or a function of the library that failed. False when it has
 * returned. Exit signals and faults are not caught. What fn was in the middle of is left as it is,
 * as by longjmp: its locals are gone, what it registered by tr_defer stays. Process only.
 * (try ... catch, catch)
 */
TR_MUST_USE bool tr_catch(void (*fn)(void *), void *arg, tr_term *reason);

/*
 * void tr_exit_to(pid, ...): sends an exit signal with that reason. A process that traps exits
 * gets it as a message {'EXIT', Caller, Reason}; another one ends, unless the reason is normal.
 * `kill` ends both, with reason killed. Never fails; does not wait. Any thread. (exit/2)
 */
void tr_exit_to_args(tr_pid pid, const struct tr_arg *args, int n);
#define tr_exit_to(pid, ...) tr_exit_to_args(pid, TR_ARGS(__VA_ARGS__))

/*
 * void tr_hibernate(fn, ...): gives the stack back, and the heap. When a message is there, or
 * comes, the process goes on in fn(arg) on a new stack; mailbox, links, monitors, name and
 * dictionary stay. Does not return. Process only. (erlang:hibernate/3)
 */
TR_NORETURN void tr_hibernate_args(tr_process_fn fn, const struct tr_arg *args, int n);
#define tr_hibernate(fn, ...) tr_hibernate_args(fn, TR_ARGS(__VA_ARGS__))

/* The same for at most so many ms (TR_INFINITY: no limit): the process goes on when a message is
   there, or when they are over. */
TR_NORETURN void tr_hibernate_for_args(int64_t ms, tr_process_fn fn, const struct tr_arg *args,
                                       int n);
#define tr_hibernate_for(ms, fn, ...) tr_hibernate_for_args(ms, fn, TR_ARGS(__VA_ARGS__))

/* Lets others of the same priority run. Process only. (erlang:yield/0) */
void tr_yield(void);

/*
 * Between these two the caller may block its thread as long as it likes: its worker goes on with
 * others at once, instead of after the few milliseconds in which a process that blocks unannounced
 * is noticed. Any call into the library ends the stretch too. Process only; tr_blocking_end waits
 * for a worker. (dirty schedulers)
 */
void tr_blocking_begin(void);
void tr_blocking_end(void);

/* At most so many threads, 256 unless set before tr_main: processes that block or loop hold one
   each. */
void tr_set_thread_limit(int n);

/* Sets whether exit signals arrive as messages; the value before. Process only.
   (process_flag trap_exit) */
bool tr_trap_exit(bool on);

/* Sets the caller's priority; the value before. Process only. (process_flag priority) */
enum tr_priority tr_set_priority(enum tr_priority priority);

/*
 * Caps of the caller; 0 ends one. Each returns the value before. A process ends when it goes beyond
 * one, even if it traps exits; its clean-up may use more memory and reductions. Process only.
 * (process_flag max_heap_size, which covers the first alone)
 *
 * Memory counts heap, kept terms, what tr_alloc gave, and messages in the mailbox, in bytes. Who
 * would take more gets TR_ENOMEM or ends with out_of_memory, as if the machine had no more; so does
 * a process that is sent too much. A binary of more than 64 bytes is shared by all terms that have
 * it: it counts in full with each message that waits, and not in the process's own terms.
 *
 * The mailbox counts ordinary messages from when the cap was set, up to when a clause accepts them.
 * Never counted, dropped or delayed are: exit signals and their messages, 'DOWN', links, monitors,
 * requests for information, messages of timers that do not repeat, {system, _, _}, messages through
 * an alias, and tuples whose first element is a reference that the receiver made. With
 * TR_MAILBOX_WAIT tr_send blocks; it goes on when there is room, or the receiver has ended. A
 * thread that runs no process, a process in its clean-up, a repeating timer, and the receiver
 * itself never wait: their messages are taken all the same. Two processes with such mailboxes that
 * send to each other can come to wait for each other. A mailbox that becomes full is named on
 * standard error together with whoever sent it most; one line a second for all of them.
 *
 * Reductions are what calls into the library cost, looked at each 16,000 or so; a receive starts
 * them again from none. The reason is {reductions, Max}.
 *
 * Changing one takes effect at once; tr_set_max_mailbox with another policy lets in all that wait.
 */
size_t tr_set_max_memory(size_t bytes);
uint32_t tr_set_max_mailbox(uint32_t messages, enum tr_mailbox_policy policy);
uint64_t tr_set_max_reductions(uint64_t reductions);

/* The general form for a flag by its name: trap_exit with true or false, priority with low,
   normal, high or max. Any other name or value ends the caller with badarg and changes nothing.
   The value before. Process only. (process_flag/2) */
tr_term tr_process_flag(tr_atom flag, tr_term value);

/*
 * Stops a process from running until tr_resume is called as often as tr_suspend was; it still
 * gets messages. Returns when it has stopped. False when there is no such process, or it is the
 * caller. Process only; blocks. (erlang:suspend_process/1)
 */
bool tr_suspend(tr_pid pid);
bool tr_resume(tr_pid pid);

/*
 * A number that stays the same while the caller holds the same things: links, monitors and aliases,
 * deferred functions, memory of tr_alloc, kept terms, dictionary, timers, name, label, flags,
 * priority, caps, metadata of the log, and messages that it has not received. It also changes when
 * the caller first gets process-local storage. So who runs foreign code can see whether that has
 * left something behind. (No counterpart.) Process only.
 */
uint64_t tr_footprint(void);

/* The process that performs output for the caller: the one it was given or inherited, else the one
   named `user` (troupe/io.h), else the first process. Process only. (group_leader/0) */
tr_pid tr_group_leader(void);

/* Sets that of a process; false when there is none. Process only; blocks for a moment.
   (group_leader/2) */
bool tr_set_group_leader(tr_pid pid, tr_pid leader);

/* A term that says what the caller is for, shown in reports; copied. Process only.
   (proc_lib:set_label/1) */
void tr_set_label(tr_term label);

/* Ancestors, nearest first, and initial call, for reports; copied. They are also the entries
   '$ancestors' and '$initial_call' of the process dictionary. Process only. (proc_lib) */
void tr_set_ancestors(tr_term list);
void tr_set_initial_call(tr_term call);

/* The initial call {module, init, 1}, that of servers. Process only. */
void tr_set_initial_module(tr_atom module);

/*
 * A process that ends by an error (tr_error, tr_throw, or one that the library raises) is reported
 * in the log. After this call the caller is also reported when it ends by tr_exit, unless the
 * reason is normal, shutdown or {shutdown, Term}; an end by an exit signal never is. Process only.
 * (what proc_lib does for what it starts)
 */
void tr_report_exits(void);

/* How many processes run at once at most in this program's life; to be set before tr_main. */
void tr_set_process_limit(uint32_t n);

/* How many there are now. Any thread. */
int64_t tr_process_count(void);

/* One worker runs for each; see tr_main. Any thread. (System.schedulers_online) */
int tr_schedulers_online(void);

/* --- private part --- */

const struct tr_spawn_opts *tr__opts_link(void);

TR_HEADER_END

#endif
