/* SPDX-License-Identifier: MIT */
/*
 * What tests call, and the keeper.
 *
 * The keeper is the first process of a test's runtime. It starts the test as a process of its own,
 * and the processes that the test wants kept. How one of these has ended is judged when the test is
 * over: until then the test may still say that it expected it.
 *
 * Variables of this file are shared by processes without a lock: tests run in a replay, which has
 * one worker, and nothing here is interrupted between two calls into the library.
 */
#include "kit/test_run.h"

#include <stdio.h>
#include <stdlib.h>

#define PATIENCE_MS 5000
#define TEXT        2048

/* clang-format off */
tr_atoms(DOWN, process, normal, shutdown, kill, tr_test_start, tr_test_started, tr_test_failed,
         tr_test_await, tr_test_ended);
/* clang-format on */

/* A process of tr_test_start, or one that is about to be. */
struct child {
    tr_process_fn fn;
    struct tr_spawn_opts opts;
    const char *site;
    tr_pid pid; /* w is 0: not started */
    tr_ref ref;
    tr_term reason;  /* kept by the keeper; w is 0: it lives */
    tr_pid waiting;  /* who waits for its end */
    tr_ref question; /* and is to be answered with this reference */
    bool expected;   /* the test knows that it ends */
};

static struct {
    struct child **children; /* each in a block of its own: they are used across switches */
    int n, size;
    tr_pid keeper;
    bool failed;
} test;

bool tr__test_has_failed(void)
{
    return test.failed;
}

void tr_test_fail(const char *file, int line, const char *text)
{
    tr__test_stop(file, line, text, NULL);
}

/* --- checks --- */

static void stop_with(const char *file, int line, const char *text, tr_term term)
{
    char detail[TEXT];

    tr_print_to(detail, sizeof detail, term);
    tr__test_stop(file, line, text, detail);
}

void tr__test_missing(const char *file, int line, const char *pattern)
{
    char text[TEXT];
    tr_term messages = tr_nil();

    (void)tr_process_info(tr_self(), tr_intern("messages"), &messages);
    snprintf(text, sizeof text, "no message matches %s; the mailbox holds", pattern);
    stop_with(file, line, text, messages);
    abort();
}

void tr__test_unwanted(const char *file, int line, tr_term message)
{
    stop_with(file, line, "a message came that should not", message);
    abort();
}

void tr__test_wrong_reason(const char *file, int line, tr_term reason, const char *pattern)
{
    char text[TEXT];

    snprintf(text, sizeof text, "the reason does not match %s", pattern);
    stop_with(file, line, text, reason);
    abort();
}

tr_term tr__test_down(const char *file, int line, tr_ref ref, int64_t ms)
{
    tr_term reason = { 0 };

    tr_receive_ref(m, ref)
    {
        tr_term why;
        tr_on (m, tr_any(), ref, a_process, tr_any(), &why)
            reason = tr_keep(why);
        tr_after (m, ms)
            tr__test_stop(file, line, "the process has not ended", NULL);
    }
    return reason;
}

void tr__test_ok(const char *file, int line, const char *call, tr_err err)
{
    if (err == TR_ENOTSUP)
        tr__test_stop(file, line, call,
                      "not possible: no replay, or a library built without injected failures");
    if (err)
        tr__test_stop(file, line, call, tr_strerror(err));
}

void tr_test_advance(int64_t ms)
{
    tr_replay_settle();
    tr_sleep(ms);
    tr_replay_settle();
}

/* --- kept processes: the side of the test --- */

static struct child *child_of(tr_pid pid)
{
    for (int i = 0; i < test.n; i++)
        if (test.children[i]->pid.w == pid.w)
            return test.children[i];
    return NULL;
}

static bool grow(void)
{
    int size = test.size ? 2 * test.size : 16;
    struct child **children = realloc(test.children, (size_t)size * sizeof *children);

    if (!children)
        return false;
    test.children = children;
    test.size = size;
    return true;
}

static int new_child(tr_process_fn fn, const struct tr_spawn_opts *opts, const char *site)
{
    struct child *c = test.n < test.size || grow() ? calloc(1, sizeof *c) : NULL;

    if (!c)
        tr_exit(tr_intern("out_of_memory"));
    c->fn = fn;
    c->site = site;
    if (opts)
        c->opts = *opts;
    test.children[test.n] = c;
    return test.n++;
}

tr_pid tr_test_start_args(tr_process_fn fn, const struct tr_spawn_opts *opts, const char *site,
                          const struct tr_arg *args, int n)
{
    tr_ref ref = tr_make_ref();
    tr_pid pid = { 0 };
    int err = 0;

    tr_send(test.keeper, a_tr_test_start, tr_self(), ref, new_child(fn, opts, site),
            tr_build_args(args, n));
    tr_receive_ref(m, ref)
    {
        tr_on (m, a_tr_test_started, ref, &pid) {
        }
        tr_on (m, a_tr_test_failed, ref, &err) {
        }
    }
    if (err)
        tr__test_stop("tr_test_start", 0, "cannot start a process", tr_strerror((tr_err)err));
    return pid;
}

