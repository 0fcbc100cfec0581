/* SPDX-License-Identifier: MIT */
/* SIGTERM and SIGINT: in order, within a deadline, by force; and the status that tells them apart.
 */
#define _GNU_SOURCE
#include "system/program.h"

#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>

tr_atoms(EXIT, shutdown, ready, stubborn, normal);

static void say(const char *text)
{
    size_t size = strlen(text);

    CHECK(write(STDOUT_FILENO, text, size) == (ssize_t)size);
}

static void wait_for_ever(void)
{
    tr_receive (m)
        tr_on (m, a_ready) {
        }
}

static void clean_up(void *text)
{
    say(text);
}

static void waits(tr_term arg)
{
    (void)arg;
    tr_defer(clean_up, (char *)"first cleaned up\n");
    say("ready\n");
    wait_for_ever();
}

TEST(a_signal_ends_the_program_with_status_zero)
{
    static const int signals[] = { SIGTERM, SIGINT };

    for (int i = 0; i < 2; i++) {
        struct program p = program_start(waits, NULL);
        program_await(&p, "ready");
        kill(p.pid, signals[i]);
        CHECK_INT(program_end(&p), 0);
        CHECK_STR(p.text, "ready\nfirst cleaned up\n");
    }
}

static void waits_idle(tr_term arg)
{
    (void)arg;
    for (int i = 0; i < 1000; i++)
        tr_spawn(waits);
    wait_for_ever();
}

TEST(a_signal_wakes_a_program_whose_workers_are_all_asleep)
{
    struct program p = program_start(waits_idle, NULL);

    for (int i = 0; i < 3; i++)
        program_await(&p, "ready");
    usleep(100000); /* not waited for: only the likelihood that all are asleep depends on it */
    kill(p.pid, SIGTERM);
    CHECK_INT(program_end(&p), 0);
    CHECK_PRINTED(p, "first cleaned up");
}

static void traps(tr_term arg)
{
    tr_pid from;

    (void)arg;
    tr_trap_exit(true);
    say("ready\n");
    tr_receive (m)
        tr_on (m, a_EXIT, &from, a_shutdown) {
            CHECK_STR(tr_inspect(tr_build(from)), "<0.0.0>");
            say("asked to stop\n");
        }
}

TEST(a_first_process_that_traps_exits_is_asked)
{
    struct program p = program_start(traps, NULL);

    program_await(&p, "ready");
    kill(p.pid, SIGTERM);
    CHECK_INT(program_end(&p), 0);
    CHECK_STR(p.text, "ready\nasked to stop\n");
}

/* A small tree: the child ends before its parent, and takes its time. */
static void leaf(tr_term arg)
{
    tr_pid from;

    (void)arg;
    tr_trap_exit(true);
    say("ready\n");
    tr_receive (m)
        tr_on (m, a_EXIT, &from, tr_any()) {
        }
    tr_sleep(100);
    say("leaf\n");
}

static void branch(tr_term arg)
{
    tr_pid from, child;

    (void)arg;
    tr_trap_exit(true);
    child = tr_spawn_link(leaf);
    tr_receive (m)
        tr_on (m, a_EXIT, &from, tr_any()) {
        }
    tr_exit_to(child, a_shutdown);
    tr_receive (m)
        tr_on (m, a_EXIT, child, tr_any())
            say("branch\n");
}

static void root(tr_term arg)
{
    (void)arg;
    tr_spawn_link(branch);
    tr_defer(clean_up, (char *)"root\n");
    wait_for_ever();
}

TEST(those_linked_with_the_first_process_stop_what_is_theirs_in_order)
{
    struct program p = program_start(root, NULL);

    program_await(&p, "ready");
    kill(p.pid, SIGTERM);
    CHECK_INT(program_end(&p), 0);
    CHECK_STR(p.text, "ready\nroot\nleaf\nbranch\n");
}

