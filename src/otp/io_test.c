/* SPDX-License-Identifier: MIT */
/* Output and input through the group leader. */
#include "check_proc.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

tr_atoms(ok, error, request, io_request, io_reply, put_chars, get_line, unicode, latin1, requests,
         user, DOWN, terminated, calling_self, done, eof, other, enotsup, group_leader, get_until,
         kill, echo, normal, system);

static int64_t patience(int64_t ms)
{
    return ms * check_env("TEST_TIMEOUT", 1);
}

/* --- standard output and input as files --- */

static char path[32]; /* of the file that output goes to; it has no name of its own */

/* From now on standard output goes to a file. */
static void divert_output(void)
{
    FILE *file = tmpfile();

    CHECK(file);
    snprintf(path, sizeof path, "/proc/self/fd/%d", fileno(file));
    fflush(stdout);
    CHECK(dup2(fileno(file), STDOUT_FILENO) == STDOUT_FILENO);
}

static void check_output(const char *file, int line, const char *want)
{
    static char got[1 << 20];
    FILE *f = fopen(path, "r");

    CHECK(f);
    size_t n = fread(got, 1, sizeof got - 1, f);
    got[n] = '\0';
    fclose(f);
    if (strcmp(got, want) != 0)
        check_fail(file, line, "the output is \"%s\", not \"%s\"", got, want);
}

#define CHECK_OUTPUT(want) check_output(__FILE__, __LINE__, want)

static int input_end;

/* From now on standard input is a pipe; its other end is input_end. */
static void divert_input(void)
{
    int ends[2];

    CHECK(pipe(ends) == 0);
    CHECK(dup2(ends[0], STDIN_FILENO) == STDIN_FILENO);
    close(ends[0]);
    input_end = ends[1];
}

static void type(const char *text)
{
    CHECK_INT(write(input_end, text, strlen(text)), strlen(text));
}

/* --- output --- */

TEST_PROC(output_appears_in_order_also_beside_printf)
{
    char large[1000];

    divert_output();
    memset(large, 'x', sizeof large - 1);
    large[sizeof large - 1] = '\0';
    CHECK_INT(tr_puts("first"), TR_OK);
    printf("second\n");
    CHECK_INT(tr_format("%d %s\n", 3, "third"), TR_OK);
    CHECK_INT(tr_puts(""), TR_OK);
    CHECK_INT(tr_format("%s", ""), TR_OK);
    CHECK_INT(tr_format("%s.\n", "\303\251"), TR_OK);
    CHECK_OUTPUT("first\nsecond\n3 third\n\n\303\251.\n");
    CHECK(ftruncate(STDOUT_FILENO, 0) == 0 && lseek(STDOUT_FILENO, 0, SEEK_SET) == 0);
    CHECK_INT(tr_format("%s|", large), TR_OK);
    char want[1001];
    snprintf(want, sizeof want, "%s|", large);
    CHECK_OUTPUT(want);
    CHECK_INT(tr_mailbox_length(), 0);
}

TEST_PROC(user_starts_at_the_first_output)
{
    tr_pid user;

    CHECK(!tr_whereis(a_user, NULL));
    CHECK_INT(tr_puts("hello"), TR_OK);
    CHECK(tr_whereis(a_user, &user));
    CHECK_INT(tr_group_leader().w, user.w);
    tr_ref ref = tr_monitor(user);
    tr_exit_to(user, a_kill);
    tr_receive (m)
        tr_on (m, a_DOWN, ref, tr_any(), tr_any(), tr_any()) {
        }
    CHECK_INT(tr_puts("hello again"), TR_OK);
    CHECK(tr_whereis(a_user, &user));
    tr_stop(user, a_normal, patience(5000));
}

static void writer(tr_term arg)
{
    int n;

    CHECK(tr_match(arg, &n));
    for (int i = 0; i < 10; i++)
        CHECK_INT(tr_format("%d.%d\n", n, i), TR_OK);
}

TEST_PROC(many_writers_at_once_share_one_user)
{
    static char seen[50][10];
    tr_ref ref;
    int n, i;

    divert_output();
    for (n = 0; n < 50; n++)
        tr_spawn_monitor(writer, &ref, n);
    for (n = 0; n < 50; n++)
        tr_receive (m)
            tr_on (m, a_DOWN, tr_any(), tr_any(), tr_any(), a_normal) {
            }
    FILE *f = fopen(path, "r");
    CHECK(f);
    while (fscanf(f, "%d.%d\n", &n, &i) == 2) {
        CHECK(n >= 0 && n < 50 && i >= 0 && i < 10 && !seen[n][i]);
        CHECK(i == 0 || seen[n][i - 1]);
        seen[n][i] = 1;
    }
    fclose(f);
    for (n = 0; n < 50; n++)
        CHECK(seen[n][9]);
}

