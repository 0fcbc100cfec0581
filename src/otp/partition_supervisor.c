/* SPDX-License-Identifier: MIT */
/*
 * Partition supervisors: a supervisor of N children that are all made from one specification, and a
 * table of their pids that everybody may read.
 *
 * The table has an entry for each name that ever was one of a partition supervisor; entries are
 * never freed, as atoms are not, so readers need no lock. Only the supervisor writes to its entry:
 * it sets `n` when the pids are there, and to 0 when it ends.
 */
#include "otp/supervisor.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>

tr_atoms(badarg, name, child, partitions, start, id, call, ok, error, noproc, out_of_memory,
         undefined);
tr_atom_as(a_c, "$c");

enum { BUCKETS = 256 };

/* Pids of partitions. One that has become too small stays, since somebody may be reading it. */
struct slots {
    struct slots *smaller;
    int size;
    _Atomic(uint64_t) pids[];
};

struct entry {
    struct entry *next;
    tr_atom name;
    _Atomic(struct slots *) slots;
    _Atomic(int) n;     /* partitions in use; 0: no such supervisor, or all were ended */
    _Atomic(int) total; /* partitions at the start; 0: no such supervisor */
};

static _Atomic(struct entry *) table[BUCKETS];
static pthread_mutex_t adding = PTHREAD_MUTEX_INITIALIZER;

static _Atomic(struct entry *) *bucket(tr_atom name)
{
    return &table[(name.w >> 6) % BUCKETS];
}

/* NULL when there never was one. Acquire pairs with the release in new_entry. */
static struct entry *find(tr_atom name)
{
    struct entry *e = atomic_load_explicit(bucket(name), memory_order_acquire);

    while (e && e->name.w != name.w)
        e = e->next;
    return e;
}

static struct entry *new_entry(tr_atom name)
{
    struct entry *e = calloc(1, sizeof *e);

    if (!e)
        return NULL;
    e->name = name;
    e->next = atomic_load_explicit(bucket(name), memory_order_relaxed);
    atomic_store_explicit(bucket(name), e, memory_order_release);
    return e;
}

static bool make_room(struct entry *e, int n)
{
    struct slots *old = atomic_load_explicit(&e->slots, memory_order_relaxed);

    if (old && old->size >= n)
        return true;
    struct slots *new = calloc(1, sizeof *new + (size_t)n * sizeof(*new->pids));
    if (!new)
        return false;
    new->smaller = old;
    new->size = n;
    atomic_store_explicit(&e->slots, new, memory_order_release);
    return true;
}

/* The entry of a name, with room for n pids; NULL without memory. */
static struct entry *prepare(tr_atom name, int n)
{
    pthread_mutex_lock(&adding);
    struct entry *e = find(name);
    if (!e)
        e = new_entry(name);
    if (e && !make_room(e, n))
        e = NULL;
    pthread_mutex_unlock(&adding);
    return e;
}

/* --- in the supervisor --- */

static void forget(void *entry)
{
    struct entry *e = entry;

    atomic_store_explicit(&e->n, 0, memory_order_release);
    atomic_store_explicit(&e->total, 0, memory_order_release);
}

typedef tr_term (*with_argument_fn)(tr_term arg, int i);

static tr_term adapted(with_argument_fn with_argument, tr_term args, int i)
{
    if (!with_argument)
        return args;
    return tr_build(tr_list(with_argument(tr_is_nil(args) ? args : tr_head(args), i)));
}

/* Starts partition i; its pid goes into the table. */
static tr_term start_partition(tr_term arg)
{
    uint64_t entry, with_argument;
    struct tr_child c;
    tr_term spec;
    tr_pid pid;
    int i;

    if (!tr_match(arg, &entry, &with_argument, &i, &spec) ||
        tr__child_parse(&c, spec, TR_NEVER).w != 0)
        tr_error(a_badarg);
    tr_term args = adapted((with_argument_fn)(uintptr_t)with_argument, tr_element(c.start, 2), i);
    tr_term result = tr__child_run_start(&c, args);
    if (tr_match(result, a_ok, &pid) || tr_match(result, a_ok, &pid, tr_any())) {
        struct entry *e = (struct entry *)(uintptr_t)entry;
        struct slots *slots = atomic_load_explicit(&e->slots, memory_order_acquire);
        atomic_store_explicit(&slots->pids[i], pid.w, memory_order_release);
    }
    return result;
}

/* The specification of partition i: as that of the child, but for its id and start. */
static tr_term partition_spec(tr_term spec, uint64_t entry, uint64_t with_argument, int i)
{
    tr_term start = tr_build(a_undefined);
    tr_term arg = tr_build(entry, with_argument, i, spec);

    tr_map_get(spec, tr_build(a_start), &start);
    tr_term module = tr_is_tuple(start) ? tr_element(start, 0) : start;
    tr_term function = tr_is_tuple(start) ? tr_element(start, 1) : start;
    spec = tr_map_put(spec, tr_build(a_id), tr_build(i));
    spec = tr_map_put(spec, tr_build(a_start), tr_build(module, function, tr_list(arg)));
    return tr_map_put(
        spec, tr_build(a_c),
        tr_build((int)TR__CHILD_FUNCTION, (uint64_t)(uintptr_t)start_partition, a_undefined));
}

