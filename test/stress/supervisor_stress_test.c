/* SPDX-License-Identifier: MIT */
/*
 * Random trees of supervisors, with children that end at random, beside a model of what the facts
 * say must then run.
 *
 * The model is arrays over nodes. Node 0 is the root; the children of a node have higher numbers
 * than it, and are in the order in which they start. After each step the test asks every supervisor
 * for its children, until all of them are as the model has them: those that are to run anew under
 * another pid than before, all others under the same.
 */
#include "load.h"

#include <stdio.h>

tr_atoms(ok, leave, normal, shutdown, boom, kill, undefined, which_children);

enum { NODES = 200, FANOUT = 12, MAX_DEPTH = 4, STEPS_OF_A_TREE = 300 };

enum state { RUNNING, STOPPED, REMOVED };

/* --- the tree and its model --- */

static struct {
    int n;
    int parent[NODES];
    int depth[NODES];
    int nchildren[NODES];
    int child[NODES][FANOUT];
    bool supervises[NODES];
    enum tr_restart restart[NODES];
    enum tr_strategy strategy[NODES];

    enum state state[NODES];
    tr_pid pid[NODES];   /* as of the last step */
    bool fresh[NODES];   /* has been started anew since */
    tr_pid found[NODES]; /* by the present look */
} tree;

static struct tr_child_spec specs[NODES][FANOUT + 1];
static struct tr_supervisor sups[NODES];

static void worker(tr_term unused)
{
    tr_term reason;

    (void)unused;
    tr_receive (m)
        tr_on (m, a_leave, &reason)
            tr_exit(reason);
}

static int add_node(uint64_t *seed, int parent)
{
    int i = tree.n++;

    tree.parent[i] = parent;
    tree.depth[i] = parent < 0 ? 0 : tree.depth[parent] + 1;
    tree.nchildren[i] = 0;
    tree.supervises[i] = parent < 0 || (tree.depth[i] < MAX_DEPTH && load_below(seed, 4) == 0);
    tree.restart[i] = (enum tr_restart)load_below(seed, 3);
    tree.strategy[i] = (enum tr_strategy)load_below(seed, 3);
    tree.state[i] = RUNNING;
    tree.pid[i].w = 0;
    tree.fresh[i] = true;
    if (parent >= 0)
        tree.child[parent][tree.nchildren[parent]++] = i;
    return i;
}

/* Nodes are added to random supervisors that have room. A tree whose supervisors are all full is
   not the end: now and then a worker becomes one. */
static void grow(uint64_t *seed)
{
    tree.n = 0;
    add_node(seed, -1);
    while (tree.n < NODES) {
        int parent = load_below(seed, tree.n);
        if (tree.supervises[parent] && tree.nchildren[parent] < FANOUT)
            add_node(seed, parent);
        else if (load_below(seed, 100) == 0)
            tree.supervises[parent] = true;
    }
}

static void write_specs(void)
{
    memset(specs, 0, sizeof specs);
    memset(sups, 0, sizeof sups);
    for (int i = 0; i < tree.n; i++) {
        sups[i].strategy = tree.strategy[i];
        sups[i].max_restarts = 1000000000;
        sups[i].children = specs[i];
        for (int k = 0; k < tree.nchildren[i]; k++) {
            int c = tree.child[i][k];
            specs[i][k].id_term = tr_build(c);
            specs[i][k].restart = tree.restart[c];
            if (tree.supervises[c])
                specs[i][k].supervisor = &sups[c];
            else
                specs[i][k].process = worker;
        }
    }
}

/* --- what the facts say --- */

static void model_starts(int i)
{
    tree.state[i] = RUNNING;
    tree.fresh[i] = true;
    for (int k = 0; k < tree.nchildren[i]; k++)
        model_starts(tree.child[i][k]);
}

/* It was ended, or has ended and is not restarted. */
static void model_gone(int i)
{
    tree.state[i] = tree.restart[i] == TR_TEMPORARY ? REMOVED : STOPPED;
}

/* One of the others of a group. */
static void model_group(int i)
{
    if (tree.restart[i] == TR_TEMPORARY)
        tree.state[i] = REMOVED;
    else
        model_starts(i);
}