TEST_PROC(user_serves_each_form_of_put_chars)
{
    tr_term deep = tr_nil();
    tr_pid user;

    divert_output();
    CHECK_INT(tr_puts("start"), TR_OK);
    CHECK(tr_whereis(a_user, &user));
    CHECK_TERM(tr_io_request(user, a_put_chars, a_unicode, tr_list('a', 233, "b", tr_list(8364))),
               tr_build(a_ok));
    CHECK_TERM(tr_io_request(user, a_put_chars, a_latin1, "\351"), tr_build(a_ok));
    CHECK_TERM(tr_io_request(user, a_put_chars, "\351"), tr_build(a_ok));
    CHECK_TERM(tr_io_request(user, a_put_chars, a_unicode, tr_cons(0x1f600, tr_build("!\n"))),
               tr_build(a_ok));
    CHECK_TERM(tr_io_request(user, a_requests,
                             tr_list(tr_tuple(a_put_chars, a_unicode, "1"),
                                     tr_tuple(a_put_chars, a_unicode, "2"))),
               tr_build(a_ok));
    for (int i = 0; i < check_rounds(100000); i++)
        deep = tr_build(tr_list(deep, "."));
    CHECK_TERM(tr_io_request(user, a_put_chars, a_unicode, tr_nil()), tr_build(a_ok));
    CHECK_OUTPUT("start\na\303\251b\342\202\254\303\251\303\251\360\237\230\200!\n12");
    CHECK_TERM(tr_io_request(user, a_put_chars, a_unicode, deep), tr_build(a_ok));
}

TEST_PROC(user_refuses_what_it_does_not_know)
{
    tr_term refused = tr_build(a_error, a_request);
    tr_pid user;

    divert_output();
    CHECK_INT(tr_puts("-"), TR_OK);
    CHECK(tr_whereis(a_user, &user));
    CHECK_TERM(tr_io_request(user, a_other), refused);
    CHECK_TERM(tr_io_request(user, a_put_chars, a_other, "x"), refused);
    CHECK_TERM(tr_io_request(user, a_put_chars, a_unicode, a_io_request, a_other, tr_nil()),
               refused);
    CHECK_TERM(tr_io_request(user, a_get_until, a_unicode, "", a_other, a_other, tr_nil()),
               refused);
    CHECK_TERM(tr_io_request(user, a_requests,
                             tr_list(tr_tuple(a_put_chars, a_unicode, "1"), a_other,
                                     tr_tuple(a_put_chars, a_unicode, "2"))),
               refused);
    tr_term bad[] = {
        tr_build(7),           tr_build(tr_list(0x110000)), tr_build(tr_list(0xd800)),
        tr_build(tr_list(-1)), tr_build(tr_list(1.5)),      tr_build(tr_cons('x', tr_build('y'))),
        tr_build(a_ok)
    };
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        CHECK_TERM(tr_io_request(user, a_put_chars, a_unicode, bad[i]),
                   tr_build(a_error, tr_tuple(a_put_chars, a_unicode, bad[i])));
    tr_send(user, a_io_request);
    tr_send(user, a_io_request, a_other, a_other, a_other);
    CHECK_INT(tr_puts("-"), TR_OK);
    CHECK_OUTPUT("-\n1-\n");
}

TEST_PROC(full_disk_is_an_error)
{
    FILE *full = fopen("/dev/full", "w");

    if (!full)
        SKIP("no /dev/full");
    fflush(stdout);
    CHECK(dup2(fileno(full), STDOUT_FILENO) == STDOUT_FILENO);
    fclose(full);
    CHECK_INT(tr_puts("lost"), TR_ESYS);
    CHECK_INT(tr_format("%s", "lost"), TR_ESYS);
}

/* --- leaders --- */

