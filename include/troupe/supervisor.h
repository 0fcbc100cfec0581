/* SPDX-License-Identifier: MIT */
/*
 * Supervisors: processes that start others, and start them again when they fail.
 *
 *     static const struct tr_supervisor app = {
 *         .strategy = TR_ONE_FOR_ONE,
 *         .children = TR_CHILDREN({ .server = &counter, .arg = "0", .name = "counter" },
 *                                 { .process = ticker, .id = "ticker", .restart = TR_TRANSIENT },
 *                                 { .supervisor = &workers }),
 *     };
 *
 *     tr_pid pid;
 *     if (tr_match(tr_supervisor_start_link(&app, NULL), a_ok, &pid))
 *         tr_call(a_counter, a_increment);
 *
 * Children start in the order in which they stand there, and end in the opposite order. A tree of
 * supervisors is constant data: a child can be a supervisor, a dynamic supervisor
 * (troupe/dynamic_supervisor.h) or a partition supervisor (troupe/partition_supervisor.h).
 *
 * A supervisor is a server (troupe/gen_server.h) that answers the requests of OTP's supervisor, so
 * its processes can be looked into by the tools for either. Fields are zero by default; where the
 * default is another number, TR_ZERO stands for zero.
 */
#ifndef TROUPE_SUPERVISOR_H
#define TROUPE_SUPERVISOR_H

#include <stdbool.h>
#include <stdint.h>

#include "troupe/gen_statem.h"

/* Zero, for a field of the structs below whose default is another number. */
#define TR_ZERO (-1)

/* A shutdown time: the child is killed at once. */
#define TR_BRUTAL_KILL INT64_C(-2)

TR_HEADER_BEGIN

/* When a child that ended is started again. */
enum tr_restart {
    TR_PERMANENT, /* always */
    TR_TRANSIENT, /* unless it ended with normal, shutdown or {shutdown, _} */
    TR_TEMPORARY  /* never; it is forgotten */
};

/* What one child's end does to the others. */
enum tr_strategy {
    TR_ONE_FOR_ONE,       /* nothing */
    TR_ONE_FOR_ALL,       /* all are ended, and started again */
    TR_REST_FOR_ONE,      /* those started after it are */
    TR_SIMPLE_ONE_FOR_ONE /* nothing; all children are made from one specification */
};

/* Whether the supervisor ends, with shutdown, when significant children end by themselves. */
enum tr_auto_shutdown {
    TR_NEVER,
    TR_ANY_SIGNIFICANT, /* with the first of them */
    TR_ALL_SIGNIFICANT  /* with the last of them */
};

enum tr_child_type {
    TR_CHILD_DEFAULT, /* a supervisor where .supervisor and the like are set, else a worker */
    TR_WORKER,
    TR_SUPERVISOR
};

/* Starts a process linked with the caller: returns {ok, Pid}, {ok, Pid, Info}, ignore, or
   {error, Reason}, as the start functions of this library do. */
typedef tr_term (*tr_start_fn)(tr_term arg);

struct tr_supervisor;
struct tr_dynamic_supervisor;
struct tr_partition_supervisor;

/*
 * A child: what it is, and what is to be done when it ends. One of the first seven says what it is.
 * What these point to must last as long as the supervisor; all else is copied.
 */
struct tr_child_spec {
    const struct tr_gen_server *server; /* tr_gen_server_start_link */
    const struct tr_gen_statem *statem; /* tr_gen_statem_start_link */
    tr_process_fn process;              /* tr_proc_spawn_link: does not wait */
    const struct tr_supervisor *supervisor;
    const struct tr_dynamic_supervisor *dynamic_supervisor;
    const struct tr_partition_supervisor *partition_supervisor;
    tr_start_fn start; /* anything else; if it fails (tr_exit and so on) the start has failed */

    const char *id; /* an atom, that tells the child from others; the name, or that of what it is */
    tr_term id_term; /* the same as any term */

    const char *name; /* registered; not for .start */
    const char *via;  /* or a name through a module (troupe/via.h), as Erlang writes it:
                         "{via, 'Registry', {rooms, lobby}}" */
    tr_term via_term; /* the same as a term */

    const char *arg;         /* what it is started with, as Erlang writes it: "{8080, fast}"; [] */
    tr_term arg_term;        /* the same as a term, for specifications made at run time */
    const void *arg_pointer; /* or a pointer; tr_child_pointer(arg) gives it back */

