/* SPDX-License-Identifier: MIT */
/*
 * A thousand workers that misbehave in every way, and a metronome beside them.
 *
 *     mayhem [SECONDS [WORKERS]]      5 seconds, 1,000 workers
 *
 * A supervisor starts the workers again, whatever the way in which they end; each has a lifetime,
 * after which a timer kills it. The census monitors them all and counts the ways. The metronome is
 * to wake every 10 ms; how late it is says how much the others disturb it.
 */
#include "troupe.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

tr_atoms(ok, census, workers, born, DOWN, report, stack_overflow, fault, killed, sigabrt,
         no_supervisor);

enum { BEAT_MS = 10, LONGEST_LIFE_MS = 1000 };

static volatile int sink;

/* --- what a worker may do --- */

static void behave(unsigned *seed)
{
    for (int i = rand_r(seed) % 1000; i > 0; i--)
        sink = tr_build(i).w != 0;
}

static void block(unsigned *seed)
{
    usleep((useconds_t)(rand_r(seed) % 100000));
}

/* Waits in the kernel, for ever if nobody ends it. */
static void hang(unsigned *seed)
{
    int ends[2];
    char c;

    (void)seed;
    if (pipe(ends) != 0)
        return;
    tr_own_fd(ends[0]);
    tr_own_fd(ends[1]);
    sink = (int)read(ends[0], &c, 1);
}

static void spin(unsigned *seed)
{
    (void)seed;
    for (;;)
        ;
}

static int descend(int depth)
{
    volatile char room[500];

    room[0] = (char)depth;
    return depth < 0 ? 0 : descend(depth + 1) + room[0];
}

static void overflow(unsigned *seed)
{
    (void)seed;
    sink = descend(0);
}

static void crash(unsigned *seed)
{
    char *volatile nowhere = NULL;

    (void)seed;
    *nowhere = 1;
}

static void divide(unsigned *seed)
{
    sink = rand_r(seed) / (sink & 0);
}

static void give_up(unsigned *seed)
{
    (void)seed;
    abort();
}

/* Takes memory and never gives it back; its end does. */
static void leak(unsigned *seed)
{
    for (int i = 0; i < 10; i++)
        memset(tr_alloc(10000), 1, 10000);
    tr_keep(tr_build(tr_list(1, 2, 3, (int)*seed)));
}

static const struct {
    void (*act)(unsigned *seed);
    int weight; /* of a thousand */
} acts[] = {
    { behave, 700 }, { block, 60 },  { hang, 10 },    { spin, 5 },   { overflow, 40 },
    { crash, 40 },   { divide, 20 }, { give_up, 20 }, { leak, 105 },
};

static void worker(tr_term arg)
{
    unsigned seed = (unsigned)tr_random(UINT_MAX);

    (void)arg;
    tr_send(a_census, a_born, tr_self());
    tr_kill_after(1 + rand_r(&seed) % LONGEST_LIFE_MS, tr_self());
    for (;;) {
        tr_sleep(rand_r(&seed) % 100);
        int draw = rand_r(&seed) % 1000;
        for (size_t i = 0; i < sizeof acts / sizeof *acts; i++) {
            draw -= acts[i].weight;
            if (draw < 0) {
                acts[i].act(&seed);
                break;
            }
        }
    }
}

/* --- the supervisor and the census --- */

static const char *const ways[] = { "killed", "overflowed", "faulted", "aborted", "others" };
enum { WAYS = sizeof ways / sizeof *ways };

static int way_of(tr_term reason)
{
    tr_atom signal;

    if (tr_match(reason, a_killed))
        return 0;
    if (tr_match(reason, a_stack_overflow))
        return 1;
    if (tr_match(reason, a_fault, &signal, tr_any(), tr_any()))
        return tr_equal(tr_build(signal), tr_build(a_sigabrt)) ? 3 : 2;
    return 4;
}

static void census(tr_term arg)
{
    long ends[WAYS] = { 0 };
    tr_term reason;
    tr_pid pid;

    (void)arg;
    for (;;) {
        tr_receive (m) {
            tr_on (m, a_born, &pid)
                tr_monitor(pid);
            tr_on (m, a_DOWN, tr_any(), tr_any(), tr_any(), &reason)
                ends[way_of(reason)]++;
            tr_on (m, a_report) {
                for (int i = 0; i < WAYS; i++)
                    printf("%s%ld %s", i ? ", " : "", ends[i], ways[i]);
                printf("; %lld processes\n", (long long)tr_process_count());
                fflush(stdout);
            }
        }
    }
}

static const struct tr_dynamic_supervisor workers = { .name = "workers", .max_restarts = 1000000 };

static const struct tr_supervisor app = {
    .name = "mayhem",
    .strategy = TR_ONE_FOR_ONE,
    .children = TR_CHILDREN({ .process = census, .name = "census" },
                            { .dynamic_supervisor = &workers, .name = "workers" }),
};

static void start_all(int n)
{
    tr_pid pid;

    tr_log_set_level(TR_LOG_CRITICAL); /* a report for each of these ends would say nothing new */
    if (!tr_match(tr_supervisor_start_link(&app, NULL), a_ok, &pid))
        tr_exit(a_no_supervisor);
    for (int i = 0; i < n; i++)
        tr_dynamic_supervisor_start_child(a_workers, TR_CHILD(.process = worker));
}

/* --- the metronome --- */

static void keep_time(int seconds)
{
    int64_t start = tr_monotonic_ns(), worst = 0, worst_ever = 0;
    int beats = seconds * 1000 / BEAT_MS;

    for (int beat = 1; beat <= beats; beat++) {
        int64_t due = start + (int64_t)beat * BEAT_MS * 1000000;
        int64_t ms = (due - tr_monotonic_ns()) / 1000000;
        tr_sleep(ms > 0 ? ms : 0);
        int64_t late = tr_monotonic_ns() - due;
        worst = late > worst ? late : worst;
        if (beat * BEAT_MS % 1000 == 0) {
            worst_ever = worst > worst_ever ? worst : worst_ever;
            printf("%2d s: the metronome was at most %.1f ms late\n    ", beat * BEAT_MS / 1000,
                   (double)worst / 1e6);
            fflush(stdout);
            tr_send(a_census, a_report);
            tr_sleep(1);
            worst = 0;
        }
    }
    printf("in all: at most %.1f ms late\n", (double)worst_ever / 1e6);
}

static int number(tr_term *args, int otherwise)
{
    tr_term item;
    tr_bin text;

    if (!tr_list_next(args, &item) || !tr_binary_get(item, &text))
        return otherwise;
    return atoi((const char *)text.data);
}

static void mayhem(tr_term args)
{
    tr_term name;

    tr_list_next(&args, &name);
    int seconds = number(&args, 5);
    start_all(number(&args, 1000));
    keep_time(seconds);
}

int main(int argc, char **argv)
{
    return tr_main(argc, argv, mayhem);
}