TEST_PROC(output_goes_to_the_group_leader_that_was_inherited)
{
    FACT("PROC-029", "a process writes through the group leader its parent had");
    tr_pid before = { 0 };
    tr_ref ref;

    divert_output();
    CHECK_INT(tr_puts("before"), TR_OK);
    before = tr_group_leader();
    tr_pid capture = tr_capture_start();
    CHECK_INT(tr_group_leader().w, capture.w);
    CHECK_INT(tr_puts("collected"), TR_OK);
    tr_spawn_monitor(writer, &ref, 7);
    tr_receive (m)
        tr_on (m, a_DOWN, ref, tr_any(), tr_any(), a_normal) {
        }
    tr_term line;
    CHECK_INT(tr_get_line("?", &line), TR_ESYS);
    CHECK_TERM(tr_capture_stop(capture),
               tr_build("collected\n7.0\n7.1\n7.2\n7.3\n7.4\n7.5\n7.6\n7.7\n7.8\n7.9\n"));
    CHECK_INT(tr_group_leader().w, before.w);
    CHECK_INT(tr_puts("after"), TR_OK);
    CHECK_OUTPUT("before\nafter\n");
    CHECK_TERM(tr_capture_stop(capture), tr_build(""));
    CHECK_TERM(tr_capture_stop(tr_capture_start()), tr_build(""));
    CHECK_INT(tr_mailbox_length(), 0);
}

static void waits_for_leader(tr_term test)
{
    tr_pid to;

    CHECK(tr_match(test, &to));
    tr_receive (m)
        tr_on (m, a_done) {
        }
    tr_send(to, a_done, (int)tr_puts("hello"));
}

/* This process itself is the leader of another one. */
TEST_PROC(any_process_can_be_a_leader)
{
    FACT("PROC-029", "the group leader of another process can be set, and gets its output by the "
                     "I/O protocol");
    tr_pid child = tr_spawn(waits_for_leader, tr_self());
    tr_term as;

    CHECK(tr_set_group_leader(child, tr_self()));
    tr_send(child, a_done);
    tr_receive (m)
        tr_on (m, a_io_request, child, &as, tr_tuple(a_put_chars, a_unicode, "hello\n"))
            tr_send(child, a_io_reply, as, a_ok);
    tr_receive (m)
        tr_on (m, a_done, TR_OK) {
        }

    child = tr_spawn(waits_for_leader, tr_self());
    CHECK(tr_set_group_leader(child, tr_self()));
    tr_send(child, a_done);
    tr_receive (m)
        tr_on (m, a_io_request, child, &as, tr_any())
            tr_send(child, a_io_reply, as, tr_tuple(a_error, a_other));
    tr_receive (m)
        tr_on (m, a_done, TR_ESYS) {
        }
}

static void nothing(tr_term arg)
{
    (void)arg;
}

static void ends_at_a_request(tr_term arg)
{
    (void)arg;
    tr_receive (m)
        tr_on (m, a_io_request, tr_any(), tr_any(), tr_any()) {
        }
}

TEST_PROC(leader_that_has_ended_is_an_error)
{
    tr_ref ref;
    tr_term line;
    tr_pid dead = tr_spawn_monitor(nothing, &ref);

    tr_receive (m)
        tr_on (m, a_DOWN, ref, tr_any(), tr_any(), tr_any()) {
        }
    CHECK(tr_set_group_leader(tr_self(), dead));
    CHECK_INT(tr_puts("hello"), TR_ENOPROC);
    CHECK_INT(tr_format("%d", 1), TR_ENOPROC);
    CHECK_INT(tr_get_line("", &line), TR_ENOPROC);
    CHECK_TERM(tr_io_request(dead, a_other), tr_build(a_error, a_terminated));
    CHECK(tr_set_group_leader(tr_self(), tr_spawn(ends_at_a_request)));
    CHECK_INT(tr_puts("hello"), TR_ENOPROC);
    CHECK(tr_set_group_leader(tr_self(), tr_self()));
    CHECK_INT(tr_puts("hello"), TR_EINVAL);
    CHECK_INT(tr_get_line("", &line), TR_EINVAL);
    CHECK_TERM(tr_io_request(tr_self(), a_other), tr_build(a_error, a_calling_self));
    CHECK_INT(tr_mailbox_length(), 0);
}

static void captures_and_ends(tr_term arg)
{
    tr_pid to;

    CHECK(tr_match(arg, &to));
    tr_send(to, a_done, tr_capture_start());
}

TEST_PROC(capture_ends_with_its_owner)
{
    tr_pid capture = { 0 };

    tr_spawn(captures_and_ends, tr_self());
    tr_receive (m)
        tr_on (m, a_done, &capture) {
        }
    CHECK_WITHIN(patience(5000), !tr_is_alive(capture));
}

