/* SPDX-License-Identifier: MIT */
/*
 * Quicksort: an actor parts its numbers by a pivot, lets two actors sort what is smaller and what
 * is greater, and puts the three together; below 2,048 numbers it sorts alone. The check is a sum
 * that depends on the order.
 */
#include "savina.h"

tr_atoms(sort, result, unsorted);

enum { ALONE = 2048 };

struct numbers {
    int64_t *at;
    size_t n;
};

static struct numbers input;

static void swap(int64_t *a, int64_t *b)
{
    int64_t kept = *a;

    *a = *b;
    *b = kept;
}

/* Orders the numbers as less than, equal to, greater than the middle one. */
static void part(struct numbers all, struct numbers *less, struct numbers *greater)
{
    int64_t pivot = all.at[all.n / 2];
    size_t nless = 0, end = all.n;

    for (size_t i = 0; i < end;) {
        if (all.at[i] < pivot)
            swap(&all.at[nless++], &all.at[i++]);
        else if (all.at[i] > pivot)
            swap(&all.at[i], &all.at[--end]);
        else
            i++;
    }
    *less = (struct numbers){ all.at, nless };
    *greater = (struct numbers){ all.at + end, all.n - end };
}

static void sort_alone(struct numbers all)
{
    struct numbers less, greater;

    while (all.n > 1) {
        part(all, &less, &greater);
        sort_alone(less);
        all = greater;
    }
}

static void sorter(tr_term arg);

static void send(tr_pid to, tr_atom what, int64_t side, struct numbers numbers)
{
    tr_send(to, what, side, ((tr_bin){ numbers.at, numbers.n * sizeof(int64_t) }));
}

static void sort_together(struct numbers all)
{
    struct numbers sides[2];
    tr_pid self = tr_self();
    int64_t side;
    tr_bin sorted;

    part(all, &sides[0], &sides[1]);
    for (int i = 0; i < 2; i++)
        send(tr_spawn(sorter, self), a_sort, i, sides[i]);
    for (int i = 0; i < 2; i++) {
        tr_receive (m) {
            tr_on (m, a_result, &side, &sorted)
                memcpy(sides[side].at, sorted.data, sorted.size);
        }
    }
}

static void sorter(tr_term arg)
{
    struct numbers all = { 0 };
    int64_t side = 0;
    tr_pid parent;
    tr_bin bytes;

    tr_match(arg, &parent);
    tr_receive (m) {
        tr_on (m, a_sort, &side, &bytes) {
            all.n = bytes.size / sizeof *all.at;
            all.at = tr_alloc(bytes.size);
            memcpy(all.at, bytes.data, bytes.size);
        }
    }
    if (all.n < ALONE)
        sort_alone(all);
    else
        sort_together(all);
    send(parent, a_result, side, all);
}

static void prepare(int64_t size)
{
    int64_t random = 1024;

    input = (struct numbers){ tr_alloc((size_t)size * sizeof *input.at), (size_t)size };
    for (size_t i = 0; i < input.n; i++)
        input.at[i] = savina_random(&random);
}

static int64_t check_sorted(const int64_t *numbers, int64_t n)
{
    int64_t sum = 0;

    for (int64_t i = 0; i < n; i++) {
        if (i && numbers[i] < numbers[i - 1])
            tr_exit(a_unsorted);
        sum += numbers[i] * (i % 10);
    }
    return sum;
}

static int64_t iterate(int64_t size)
{
    int64_t check = 0, side;
    tr_bin sorted;

    send(tr_spawn(sorter, tr_self()), a_sort, 0, input);
    tr_receive (m) {
        tr_on (m, a_result, &side, &sorted)
            check = check_sorted(sorted.data, size);
    }
    return check;
}

static const struct savina benchmark = {
    .name = "quicksort", .size = 1000000, .prepare = prepare, .iterate = iterate
};

int main(int argc, char **argv)
{
    return savina_main(argc, argv, &benchmark);
}
