/* SPDX-License-Identifier: MIT */
/*
 * Radix sort: a chain of 60 actors, one for each bit, through which `size` numbers go; each passes
 * on those without its bit, then, when all have come, the others. The check is a sum that depends
 * on the order.
 */
#include "sorted.h"

enum { BITS = 60 };

static int64_t numbers;

static void sorter(tr_term arg)
{
    int64_t *kept = tr_alloc((size_t)numbers * sizeof *kept), nkept = 0, bit, value;
    tr_pid next;

    tr_match(arg, &bit, &next);
    for (int64_t i = 0; i < numbers; i++) {
        tr_receive (m) {
            tr_on (m, a_value, &value) {
                if (value >> bit & 1)
                    kept[nkept++] = value;
                else
                    tr_send(next, a_value, value);
            }
        }
    }
    for (int64_t i = 0; i < nkept; i++)
        tr_send(next, a_value, kept[i]);
}

static void source(tr_term arg)
{
    int64_t random = 2048;
    tr_pid next;

    tr_match(arg, &next);
    for (int64_t i = 0; i < numbers; i++)
        tr_send(next, a_value, savina_random(&random));
}

static int64_t iterate(int64_t size)
{
    tr_pid next = tr_self();

    numbers = size;
    for (int64_t bit = BITS - 1; bit >= 0; bit--)
        next = tr_spawn(sorter, bit, next);
    tr_spawn(source, next);
    return savina_check_sorted(size);
}

static const struct savina benchmark = { .name = "radixsort", .size = 100000, .iterate = iterate };

int main(int argc, char **argv)
{
    return savina_main(argc, argv, &benchmark);
}
