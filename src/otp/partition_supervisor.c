/* SPDX-License-Identifier: MIT */
/*
 * Partition supervisors: a supervisor of N children that are all made from one specification, and a
 * table of their pids that everybody may read.
 *
 * The table has an entry for each name that ever was one of a partition supervisor; entries are
 * never freed, as atoms are not, so readers need no lock. Only the supervisor writes to its entry:
 * it sets `n` when the pids are there, and to 0 when it ends.
 *
 * One with a name through a module has an entry under its pid. That goes to another such supervisor
 * when it has ended, so who has read from it looks at the key once more.
 */
#include "otp/supervisor.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>

tr_atoms(badarg, name, child, partitions, start, id, call, ok, error, noproc, out_of_memory,
         undefined);
tr_atom_as(a_c, "$c");

enum { BUCKETS = 256, UNUSED = 0 };

/* Pids of partitions. One that has become too small stays, since somebody may be reading it. */
struct slots {
    struct slots *smaller;
    int size;
    _Atomic(uint64_t) pids[];
};

struct entry {
    struct entry *next;
    _Atomic(uint64_t) key; /* the word of the name or pid */
    _Atomic(struct slots *) slots;
    _Atomic(int) n;     /* partitions in use; 0: no such supervisor, or all were ended */
    _Atomic(int) total; /* partitions at the start; 0: no such supervisor */
};

static _Atomic(struct entry *) table[BUCKETS];
static pthread_mutex_t adding = PTHREAD_MUTEX_INITIALIZER;

static _Atomic(struct entry *) *chain_of(uint64_t key)
{
    return &table[(key * UINT64_C(0x9E3779B97F4A7C15)) >> 56];
}

/* The entry under a key among those of the chain of `of`; NULL when there is none. Acquire pairs
   with the release in new_entry. */
static struct entry *look(uint64_t of, uint64_t key)
{
    struct entry *e = atomic_load_explicit(chain_of(of), memory_order_acquire);

    while (e && atomic_load_explicit(&e->key, memory_order_acquire) != key)
        e = e->next;
    return e;
}

/* The word of an atom, or that of the pid that holds another name; 0 when nobody does. */
static uint64_t key_of(tr_term name)
{
    tr_pid pid = { 0 };

    if (tr_is_atom(name))
        return name.w;
    tr_whereis_term(name, &pid);
    return pid.w;
}

static struct entry *find(tr_term name)
{
    uint64_t key = key_of(name);

    return key ? look(key, key) : NULL;
}

static struct entry *new_entry(uint64_t key)
{
    struct entry *e = calloc(1, sizeof *e);

