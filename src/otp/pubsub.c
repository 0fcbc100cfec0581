/* SPDX-License-Identifier: MIT */
/* Publish and subscribe: a registry with duplicate keys, and one send to all of a key. */
#include "otp/registry.h"

tr_atoms(nil);

enum { FEW = 64 };

tr_term tr_pubsub_start_link(const struct tr_pubsub_opts *opts)
{
    static const struct tr_pubsub_opts none;

    opts = opts ? opts : &none;
    int partitions = opts->partitions ? opts->partitions : tr_schedulers_online();
    return tr_registry_start_link(
        TR_REGISTRY_OPTS(.name = opts->name, .keys = TR_DUPLICATE, .partitions = partitions));
}

tr_err tr_pubsub_subscribe_args(tr_atom pubsub, struct tr_arg topic)
{
    return tr_registry_register_args(pubsub, NULL, topic, TR_ARG(a_nil));
}

void tr_pubsub_unsubscribe_args(tr_atom pubsub, struct tr_arg topic)
{
    tr_registry_unregister_args(pubsub, topic);
}

/* How many are left without one of them. */
static size_t without(tr_pid *pids, size_t n, tr_pid from)
{
    size_t kept = 0;

    for (size_t i = 0; i < n; i++)
        if (pids[i].w != from.w)
            pids[kept++] = pids[i];
    return kept;
}

void tr_pubsub_broadcast_args(tr_atom pubsub, tr_pid from, struct tr_arg topic,
                              const struct tr_arg *args, int nargs)
{
    struct tr_directory *d = tr__registry(pubsub);
    tr_pid few[FEW], *pids = few;
    size_t most = FEW, n;

    tr_scope
    {
        tr_term key = tr_build_args(&topic, 1);
        while ((n = tr_directory_pids(d, key, pids, most)) > most) {
            if (pids != few)
                tr_free(pids);
            most = n + n / 8; /* some more may come meanwhile */
            pids = tr_alloc(most * sizeof *pids);
        }
        if (from.w)
            n = without(pids, n, from);
        tr_send_each_args(pids, n, args, nargs);
    }
    if (pids != few)
        tr_free(pids);
}