    enum tr_restart restart;
    int64_t shutdown_ms; /* how long it may take to end; TR_ZERO, TR_INFINITY, TR_BRUTAL_KILL;
                            5,000 for workers, no limit for supervisors */
    enum tr_child_type type;
    bool significant;
    const char *modules; /* for tools: a list of atoms as Erlang writes it, or dynamic */
};

/* For .children: the specifications, each in braces, and a mark of the end. A constant at file
   scope; inside a function it lives as long as the block around it. */
#define TR_CHILDREN(...)                                                                           \
    ((const struct tr_child_spec[]){ __VA_ARGS__, { .restart = TR_PERMANENT } })

/* One specification in the place of an argument: TR_CHILD(.server = &counter, .id = "second"). */
#define TR_CHILD(...) (&(const struct tr_child_spec){ __VA_ARGS__ })

/* The pointer of .arg_pointer; NULL when the argument is none. Any thread. */
void *tr_child_pointer(tr_term arg);

/*
 * How long to wait before a child is started again, which OTP does not do. The first restart waits
 * first_ms, and each following one twice as long as the one before, up to max_ms. A random share
 * of it, up to jitter_percent, is left out, so that many children do not come back in step. A child
 * that has run for max_ms begins again with first_ms. Zero first_ms: no wait.
 */
struct tr_backoff {
    int64_t first_ms;
    int64_t max_ms;     /* 30,000 */
    int jitter_percent; /* 50; 100 at most */
};

struct tr_supervisor {
    const char *name; /* in reports, as the name of a module is in Erlang; "supervisor" */
    enum tr_strategy strategy;
    const struct tr_child_spec *children; /* TR_CHILDREN(...); NULL: none */
    int max_restarts; /* so many in max_seconds; one more ends the supervisor with shutdown; 3 */
    int max_seconds;  /* 5 */
    enum tr_auto_shutdown auto_shutdown;
    struct tr_backoff backoff;

    /* Instead of all the above but `name`: decides in the supervisor itself, when it starts. arg is
       what the start function was given. Returns {ok, {Flags, Children}}, made by
       tr_supervisor_flags and tr_list(tr_child_to_term(...), ...), or ignore. */
    tr_term (*init)(tr_term arg);
};

/*
 * tr_term tr_supervisor_start_link(&supervisor, opts, ...): starts a supervisor, linked with the
 * caller, and its children; returns when all have started. opts may be NULL; the further arguments
 * are the one of init. {ok, Pid}, or
 *
 *     {error, {shutdown, {failed_to_start_child, Id, Reason}}}  the children before it were ended
 *     {error, {already_started, Pid}}                           the name is taken
 *     {error, {start_spec, What}}, {error, {supervisor_data, What}}, {error, {bad_start_spec,
 * Specs}} ignore, {error, {bad_return, {Name, init, Value}}}        what init returned
 *
 * The struct need not last longer than the call, what it points to must. Ends the caller as
 * tr_gen_server_start_link does. Process only; blocks. (supervisor:start_link/2,3)
 */
tr_term tr_supervisor_start_link_args(const struct tr_supervisor *supervisor,
                                      const struct tr_gen_server_opts *opts,
                                      const struct tr_arg *args, int n);
#define tr_supervisor_start_link(supervisor, opts, ...)                                            \
    tr_supervisor_start_link_args(supervisor, opts, TR_ARGS(__VA_ARGS__))

/* The flags and a specification as OTP's maps, in the current heap: what init returns. A '$c' entry
   holds what Erlang has no word for. Process or any thread. */
tr_term tr_supervisor_flags(const struct tr_supervisor *supervisor);
tr_term tr_child_to_term(const struct tr_child_spec *spec);

