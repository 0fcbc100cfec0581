/* SPDX-License-Identifier: MIT */
/* Fibonacci: an actor for each call of the recursive function; the size is its argument. */
#include "savina.h"

static void actor(tr_term arg)
{
    tr_pid parent, self = tr_self();
    int64_t n, result = 1;

    tr_match(arg, &parent, &n);
    if (n > 2) {
        tr_spawn(actor, self, n - 1);
        tr_spawn(actor, self, n - 2);
        result = savina_await(2);
    }
    tr_send(parent, a_done, result);
}

static int64_t iterate(int64_t size)
{
    tr_spawn(actor, tr_self(), size);
    return savina_await(1);
}

static const struct savina benchmark = { .name = "fib", .size = 25, .iterate = iterate };

int main(int argc, char **argv)
{
    return savina_main(argc, argv, &benchmark);
}
