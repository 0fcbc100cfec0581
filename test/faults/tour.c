/* SPDX-License-Identifier: MIT */
/*
 * A walk through all of the library that calls the system. tools/syscall-faults runs it again and
 * again, and lets one system call fail each time: it must end, with "done" or by saying what went
 * wrong, and never wait for ever.
 */
#include "troupe.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

tr_atoms(ping, done, DOWN, kill, lost);

enum { PROCESSES = 50, PATIENCE_MS = 5000 };

static volatile int sink;

static void expect(tr_atom what)
{
    tr_receive (m) {
        tr_on (m, what) {
        }
        tr_after (m, PATIENCE_MS)
            tr_exit(a_lost, what);
    }
}

static void answers(tr_term arg)
{
    tr_pid boss;

    if (tr_match(arg, &boss))
        tr_send(boss, a_done);
}

static void visit_processes(void)
{
    for (int i = 0; i < PROCESSES; i++)
        tr_spawn(answers, tr_self());
    for (int i = 0; i < PROCESSES; i++)
        expect(a_done);
    tr_spawn_opt(answers, &(struct tr_spawn_opts){ .stack_size = 1 << 20 }, tr_self());
    expect(a_done);
    tr_spawn_opt(answers, &(struct tr_spawn_opts){ .own_thread = true }, tr_self());
    expect(a_done);
}

static void visit_timers(void)
{
    tr_send_after(2, tr_self(), a_done);
    tr_sleep(1);
    expect(a_done);
}

static void blocks(tr_term arg)
{
    tr_pid boss;

    if (!tr_match(arg, &boss))
        return;
    usleep(10000);
    tr_blocking_begin();
    usleep(1000);
    tr_blocking_end();
    tr_send(boss, a_done);
}

static void loops(tr_term arg)
{
    (void)arg;
    for (;;)
        sink++;
}

/* As many as there are workers, so that others need theirs. */
static void visit_hand_off(void)
{
    tr_ref ref;
    int n = tr_schedulers_online();

    for (int i = 0; i < n; i++)
        tr_spawn(blocks, tr_self());
    for (int i = 0; i < n; i++)
        expect(a_done);
    tr_pid pid = tr_spawn_monitor(loops, &ref);
    tr_sleep(5);
    tr_exit_to(pid, a_kill);
    tr_receive_ref(m, ref)
    {
        tr_on (m, a_DOWN, ref, tr_any(), tr_any(), tr_any()) {
        }
        tr_after (m, PATIENCE_MS)
            tr_exit(a_lost, a_kill);
    }
}

static void waits_for(tr_term arg)
{
    tr_pid boss;
    int fd;

    if (!tr_match(arg, &boss, &fd))
        return;
    sink = tr_wait_fd(fd, TR_FD_READ, PATIENCE_MS);
    tr_send(boss, a_done);
}

static void visit_descriptors(void)
{
    int ends[2];

    if (pipe(ends) != 0)
        tr_exit(a_lost, a_ping);
    tr_spawn(waits_for, tr_self(), ends[0]);
    tr_sleep(1);
    if (write(ends[1], "x", 1) != 1)
        tr_exit(a_lost, a_ping);
    expect(a_done);
    tr_close_fd(ends[0]);
    tr_close_fd(ends[1]);
}

static void crashes(tr_term arg)
{
    int *volatile nowhere = NULL;

    (void)arg;
    *nowhere = 1;
}

static void visit_reports(void)
{
    tr_ref ref;

    sink = tr_log_add_sink("journal", &(struct tr_sink){ .write = tr_sink_journald });
    sink = tr_log_add_sink("syslog", &(struct tr_sink){ .write = tr_sink_syslog });
    tr_spawn_monitor(crashes, &ref);
    tr_receive_ref(m, ref)
    {
        tr_on (m, a_DOWN, ref, tr_any(), tr_any(), tr_any()) {
        }
        tr_after (m, PATIENCE_MS)
            tr_exit(a_lost, a_DOWN);
    }
    tr_log_flush(PATIENCE_MS);
}

static void visit_all(tr_term args)
{
    (void)args;
    sink = (int)tr_random(10);
    visit_processes();
    visit_timers();
    visit_hand_off();
    visit_descriptors();
    visit_reports();
    puts("done");
}

/* How many descriptors are open: the lowest ones, as long as nobody leaves holes. */
static int open_descriptors(void)
{
    int fd = dup(STDERR_FILENO);

    close(fd);
    return fd;
}

int main(int argc, char **argv)
{
    int before = open_descriptors();

    puts("begun");
    fflush(stdout);
    int status = tr_main(argc, argv, visit_all);
    tr_log_flush(PATIENCE_MS);
    int after = open_descriptors();
    if (after > before && before > 0)
        abort(); /* without a word, which is wrong */
    return status;
}
