/* SPDX-License-Identifier: MIT */
/* A counter with a name: whoever wants to count needs no pid. */
#include <stdio.h>

#include <troupe.h>

tr_atoms(counter, increment, get, count);

static void count_up(tr_term arg)
{
    int64_t total = 0;
    tr_pid caller;

    tr_match(arg, &total);
    for (;;) {
        tr_receive (m) {
            tr_on (m, a_increment)
                total++;
            tr_on (m, a_get, &caller)
                tr_send(caller, a_count, total);
        }
    }
}

static void start(void)
{
    struct tr_spawn_opts named = { .name = a_counter };

    tr_spawn_opt(count_up, &named, 0);
}

static void body(tr_term args)
{
    int64_t value;

    (void)args;
    start();
    tr_send(a_counter, a_increment);
    tr_send(a_counter, a_increment);
    tr_send(a_counter, a_get, tr_self());
    tr_receive (m) {
        tr_on (m, a_count, &value)
            printf("Count: %lld\n", (long long)value);
    }
}

int main(int argc, char **argv)
{
    return tr_main(argc, argv, body);
}
