/* SPDX-License-Identifier: MIT */
/* System messages: looking into a process, and changing it. */
#include "subject.h"

#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

tr_atoms(get_state, system, status, module, running, suspended, unknown_system_msg, change_code,
         not_supported, refused, trace, log, get, statistics, no_statistics, log_to_file, no_debug,
         out, in, print, done, sys, replace_state, suspend, reductions);
tr_atom_as(a_gen_call, "$gen_call");
tr_atom_as(a_gen_cast, "$gen_cast");

/* --- the protocol --- */

TEST_PROC(system_message_is_answered_between_two_events)
{
    FACT("SYS-001", "{system, {Pid, Tag}, Request} is answered with {Tag, Reply}");
    FACT("SYS-002", "system messages take their place in the mailbox like any other");
    FACT("SYS-004", "an unknown request is answered with {error, {unknown_system_msg, Request}}");
    tr_pid pid = start_subject();
    tr_ref tag = tr_make_ref();

    tr_cast(pid, a_tell, 1);
    tr_send(pid, a_system, tr_tuple(tr_self(), tag), a_get_state);
    tr_cast(pid, a_tell, 2);
    tr_send(pid, a_system, tr_tuple(tr_self(), tag), "what");
    tr_call(pid, a_echo, 1);
    const tr_term wanted[] = {
        tr_build(a_told, 1), tr_build(tag, tr_tuple(a_ok, tr_tuple(a_subject, 0))),
        tr_build(a_told, 2),
        tr_build(tag, tr_tuple(a_error, tr_tuple(a_unknown_system_msg, "what")))
    };
    for (int i = 0; i < 4; i++) {
        tr_term message;
        tr_receive (m)
            tr_on (m, &message)
                CHECK_TERM(message, wanted[i]);
    }
}

static void asks(tr_term arg)
{
    tr_term to, request;

    CHECK(tr_match(arg, &to, &request));
    tr_sys_request(to, 10, request);
}

static tr_term end_of_asker(tr_term to, tr_term request)
{
    tr_ref ref;

    tr_spawn_monitor(asks, &ref, to, request);
    return down_reason(ref, a_DOWN);
}

TEST_PROC(request_that_fails_ends_the_one_who_asks)
{
    FACT("SYS-003", "on expiry the caller exits with {timeout, {sys, Function, Args}}, for an "
                    "unknown process with {noproc, ...}");
    tr_pid deaf = tr_spawn(silent_child);

    CHECK_TERM(end_of_asker(tr_build(deaf), tr_build(a_get_state)),
               tr_build(a_timeout, tr_tuple(a_sys, a_get_state, tr_list(deaf))));
    CHECK_TERM(end_of_asker(tr_build(a_worker), tr_build(a_terminate, 1)),
               tr_build(a_noproc, tr_tuple(a_sys, a_terminate, tr_list(a_worker, 1))));
}

/* --- suspend and resume --- */

TEST_PROC(suspended_server_handles_system_messages_only)
{
    FACT("SYS-005", "a suspended process leaves everything else in its mailbox, and handles it in "
                    "order when it is resumed");
    FACT("SYS-006", "suspending twice or resuming a running process is no error; one resume undoes "
                    "any number of suspends");
    tr_pid pid = start_subject();
    tr_term status;

    tr_sys_resume(pid);
    tr_sys_suspend(pid);
    tr_cast(pid, a_tell, 1);
    tr_send(pid, "plain");
    tr_sys_suspend(pid);
    CHECK_TERM(tr_sys_get_state(pid), tr_build(a_subject, 0));
    CHECK(tr_match(tr_sys_get_status(pid), a_status, pid, tr_tuple(a_module, a_subject), &status));
    CHECK_TERM(tr_head(tr_tail(status)), tr_build(a_suspended));
    CHECK_MAILBOX(0);
    tr_sys_resume(pid);
    EXPECT(a_told, 1);
    EXPECT(a_info, "plain");
}

/* --- state --- */

TEST_PROC(status_has_the_shape_of_otp)
{
    FACT("SYS-008", "get_status returns {status, Pid, {module, Module}, [Dictionary, State, "
                    "Parent, Debug, Misc]}");
    tr_term dictionary, debug, misc;
    tr_pid pid;

    CHECK(tr_match(tr_gen_server_start_link(&subject, NULL), a_ok, &pid));
    CHECK(tr_match(tr_sys_get_status(pid), a_status, pid, tr_tuple(a_module, a_subject),
                   tr_list(&dictionary, a_running, tr_self(), &debug, &misc)));
    CHECK(tr_is_list(dictionary) && tr_is_nil(debug));
    CHECK(strstr(tr_inspect(misc), "{<<\"State\">>,{subject,0}}"));
}

