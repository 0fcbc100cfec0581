/* SPDX-License-Identifier: MIT */
/* Registries: patterns, match specifications, dispatch. */
#include "otp/pattern.h"
#include "otp/registry.h"

tr_atoms(badarg);
tr_atom_as(a_true, "true");

/* --- the entries of one key --- */

/* Those whose value matches, newest first. */
static tr_term matching(tr_atom registry, tr_term key, tr_term pattern, tr_term guards, size_t *n)
{
    tr_term rest = tr_directory_get(tr__registry(registry), key);
    tr_term list = tr_nil(), entry;
    struct tr_bindings b;

    *n = 0;
    while (tr_list_next(&rest, &entry)) {
        if (tr__pattern_match(pattern, guards, tr_element(entry, 1), &b)) {
            list = tr_list_push(list, entry);
            ++*n;
        }
    }
    return list;
}

tr_term tr_registry_match_args(tr_atom registry, struct tr_arg key, struct tr_arg pattern,
                               tr_term guards)
{
    size_t n;

    return tr_list_reverse(
        matching(registry, tr_build_args(&key, 1), tr_build_args(&pattern, 1), guards, &n));
}

size_t tr_registry_count_match_args(tr_atom registry, struct tr_arg key, struct tr_arg pattern,
                                    tr_term guards)
{
    size_t n = 0;

    tr_scope
    {
        matching(registry, tr_build_args(&key, 1), tr_build_args(&pattern, 1), guards, &n);
    }
    return n;
}

static void unregister_matching(struct tr_directory *d, tr_term key, tr_term pattern,
                                tr_term guards)
{
    tr_term rest = tr_directory_of(d, tr_self()), of_entry, value, entry;
    struct tr_bindings b;
    uint64_t id;
    size_t n = 0;

    while (tr_list_next(&rest, &entry))
        if (tr_match(entry, &id, &of_entry, &value) && tr_equal(of_entry, key) &&
            tr__pattern_match(pattern, guards, value, &b))
            n += tr_directory_take(d, tr_self(), id);
    if (n)
        tr__registry_left(d);
}

void tr_registry_unregister_match_args(tr_atom registry, struct tr_arg key, struct tr_arg pattern,
                                       tr_term guards)
{
    struct tr_directory *d = tr__registry(registry);

    tr_scope
    {
        unregister_matching(d, tr_build_args(&key, 1), tr_build_args(&pattern, 1), guards);
    }
}

/* --- all entries --- */

static tr_term selected(tr_atom registry, tr_term spec)
{
    struct tr_directory *d = tr__registry(registry);
    tr_term list = tr_nil(), entry;

    if (!tr__pattern_is_spec(spec, 3))
        tr_error(a_badarg, spec);
    for (tr_term rest = tr_directory_all(d); tr_list_next(&rest, &entry);) {
        tr_term value = tr__pattern_run(spec, entry);
        if (value.w)
            list = tr_list_push(list, value);
    }
    return list;
}

tr_term tr_registry_select(tr_atom registry, tr_term spec)
{
    return selected(registry, spec);
}

size_t tr_registry_count_select(tr_atom registry, tr_term spec)
{
    size_t n = 0;

    tr_scope
    {
        tr_term value;
        for (tr_term rest = selected(registry, spec); tr_list_next(&rest, &value);)
            n += tr_match(value, a_true);
    }
    return n;
}

/* --- dispatch --- */

/* The entries of those whom partition i looks after. */
static tr_term share_of(tr_term entries, int i, int partitions)
{
    tr_term list = tr_nil(), entry;
    tr_pid pid;

    while (tr_list_next(&entries, &entry))
        if (tr_match(entry, &pid, tr_any()) && tr__registry_index(pid, partitions) == i)
            list = tr_list_push(list, entry);
    return tr_list_reverse(list);
}

typedef void (*dispatch_fn)(tr_term entries, void *arg);

static tr_term dispatch_share(tr_term work)
{
    uint64_t fn, arg;
    tr_term entries;

    if (!tr_match(work, &fn, &arg, &entries))
        tr_error(a_badarg, work);
    ((dispatch_fn)(uintptr_t)fn)(entries, (void *)(uintptr_t)arg);
    return tr_nil();
}

static void dispatch_parallel(tr_term entries, int partitions, dispatch_fn fn, void *arg)
{
    struct tr_task *tasks = tr_alloc((size_t)partitions * sizeof *tasks);
    int n = 0;

    for (int i = 0; i < partitions; i++) {
        tr_term share = share_of(entries, i, partitions);
        if (!tr_is_nil(share))
            tasks[n++] =
                tr_async(dispatch_share, (uint64_t)(uintptr_t)fn, (uint64_t)(uintptr_t)arg, share);
    }
    for (int i = 0; i < n; i++)
        tr_await_within(TR_INFINITY, tasks[i]);
    tr_free(tasks);
}

void tr_registry_dispatch_args(tr_atom registry, struct tr_arg key, dispatch_fn fn, void *arg,
                               bool parallel)
{
    struct tr_directory *d = tr__registry(registry);

    tr_scope
    {
        tr_term entries = tr_directory_get(d, tr_build_args(&key, 1));
        int partitions = parallel ? tr__registry_partitions(d) : 1;
        if (tr_is_nil(entries))
            break;
        if (partitions > 1)
            dispatch_parallel(entries, partitions, fn, arg);
        else
            fn(entries, arg);
    }
}
