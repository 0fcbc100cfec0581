/* SPDX-License-Identifier: MIT */
/*
 * Successive over-relaxation: an actor for each cell of a grid of `size` by `size`. The cells of
 * one colour begin; each waits for the values of its neighbours, computes its own and sends it to
 * them, 100 times. The check is the sum of the last values in 1e-12.
 */
#include "savina.h"

tr_atoms(value, neighbours);

enum { ITERATIONS = 100, SIDES = 4 };

static const double OMEGA = 1.25;

struct cell {
    tr_pid parent, neighbours[SIDES];
    int64_t n; /* Neighbours. */
    double value;
};

static void tell(const struct cell *c)
{
    for (int64_t i = 0; i < c->n; i++)
        tr_send(c->neighbours[i], a_value, c->value);
}

static void relax(struct cell *c)
{
    double sum = 0, value;

    for (int64_t i = 0; i < c->n; i++) {
        tr_receive (m)
            tr_on (m, a_value, &value)
                sum += value;
    }
    c->value = 0.25 * OMEGA * sum + (1 - OMEGA) * c->value;
    tell(c);
}

static void get_neighbours(struct cell *c)
{
    tr_term list, item;

    tr_receive (m) {
        tr_on (m, a_neighbours, &list) {
            while (tr_list_next(&list, &item))
                c->n += tr_match(item, &c->neighbours[c->n]);
        }
    }
}

static void cell(tr_term arg)
{
    struct cell c = { 0 };
    int64_t begins;

    tr_match(arg, &c.parent, &c.value, &begins);
    get_neighbours(&c);
    if (begins)
        tell(&c);
    for (int64_t i = begins; i < ITERATIONS; i++)
        relax(&c);
    tr_send(c.parent, a_done, (int64_t)llround(c.value * 1e18));
}

/* Tells each cell its neighbours: two at a corner, three at a side, else four. */
static void connect(const tr_pid *grid, int64_t size)
{
    static const int DX[SIDES] = { 0, 1, 0, -1 }, DY[SIDES] = { 1, 0, -1, 0 };

    for (int64_t i = 0; i < size * size; i++) {
        tr_term list = tr_nil();
        for (int side = 0; side < SIDES; side++) {
            int64_t x = i / size + DX[side], y = i % size + DY[side];
            if (x >= 0 && x < size && y >= 0 && y < size)
                list = tr_list_push(list, tr_build(grid[x * size + y]));
        }
        tr_send(grid[i], a_neighbours, list);
    }
}

static int64_t iterate(int64_t size)
{
    int64_t cells = size * size, random = 10101010;
    tr_pid *grid = tr_alloc((size_t)cells * sizeof *grid);

    for (int64_t i = 0; i < cells; i++) {
        int64_t begins = (i / size + i % size + 1) % 2;
        grid[i] = tr_spawn(cell, tr_self(), savina_random_real(&random) * 1e-6, begins);
    }
    connect(grid, size);
    tr_free(grid);
    return llround((double)savina_await(cells) / 1e6);
}

static const struct savina benchmark = { .name = "sor", .size = 20, .iterate = iterate };

int main(int argc, char **argv)
{
    return savina_main(argc, argv, &benchmark);
}