static tr_term add(tr_term state, tr_term arg)
{
    int64_t n, more;

    CHECK(tr_match(state, a_subject, &n) && tr_match(arg, &more));
    return tr_build(a_subject, n + more);
}

static tr_term nonsense(tr_term state, tr_term arg)
{
    (void)state;
    return arg;
}

static void replaces(tr_term arg)
{
    tr_sys_replace_state(arg, nonsense, a_bad);
}

TEST_PROC(state_is_read_and_replaced)
{
    FACT("SYS-007", "get_state returns the current state, also while suspended");
    tr_pid pid = start_subject();
    tr_ref ref;

    CHECK_TERM(tr_sys_replace_state(pid, add, 5), tr_build(a_subject, 5));
    CHECK_TERM(tr_sys_replace_state(pid, add, 6), tr_build(a_subject, 11));
    CHECK_TERM(tr_sys_get_state(pid), tr_build(a_subject, 11));
    tr_spawn_monitor(replaces, &ref, pid);
    tr_term why;
    CHECK(tr_match(down_reason(ref, a_DOWN), &why, tr_tuple(a_sys, a_replace_state, tr_any())));
    CHECK_TERM(why, tr_build(a_refused));
    CHECK_TERM(tr_sys_get_state(pid), tr_build(a_subject, 11));
}

static tr_gen_result bytes_init(void *state, tr_term arg)
{
    (void)arg;
    memset(state, 7, 2);
    return tr_gen_ok();
}

TEST_PROC(state_without_a_form_is_its_bytes)
{
    static const struct tr_gen_server bytes = { .name = "bytes",
                                                .state_size = 2,
                                                .init = bytes_init };
    tr_pid pid;

    CHECK(tr_match(tr_gen_server_start(&bytes, NULL), a_ok, &pid));
    CHECK_TERM(tr_sys_get_state(pid), tr_binary("\7\7", 2));
    CHECK_TERM(tr_sys_replace_state(pid, nonsense, "ab"), tr_build("ab"));
    CHECK_TERM(tr_sys_get_state(pid), tr_build("ab"));
}

/* --- terminate and code change --- */

TEST_PROC(terminate_request_is_answered_first)
{
    FACT("SYS-010", "a terminate request is answered ok, then the process runs terminate and ends");
    tr_pid pid = start_subject();
    tr_ref ref = tr_monitor(pid);

    tr_sys_suspend(pid);
    tr_sys_terminate(pid, tr_tuple(a_shutdown, 1));
    CHECK_TERM(down_reason(ref, a_DOWN), tr_build(a_shutdown, 1));
    EXPECT(a_terminate, tr_tuple(a_shutdown, 1));
}

static bool doubles(void *state, tr_term old_version, tr_term extra)
{
    struct subject *s = state;
    int64_t by;

    if (!tr_match(old_version, 1) || !tr_match(extra, &by))
        return false;
    s->n *= by;
    return true;
}

TEST_PROC(code_changes_only_while_suspended)
{
    FACT("SYS-011", "change_code is carried out while suspended; the new state is used then");
    FACT("SYS-012", "a missing or failing callback gives {error, What}, and the old state is kept");
    static struct tr_gen_server changing;
    tr_pid pid;

    changing = subject;
    changing.code_change = doubles;
    CHECK(tr_match(tr_gen_server_start(&changing, NULL), a_ok, &pid));
    tr_sys_replace_state(pid, add, 5);
    CHECK(tr_match(tr_sys_change_code(pid, a_subject, 1, 2), a_error,
                   tr_tuple(a_unknown_system_msg, tr_any())));
    tr_sys_suspend(pid);
    CHECK_TERM(tr_sys_change_code(pid, a_subject, 1, 2), tr_build(a_ok));
    CHECK_TERM(tr_sys_change_code(pid, a_subject, 2, 2), tr_build(a_error, a_refused));
    tr_sys_resume(pid);
    CHECK_TERM(tr_sys_get_state(pid), tr_build(a_subject, 10));
    pid = start_subject();
    tr_sys_suspend(pid);
    CHECK_TERM(tr_sys_change_code(pid, a_subject, 1, 2), tr_build(a_error, a_undef));
    tr_sys_resume(pid);
    CHECK_TERM(tr_call(pid, a_echo, 1), tr_build(1));
}

/* --- debugging --- */

static tr_term events(tr_pid pid)
{
    tr_term list;

    CHECK(tr_match(tr_sys_debug(pid, a_log, a_get), a_ok, &list));
    return list;
}

