/* SPDX-License-Identifier: MIT */
/*
 * What others notice of processes that block, loop and crash.
 *
 *     contain [SECONDS]
 *
 * With 8 processes blocked in read and two endless loops per core, one asks 10,000 others in turn,
 * and measures how long each answer takes. Then: how long until an endless loop has ended after its
 * kill, and from a full stack to the start of the next process in its place.
 */
#include "../bench.h"

#include <unistd.h>

tr_atoms(ping, pong, kill, up, EXIT);

enum { OTHERS = 10000, BLOCKED = 8, LOOPS_PER_CORE = 2, TRIES = 100 };

static int channel[2];
static int seconds;

static void blocks(tr_term arg)
{
    char c;

    (void)arg;
    (void)!read(channel[0], &c, 1);
}

static void loops(tr_term arg)
{
    (void)arg;
    for (;;)
        ;
}

static void answers(tr_term arg)
{
    tr_pid from;

    (void)arg;
    for (;;)
        tr_receive (m)
            tr_on (m, a_ping, &from)
                tr_send(from, a_pong);
}

static int by_value(const void *a, const void *b)
{
    int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;

    return (x > y) - (x < y);
}

static void report(const char *name, int64_t *ns, size_t n)
{
    qsort(ns, n, sizeof *ns, by_value);
    printf("%s: median %.3f ms, p99 %.3f ms, worst %.3f ms (%zu times)\n", name,
           (double)ns[n / 2] / 1e6, (double)ns[n * 99 / 100] / 1e6, (double)ns[n - 1] / 1e6, n);
    fflush(stdout);
}

static void measure_replies(void)
{
    size_t n = 0, room = (size_t)seconds * 1000000;
    int64_t *ns = malloc(room * sizeof *ns),
            end = tr_monotonic_ns() + seconds * INT64_C(1000000000);
    static tr_pid others[OTHERS];

    for (int i = 0; i < OTHERS; i++)
        others[i] = tr_spawn(answers);
    while (ns && n < room && tr_monotonic_ns() < end) {
        int64_t start = tr_monotonic_ns();
        tr_send(others[n % OTHERS], a_ping, tr_self());
        tr_receive (m)
            tr_on (m, a_pong)
                ns[n++] = tr_monotonic_ns() - start;
        if (n % 100 == 0)
            tr_sleep(1);
    }
    report("reply beside 8 blocked and 2 loops per core", ns, n);
    free(ns);
}

static void measure_kill(void)
{
    int64_t ns[TRIES];

    for (int i = 0; i < TRIES; i++) {
        tr_ref ref;
        tr_pid pid = tr_spawn_monitor(loops, &ref);
        tr_sleep(5);
        int64_t start = tr_monotonic_ns();
        tr_exit_to(pid, a_kill);
        tr_receive (m)
            tr_on (m, tr_any(), ref, tr_any(), tr_any(), tr_any())
                ns[i] = tr_monotonic_ns() - start;
    }
    report("kill of an endless loop", ns, TRIES);
}

static int descend(int depth)
{
    volatile char room[500];

    room[0] = (char)depth;
    return depth < 0 ? 0 : descend(depth + 1) + room[0];
}

static void overflows(tr_term arg)
{
    tr_pid boss = { 0 };

    tr_match(arg, &boss);
    tr_send(boss, a_up);
    descend(0);
}

static void measure_restart(void)
{
    int64_t ns[TRIES];

    tr_trap_exit(true);
    for (int i = 0; i < TRIES; i++) {
        tr_spawn_link(overflows, tr_self());
        int64_t start = tr_monotonic_ns();
        tr_receive (m)
            tr_on (m, a_EXIT, tr_any(), tr_any())
                tr_spawn_link(answers);
        ns[i] = tr_monotonic_ns() - start;
    }
    report("from a full stack to the next process", ns, TRIES);
}

static void body(tr_term args)
{
    (void)args;
    if (pipe(channel) != 0)
        return;
    tr_log_set_level(TR_LOG_EMERGENCY); /* a hundred reports of full stacks say nothing new */
    measure_restart();
    measure_kill();
    for (int i = 0; i < BLOCKED; i++)
        tr_spawn(blocks);
    for (int i = 0; i < LOOPS_PER_CORE * tr_schedulers_online(); i++)
        tr_spawn(loops);
    measure_replies();
}

int main(int argc, char **argv)
{
    seconds = argc > 1 ? atoi(argv[1]) : 3;
    return tr_main(argc, argv, body);
}