static void exits_itself(tr_term arg)
{
    (void)arg;
    tr_spawn_link(branch);
    tr_sleep(100);
    tr_exit(a_shutdown, a_ready);
}

TEST(a_program_stops_in_order_by_its_own_shutdown_too)
{
    struct program p = program_start(exits_itself, NULL);

    CHECK_INT(program_end(&p), 0);
    CHECK_STR(p.text, "ready\nleaf\nbranch\n");
}

/* --- late --- */

static void ignores(tr_term arg)
{
    (void)arg;
    tr_trap_exit(true);
    CHECK_INT(tr_register(a_stubborn, tr_self()), TR_OK);
    say("ready\n");
    wait_for_ever();
}

static void links_stubborn(tr_term arg)
{
    (void)arg;
    tr_spawn_link(ignores);
    wait_for_ever();
}

static const struct tr_main_opts brief = { .stop_ms = 200 };

TEST(who_does_not_stop_in_time_is_named_and_killed)
{
    struct program p = program_start(links_stubborn, &brief);

    program_await(&p, "ready");
    kill(p.pid, SIGTERM);
    CHECK_INT(program_end(&p), TR_STATUS_FORCED);
    CHECK_PRINTED(p, "not stopped within 200 ms");
    CHECK_PRINTED(p, "(stubborn) ignores at ");
    CHECK_PRINTED(p, "waits for a message, has 1 it does not accept");
#ifdef __x86_64__
    CHECK_PRINTED(p, "called from ");
#endif
}

static void ignores_as_first(tr_term arg)
{
    ignores(arg);
}

TEST(a_first_process_that_does_not_stop_is_named_too)
{
    struct program p = program_start(ignores_as_first, &brief);

    program_await(&p, "ready");
    kill(p.pid, SIGTERM);
    CHECK_INT(program_end(&p), TR_STATUS_FORCED);
    CHECK_PRINTED(p, "<0.1.1> (stubborn) main at tr_main: waits for a message");
}

static void waits_for_input(tr_term arg)
{
    int ends[2];

    (void)arg;
    CHECK(pipe2(ends, O_NONBLOCK | O_CLOEXEC) == 0);
    tr_trap_exit(true);
    say("ready\n");
    CHECK_INT(tr_wait_fd(ends[0], TR_FD_READ, TR_INFINITY), TR_OK);
}

TEST(the_descriptor_that_a_late_process_waits_for_is_named)
{
    struct program p = program_start(waits_for_input, &brief);

    program_await(&p, "ready");
    kill(p.pid, SIGTERM);
    CHECK_INT(program_end(&p), TR_STATUS_FORCED);
    CHECK_PRINTED(p, "main at tr_main: waits for descriptor ");
}

/* A loop that exit signals end, and in builds where they cannot, the deadline. */
static void first_loops(tr_term arg)
{
    (void)arg;
    say("ready\n");
    for (;;)
        getppid();
}

TEST(a_first_process_that_loops_does_not_hold_up_the_end)
{
    struct program p = program_start(first_loops, &brief);

    program_await(&p, "ready");
    kill(p.pid, SIGTERM);
    int status = program_end(&p);
    CHECK(status == 0 || status == TR_STATUS_FORCED);
}

static void reads(tr_term arg)
{
    int channel[2];
    char c;

    (void)arg;
    CHECK_INT(pipe2(channel, O_CLOEXEC), 0);
    say("ready\n");
    CHECK_INT(read(channel[0], &c, 1), 1);
}

static void spawns_reader(tr_term arg)
{
    (void)arg;
    tr_spawn(reads);
    wait_for_ever();
}

TEST(a_process_blocked_in_a_system_call_does_not_hold_up_the_end)
{
    struct program p = program_start(spawns_reader, &brief);

    program_await(&p, "ready");
    kill(p.pid, SIGTERM);
    int status = program_end(&p);
    CHECK(status == 0 || status == TR_STATUS_FORCED);
}

