/* SPDX-License-Identifier: MIT */
/* Starting and stopping the whole, and calls from threads that run no process. */

#include "conformance/puppet.h"

#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

tr_atoms(oops, from_thread, name, late);

static void see_arguments(tr_term args)
{
    CHECK_TERM(args, tr_build(tr_list("program", "one", "two words")));
    CHECK(tr_in_process());
    CHECK(tr_is_alive(tr_self()));
    CHECK_INT(tr_process_count(), 1);
}

TEST(arguments_are_a_list_of_binaries)
{
    char *argv[] = { "program", "one", "two words", NULL };

    CHECK_INT(tr_main(3, argv, see_arguments), 0);
    CHECK(!tr_in_process());
}

static void exit_with_word(tr_term args)
{
    tr_term word;

    CHECK(tr_match(args, tr_list(&word)));
    if (tr_match(word, "shutdown"))
        tr_exit(a_shutdown);
    if (tr_match(word, "tuple"))
        tr_exit(a_shutdown, "because");
    if (tr_match(word, "normal"))
        tr_exit(a_normal);
    if (tr_match(word, "killed"))
        tr_exit_to(tr_self(), a_kill);
    tr_exit(a_oops);
}

static int status_of(char *word)
{
    char *argv[] = { word, NULL };

    return tr_main(1, argv, exit_with_word);
}

TEST(status_tells_how_the_first_process_ended)
{
    for (int i = 0; i < 20; i++) {
        CHECK_INT(status_of("normal"), 0);
        CHECK_INT(status_of("shutdown"), 0);
        CHECK_INT(status_of("tuple"), 0);
        CHECK_INT(status_of("killed"), 1);
        CHECK_INT(status_of("oops"), 1);
    }
}

static atomic_int cleaned;

static void count_clean_up(void *arg)
{
    (void)arg;
    atomic_fetch_add(&cleaned, 1);
}

static void be_cleaned_up(tr_term arg)
{
    tr_pid to;

    CHECK(tr_match(arg, &to));
    tr_defer(count_clean_up, NULL);
    tr_trap_exit(true);
    tr_send(to, a_ready);
    for (;;) {
        tr_receive (m)
            tr_on (m, tr_any()) {
            }
    }
}

static void leave_others(tr_term args)
{
    (void)args;
    for (int i = 0; i < 1000; i++)
        tr_spawn(be_cleaned_up, tr_self());
    for (int i = 0; i < 1000; i++)
        CHECK_NEXT(a_ready);
    CHECK_INT(tr_register(a_name, tr_self()), TR_OK);
    tr_send_after(1000000, a_name, a_late);
    tr_send_interval(1, a_name, a_late);
}

TEST(end_of_the_first_process_ends_all_others)
{
    check_pause = check_pause_process;
    for (int i = 1; i <= 10; i++) {
        CHECK_INT(tr_main(0, NULL, leave_others), 0);
        CHECK_INT(atomic_load(&cleaned), i * 1000);
        CHECK_INT(tr_process_count(), 0);
    }
}

static void count_schedulers(tr_term args)
{
    (void)args;
    CHECK_INT(tr_schedulers_online(), atoi(getenv("TROUPE_SCHEDULERS")));
    for (int i = 0; i < 100; i++)
        CHECK_ENDS(tr_build(a_normal), puppet_nothing);
}

TEST(number_of_schedulers_can_be_set)
{
    static const char *const numbers[] = { "1", "2", "3", "8", "16" };

    for (int round = 0; round < 5; round++) {
        for (int i = 0; i < 5; i++) {
            setenv("TROUPE_SCHEDULERS", numbers[i], 1);
            CHECK_INT(tr_main(0, NULL, count_schedulers), 0);
        }
    }
}

static void do_nothing(tr_term args)
{
    (void)args;
}

TEST(nonsense_for_the_number_of_schedulers_is_ignored)
{
    static const char *const nonsense[] = { "0", "-1", "many", "100000000000", "" };

    for (int i = 0; i < 5; i++) {
        setenv("TROUPE_SCHEDULERS", nonsense[i], 1);
        CHECK_INT(tr_main(0, NULL, do_nothing), 0);
    }
}