/*
 * What a running supervisor is asked. `to` is a pid, a name, or {Name, Node}; `id` an atom, its
 * text, or a term. The caller ends with {noproc, {gen_server, call, [...]}} when there is no such
 * supervisor; there is no time limit. Process only; blocks.
 *
 *     tr_supervisor_start_child(to, spec)    {ok, Pid}, {ok, Pid, Info}, {ok, undefined} (ignored),
 *                                            {error, {already_started, Pid}}, {error,
 * already_present}, {error, {Reason, Child}}, {error, WhatIsWrongInSpec}
 *     tr_supervisor_start_child_with(to, ...)   simple_one_for_one: with these further arguments;
 *                                            {error, Reason} when it cannot start
 *     tr_supervisor_terminate_child(to, id)  ok; it stays known. {error, not_found}. In a
 *                                            simple_one_for_one supervisor the id is the pid
 *     tr_supervisor_restart_child(to, id)    starts one that was terminated: as start_child;
 *                                            {error, running | restarting | not_found}
 *     tr_supervisor_delete_child(to, id)     ok, {error, running | restarting | not_found}
 *     tr_supervisor_which_children(to)       [{Id, Pid | undefined | restarting, worker |
 * supervisor, Modules}], the one started last first tr_supervisor_which_child(to, id)      {ok,
 * {Id, ...}}, {error, not_found} tr_supervisor_get_childspec(to, id)    {ok, Map}, {error,
 * not_found}
 *
 * (supervisor:start_child/2 and so on)
 */
tr_term tr_supervisor_start_child_spec(tr_term to, const struct tr_child_spec *spec);
tr_term tr_supervisor_start_child_term(tr_term to, tr_term spec);
tr_term tr_supervisor_start_child_with_args(tr_term to, const struct tr_arg *args, int n);
tr_term tr_supervisor_terminate_child_term(tr_term to, tr_term id);
tr_term tr_supervisor_restart_child_term(tr_term to, tr_term id);
tr_term tr_supervisor_delete_child_term(tr_term to, tr_term id);
tr_term tr_supervisor_which_children_term(tr_term to);
tr_term tr_supervisor_which_child_term(tr_term to, tr_term id);
tr_term tr_supervisor_get_childspec_term(tr_term to, tr_term id);

#define tr_supervisor_start_child(to, spec) tr_supervisor_start_child_spec(TR__DEST(to), spec)
#define tr_supervisor_start_child_with(to, ...)                                                    \
    tr_supervisor_start_child_with_args(TR__DEST(to), TR_ARGS(__VA_ARGS__))
#define tr_supervisor_terminate_child(to, id)                                                      \
    tr_supervisor_terminate_child_term(TR__DEST(to), TR__CHILD_ID(id))
#define tr_supervisor_restart_child(to, id)                                                        \
    tr_supervisor_restart_child_term(TR__DEST(to), TR__CHILD_ID(id))
#define tr_supervisor_delete_child(to, id)                                                         \
    tr_supervisor_delete_child_term(TR__DEST(to), TR__CHILD_ID(id))
#define tr_supervisor_which_children(to) tr_supervisor_which_children_term(TR__DEST(to))
#define tr_supervisor_which_child(to, id)                                                          \
    tr_supervisor_which_child_term(TR__DEST(to), TR__CHILD_ID(id))
#define tr_supervisor_get_childspec(to, id)                                                        \
    tr_supervisor_get_childspec_term(TR__DEST(to), TR__CHILD_ID(id))

/* How many children: those that are known, those that run, and by type, running or not. */
struct tr_child_counts {
    int64_t specs, active, supervisors, workers;
};

struct tr_child_counts tr_supervisor_count_children_term(tr_term to);
#define tr_supervisor_count_children(to) tr_supervisor_count_children_term(TR__DEST(to))

/* --- private part --- */

tr_term tr__child_id_text(const char *text);
tr_term tr__child_id_int(int64_t id);

TR_HEADER_END

#ifdef __cplusplus

static inline tr_term tr__child_id(const char *id)
{
    return tr__child_id_text(id);
}

static inline tr_term tr__child_id(int id)
{
    return tr__child_id_int(id);
}

static inline tr_term tr__child_id(tr_atom id)
{
    return tr__dest_name(id);
}

static inline tr_term tr__child_id(tr_pid id)
{
    return tr__dest_pid(id);
}

static inline tr_term tr__child_id(tr_term id)
{
    return id;
}

#define TR__CHILD_ID(id) tr__child_id(id)

#else

/* clang-format off */
#define TR__CHILD_ID(id)                                                                           \
    _Generic((id),                                                                                 \
        char *: tr__child_id_text,                                                                 \
        const char *: tr__child_id_text,                                                           \
        int: tr__child_id_int,                                                                     \
        int64_t: tr__child_id_int,                                                                 \
        tr_atom: tr__dest_name,                                                                    \
        tr_pid: tr__dest_pid,                                                                      \
        tr_term: tr__dest_term)(id)
/* clang-format on */

#endif

#endif