/* The argument is {Supervisor, Name, N}; the result that of an init callback. */
static tr_term init(tr_term arg)
{
    uint64_t supervisor;
    tr_atom name;
    int n;

    if (!tr_match(arg, &supervisor, &name, &n))
        tr_error(a_badarg);
    const struct tr_partition_supervisor *sup =
        (const struct tr_partition_supervisor *)(uintptr_t)supervisor;
    struct entry *e = prepare(name, n);
    if (!e)
        tr_exit(a_out_of_memory);
    struct slots *slots = atomic_load_explicit(&e->slots, memory_order_acquire);
    for (int i = 0; i < slots->size; i++)
        atomic_store_explicit(&slots->pids[i], 0, memory_order_relaxed);
    tr_defer(forget, e);
    tr_term spec = tr_child_to_term(&sup->child);
    tr_term specs = tr_nil();
    uint64_t with_argument = (uint64_t)(uintptr_t)sup->with_argument;
    for (int i = n - 1; i >= 0; i--)
        specs = tr_list_push(specs, partition_spec(spec, (uint64_t)(uintptr_t)e, with_argument, i));
    atomic_store_explicit(&e->total, n, memory_order_release);
    atomic_store_explicit(&e->n, n, memory_order_release);
    tr_term flags = tr__supervisor_common_flags(sup->strategy, sup->max_restarts, sup->max_seconds,
                                                (struct tr_backoff){ 0 });
    return tr_build(a_ok, tr_tuple(flags, specs));
}

/* --- the functions --- */

static bool has_child(const struct tr_child_spec *c)
{
    return c->server || c->process || c->supervisor || c->dynamic_supervisor || c->start;
}

tr_term tr_partition_supervisor_start_link(const struct tr_partition_supervisor *supervisor,
                                           const struct tr_gen_server_opts *opts)
{
    if (!opts || !opts->name.w)
        tr_exit(a_badarg, a_name);
    if (!has_child(&supervisor->child))
        tr_exit(a_badarg, a_child);
    if (supervisor->partitions < 0)
        tr_exit(a_badarg, a_partitions);
    int n = supervisor->partitions ? supervisor->partitions : tr_schedulers_online();
    tr_term arg = tr_build((uint64_t)(uintptr_t)supervisor, opts->name, n);
    tr_term value = tr_build(a_call, (uint64_t)(uintptr_t)init, arg);
    return tr__supervisor_start("partition_supervisor", false, value, opts);
}

/* Which of n partitions a key goes to. */
static int choose(tr_term key, int n)
{
    int64_t i;

    if (!tr_to_int64(key, &i))
        return (int)(tr_hash(key) % (uint64_t)n);
    return (int)((i < 0 ? -(uint64_t)i : (uint64_t)i) % (uint64_t)n);
}

tr_err tr_try_partition_args(tr_atom name, tr_pid *pid, struct tr_arg key)
{
    struct entry *e = find(name);
    int n = e ? atomic_load_explicit(&e->n, memory_order_acquire) : 0;
    uint64_t w = 0;

    if (n == 0)
        return TR_ENOPROC;
    struct slots *slots = atomic_load_explicit(&e->slots, memory_order_acquire);
    tr_scope
    {
        w = atomic_load_explicit(&slots->pids[choose(tr_build_args(&key, 1), n)],
                                 memory_order_acquire);
    }
    if (!w)
        return TR_ENOPROC;
    pid->w = w;
    return TR_OK;
}

tr_pid tr_partition_args(tr_atom name, struct tr_arg key)
{
    tr_pid pid;

    if (tr_try_partition_args(name, &pid, key))
        tr_exit(a_noproc, name);
    return pid;
}

/* The entry of a supervisor that runs; ends the caller when there is none. */
static struct entry *entry_of(tr_atom name)
{
    struct entry *e = find(name);

    if (!e || !atomic_load_explicit(&e->total, memory_order_acquire))
        tr_exit(a_noproc, name);
    return e;
}

int tr_partition_count(tr_atom name)
{
    return atomic_load_explicit(&entry_of(name)->n, memory_order_acquire);
}

/* Keys go to the partitions that are left before the others end. */
static void shrink(struct entry *e, int from, int to)
{
    atomic_store_explicit(&e->n, to, memory_order_release);
    for (int i = from - 1; i >= to; i--)
        tr_supervisor_terminate_child(e->name, i);
}

static void enlarge(struct entry *e, int from, int to)
{
    tr_term reason;

    for (int i = from; i < to; i++) {
        tr_term result = tr_supervisor_restart_child(e->name, i);
        if (tr_match(result, a_error, &reason))
            tr_exit(reason);
    }
    atomic_store_explicit(&e->n, to, memory_order_release);
}

int tr_partition_resize(tr_atom name, int n)
{
    struct entry *e = entry_of(name);
    int before = atomic_load_explicit(&e->n, memory_order_acquire);

    if (n < 0 || n > atomic_load_explicit(&e->total, memory_order_acquire))
        tr_exit(a_badarg, n);
    if (n < before)
        shrink(e, before, n);
    else
        enlarge(e, before, n);
    return before;
}
