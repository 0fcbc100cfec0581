/* SPDX-License-Identifier: MIT */
/* Exercise: a map in which each element has a process of its own. The answers come in any order;
   waiting for each by its sender brings them back into that of the elements. */
#include <stdio.h>

#include <troupe.h>

#define STEP_MS 250
#define N       4

static int64_t slowly_doubled(int64_t x)
{
    tr_sleep(STEP_MS);
    return x * 2;
}

static void work(tr_term arg)
{
    int64_t x;

    if (tr_match(arg, &x))
        tr_send(tr_parent(), tr_self(), slowly_doubled(x));
}

static void map(const int64_t *in, int64_t *out, int n)
{
    tr_pid pids[N];

    for (int i = 0; i < n; i++)
        pids[i] = tr_spawn_link(work, in[i]);
    for (int i = 0; i < n; i++) {
        tr_receive (m) {
            tr_on (m, pids[i], &out[i]) {
            }
        }
    }
}

static void body(tr_term args)
{
    const int64_t in[N] = { 1, 2, 3, 4 };
    int64_t out[N], start = tr_monotonic_ms();

    (void)args;
    map(in, out, N);
    bool together = tr_monotonic_ms() - start < N * STEP_MS;

    printf("%s\n", tr_inspect(tr_build(tr_list(out[0], out[1], out[2], out[3]))));
    printf("in the time of %s\n", together ? "one, not of four" : "four");
}

int main(int argc, char **argv)
{
    return tr_main(argc, argv, body);
}
