/* SPDX-License-Identifier: MIT */
/* Registries: starting, registering, looking up; metadata; names through {via, Registry, ...}. */
#include "otp/registry.h"

#include "otp/supervisor.h"

#include <stdio.h>

tr_atoms(badarg, name, keys, partitions, listeners, meta, call, ok, register, unregister,
         unknown_registry, duplicate, out_of_memory, nil);

/* --- who looks after whom --- */

struct tr_directory *tr__registry(tr_atom name)
{
    struct tr_directory *d = tr_directory_find(name);

    if (!d)
        tr_error(a_badarg, tr_tuple(a_unknown_registry, name));
    return d;
}

/* The info of the directory; false when it was closed in between. */
static bool parts_of(struct tr_directory *d, tr_term *names, tr_term *told)
{
    return tr_match(tr_directory_info(d), names, told) && tr_is_tuple(*names);
}

int tr__registry_partitions(struct tr_directory *d)
{
    tr_term names, told;

    return parts_of(d, &names, &told) ? (int)tr_tuple_size(names) : 1;
}

int tr__registry_index(tr_pid pid, int partitions)
{
    return (int)(tr_hash(tr_build(pid)) % (uint64_t)partitions);
}

tr_atom tr__registry_partition_of(struct tr_directory *d, uint64_t hash)
{
    tr_term names, told;
    tr_atom partition = { 0 };

    if (parts_of(d, &names, &told))
        tr_match(tr_element(names, hash % tr_tuple_size(names)), &partition);
    return partition;
}

/* The process of the caller's partition; false when it does not run. */
static bool own_partition(struct tr_directory *d, tr_pid *pid)
{
    tr_atom partition = tr__registry_partition_of(d, tr_hash(tr_build(tr_self())));

    return partition.w && tr_whereis(partition, pid);
}

/* --- starting --- */

static tr_atom partition_name(tr_atom registry, int i)
{
    size_t size;
    char text[1100];

    snprintf(text, sizeof text, "%s.PIDPartition%d", tr_atom_name(registry, &size), i);
    return tr_intern(text);
}

/* Runs in the supervisor: the argument is {Name, IsUnique, N, Listeners, Meta}. */
static tr_term init(tr_term arg)
{
    tr_term told, map, specs = tr_nil();
    tr_atom registry;
    bool unique;
    int n;

    if (!tr_match(arg, &registry, &unique, &n, &told, &map))
        tr_error(a_badarg, arg);
    tr_term *names = tr_alloc((size_t)n * sizeof *names);
    for (int i = 0; i < n; i++)
        names[i] = tr_build(partition_name(registry, i));
    tr_term info = tr_build(tr_tuple_from_array(names, (size_t)n), told);
    tr_free(names);
    for (int i = n - 1; i >= 0; i--) {
        tr_atom partition = partition_name(registry, i);
        struct tr_child_spec spec = { .server = &tr__registry_partition_server,
                                      .id_term = tr_build(partition),
                                      .name = tr_atom_name(partition, NULL),
                                      .arg_term = tr_build(registry, unique, i, info, map) };
        specs = tr_list_push(specs, tr_child_to_term(&spec));
    }
    tr_term flags = tr__supervisor_common_flags(TR_ONE_FOR_ALL, 3, 5, (struct tr_backoff){ 0 });
    return tr_build(a_ok, tr_tuple(flags, specs));
}

static void check_options(const struct tr_registry_opts *opts)
{
    size_t n;

    if (!opts || !opts->name.w)
        tr_exit(a_badarg, a_name);
    if (opts->keys != TR_UNIQUE && opts->keys != TR_DUPLICATE)
        tr_exit(a_badarg, a_keys);
    if (opts->partitions < 0)
        tr_exit(a_badarg, a_partitions);
    if (opts->listeners.w && !tr_list_length(opts->listeners, &n))
        tr_exit(a_badarg, a_listeners);
    if (opts->meta.w && !tr_is_map(opts->meta))
        tr_exit(a_badarg, a_meta);
}

static const struct tr_via via;

