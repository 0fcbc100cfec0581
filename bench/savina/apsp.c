/* SPDX-License-Identifier: MIT */
/*
 * All-pairs shortest path: Floyd and Warshall's algorithm on a graph of `size` nodes, an actor for
 * each block of 50 by 50 distances. For each node each actor sends its whole block to all in its
 * row and column, and waits for theirs. The check is the sum of the distances.
 */
#include "savina.h"

tr_atoms(start, block);

enum { BLOCK = 50, MOST = 1000, LONGEST = 100 };

static int64_t graph[MOST][MOST]; /* Written before the actors start, as the next three. */
static int64_t nodes, side;
static tr_pid actors[MOST / BLOCK * (MOST / BLOCK)];

struct block {
    int64_t id, row, column; /* The latter two in blocks. */
    tr_pid neighbours[2 * (MOST / BLOCK)];
    size_t nneighbours;
    int64_t at[BLOCK][BLOCK];
    int64_t from_row[BLOCK], from_column[BLOCK]; /* The distances from and to the node k. */
};

static void prepare(int64_t size)
{
    int64_t random = size;

    nodes = size - size % BLOCK;
    side = nodes / BLOCK;
    for (int64_t i = 0; i < nodes; i++)
        for (int64_t j = i + 1; j < nodes; j++)
            graph[i][j] = graph[j][i] = savina_random(&random) % LONGEST + 1;
}

static void init(struct block *b)
{
    b->row = b->id / side;
    b->column = b->id % side;
    for (int64_t i = 0; i < side; i++) {
        if (i != b->row)
            b->neighbours[b->nneighbours++] = actors[i * side + b->column];
        if (i != b->column)
            b->neighbours[b->nneighbours++] = actors[b->row * side + i];
    }
    for (int i = 0; i < BLOCK; i++)
        memcpy(b->at[i], &graph[b->row * BLOCK + i][b->column * BLOCK], sizeof b->at[i]);
}

/* Takes what is needed of the block of that actor: the row of node k, the column of it, nothing. */
static void take(struct block *b, int64_t from, const void *data, int64_t k)
{
    const int64_t(*at)[BLOCK] = data;

    if (from == k / BLOCK * side + b->column)
        memcpy(b->from_row, at[k % BLOCK], sizeof b->from_row);
    if (from == b->row * side + k / BLOCK)
        for (int i = 0; i < BLOCK; i++)
            b->from_column[i] = at[i][k % BLOCK];
}

static void exchange(struct block *b, int64_t k)
{
    int64_t from;
    tr_bin data;

    tr_scope tr_send_each(b->neighbours, b->nneighbours, a_block, k, b->id,
                          tr_binary(b->at, sizeof b->at));
    take(b, b->id, b->at, k);
    for (size_t i = 0; i < b->nneighbours; i++) {
        tr_receive (m) {
            tr_on (m, a_block, k, &from, &data)
                take(b, from, data.data, k);
        }
    }
}

static int64_t relax(struct block *b)
{
    int64_t sum = 0;

    for (int i = 0; i < BLOCK; i++) {
        for (int j = 0; j < BLOCK; j++) {
            int64_t way = b->from_column[i] + b->from_row[j];
            if (way < b->at[i][j])
                b->at[i][j] = way;
            sum += b->at[i][j];
        }
    }
    return sum;
}

static void actor(tr_term arg)
{
    struct block *b = tr_alloc(sizeof *b);
    tr_pid parent;
    int64_t sum = 0;

    tr_match(arg, &parent, &b->id);
    tr_receive (m)
        tr_on (m, a_start)
            init(b);
    for (int64_t k = 0; k < nodes; k++) {
        exchange(b, k);
        sum = relax(b);
    }
    tr_send(parent, a_done, sum);
}

static int64_t iterate(int64_t size)
{
    int64_t blocks = side * side;

    (void)size;
    for (int64_t i = 0; i < blocks; i++)
        actors[i] = tr_spawn(actor, tr_self(), i);
    for (int64_t i = 0; i < blocks; i++)
        tr_send(actors[i], a_start);
    return savina_await(blocks);
}

static const struct savina benchmark = {
    .name = "apsp", .size = 300, .prepare = prepare, .iterate = iterate
};

int main(int argc, char **argv)
{
    return savina_main(argc, argv, &benchmark);
}
