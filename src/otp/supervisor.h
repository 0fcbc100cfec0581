/* SPDX-License-Identifier: MIT */
/*
 * Supervisors: what the parts of them share.
 *
 *     supervisor.c            the server, from its start to its requests; the functions of the API
 *     supervisor_spec.c       specifications: from structs to terms, and from children to terms
 *     supervisor_parse.c      from terms to children
 *     supervisor_flags.c      the same for flags
 *     supervisor_children.c   the table of children
 *     supervisor_child.c      starting and ending one child
 *     supervisor_restart.c    what happens when one ends
 *     supervisor_limit.c      how many restarts there may be, and how long each waits
 *     supervisor_report.c     reports
 *     dynamic_supervisor.c    children that are known by their pid alone
 *     partition_supervisor.c  the same child several times
 */
#ifndef TROUPE_OTP_SUPERVISOR_H
#define TROUPE_OTP_SUPERVISOR_H

#include "troupe.h"

enum { TR__WORKER_SHUTDOWN_MS = 5000 };

/* What Traits is made of: the kind, and multiples of these. */
enum {
    TR__TRAIT_KIND = 15,
    TR__TRAIT_RESTART = 16,
    TR__TRAIT_SUPERVISOR = 64,
    TR__TRAIT_SHUTDOWN = 128 /* 1 + the time less TR_BRUTAL_KILL; 0: TR_INFINITY */
};

enum tr_child_state {
    TR__CHILD_STOPPED,   /* not running, and nobody will start it unless asked to */
    TR__CHILD_RUNNING,   /* pid is its process */
    TR__CHILD_RESTARTING /* it is to be started again; pid is its last process, or 0 */
};

/* What a child is; how its start is called in {Module, start_link, Args}. */
enum tr_child_kind {
    TR__CHILD_UNKNOWN, /* a start that this program does not know */
    TR__CHILD_SERVER,
    TR__CHILD_STATEM,
    TR__CHILD_PROCESS,
    TR__CHILD_SUPERVISOR,
    TR__CHILD_DYNAMIC,
    TR__CHILD_PARTITIONS,
    TR__CHILD_FUNCTION
};

/*
 * One child. Its terms are kept by the table, and borrowed before it is in there. A child with a
 * pid is found by it; one without pid is not RUNNING.
 */
struct tr_child {
    struct tr_child *older, *newer; /* in the order of their first start */
    struct tr_child *next_by_id;
    struct tr_child *next_by_pid;
    tr_term id;       /* w of 0 in a dynamic supervisor */
    tr_atom module;   /* of its start, as of function; w of 0: what tr__child_start_of says */
    tr_atom function; /* w of 0: start_link */
    tr_term args;     /* a list; undefined once a temporary one runs */
    tr_term modules;  /* a list, or dynamic; w of 0: a list of `module` */
    tr_term name;     /* an atom or {via, Module, Term}; w of 0: none */
    const void *what; /* the struct or function that kind says */
    tr_pid pid;
    int64_t shutdown_ms; /* TR_BRUTAL_KILL, TR_INFINITY */
    int64_t started_ms;
    tr_ref timer; /* that will start it again; 0: none */
    uint8_t kind;
    uint8_t state;
    uint8_t restart;
    uint8_t attempts; /* restarts in a row, for the back-off */
    bool supervisor;
    bool significant;
    bool counted; /* the restart it waits for has been counted */
};

struct tr_child_index {
    struct tr_child **buckets;
    size_t size; /* a power of two, or 0 */
};

struct tr_children {
    struct tr_child *oldest, *newest;
    int64_t n;
    int64_t restarting;
    int64_t supervisors;
    struct tr_child_index by_id, by_pid;
};

/* Restarts that count: those of one millisecond are one entry. Entries lie in a ring. */
struct tr_restart_moment {
    int64_t at_ms;
    int64_t n;
};

struct tr_restart_limit {
    struct tr_restart_moment *moments;
    size_t size, first, used; /* size is a power of two, or 0 */
    int64_t n;                /* sum over all entries */
    int64_t most;
    int64_t period_ms;
};

struct tr_sup {
    tr_atom module;
    tr_term name; /* kept: {local, Name}, {via, Module, Term} or {Pid, Module} */
    enum tr_strategy strategy;
    enum tr_auto_shutdown auto_shutdown;
    bool dynamic; /* a dynamic supervisor, or simple_one_for_one */
    struct tr_restart_limit limit;
    struct tr_backoff backoff;
    struct tr_children children;
    int64_t max_children;             /* dynamic */
    tr_term extra;                    /* dynamic: kept list */
    struct tr_child *prototype;       /* simple_one_for_one */
    _Alignas(16) uint64_t started[3]; /* the {ok, Pid} of the child started last */
};

/* --- supervisor.c --- */

/* Starts a supervisor: `value` is {ok, {Flags, Children}}, for a dynamic one {ok, Flags}, or
   {call, Function, Argument} with a function that returns such a value in the supervisor. */
tr_term tr__supervisor_start(const char *module, bool dynamic, tr_term value,
                             const struct tr_gen_server_opts *opts);

/* Asks it, without a time limit. */
tr_term tr__supervisor_ask(tr_term to, tr_term request);

/* --- supervisor_parse.c --- */

/* Makes a child of a specification, whose terms it borrows; w is 0, or the result is what is wrong
   with it. */
tr_term tr__child_parse(struct tr_child *c, tr_term spec, enum tr_auto_shutdown auto_shutdown);

/* The same for what tr__child_ask_start makes of a struct, of which nothing is wrong; false for
   anything else, and then *c is cleared. */
bool tr__child_parse_compact(struct tr_child *c, tr_term spec);

/* Whether it is one of these. */
bool tr__child_is_compact(tr_term spec);