tr_term tr_registry_start_link(const struct tr_registry_opts *opts)
{
    check_options(opts);
    if (tr_via_add(&via))
        tr_exit(a_out_of_memory);
    bool unique = opts->keys == TR_UNIQUE;
    tr_term arg = tr_build(opts->name, unique, opts->partitions ? opts->partitions : 1,
                           opts->listeners.w ? opts->listeners : tr_nil(),
                           opts->meta.w ? opts->meta : tr_map_from_arrays(NULL, NULL, 0));
    return tr__supervisor_start("registry", false, tr_build(a_call, (uint64_t)(uintptr_t)init, arg),
                                TR_GEN_SERVER_OPTS(.name = opts->name));
}

/* --- registering --- */

/* Sends the same to all listeners that there are. */
static void tell(struct tr_directory *d, tr_term message)
{
    tr_term names, told, item;
    tr_atom listener;

    if (!parts_of(d, &names, &told))
        return;
    while (tr_list_next(&told, &item))
        if (tr_match(item, &listener) && tr_try_send(listener, message) == TR_ENOMEM)
            tr_exit(a_out_of_memory);
}

void tr__registry_left(struct tr_directory *d)
{
    tr_pid partition;

    if (tr_directory_count_of(d, tr_self()) == 0 && own_partition(d, &partition))
        tr_unlink(partition);
}

static tr_err register_self(tr_atom registry, tr_pid *pid, tr_term key, tr_term value)
{
    struct tr_directory *d = tr__registry(registry);
    tr_pid partition, holder;

    if (!own_partition(d, &partition))
        tr_error(a_badarg, tr_tuple(a_unknown_registry, registry));
    tr_link(partition);
    tr_err err = tr_directory_insert(d, key, tr_self(), value, &holder);
    if (err == TR_ENOPROC)
        tr_error(a_badarg, tr_tuple(a_unknown_registry, registry));
    if (err)
        tr__registry_left(d);
    else
        tell(d, tr_build(a_register, registry, key, tr_self(), value));
    if (pid && (err == TR_OK || err == TR_EEXIST))
        *pid = err ? holder : partition;
    return err;
}

tr_err tr_registry_register_args(tr_atom registry, tr_pid *pid, struct tr_arg key,
                                 struct tr_arg value)
{
    tr_err err = TR_OK;

    tr_scope
    {
        err = register_self(registry, pid, tr_build_args(&key, 1), tr_build_args(&value, 1));
    }
    return err;
}

static void unregister_self(tr_atom registry, tr_term key)
{
    struct tr_directory *d = tr__registry(registry);

    if (tr_directory_remove(d, key, tr_self()) == 0)
        return;
    tr__registry_left(d);
    tell(d, tr_build(a_unregister, registry, key, tr_self()));
}

void tr_registry_unregister_args(tr_atom registry, struct tr_arg key)
{
    tr_scope
    {
        unregister_self(registry, tr_build_args(&key, 1));
    }
}

tr_err tr_registry_update_value_args(tr_atom registry, struct tr_arg key,
                                     tr_term (*fn)(tr_term value, void *arg), void *arg,
                                     tr_term *new_value, tr_term *old_value)
{
    struct tr_directory *d = tr__registry(registry);
    tr_term wanted = tr_build_args(&key, 1), old;
    tr_pid holder;

    if (!tr_directory_is_unique(d))
        tr_error(a_badarg, tr_tuple(a_duplicate, registry));
    tr_term entries = tr_directory_get(d, wanted);
    if (tr_is_nil(entries) || !tr_match(tr_head(entries), &holder, &old) || holder.w != tr_self().w)
        return TR_ENOTFOUND;
    tr_term new = fn(old, arg);
    tr_err err = tr_directory_update(d, wanted, holder, new);
    if (!err && new_value)
        *new_value = new;
    if (!err && old_value)
        *old_value = old;
    return err;
}

/* --- looking up --- */

tr_term tr_registry_lookup_args(tr_atom registry, struct tr_arg key)
{
    return tr_directory_get(tr__registry(registry), tr__build_1(key));
}

bool tr_registry_whereis_args(tr_atom registry, struct tr_arg key, tr_pid *pid)
{
    struct tr_directory *d = tr__registry(registry);
    bool found = false;

    tr_scope
    {
        found = tr_directory_whereis(d, tr__build_1(key), pid);
    }
    return found;
}

