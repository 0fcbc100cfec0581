/* SPDX-License-Identifier: MIT */
/* A task is described by its owner, its pid and a reference, and has a result. */
#include <stdio.h>

#include <troupe.h>

static tr_term is_even(tr_term number)
{
    int64_t n;
    bool even = tr_match(number, &n) && n % 2 == 0;

    return tr_build(even);
}

static void body(tr_term args)
{
    (void)args;
    struct tr_task task = tr_async(is_even, 1);

    printf("mine: %s\n", task.owner.w == tr_self().w ? "true" : "false");
    printf("result: %s\n", tr_inspect(tr_await(task)));
}

int main(int argc, char **argv)
{
    return tr_main(argc, argv, body);
}
