/* SPDX-License-Identifier: MIT */
/*
 * Partition supervisors: the same child several times, for work that one process cannot keep up
 * with, and a key that says which of them is meant.
 *
 *     static const struct tr_partition_supervisor counters = {
 *         .child = { .server = &counter, .arg = "0" }
 *     };
 *
 *     tr_partition_supervisor_start_link(&counters, TR_GEN_SERVER_OPTS(.name = a_counters));
 *     tr_cast(tr_partition(a_counters, user), a_increment);
 *
 * One key always goes to the same partition, while their number is the same.
 */
#ifndef TROUPE_PARTITION_SUPERVISOR_H
#define TROUPE_PARTITION_SUPERVISOR_H

#include "troupe/supervisor.h"

TR_HEADER_BEGIN

/* Zero is the default of each but `child`. */
struct tr_partition_supervisor {
    struct tr_child_spec child;
    int partitions; /* one for each scheduler */
    enum tr_strategy strategy;
    int max_restarts; /* 3 */
    int max_seconds;  /* 5 */

    /* What partition number i is started with, made of the child's own argument. */
    tr_term (*with_argument)(tr_term arg, int i);
};

/*
 * Starts a partition supervisor, linked with the caller, and its partitions, whose ids are 0, 1 and
 * so on. The result is that of tr_supervisor_start_link. opts->name or opts->via is how it is asked
 * for, and mandatory. The struct need not last longer than the call, what it points to must. The
 * caller ends with {badarg, What} when name or child are missing, or the number is negative;
 * nothing was started then. Process only; blocks. (PartitionSupervisor.start_link/1)
 */
tr_term tr_partition_supervisor_start_link(const struct tr_partition_supervisor *supervisor,
                                           const struct tr_gen_server_opts *opts);

/*
 * `name` below is an atom or {via, Module, Term}, whose module may be asked on each call.
 *
 * tr_pid tr_partition(name, key): the partition for a key: an integer goes to |key| modulo their
 * number, anything else by its hash. The caller ends with {noproc, Name} when there is no such
 * supervisor, and with noproc in the same place when that partition does not run at the moment.
 * Takes no lock and asks nobody but the module of a name. Process only.
 * ({:via, PartitionSupervisor, {name, key}})
 *
 * tr_err tr_try_partition(name, &pid, key): the same with a result, TR_ENOPROC.
 */
tr_pid tr_partition_args(tr_term name, struct tr_arg key);
TR_MUST_USE tr_err tr_try_partition_args(tr_term name, tr_pid *pid, struct tr_arg key);
#define tr_partition(name, key)          tr_partition_args(TR__DEST(name), TR_ARG(key))
#define tr_try_partition(name, pid, key) tr_try_partition_args(TR__DEST(name), pid, TR_ARG(key))

/* int tr_partition_count(name): how many partitions there are. The caller ends with {noproc, Name}
   when there is no such supervisor. Process only. (PartitionSupervisor.partitions/1) */
int tr_partition_count_term(tr_term name);
#define tr_partition_count(name) tr_partition_count_term(TR__DEST(name))

/*
 * int tr_partition_resize(name, n): ends or starts partitions until there are so many, 0 to the
 * number at the start; returns how many there were. Out of that range the caller ends with {badarg,
 * N}; a partition that cannot be started ends it with the reason. Process only; blocks.
 * (PartitionSupervisor.resize!/2)
 */
int tr_partition_resize_term(tr_term name, int n);
#define tr_partition_resize(name, n) tr_partition_resize_term(TR__DEST(name), n)

/* tr_supervisor_which_children and tr_supervisor_count_children tell of the partitions. */

TR_HEADER_END

#endif