tr_term tr_registry_keys(tr_atom registry, tr_pid pid)
{
    tr_term rest = tr_directory_of(tr__registry(registry), pid);
    tr_term list = tr_nil(), entry;

    while (tr_list_next(&rest, &entry))
        list = tr_list_push(list, tr_element(entry, 1));
    return tr_list_reverse(list);
}

tr_term tr_registry_values_args(tr_atom registry, struct tr_arg key, tr_pid pid)
{
    tr_term rest = tr_directory_of(tr__registry(registry), pid);
    tr_term wanted = tr_build_args(&key, 1), list = tr_nil(), entry;

    while (tr_list_next(&rest, &entry))
        if (tr_equal(tr_element(entry, 1), wanted))
            list = tr_list_push(list, tr_element(entry, 2));
    return tr_list_reverse(list);
}

size_t tr_registry_count(tr_atom registry)
{
    return tr_directory_count(tr__registry(registry));
}

/* --- metadata: entries of the first partition --- */

static struct tr_directory *meta_of(tr_atom registry, tr_pid *owner)
{
    struct tr_directory *d = tr_directory_find(tr__registry_meta_name(registry));

    if (!d || !tr_whereis(partition_name(registry, 0), owner))
        tr_error(a_badarg, tr_tuple(a_unknown_registry, registry));
    return d;
}

bool tr_registry_meta_args(tr_atom registry, struct tr_arg key, tr_term *value)
{
    tr_pid owner;
    tr_term entries = tr_directory_get(meta_of(registry, &owner), tr_build_args(&key, 1));

    if (tr_is_nil(entries))
        return false;
    *value = tr_element(tr_head(entries), 1);
    return true;
}

void tr_registry_put_meta_args(tr_atom registry, struct tr_arg key, struct tr_arg value)
{
    tr_pid owner;
    struct tr_directory *d = meta_of(registry, &owner);

    tr_scope
    {
        tr_term k = tr_build_args(&key, 1), v = tr_build_args(&value, 1);
        tr_err err;
        do {
            err = tr_directory_update(d, k, owner, v);
            if (err == TR_ENOTFOUND)
                err = tr_directory_insert(d, k, owner, v, NULL);
        } while (err == TR_EEXIST); /* somebody else has put it there in between */
        if (err == TR_ENOMEM)
            tr_exit(a_out_of_memory);
    }
}

void tr_registry_delete_meta_args(tr_atom registry, struct tr_arg key)
{
    tr_pid owner;
    struct tr_directory *d = meta_of(registry, &owner);

    tr_scope
    {
        tr_directory_remove(d, tr_build_args(&key, 1), owner);
    }
}

/* --- {via, Registry, {Registry, Key}} and {via, Registry, {Registry, Key, Value}} --- */

/* The parts of such a name; ends the caller when it is none, or the registry no unique one. */
static struct tr_directory *via_parts(tr_term name, tr_atom *registry, tr_term *key, tr_term *value)
{
    *value = tr_build(a_nil);
    if (!tr_match(name, registry, key) && !tr_match(name, registry, key, value))
        tr_error(a_badarg, name);
    struct tr_directory *d = tr__registry(*registry);
    if (!tr_directory_is_unique(d))
        tr_error(a_badarg, tr_tuple(a_duplicate, *registry));
    return d;
}

static bool via_register(tr_term name, tr_pid pid)
{
    tr_atom registry;
    tr_term key, value;

    via_parts(name, &registry, &key, &value);
    if (pid.w != tr_self().w)
        tr_error(a_badarg, pid);
    tr_err err = register_self(registry, NULL, key, value);
    if (err == TR_ENOMEM)
        tr_exit(a_out_of_memory);
    return err == TR_OK;
}

static void via_unregister(tr_term name)
{
    tr_atom registry;
    tr_term key, value;

    via_parts(name, &registry, &key, &value);
    unregister_self(registry, key);
}

static bool via_whereis(tr_term name, tr_pid *pid)
{
    tr_atom registry;
    tr_term key, value;

    return tr_directory_whereis(via_parts(name, &registry, &key, &value), key, pid);
}

static const struct tr_via via = { .name = "Registry",
                                   .register_name = via_register,
                                   .unregister_name = via_unregister,
                                   .whereis_name = via_whereis };