static void model_ends(int i, bool fault)
{
    int parent = tree.parent[i];
    bool after = false;

    if (tree.restart[i] == TR_TEMPORARY || (tree.restart[i] == TR_TRANSIENT && !fault)) {
        model_gone(i);
        return;
    }
    for (int k = 0; k < tree.nchildren[parent]; k++) {
        int c = tree.child[parent][k];
        if (c == i)
            model_starts(c);
        else if (tree.strategy[parent] == TR_ONE_FOR_ALL ||
                 (tree.strategy[parent] == TR_REST_FOR_ONE && after))
            model_group(c);
        after |= c == i;
    }
}

/* --- looking --- */

static bool looks_right(int i);

/* One entry of which_children. */
static bool entry_is(tr_term entry, int i)
{
    tr_term pid;

    if (!tr_match(entry, i, &pid, tr_any(), tr_any()))
        return false;
    if (tree.state[i] == STOPPED)
        return tr_match(pid, a_undefined);
    if (!tr_match(pid, &tree.found[i]) || !tr_is_alive(tree.found[i]))
        return false;
    if ((tree.found[i].w == tree.pid[i].w) == tree.fresh[i])
        return false;
    return !tree.supervises[i] || looks_right(i);
}

static bool looks_right(int i)
{
    tr_term list, entry;

    if (tr_try_call(tree.found[i], &list, a_which_children))
        return false;
    for (int k = tree.nchildren[i] - 1; k >= 0; k--) {
        int c = tree.child[i][k];
        if (tree.state[c] == REMOVED)
            continue;
        if (!tr_list_next(&list, &entry) || !entry_is(entry, c))
            return false;
    }
    return tr_is_nil(list);
}

static bool tree_is_right(void)
{
    bool right = false;

    tr_scope
    {
        right = looks_right(0);
    }
    return right;
}

/* The step is over: what runs now is what there was before the next one. */
static void settle(void)
{
    CHECK_WITHIN(patience(20000), tree_is_right());
    for (int i = 0; i < tree.n; i++) {
        tree.pid[i] = tree.found[i];
        tree.fresh[i] = false;
    }
}

/* --- steps --- */

/* Whether a node and all above it run. */
static bool runs(int i)
{
    return i < 0 || (tree.state[i] == RUNNING && runs(tree.parent[i]));
}

static void end_itself(uint64_t *seed, int i)
{
    const tr_atom reasons[] = { a_normal, a_shutdown, a_boom, a_kill };
    int which = tree.supervises[i] ? 3 : load_below(seed, 4);

    if (which == 3)
        tr_exit_to(tree.pid[i], a_kill);
    else
        tr_send(tree.pid[i], a_leave, reasons[which]);
    model_ends(i, which >= 2);
}

static void terminate(int i)
{
    CHECK_TERM(tr_supervisor_terminate_child(tree.pid[tree.parent[i]], i), tr_build(a_ok));
    model_gone(i);
}

static void restart(int i)
{
    CHECK(tr_match(tr_supervisor_restart_child(tree.pid[tree.parent[i]], i), a_ok, tr_any()));
    model_starts(i);
}

static void step(uint64_t *seed)
{
    int i = 1 + load_below(seed, tree.n - 1);

    if (!runs(tree.parent[i]) || tree.state[i] == REMOVED)
        return;
    tr_scope
    {
        if (tree.state[i] == STOPPED)
            restart(i);
        else if (load_below(seed, 5) == 0)
            terminate(i);
        else
            end_itself(seed, i);
    }
    settle();
}

static void one_tree(uint64_t *seed, int64_t until)
{
    tr_pid root;

    grow(seed);
    write_specs();
    CHECK(tr_match(tr_supervisor_start_link(&sups[0], NULL), a_ok, &root));
    tree.found[0] = root;
    settle();
    for (int i = 0; i < STEPS_OF_A_TREE && check_now_ms() < until; i++)
        step(seed);
    tr_stop(root, a_normal, TR_INFINITY);
    CHECK_WITHIN(patience(20000), tr_process_count() == 1);
    tr_receive (m)
        tr_on (m, tr_any(), root, tr_any()) {
        }
}

TEST_PROC(random_trees_are_what_the_facts_say)
{
    int64_t until = check_now_ms() + check_rounds(check_env("TR_LONG", 0) ? 60000 : 3000);
    uint64_t seed = (uint64_t)check_env("TR_SEED", (int64_t)tr_random(INT64_MAX)) | 1;

    printf("TR_SEED=%lu\n", (unsigned long)seed);
    fflush(stdout);
    tr_trap_exit(true);
    tr_log_set_level(TR_LOG_EMERGENCY);
    while (check_now_ms() < until)
        tr_scope
        {
            one_tree(&seed, until);
        }
}
