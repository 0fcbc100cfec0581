/* SPDX-License-Identifier: MIT */
/*
 * A*-search: a grid of `size` cubed nodes with random edges away from the origin. A master hands
 * nodes to 20 workers; a worker searches up to 1,024 nodes on from there, claims each by setting
 * its parent, and sends the rest back. The check is 1 when the way from the target leads to the
 * origin.
 */
#include <stdatomic.h>

#include "savina.h"

tr_atoms(work, taken, found);

enum {
    WORKERS = 20,
    THRESHOLD = 1024,
    WORK = 100,
    MOST = 50,
    NODES = MOST * MOST * MOST,
    EDGES = 6
};

static int32_t edges[NODES][EDGES]; /* Written before the workers start, as the next three. */
static int32_t nedges[NODES];
static int32_t nodes, target;

static _Atomic int32_t parents[NODES]; /* -1: not found yet. */

static void add_edge(int32_t from, int32_t to)
{
    for (int i = 0; i < nedges[from]; i++)
        if (edges[from][i] == to)
            return;
    if (from != to)
        edges[from][nedges[from]++] = to;
}

/* To its neighbours that are one further in one or two of the three directions. */
static void add_edges(int32_t node, int32_t side, int64_t *random)
{
    for (int way = 1; way <= EDGES; way++) {
        int32_t x = node / (side * side) + (way >> 2), y = node / side % side + (way >> 1 & 1),
                z = node % side + (way & 1);
        bool only = way == EDGES && nedges[node] == 0;
        x = x < side ? x : side - 1;
        y = y < side ? y : side - 1;
        z = z < side ? z : side - 1;
        if (only || savina_random(random) >= 65536 / 2)
            add_edge(node, (x * side + y) * side + z);
    }
}

static void prepare(int64_t size)
{
    int32_t side = (int32_t)(size < MOST ? size : MOST), axis = side * 4 / 5;
    int64_t random = 123456;

    nodes = side * side * side;
    target = (axis * side + axis) * side + axis;
    for (int32_t i = 0; i < nodes; i++)
        add_edges(i, side, &random);
}

static bool claim(int32_t node, int32_t parent)
{
    int32_t none = -1;

    return atomic_compare_exchange_strong(&parents[node], &none, parent);
}

static void search(tr_pid master, int32_t start)
{
    int32_t queue[1 + THRESHOLD * EDGES], first = 0, end = 0;

    queue[end++] = start;
    while (first < end && first < THRESHOLD) {
        int32_t node = queue[first++];
        savina_busy(WORK);
        for (int i = 0; i < nedges[node]; i++) {
            int32_t next = edges[node][i];
            if (!claim(next, node))
                continue;
            if (next == target) {
                tr_send(master, a_found);
                return;
            }
            queue[end++] = next;
        }
    }
    while (first < end)
        tr_send(master, a_work, queue[first++]);
}

static void worker(tr_term arg)
{
    tr_pid master;
    int node;

    tr_match(arg, &master);
    for (;;) {
        tr_receive (m) {
            tr_on (m, a_work, &node) {
                search(master, node);
                tr_send(master, a_taken);
            }
            tr_on (m, a_stop) {
                tr_send(master, a_done, 0);
                return;
            }
        }
    }
}

static int64_t way_back(void)
{
    int32_t node = target;

    while (parents[node] >= 0)
        node = parents[node];
    return node == 0;
}

static void master(tr_term arg)
{
    int64_t sent = 0, taken = 0;
    tr_pid workers[WORKERS], parent;
    bool found = false;
    int node;

    tr_match(arg, &parent);
    for (int i = 0; i < WORKERS; i++)
        workers[i] = tr_spawn(worker, tr_self());
    tr_send(tr_self(), a_work, 0);
    do {
        tr_receive (m) {
            tr_on (m, a_work, &node)
                tr_send(workers[sent++ % WORKERS], a_work, node);
            tr_on (m, a_taken)
                taken++;
            tr_on (m, a_found)
                found = true;
        }
    } while (!found && taken < sent);
    savina_stop(workers, WORKERS);
    savina_await(WORKERS);
    tr_send(parent, a_done, way_back());
}

static int64_t iterate(int64_t size)
{
    (void)size;
    for (int32_t i = 0; i < nodes; i++)
        parents[i] = -1;
    tr_spawn(master, tr_self());
    return savina_await(1);
}

static const struct savina benchmark = {
    .name = "astar", .size = 30, .prepare = prepare, .iterate = iterate
};

int main(int argc, char **argv)
{
    return savina_main(argc, argv, &benchmark);
}