/* --- supervisor_spec.c --- */

/*
 * Asks a supervisor to start a child that a struct specifies. Where that says nothing unusual the
 * request is {'$c', Address, Traits, Args} or {'$c', Address, Traits, Args, Id, Name} instead of
 * {start_child, Spec}, since a map would cost more to build, to send and to read than all the rest
 * of the start.
 */
tr_term tr__child_ask_start(tr_term to, const struct tr_child_spec *spec, bool dynamic);

/* Whether a specification says what the child is. */
bool tr__child_is_something(const struct tr_child_spec *spec);

/* The specification with all defaults filled in. */
tr_term tr__child_spec(const struct tr_child *c);

/* The name of the module that a child of this kind is; NULL when it has none. */
const char *tr__child_module_name(enum tr_child_kind kind, const void *what);

/* Its parts as Erlang writes them. */
tr_term tr__child_start_of(const struct tr_child *c); /* {Module, Function, Args} */
tr_term tr__child_modules(const struct tr_child *c);
tr_term tr__child_shutdown(const struct tr_child *c);
tr_atom tr__child_restart(const struct tr_child *c);
tr_atom tr__child_type(const struct tr_child *c);

/* A step of what reads flags or a specification: the function returns what is wrong, if anything
   is. */
#define TR__TRY(step)                                                                              \
    do {                                                                                           \
        tr_term wrong = (step);                                                                    \
        if (wrong.w)                                                                               \
            return wrong;                                                                          \
    } while (0)

/* --- supervisor_flags.c --- */

/* Sets the flags; w is 0, or the result is what is wrong. */
tr_term tr__supervisor_set_flags(struct tr_sup *s, tr_term flags);

/* The entries that all kinds of flags share. */
tr_term tr__supervisor_common_flags(enum tr_strategy strategy, int max_restarts, int max_seconds,
                                    struct tr_backoff backoff);

/* --- supervisor_children.c --- */

/* Adds a copy of a child, as the newest. */
struct tr_child *tr__children_add(struct tr_sup *s, const struct tr_child *c);

/* Removes a child and frees it. */
void tr__children_remove(struct tr_sup *s, struct tr_child *c);

/* NULL when there is none. */
struct tr_child *tr__children_by_id(struct tr_sup *s, tr_term id);
struct tr_child *tr__children_by_pid(struct tr_sup *s, tr_pid pid);

/* Changes state and pid, and stops a timer that was to start it. */
void tr__child_becomes(struct tr_sup *s, struct tr_child *c, enum tr_child_state state, tr_pid pid);

/* --- supervisor_child.c --- */

/* Calls the start of a child with those arguments; the caller may end by it. */
tr_term tr__child_run_start(const struct tr_child *c, tr_term args);

/* The same, but nothing ends the caller, and the result is {ok, Pid}, {ok, Pid, Info}, ignore, or
   {error, Reason}, until the next start. The child is as before. */
tr_term tr__child_call_start(struct tr_sup *s, const struct tr_child *c, tr_term args);

/* Starts a child that is in the table; it becomes RUNNING or, by ignore, STOPPED, and is left alone
   by an error. */
tr_term tr__child_start(struct tr_sup *s, struct tr_child *c);

/* Ends the process of a child, if it has one, as its shutdown says, and reports a wrong reason. The
   child is not changed. */
void tr__child_end(struct tr_sup *s, struct tr_child *c);

/* Whether a child that ended so by itself is to be started again; reports what is worth it. */
bool tr__child_wants_restart(struct tr_sup *s, struct tr_child *c, tr_term reason);

/* What becomes of a child that has ended: a temporary one is removed, another one is STOPPED. */
void tr__child_gone(struct tr_sup *s, struct tr_child *c);

/* Reports it when `reason`, with which a child was ended, is not the one to be expected. */
void tr__child_check_end(struct tr_sup *s, const struct tr_child *c, tr_term reason);

/* --- supervisor_restart.c --- */

/* A process has ended that was linked with the supervisor. The functions return false when the
   supervisor is to end with shutdown. */
bool tr__supervisor_child_ended(struct tr_sup *s, tr_pid pid, tr_term reason);
bool tr__supervisor_try_again(struct tr_sup *s, struct tr_child *c);

/* Ends all children but those that were started before `first` (NULL: all), newest first. */
void tr__supervisor_end_children(struct tr_sup *s, struct tr_child *first);

/* Starts all children from `first` on: w is 0, or the reason for which *failed could not start. */
tr_term tr__supervisor_start_children(struct tr_sup *s, struct tr_child *first,
                                      struct tr_child **failed);

/* The child, now RESTARTING, is tried again: at once by a message, or after its back-off. */
void tr__supervisor_try_later(struct tr_sup *s, struct tr_child *c);

/* --- supervisor_limit.c --- */

/* Counts one more restart; false when there were too many. */
bool tr__restart_allowed(struct tr_restart_limit *limit);

/* How long this child's next restart waits, ms. */
int64_t tr__restart_delay(struct tr_sup *s, struct tr_child *c);

/* --- supervisor_report.c --- */

/* {Context, Reason} with the child at fault. */
void tr__supervisor_report(const struct tr_sup *s, tr_atom context, tr_term reason,
                           const struct tr_child *c);
void tr__supervisor_progress(const struct tr_sup *s, const struct tr_child *c);
void tr__supervisor_unexpected(const struct tr_sup *s, tr_term message);

/* --- dynamic_supervisor.c --- */

tr_gen_result tr__dynamic_call(struct tr_sup *s, tr_term request);
bool tr__dynamic_child_ended(struct tr_sup *s, struct tr_child *c, tr_term reason);
bool tr__dynamic_try_again(struct tr_sup *s, struct tr_child *c);
void tr__dynamic_end_children(struct tr_sup *s);

#endif