/* Code of others, which nobody may leave in its middle. */
static int never_decides(const void *a, const void *b)
{
    static atomic_int looked;

    if (atomic_fetch_add(&looked, 1) == 0)
        say("ready\n");
    while (atomic_fetch_add(&looked, 1))
        ;
    return a < b;
}

static void loops(tr_term arg)
{
    int numbers[] = { 2, 1 };

    (void)arg;
    qsort(numbers, 2, sizeof *numbers, never_decides);
}

static void spawns_loop(tr_term arg)
{
    (void)arg;
    tr_spawn(loops);
    wait_for_ever();
}

TEST(who_is_stuck_in_a_loop_is_named)
{
    struct program p = program_start(spawns_loop, &brief);

    program_await(&p, "ready");
    kill(p.pid, SIGTERM);
    CHECK_INT(program_end(&p), TR_STATUS_FORCED);
    CHECK_PRINTED(p, "loops at ");
    CHECK_PRINTED(p, "runs on thread troupe/");
}

static void locks(tr_term arg)
{
    static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;

    (void)arg;
    pthread_mutex_lock(&mutex);
    say("ready\n");
    pthread_mutex_lock(&mutex);
}

static void spawns_lock(tr_term arg)
{
    (void)arg;
    tr_spawn(locks);
    wait_for_ever();
}

TEST(who_cannot_be_killed_is_abandoned)
{
    CHECK_NO_EMULATOR();
    struct program p = program_start(spawns_lock, &brief);

    program_await(&p, "ready");
    kill(p.pid, SIGTERM);
    CHECK_INT(program_end(&p), TR_STATUS_FORCED);
    CHECK_PRINTED(p, "processes that were killed go on");
    CHECK_PRINTED(p, "locks at ");
    if (access("/proc/self/syscall", R_OK) == 0)
        CHECK_PRINTED(p, "is blocked in futex (a lock or condition)");
}

static void sleeps_long(void *arg)
{
    (void)arg;
    say("cleaning up\n");
    tr_sleep(1000000);
}

static void cleans_up_slowly(tr_term arg)
{
    tr_pid boss;

    CHECK(tr_match(arg, &boss));
    tr_defer(sleeps_long, NULL);
    tr_send(boss, a_ready);
    wait_for_ever();
}

static void ends_beside_slow_one(tr_term arg)
{
    (void)arg;
    tr_spawn(cleans_up_slowly, tr_self());
    wait_for_ever();
}

TEST(a_clean_up_that_hangs_is_named_also_without_a_signal)
{
    struct program p = program_start(ends_beside_slow_one, &brief);

    CHECK_INT(program_end(&p), TR_STATUS_FORCED);
    CHECK_PRINTED(p, "cleans_up_slowly at ");
    CHECK_PRINTED(p, "waits for a message in its clean-up or ");
}

TEST(a_second_signal_forces_at_once)
{
    static const struct tr_main_opts no_deadline = { .stop_ms = TR_INFINITY };
    struct program p = program_start(links_stubborn, &no_deadline);

    program_await(&p, "ready");
    kill(p.pid, SIGTERM);
    CHECK_INT(waitpid(p.pid, NULL, WNOHANG), 0);
    kill(p.pid, SIGINT);
    CHECK_INT(program_end(&p), TR_STATUS_FORCED);
    CHECK_PRINTED(p, "a second signal");
    CHECK_PRINTED(p, "ignores at ");
}

/* --- whose signals they are --- */

static void on_signal(int signal)
{
    (void)signal;
    say("handled by the program\n");
    _exit(42);
}

static void installs_handler(tr_term arg)
{
    signal(SIGTERM, on_signal);
    waits(arg);
}

TEST(a_handler_of_the_program_takes_precedence)
{
    struct program p = program_start(installs_handler, NULL);

    program_await(&p, "ready");
    kill(p.pid, SIGTERM);
    CHECK_INT(program_end(&p), 42);
}

TEST(a_handler_installed_before_stays)
{
    signal(SIGINT, on_signal);
    struct program p = program_start(waits, NULL);

    program_await(&p, "ready");
    kill(p.pid, SIGINT);
    CHECK_INT(program_end(&p), 42);
}