TEST_PROC(log_keeps_the_last_events)
{
    FACT("SYS-013", "the last events are kept, oldest first; another size keeps the most recent; "
                    "off drops them");
    tr_pid pid = start_subject();
    size_t n;

    CHECK_TERM(tr_sys_debug(pid, a_log, true), tr_build(a_ok));
    for (int i = 0; i < 20; i++)
        tr_cast(pid, a_tell, i);
    CHECK(tr_list_length(events(pid), &n) && n == 10);
    CHECK(tr_match(tr_sys_debug(pid, a_log, tr_tuple(true, 3)), a_ok));
    CHECK_TERM(events(pid),
               tr_build(tr_list(tr_tuple(a_noreply, tr_tuple(a_subject, 0)),
                                tr_tuple(a_in, tr_tuple(a_gen_cast, tr_tuple(a_tell, 19))),
                                tr_tuple(a_noreply, tr_tuple(a_subject, 0)))));
    CHECK_TERM(tr_sys_debug(pid, a_log, false), tr_build(a_ok));
    CHECK_TERM(events(pid), tr_nil());
    CHECK(tr_match(tr_sys_debug(pid, a_log, "what"), a_error, tr_any()));
}

static void expect_counts(tr_pid pid, int in, int out)
{
    tr_term list;
    int a = -1, b = -1;

    CHECK(tr_match(tr_sys_debug(pid, a_statistics, a_get), a_ok, &list));
    CHECK(tr_match(list, tr_list(tr_any(), tr_any(), tr_tuple(a_reductions, tr_any()),
                                 tr_tuple(tr_any(), &a), tr_tuple(tr_any(), &b))));
    CHECK_INT(a, in);
    CHECK_INT(b, out);
}

TEST_PROC(statistics_count_messages)
{
    FACT("SYS-014", "counts of messages, start and current time can be fetched; when off the "
                    "answer is no_statistics");
    FACT("SYS-015", "a call with reply is one in and one out, a cast one in");
    tr_pid pid = start_subject();

    CHECK_TERM(tr_sys_debug(pid, a_statistics, a_get), tr_build(a_ok, a_no_statistics));
    tr_sys_debug(pid, a_statistics, true);
    expect_counts(pid, 0, 0);
    tr_call(pid, a_echo, 1);
    expect_counts(pid, 1, 1);
    tr_cast(pid, a_tell, 1);
    expect_counts(pid, 2, 1);
    tr_sys_debug(pid, a_statistics, false);
    CHECK_TERM(tr_sys_debug(pid, a_statistics, a_get), tr_build(a_ok, a_no_statistics));
}

static const char lines[] = "*DBG* boss got cast {tell,1}\n"
                            "*DBG* boss new state {subject,0}\n"
                            "*DBG* boss got plain\n"
                            "*DBG* boss new state {subject,0}\n";

TEST_PROC(trace_writes_a_line_for_each_event)
{
    FACT("SYS-016", "with tracing on one line is written per event");
    tr_pid capture = tr_capture_start();
    tr_pid pid;
    tr_bin text;

    CHECK(tr_match(tr_gen_server_start(&subject, TR_GEN_SERVER_OPTS(.name = a_boss)), a_ok, &pid));
    tr_sys_debug(pid, a_trace, true);
    tr_cast(pid, a_tell, 1);
    tr_send(pid, tr_intern("plain"));
    tr_sys_debug(pid, a_trace, false);
    tr_cast(pid, a_tell, 2);
    tr_call(pid, a_echo, 1);
    tr_sys_debug(pid, a_trace, true);
    tr_call(pid, a_echo, 5);
    tr_sys_debug(pid, a_no_debug);
    CHECK(tr_binary_get(tr_capture_stop(capture), &text));
    char all[1000];
    snprintf(all, sizeof all, "%s*DBG* boss got call {echo,5} from %s\n", lines,
             tr_inspect(tr_build(tr_self())));
    snprintf(all + strlen(all), sizeof all - strlen(all),
             "*DBG* boss sent 5 to %s, new state {subject,0}\n", tr_inspect(tr_build(tr_self())));
    CHECK_TERM(tr_binary(text.data, text.size), tr_build((const char *)all));
}

TEST_PROC(events_are_logged_to_a_file)
{
    FACT("SYS-016", "logging to a file writes one line per event");
    char path[64];
    char text[1000] = "";
    tr_pid pid;

    snprintf(path, sizeof path, "sys_test.%d.log", (int)getpid());
    int fd = open(path, O_RDWR | O_CREAT | O_TRUNC, 0600);
    CHECK(fd >= 0);
    CHECK(tr_match(tr_gen_server_start(&subject, TR_GEN_SERVER_OPTS(.name = a_boss)), a_ok, &pid));
    CHECK(tr_match(tr_sys_debug(pid, a_log_to_file, "/no/such/folder/x"), a_error, tr_any()));
    CHECK_TERM(tr_sys_debug(pid, a_log_to_file, (const char *)path), tr_build(a_ok));
    tr_cast(pid, a_tell, 1);
    tr_send(pid, tr_intern("plain"));
    CHECK_TERM(tr_sys_debug(pid, a_log_to_file, false), tr_build(a_ok));
    CHECK(read(fd, text, sizeof text - 1) > 0);
    CHECK_STR(text, lines);
    close(fd);
    unlink(path);
}