static tr_term end_of_child(const char *file, int line, tr_pid pid, int64_t ms)
{
    tr_ref ref = tr_make_ref();
    tr_term reason = { 0 };

    tr_send(test.keeper, a_tr_test_await, tr_self(), ref, pid);
    tr_receive_ref(m, ref)
    {
        tr_term why;
        tr_on (m, a_tr_test_ended, ref, &why)
            reason = tr_keep(why);
        tr_after (m, ms)
            tr__test_stop(file, line, "the process has not ended", NULL);
    }
    return reason;
}

tr_term tr__test_exit(const char *file, int line, tr_pid pid, int64_t ms)
{
    if (child_of(pid))
        return end_of_child(file, line, pid, ms);
    return tr__test_down(file, line, tr_monitor(pid), ms);
}

/* --- kept processes: the side of the keeper --- */

static void start(tr_pid from, tr_ref question, int index, tr_term arg)
{
    struct child *c = test.children[index];
    struct tr_arg args[] = { TR_ARG(arg) };
    tr_pid holder;

    /* The only cause that is to be expected, so that it is told apart. */
    if (c->opts.name.w && tr_whereis(c->opts.name, &holder)) {
        tr_send(from, a_tr_test_failed, question, TR_EEXIST);
        return;
    }
    c->opts.monitor = &c->ref;
    c->pid = tr_proc_spawn_args(c->fn, &c->opts, c->site, args, 1);
    tr_send(from, a_tr_test_started, question, c->pid);
}

static void answer(struct child *c)
{
    if (c->reason.w && c->waiting.w)
        tr_send(c->waiting, a_tr_test_ended, c->question, c->reason);
}

static void await(tr_pid from, tr_ref question, tr_pid pid)
{
    struct child *c = child_of(pid);

    c->expected = true;
    c->waiting = from;
    c->question = question;
    answer(c);
}

static void ended(tr_pid pid, tr_term reason)
{
    struct child *c = child_of(pid);

    if (!c)
        return;
    c->reason = tr_keep(reason);
    answer(c);
}

/* Serves the test until it ends; its reason, kept. */
static tr_term serve(tr_pid body)
{
    tr_term over = { 0 };

    while (!over.w) {
        tr_receive (m) {
            tr_pid pid;
            tr_ref question;
            tr_term term;
            int index;

            tr_on (m, a_tr_test_start, &pid, &question, &index, &term)
                start(pid, question, index, term);
            tr_on (m, a_tr_test_await, &pid, &question, &term)
                await(pid, question, (tr_pid){ term.w });
            tr_on (m, a_DOWN, tr_any(), a_process, body, &term)
                over = tr_keep(term);
            tr_on (m, a_DOWN, tr_any(), a_process, &pid, &term)
                ended(pid, term);
            tr_on (m, tr_any()) {
            }
        }
    }
    return over;
}

/* True when the process has ended within that time. */
static bool wait_for(struct child *c, int64_t ms)
{
    tr_receive (m) {
        tr_term reason;
        tr_on (m, a_DOWN, c->ref, a_process, tr_any(), &reason)
            return true;
        tr_after (m, ms)
            return false;
    }
    return false;
}

/* In reverse order: what was started later may need what was there before. */
static void stop_children(void)
{
    for (int i = test.n; i-- > 0;) {
        struct child *c = test.children[i];
        if (!c->pid.w || c->reason.w)
            continue;
        tr_exit_to(c->pid, a_shutdown);
        if (wait_for(c, PATIENCE_MS))
            continue;
        tr_exit_to(c->pid, a_kill);
        wait_for(c, PATIENCE_MS);
    }
}

static bool is_normal(tr_term reason)
{
    return tr_match(reason, a_normal) || tr_match(reason, a_shutdown) ||
           tr_match(reason, a_shutdown, tr_any());
}

static void complain(const char *what, const char *site, tr_term reason)
{
    char text[TEXT];

    test.failed = true;
    tr_print_to(text, sizeof text, reason);
    fflush(stdout);
    fprintf(stderr, "%s%s ended with reason %s\n", what, site, text);
}

/* Takes what has ended meanwhile, so that a crash just before the end of the test counts. */
static void collect_ends(void)
{
    bool more = true;

    tr_replay_settle();
    while (more) {
        tr_receive (m) {
            tr_pid pid;
            tr_term reason;
            tr_on (m, a_DOWN, tr_any(), a_process, &pid, &reason)
                ended(pid, reason);
            tr_after (m, 0)
                more = false;
        }
    }
}

void tr__test_keeper(tr_process_fn body)
{
    tr_ref ref;

    test.keeper = tr_self();
    test.n = 0;
    test.failed = false;
    tr_trap_exit(true);
    tr_term over = serve(tr_spawn_monitor(body, &ref));
    collect_ends();
    if (!is_normal(over))
        complain("the test", "", over);
    for (int i = 0; i < test.n; i++) {
        struct child *c = test.children[i];
        if (c->reason.w && !c->expected && !is_normal(c->reason))
            complain("a process that the test started, ", c->site, c->reason);
    }
    stop_children();
    for (int i = 0; i < test.n; i++)
        free(test.children[i]);
    free(test.children);
    test.children = NULL;
    test.size = 0;
}
