/* SPDX-License-Identifier: MIT */
/* The program of the README: a hundred thousand processes, each with one number to square. */
#include <troupe.h>

static void square(tr_term arg)
{
    tr_pid boss;
    int64_t n;
    if (tr_match(arg, &boss, &n))
        tr_send(boss, n * n);
}

static void body(tr_term args)
{
    int64_t n, sum = 0;
    (void)args;
    for (int i = 1; i <= 100000; i++)
        tr_spawn(square, tr_self(), i);
    for (int i = 1; i <= 100000; i++)
        tr_receive (m)
            tr_on (m, &n)
                sum += n;
    tr_puts(tr_inspect(tr_build(sum)));
}

int main(int argc, char **argv)
{
    return tr_main(argc, argv, body);
}
