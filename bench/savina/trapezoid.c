/* SPDX-License-Identifier: MIT */
/*
 * Trapezoidal approximation: the area below a function from 1 to 5 in `size` pieces by 100 workers.
 * The check is the area in millionths.
 */
#include "savina.h"

tr_atoms(work, area);

enum { WORKERS = 100 };

static double f(double x)
{
    double a = sin(pow(x, 3) - 1), b = x + 1, d = sqrt(1 + exp(sqrt(2 * x)));

    return a / b * d;
}

static void worker(tr_term arg)
{
    tr_pid master;
    double left, right, piece, area = 0;

    (void)arg;
    tr_receive (m)
        tr_on (m, a_work, &master, &left, &right, &piece)
            continue;
    int64_t n = (int64_t)((right - left) / piece);
    for (int64_t i = 0; i < n; i++) {
        double x = (double)i * piece + left;
        area += 0.5 * (f(x) + f(x + piece)) * piece;
    }
    tr_send(master, a_area, area);
}

static int64_t iterate(int64_t size)
{
    double first = 1, last = 5, range = (last - first) / WORKERS, sum = 0, area = 0;

    for (int i = 0; i < WORKERS; i++) {
        double left = range * i + first;
        tr_send(tr_spawn(worker), a_work, tr_self(), left, left + range,
                (last - first) / (double)size);
    }
    for (int i = 0; i < WORKERS; i++) {
        tr_receive (m)
            tr_on (m, a_area, &area)
                sum += area;
    }
    return llround(sum * 1e6);
}

static const struct savina benchmark = { .name = "trapezoid",
                                         .size = 10000000,
                                         .iterate = iterate };

int main(int argc, char **argv)
{
    return savina_main(argc, argv, &benchmark);
}
