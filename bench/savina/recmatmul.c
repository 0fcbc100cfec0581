/* SPDX-License-Identifier: MIT */
/*
 * Recursive matrix multiplication: a master hands products of blocks to 20 workers; those of more
 * than 16,384 elements come back as eight smaller ones. All products for a block of the result go
 * to the same worker. The check is the sum of the result.
 */
#include "savina.h"

tr_atoms(multiply, finished);

enum { WORKERS = 20, LARGEST = 16384, MOST = 1024 };

/* a and b are read-only once prepared; each element of c belongs to one worker. */
static double a[MOST][MOST], b[MOST][MOST], c[MOST][MOST];

static void prepare(int64_t size)
{
    for (int64_t i = 0; i < size && size <= MOST; i++) {
        for (int64_t j = 0; j < size; j++) {
            a[i][j] = (double)i;
            b[i][j] = (double)j;
        }
    }
}

/* c[row][column] += a[row][inner] * b[inner][column], for a block of n by n by n. */
static void multiply(int64_t row, int64_t column, int64_t inner, int64_t n)
{
    for (int64_t i = row; i < row + n; i++)
        for (int64_t j = column; j < column + n; j++)
            for (int64_t k = inner; k < inner + n; k++)
                c[i][j] += a[i][k] * b[k][j];
}

static void split(tr_pid master, int64_t row, int64_t column, int64_t inner, int64_t n)
{
    int64_t half = n / 2;

    for (int eighth = 0; eighth < 8; eighth++)
        tr_send(master, a_multiply, row + (eighth >> 2) * half, column + (eighth >> 1 & 1) * half,
                inner + (eighth & 1) * half, half);
}

static void worker(tr_term arg)
{
    int64_t row, column, inner, n;
    tr_pid master;

    tr_match(arg, &master);
    for (;;) {
        tr_receive (m) {
            tr_on (m, a_multiply, &row, &column, &inner, &n) {
                if (n * n > LARGEST)
                    split(master, row, column, inner, n);
                else
                    multiply(row, column, inner, n);
                tr_send(master, a_finished);
            }
            tr_on (m, a_stop)
                return;
        }
    }
}

static void manage(const tr_pid *workers, int64_t size)
{
    int64_t row, column, inner, n, sent = 0, finished = 0;

    tr_send(tr_self(), a_multiply, 0, 0, 0, size);
    do {
        tr_receive (m) {
            tr_on (m, a_multiply, &row, &column, &inner, &n) {
                tr_send(workers[(row + column) % WORKERS], a_multiply, row, column, inner, n);
                sent++;
            }
            tr_on (m, a_finished)
                finished++;
        }
    } while (finished < sent);
}

static int64_t iterate(int64_t size)
{
    tr_pid workers[WORKERS];
    double sum = 0;

    memset(c, 0, sizeof c);
    for (int i = 0; i < WORKERS; i++)
        workers[i] = tr_spawn(worker, tr_self());
    manage(workers, size);
    savina_stop(workers, WORKERS);
    for (int64_t i = 0; i < size; i++)
        for (int64_t j = 0; j < size; j++)
            sum += c[i][j];
    return llround(sum);
}

static const struct savina benchmark = {
    .name = "recmatmul", .size = 1024, .prepare = prepare, .iterate = iterate
};

int main(int argc, char **argv)
{
    return savina_main(argc, argv, &benchmark);
}