/* Its state is {Boss, N}: tells of N events, then is done. */
static tr_term tells(tr_term state, tr_term event, tr_term name)
{
    tr_pid boss;
    int n;

    CHECK(tr_match(state, &boss, &n));
    tr_send(boss, a_info, n, event, name);
    return n > 1 ? tr_build(boss, n - 1) : tr_build(a_done);
}

TEST_PROC(installed_function_sees_each_event)
{
    FACT("SYS-017",
         "a function is called with its state, each event and the name; done removes it");
    tr_pid pid = start_subject();
    tr_term cast = tr_build(a_in, tr_tuple(a_gen_cast, tr_tuple(a_tell, 1)));

    tr_sys_install(pid, tells, tr_tuple(tr_self(), 3));
    tr_sys_install(pid, tells, tr_tuple(tr_self(), 100));
    tr_cast(pid, a_tell, 1);
    EXPECT(a_info, 3, cast, pid);
    EXPECT(a_info, 2, tr_tuple(a_noreply, tr_tuple(a_subject, 0)), pid);
    EXPECT(a_told, 1);
    tr_cast(pid, a_tell, 1);
    EXPECT(a_info, 1, cast, pid);
    EXPECT(a_told, 1);
    tr_sys_install(pid, tells, tr_tuple(tr_self(), 100));
    tr_sys_remove(pid, tells);
    tr_sys_remove(pid, tells);
    tr_call(pid, a_echo, 1);
    CHECK_MAILBOX(0);
}

static tr_term no_state(tr_term state, tr_term event, tr_term name)
{
    (void)event;
    (void)name;
    return state;
}

TEST_PROC(debugging_may_begin_with_the_server)
{
    FACT("SYS-018", "debug options can be given at start, and cover the first event");
    const struct tr_sys_debug_opts debug = { .statistics = true, .log = 5, .install = no_state };
    size_t n;
    tr_pid pid;

    CHECK(tr_match(tr_gen_server_start(&subject, TR_GEN_SERVER_OPTS(.debug = &debug)), a_ok, &pid));
    tr_call(pid, a_echo, 1);
    expect_counts(pid, 1, 1);
    CHECK(tr_list_length(events(pid), &n) && n == 2);
    CHECK(strstr(tr_inspect(tr_sys_get_status(pid)), "{functions,1}"));
}

/* --- a process that opts in --- */

static tr_term plain_get(void *data)
{
    return tr_build(*(int64_t *)data);
}

static void plain(tr_term arg)
{
    static const struct tr_sys_callbacks callbacks = { .get_state = plain_get };
    int64_t n = 0;
    struct tr_sys sys = { .callbacks = &callbacks, .data = &n, .module = "plain" };
    tr_term from, request;

    (void)arg;
    tr_init_ack(tr_self());
    for (;;) {
        tr_receive (m) {
            tr_on (m, a_system, &from, &request)
                tr_sys_handle(&sys, from, request);
            tr_on (m, a_tell, &n)
                tr_sys_event(&sys, a_in, n);
        }
    }
}

TEST_PROC(plain_process_can_be_looked_into)
{
    tr_pid pid;
    tr_ref ref;

    CHECK(tr_match(tr_start_monitor(plain, &ref, NULL), &pid));
    tr_sys_debug(pid, a_log, true);
    tr_send(pid, a_tell, 9);
    CHECK_TERM(tr_sys_get_state(pid), tr_build(9));
    CHECK_TERM(events(pid), tr_build(tr_list(tr_tuple(a_in, 9))));
    CHECK(tr_match(tr_sys_get_status(pid), a_status, pid, tr_tuple(a_module, tr_intern("plain")),
                   tr_any()));
    CHECK(tr_match(tr_sys_request(pid, 5000, a_replace_state, tr_tuple(1, 2)), a_error,
                   a_not_supported));
    tr_sys_suspend(pid);
    CHECK_TERM(tr_sys_change_code(pid, 1, 2, 3), tr_build(a_error, a_undef));
    tr_sys_terminate(pid, a_why);
    CHECK_TERM(down_reason(ref, a_DOWN), tr_build(a_why));
}