TEST(a_signal_that_the_program_ignores_stays_ignored)
{
    signal(SIGINT, SIG_IGN);
    struct program p = program_start(waits, NULL);

    program_await(&p, "ready");
    kill(p.pid, SIGINT);
    usleep(50000); /* not waited for: nothing is to happen */
    CHECK_INT(waitpid(p.pid, NULL, WNOHANG), 0);
    kill(p.pid, SIGTERM);
    CHECK_INT(program_end(&p), 0);
}

TEST(the_signals_can_be_left_alone)
{
    static const struct tr_main_opts keep = { .keep_signals = true };
    struct program p = program_start(waits, &keep);

    program_await(&p, "ready");
    kill(p.pid, SIGTERM);
    CHECK_INT(program_end(&p), -SIGTERM);
}

static void nothing(tr_term arg)
{
    (void)arg;
}

TEST(the_signals_are_given_back_at_the_end)
{
    struct sigaction now;

    CHECK_INT(tr_main(0, NULL, nothing), 0);
    sigaction(SIGTERM, NULL, &now);
    CHECK(now.sa_handler == SIG_DFL);
    sigaction(SIGINT, NULL, &now);
    CHECK(now.sa_handler == SIG_DFL);
}

static void raises(tr_term arg)
{
    (void)arg;
    raise(SIGTERM);
    wait_for_ever();
}

TEST(a_process_may_raise_the_signal_itself_and_the_next_run_is_not_affected)
{
    for (int i = 0; i < 20; i++) {
        CHECK_INT(tr_main(0, NULL, raises), 0);
        CHECK_INT(tr_main(0, NULL, nothing), 0);
    }
}

TEST(options_out_of_range_are_refused)
{
    static const struct tr_main_opts wrong = { .stop_ms = -5 };

    CHECK_INT(tr_main_opt(0, NULL, nothing, &wrong), 1);
}

/* --- the first process ends with another one --- */

static tr_term cannot_start(tr_term arg)
{
    (void)arg;
    return tr_build(tr_intern("error"), tr_intern("refused"));
}

static const struct tr_supervisor tree = { .children = TR_CHILDREN(
                                               { .start = cannot_start, .id = "child" }) };

static void starts_what_fails(tr_term arg)
{
    (void)arg;
    tr_log_set_level(TR_LOG_EMERGENCY);
    tr_supervisor_start_link(&tree, NULL);
    wait_for_ever();
}

TEST(a_linked_start_that_fails_is_a_failure_of_the_program)
{
    struct program p = program_start(starts_what_fails, NULL);

    CHECK_INT(program_end(&p), 1);
    CHECK_PRINTED(p, "{failed_to_start_child,child,refused}}, as did the linked <0.");
}

static void ends_with_shutdown(tr_term arg)
{
    (void)arg;
    tr_exit(a_shutdown);
}

static void waits_for_linked(tr_term arg)
{
    (void)arg;
    tr_spawn_link(ends_with_shutdown);
    wait_for_ever();
}

static void told_to_end(tr_term arg)
{
    tr_pid first;

    CHECK(tr_match(arg, &first));
    tr_exit_to(first, a_shutdown);
}

static void is_told_to_end(tr_term arg)
{
    (void)arg;
    tr_spawn(told_to_end, tr_self());
    wait_for_ever();
}

TEST(shutdown_of_the_first_process_is_meant_unless_a_link_brings_it)
{
    struct program own = program_start(ends_with_shutdown, NULL);
    CHECK_INT(program_end(&own), 0);
    struct program told = program_start(is_told_to_end, NULL);
    CHECK_INT(program_end(&told), 0);
    CHECK_STR(told.text, "");
    struct program linked = program_start(waits_for_linked, NULL);
    CHECK_INT(program_end(&linked), 1);
    CHECK_PRINTED(linked, "as did the linked");
}