static void one_per_core(tr_term args)
{
    (void)args;
    CHECK(tr_schedulers_online() >= 1);
    CHECK(tr_schedulers_online() <= sysconf(_SC_NPROCESSORS_ONLN));
}

TEST(there_is_at_most_one_scheduler_for_each_core)
{
    unsetenv("TROUPE_SCHEDULERS");
    CHECK_INT(tr_main(0, NULL, one_per_core), 0);
}

static tr_pid receiver;

/* On a thread of its own: what any thread may call. */
static void *use_from_outside(void *arg)
{
    tr_ref ref;
    tr_pid pid, found;

    (void)arg;
    CHECK(!tr_in_process());
    for (int i = 0; i < 1000; i++) {
        tr_send(receiver, a_from_thread, i);
        CHECK(tr_whereis(a_name, &found) && found.w == receiver.w);
        tr_send(a_name, a_from_thread, tr_list(i));
    }
    pid = tr_spawn(puppet);
    tr_send(receiver, a_from_thread, pid);
    CHECK(tr_is_alive(receiver));
    CHECK(tr_process_count() >= 2);
    ref = tr_send_after(0, receiver, a_late, 1);
    CHECK(ref.w);
    ref = tr_send_after(100000, receiver, a_late, 2);
    CHECK(tr_read_timer(ref, NULL));
    CHECK(tr_cancel_timer(ref, NULL));
    tr_exit_to(pid, a_oops);
    return NULL;
}

TEST_PROC_REAL(other_threads_may_send_spawn_and_start_timers)
{
    pthread_t thread;
    tr_pid pid = { 0 };

    receiver = tr_self();
    CHECK_INT(tr_register(a_name, tr_self()), TR_OK);
    CHECK_INT(pthread_create(&thread, NULL, use_from_outside, NULL), 0);
    for (int i = 0; i < 1000; i++) {
        CHECK_NEXT(a_from_thread, i);
        CHECK_NEXT(a_from_thread, tr_list(i));
    }
    tr_receive (m)
        tr_on (m, a_from_thread, &pid) {
        }
    CHECK_NEXT(a_late, 1);
    CHECK_WITHIN(patience(5000), !tr_is_alive(pid));
    CHECK_INT(pthread_join(thread, NULL), 0);
}

/* Each is for processes only. */
static void call_self(void)
{
    tr_self();
}

static void call_receive(void)
{
    tr_receive (m)
        tr_on (m, tr_any()) {
        }
}

static void call_exit(void)
{
    tr_exit(a_oops);
}

static void call_link(void)
{
    tr_link((tr_pid){ 0 });
}

static void call_monitor(void)
{
    tr_monitor(a_name);
}

static void call_sleep(void)
{
    tr_sleep(1);
}

static void call_yield(void)
{
    tr_yield();
}

static void call_defer(void)
{
    tr_defer(count_clean_up, NULL);
}

static void call_put(void)
{
    tr_put(tr_build(1), tr_build(2));
}

static const struct {
    const char *name;
    void (*call)(void);
} process_only[] = {
    { "tr_self", call_self },   { "receive", call_receive },    { "tr_exit", call_exit },
    { "tr_link", call_link },   { "tr_monitor", call_monitor }, { "tr_sleep", call_sleep },
    { "tr_yield", call_yield }, { "tr_defer", call_defer },     { "tr_put", call_put },
};

TEST(calls_for_processes_abort_elsewhere_and_say_which_they_are)
{
    for (size_t i = 0; i < sizeof process_only / sizeof *process_only; i++) {
        int ends[2], status = 0;
        char text[512] = "";

        CHECK_INT(pipe(ends), 0);
        pid_t child = fork();
        if (child == 0) {
            dup2(ends[1], STDERR_FILENO);
            signal(SIGABRT, SIG_DFL);
            process_only[i].call();
            _exit(0);
        }
        close(ends[1]);
        size_t n = 0;
        ssize_t got;
        while (n < sizeof text - 1 && (got = read(ends[0], text + n, sizeof text - 1 - n)) > 0)
            n += (size_t)got;
        close(ends[0]);
        waitpid(child, &status, 0);
        CHECK(!WIFEXITED(status) || WEXITSTATUS(status) != 0);
        if (!strstr(text, process_only[i].name))
            check_fail(__FILE__, __LINE__, "%s is not in \"%s\"", process_only[i].name, text);
    }
}