    if (!e)
        return NULL;
    atomic_init(&e->key, key);
    e->next = atomic_load_explicit(chain_of(key), memory_order_relaxed);
    atomic_store_explicit(chain_of(key), e, memory_order_release);
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

/* The entry of a key, with room for n pids; NULL without memory. */
static struct entry *prepare(uint64_t key, int n)
{
    pthread_mutex_lock(&adding);
    struct entry *e = look(key, key);
    if (!e)
        e = look(key, UNUSED);
    if (e)
        atomic_store_explicit(&e->key, key, memory_order_release);
    else
        e = new_entry(key);
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
    if (!tr_is_atom((tr_term){ e->key }))
        atomic_store_explicit(&e->key, UNUSED, memory_order_release);
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
    tr_term args = adapted((with_argument_fn)(uintptr_t)with_argument, c.args, i);
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

/* The child's specification; it needs no id, since those of the partitions are their numbers. */
static tr_term child_spec(const struct tr_child_spec *child)
{
    tr_term spec = tr_child_to_term(child);

    if (tr_map_get(spec, tr_build(a_id), NULL))
        return spec;
    return tr_map_put(spec, tr_build(a_id), tr_build(a_undefined));
}

/* The argument is {Supervisor, Name, N}, Name [] when it is one through a module; the result that
   of an init callback. */
static tr_term init(tr_term arg)
{
    uint64_t supervisor;
    tr_term name;
    int n;

    if (!tr_match(arg, &supervisor, &name, &n))
        tr_error(a_badarg);
    const struct tr_partition_supervisor *sup =
        (const struct tr_partition_supervisor *)(uintptr_t)supervisor;
    struct entry *e = prepare(tr_is_atom(name) ? name.w : tr_self().w, n);
    if (!e)
        tr_exit(a_out_of_memory);
    struct slots *slots = atomic_load_explicit(&e->slots, memory_order_acquire);
    for (int i = 0; i < slots->size; i++)
        atomic_store_explicit(&slots->pids[i], 0, memory_order_relaxed);
    tr_defer(forget, e);
    tr_term spec = child_spec(&sup->child);
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

tr_term tr_partition_supervisor_start_link(const struct tr_partition_supervisor *supervisor,
                                           const struct tr_gen_server_opts *opts)
{
    if (!opts || (!opts->name.w && !opts->via.w))
        tr_exit(a_badarg, a_name);
    if (!tr__child_is_something(&supervisor->child))
        tr_exit(a_badarg, a_child);
    if (supervisor->partitions < 0)
        tr_exit(a_badarg, a_partitions);
    int n = supervisor->partitions ? supervisor->partitions : tr_schedulers_online();
    tr_term name = opts->name.w ? tr_build(opts->name) : tr_nil();
    tr_term arg = tr_build((uint64_t)(uintptr_t)supervisor, name, n);
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

/* The pid of a partition, of the n that an entry had; 0 when it does not run. */
static uint64_t pid_for(struct entry *e, struct tr_arg key, int n)
{
    struct slots *slots = atomic_load_explicit(&e->slots, memory_order_acquire);
    uint64_t w = 0;

    tr_scope
    {
        w = atomic_load_explicit(&slots->pids[choose(tr_build_args(&key, 1), n)],
                                 memory_order_acquire);
    }
    return w;
}

tr_err tr_try_partition_args(tr_term name, tr_pid *pid, struct tr_arg key)
{
    uint64_t owner = key_of(name);
    struct entry *e = owner ? look(owner, owner) : NULL;
    int n = e ? atomic_load_explicit(&e->n, memory_order_acquire) : 0;
    uint64_t w = n ? pid_for(e, key, n) : 0;

    if (!w || atomic_load_explicit(&e->key, memory_order_relaxed) != owner)
        return TR_ENOPROC;
    pid->w = w;
    return TR_OK;
}

tr_pid tr_partition_args(tr_term name, struct tr_arg key)
{
    tr_pid pid;

    if (tr_try_partition_args(name, &pid, key))
        tr_exit(a_noproc, name);
    return pid;
}

/* The entry of a supervisor that runs; ends the caller when there is none. */
static struct entry *entry_of(tr_term name)
{
    struct entry *e = find(name);

    if (!e || !atomic_load_explicit(&e->total, memory_order_acquire))
        tr_exit(a_noproc, name);
    return e;
}

int tr_partition_count_term(tr_term name)
{
    return atomic_load_explicit(&entry_of(name)->n, memory_order_acquire);
}

/* Keys go to the partitions that are left before the others end. */
static void shrink(tr_term name, struct entry *e, int from, int to)
{
    atomic_store_explicit(&e->n, to, memory_order_release);
    for (int i = from - 1; i >= to; i--)
        tr_supervisor_terminate_child(name, i);
}

static void enlarge(tr_term name, struct entry *e, int from, int to)
{
    tr_term reason;

    for (int i = from; i < to; i++) {
        tr_term result = tr_supervisor_restart_child(name, i);
        if (tr_match(result, a_error, &reason))
            tr_exit(reason);
    }
    atomic_store_explicit(&e->n, to, memory_order_release);
}

int tr_partition_resize_term(tr_term name, int n)
{
    struct entry *e = entry_of(name);
    int before = atomic_load_explicit(&e->n, memory_order_acquire);

    if (n < 0 || n > atomic_load_explicit(&e->total, memory_order_acquire))
        tr_exit(a_badarg, n);
    if (n < before)
        shrink(name, e, before, n);
    else
        enlarge(name, e, before, n);
    return before;
}