/* --- input --- */

#define CHECK_LINE(prompt, want)                                                                   \
    do {                                                                                           \
        tr_term got_line;                                                                          \
        CHECK_INT(tr_get_line(prompt, &got_line), TR_OK);                                          \
        CHECK_TERM(got_line, tr_build(want));                                                      \
    } while (0)

TEST_PROC_REAL(lines_are_read_up_to_the_end_of_the_input)
{
    tr_term line;

    divert_output();
    divert_input();
    type("first\nsecond\n\nno newline");
    CHECK_LINE("> ", "first\n");
    CHECK_LINE("", "second\n");
    CHECK_LINE("", "\n");
    close(input_end);
    CHECK_LINE("", "no newline");
    CHECK_INT(tr_get_line("", &line), TR_ECLOSED);
    CHECK_INT(tr_get_line("", &line), TR_ECLOSED);
    CHECK_OUTPUT("> ");
}

static void reader(tr_term arg)
{
    tr_term line;
    tr_pid to;

    CHECK(tr_match(arg, &to));
    CHECK_INT(tr_get_line("", &line), TR_OK);
    tr_send(to, a_echo, line);
}

TEST_PROC_REAL(output_goes_on_while_somebody_waits_for_input)
{
    tr_pid user;

    divert_output();
    divert_input();
    CHECK_INT(tr_puts("1"), TR_OK);
    CHECK(tr_whereis(a_user, &user));
    tr_spawn(reader, tr_self());
    tr_spawn(reader, tr_self());
    tr_sleep(50);
    CHECK_INT(tr_puts("2"), TR_OK);
    CHECK_TERM(tr_io_request(user, a_put_chars, "3"), tr_build(a_ok));
    CHECK_OUTPUT("1\n2\n3");
    type("a\nb\n");
    tr_receive (m)
        tr_on (m, a_echo, "a\n") {
        }
    tr_receive (m)
        tr_on (m, a_echo, "b\n") {
        }
}

TEST_PROC_REAL(the_wait_for_input_ends_with_user)
{
    int64_t before = tr_process_count();
    tr_pid user;

    divert_output();
    divert_input();
    CHECK_INT(tr_puts("1"), TR_OK);
    CHECK(tr_whereis(a_user, &user));
    tr_send(user, a_io_request, tr_self(), 1, tr_tuple(a_get_line, a_unicode, ""));
    /* One for `user`, one that watches the input for it. */
    CHECK_WITHIN(patience(5000), tr_process_count() == before + 2);
    tr_exit_to(user, a_kill);
    CHECK_WITHIN(patience(5000), tr_process_count() == before);
}

TEST_PROC_REAL(closed_input_is_an_error)
{
    tr_term line;

    close(STDIN_FILENO);
    CHECK_INT(tr_get_line("", &line), TR_ESYS);
}

TEST_PROC_REAL(endless_line_comes_in_pieces)
{
    tr_term line = tr_nil();
    tr_bin bytes;
    size_t total = 0;

    CHECK(freopen("/dev/zero", "r", stdin));
    for (int i = 0; i < 3; i++) {
        CHECK_INT(tr_get_line("", &line), TR_OK);
        CHECK(tr_binary_get(line, &bytes) && bytes.size >= 1 << 20);
        total += bytes.size;
    }
    CHECK(total < 4 << 20);
}

/* --- the end of the runtime --- */

static void body_that_leaves_output(tr_term args)
{
    tr_pid user;

    (void)args;
    tr_puts("0");
    tr_whereis(a_user, &user);
    for (int i = 1; i <= 1000; i++)
        tr_send(user, a_io_request, tr_self(), i, tr_tuple(a_put_chars, a_unicode, "."));
}

TEST(output_that_was_requested_is_written_before_the_runtime_has_stopped)
{
    char want[1100] = "0\n";

    divert_output();
    CHECK_INT(tr_main(0, NULL, body_that_leaves_output), 0);
    memset(want + 2, '.', 1000);
    CHECK_OUTPUT(want);
}

static void body_that_leaves_a_reader(tr_term args)
{
    (void)args;
    tr_spawn(reader, tr_self());
    tr_sleep(50);
}

TEST(reader_does_not_keep_the_runtime_from_stopping)
{
    int64_t start = check_now_ms();

    divert_output();
    divert_input();
    CHECK_INT(tr_main(0, NULL, body_that_leaves_a_reader), 0);
    CHECK(check_now_ms() - start < patience(5000));
}
