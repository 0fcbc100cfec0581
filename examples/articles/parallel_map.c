/* SPDX-License-Identifier: MIT */
/* Exercise: a map in which each element has a task of its own. The answers come in any order;
   awaiting each by its task brings them back into that of the elements. */
#include <stdio.h>

#include <troupe.h>

#define STEP_MS 250
#define N       4

static tr_term slowly_doubled(tr_term arg)
{
    int64_t x;

    tr_sleep(STEP_MS);
    return tr_match(arg, &x) ? tr_build(x * 2) : tr_nil();
}

static void body(tr_term args)
{
    const int64_t in[N] = { 1, 2, 3, 4 };
    int64_t start = tr_monotonic_ms();
    struct tr_task tasks[N];
    tr_term out[N];

    (void)args;
    for (int i = 0; i < N; i++)
        tasks[i] = tr_async(slowly_doubled, in[i]);
    tr_await_many(tasks, N, out);
    bool together = tr_monotonic_ms() - start < N * STEP_MS;

    printf("%s\n", tr_inspect(tr_list_from_array(out, N)));
    printf("in the time of %s\n", together ? "one, not of four" : "four");
}

int main(int argc, char **argv)
{
    return tr_main(argc, argv, body);
}
