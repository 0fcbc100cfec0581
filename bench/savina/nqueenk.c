/* SPDX-License-Identifier: MIT */
/*
 * N queens: all solutions on a board of `size` columns. A master hands boards to 20 workers in
 * turn; a worker sends back those with one queen more, and from 4 queens on goes on alone. The
 * check is the number of solutions.
 */
#include "savina.h"

tr_atoms(board, solution, finished);

enum { WORKERS = 20, THRESHOLD = 4, MOST = 32 };

static int64_t columns;

static bool fits(const char *queens, int n)
{
    for (int i = 0; i < n; i++)
        for (int j = i + 1; j < n; j++)
            if (queens[j] == queens[i] || abs(queens[j] - queens[i]) == j - i)
                return false;
    return true;
}

/* Places queen n in each column, and all that follow. */
static void search(tr_pid master, char *queens, int n)
{
    if (n == columns) {
        tr_send(master, a_solution);
        return;
    }
    for (char column = 0; column < columns; column++) {
        queens[n] = column;
        if (!fits(queens, n + 1))
            continue;
        if (n < THRESHOLD)
            tr_send(master, a_board, ((tr_bin){ queens, (size_t)n + 1 }));
        else
            search(master, queens, n + 1);
    }
}

static void worker(tr_term arg)
{
    char queens[MOST];
    tr_pid master;
    tr_bin board;

    tr_match(arg, &master);
    for (;;) {
        tr_receive (m) {
            tr_on (m, a_board, &board) {
                memcpy(queens, board.data, board.size);
                search(master, queens, (int)board.size);
                tr_send(master, a_finished);
            }
            tr_on (m, a_stop)
                return;
        }
    }
}

static int64_t manage(const tr_pid *workers)
{
    int64_t sent = 0, finished = 0, solutions = 0;
    tr_term board;

    tr_send(tr_self(), a_board, "");
    do {
        tr_receive (m) {
            tr_on (m, a_board, &board)
                tr_send(workers[sent++ % WORKERS], a_board, board);
            tr_on (m, a_solution)
                solutions++;
            tr_on (m, a_finished)
                finished++;
        }
    } while (finished < sent);
    return solutions;
}

static int64_t iterate(int64_t size)
{
    tr_pid workers[WORKERS];

    columns = size < MOST ? size : MOST;
    for (int i = 0; i < WORKERS; i++)
        workers[i] = tr_spawn(worker, tr_self());
    int64_t solutions = manage(workers);
    savina_stop(workers, WORKERS);
    return solutions;
}

static const struct savina benchmark = { .name = "nqueenk", .size = 12, .iterate = iterate };

int main(int argc, char **argv)
{
    return savina_main(argc, argv, &benchmark);
}
