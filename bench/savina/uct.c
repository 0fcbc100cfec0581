/* SPDX-License-Identifier: MIT */
/*
 * Unbalanced cobwebbed tree: actors ask the root whether they may have ten children, which chance
 * decides, until the tree has `size` nodes. Then it is traversed, with some work in each node, and
 * ends from the root on. The check is the number of nodes.
 */
#include "savina.h"

tr_atoms(try, ask, grow, traverse);

enum { CHILDREN = 10, MEAN_WORK = 500, DEVIATION = 100, ASKING_WORK = 100 };

struct node {
    tr_pid root, children[CHILDREN];
    int64_t work;
    bool grown;
};

static void node(tr_term arg);

/* Starts the children and lets them ask for their own. */
static void grow(tr_pid *children, tr_pid root, int64_t work)
{
    for (int i = 0; i < CHILDREN; i++)
        children[i] = tr_spawn(node, root, work);
    for (int i = 0; i < CHILDREN; i++)
        tr_send(children[i], a_try);
}

static void tell(const struct node *n, tr_atom what)
{
    for (int i = 0; n->grown && i < CHILDREN; i++)
        tr_send(n->children[i], what);
}

static void node(tr_term arg)
{
    struct node n = { .grown = false };
    tr_pid self = tr_self();
    int64_t work;

    tr_match(arg, &n.root, &n.work);
    for (;;) {
        tr_receive (m) {
            tr_on (m, a_try) {
                savina_busy(ASKING_WORK);
                tr_send(n.root, a_ask, self);
            }
            tr_on (m, a_grow, &work) {
                n.grown = true;
                grow(n.children, n.root, work);
            }
            tr_on (m, a_traverse) {
                savina_busy(n.work);
                tell(&n, a_traverse);
            }
            tr_on (m, a_stop) {
                tell(&n, a_stop);
                tr_send(n.root, a_done, 1);
                return;
            }
        }
    }
}

/* About normally distributed: the sum of twelve random numbers. */
static int64_t random_work(int64_t *random)
{
    int64_t sum = 0;

    for (int i = 0; i < 12; i++)
        sum += savina_random(random);
    return MEAN_WORK + (sum - 6 * 65536) * DEVIATION / 65536;
}

/* Waits for the nodes to end; takes the questions that nobody answers any more, too. */
static int64_t await_nodes(int64_t nodes)
{
    int64_t ended = 0;

    for (bool more = true; more;) {
        tr_receive (m) {
            tr_on (m, a_done, 1)
                ended++;
            tr_on (m, a_ask, tr_any())
                continue;
            tr_after (m, ended < nodes ? TR_INFINITY : 0)
                more = false;
        }
    }
    return ended;
}

static int64_t iterate(int64_t size)
{
    struct node root = { .root = tr_self(), .grown = true };
    int64_t random = 2, nodes = 1 + CHILDREN;
    tr_pid from;

    grow(root.children, root.root, random_work(&random));
    while (nodes + CHILDREN <= size) {
        tr_receive (m) {
            tr_on (m, a_ask, &from) {
                if (savina_random(&random) >= 65536 / 2) {
                    tr_send(from, a_grow, random_work(&random));
                    nodes += CHILDREN;
                }
            }
        }
    }
    tell(&root, a_traverse);
    tell(&root, a_stop);
    return 1 + await_nodes(nodes - 1);
}

static const struct savina benchmark = { .name = "uct", .size = 200000, .iterate = iterate };

int main(int argc, char **argv)
{
    return savina_main(argc, argv, &benchmark);
}
