/* SPDX-License-Identifier: MIT */
/* Streams of tasks, and iterators. */
#include "subject.h"

#include <stdlib.h>
#include <unistd.h>

tr_atoms(stream, Elixir, max_concurrency, timeout_ms, on_timeout, max_batch, leaves_traces);
tr_atom_as(a_supervised, "Elixir.Task.Supervised");
tr_atom_as(a_callers, "$callers");

/* --- what is done with an item --- */

static tr_term doubled(tr_term item)
{
    int64_t n;

    CHECK(tr_match(item, &n));
    return tr_build(2 * n);
}

static tr_term doubled_text(tr_term item)
{
    const char *text;

    CHECK(tr_match(item, &text));
    return tr_build(text, text);
}

static tr_term sleeps(tr_term item)
{
    int64_t ms;

    CHECK(tr_match(item, &ms));
    tr_sleep(ms);
    return item;
}

/* A negative number, or what is no number, is a reason to end with. */
static tr_term fails_below_0(tr_term item)
{
    int64_t n;

    if (!tr_match(item, &n) || n < 0)
        tr_exit(item);
    return item;
}

static atomic_int nrunning, most_running;

static tr_term counts_itself(tr_term item)
{
    int now = atomic_fetch_add(&nrunning, 1) + 1;
    int most = atomic_load(&most_running);

    while (now > most && !atomic_compare_exchange_weak(&most_running, &most, now))
        ;
    tr_sleep(2);
    atomic_fetch_sub(&nrunning, 1);
    return item;
}

/* --- results --- */

/* How many results a stream has that are its inputs doubled, in order. */
static int count_doubled(struct tr_iter iter, int max_batch)
{
    int64_t n = 0, got, input;

    tr_async_stream (r, doubled, &iter, .max_batch = max_batch) {
        CHECK_INT(r.err, TR_OK);
        CHECK(tr_match(r.value, &got) && tr_match(r.input, &input));
        CHECK(input == n && got == 2 * n);
        n++;
    }
    return (int)n;
}

TEST_PROC(results_are_in_the_order_of_the_items)
{
    FACT("TASK-033", "a function is applied to each input in its own task, at most max_concurrency "
                     "at a time; {ok, Value} per input, in order");
    for (int batch = 0; batch < 3; batch++) {
        CHECK_INT(count_doubled(tr_iter_range(0, -1), batch), 0);
        CHECK_INT(count_doubled(tr_iter_range(0, 0), batch), 1);
        CHECK_INT(count_doubled(tr_iter_range(0, 9999), batch), 10000);
    }
    CHECK_MAILBOX(0);
    CHECK_WITHIN(patience(10000), tr_process_count() == 1);
    struct tr_iter iter = tr_iter_range(1, 60);
    tr_async_stream (r, counts_itself, &iter, .max_concurrency = 3) {
        CHECK_INT(r.err, TR_OK);
    }
    CHECK(atomic_load(&most_running) <= 3);
}

TEST_PROC(results_that_are_no_immediates_are_copied)
{
    tr_term list = tr_nil(), value;
    char text[40];
    int64_t i = 0;

    for (int k = 2999; k >= 0; k--) {
        snprintf(text, sizeof text, "the text with number %d", k);
        list = tr_list_push(list, tr_build(text));
    }
    struct tr_iter iter = tr_iter_list(list);
    tr_async_stream (r, doubled_text, &iter) {
        snprintf(text, sizeof text, "the text with number %d", (int)i++);
        value = tr_build(text);
        CHECK_TERM(r.input, value);
        CHECK_TERM(r.value, tr_build(value, value));
    }
    CHECK_INT(i, 3000);
    CHECK_MAILBOX(0);
}

TEST_PROC_VIRTUAL(unordered_results_come_as_they_finish)
{
    FACT("TASK-034", "with ordered false, inputs sleeping 400, 300, 200, 100 ms with concurrency 4 "
                     "give the results in reverse order, with concurrency 1 in input order");
    int64_t got[4], ms = patience(100);
    int n = 0;

    struct tr_iter iter = tr_iter_list(tr_build(tr_list(4 * ms, 3 * ms, 2 * ms, ms)));
    tr_async_stream (r, sleeps, &iter, .unordered = true, .max_concurrency = 4)
        CHECK(tr_match(r.value, &got[n++]));
    CHECK_INT(n, 4);
    for (int i = 0; i < 4; i++)
        CHECK_INT(got[i], (i + 1) * ms);
    n = 0;
    iter = tr_iter_list(tr_build(tr_list(4, 3, 2, 1)));
    tr_async_stream (r, sleeps, &iter, .unordered = true, .max_concurrency = 1)
        CHECK(tr_match(r.value, &got[n++]));
    for (int i = 0; i < 4; i++)
        CHECK_INT(got[i], 4 - i);
    int64_t sum = 0, one;
    iter = tr_iter_range(1, 20000);
    tr_async_stream (r, doubled, &iter, .unordered = true) {
        CHECK(tr_match(r.value, &one));
        sum += one;
    }
    CHECK_INT(sum, INT64_C(20000) * 20001);
}

/* --- failures --- */

static void consumes_failures(tr_term traps)
{
    struct tr_iter iter = tr_iter_list(tr_build(tr_list(1, a_boom, 3)));
    bool trap;
    int n = 0;

    CHECK(tr_match(traps, &trap));
    tr_trap_exit(trap);
    tr_async_stream (r, fails_below_0, &iter) {
        CHECK_INT(r.err, n == 1 ? TR_ECLOSED : TR_OK);
        n++;
    }
    CHECK_MAILBOX(0);
    tr_exit(n);
}

TEST_PROC(failure_ends_the_caller_unless_it_traps_exits)
{
    FACT("TASK-035", "an abnormal end of a task ends a caller that does not trap exits; otherwise, "
                     "or with nolink, {exit, Reason} is the result and the stream goes on");
    const bool yes = true, no = false;
    int64_t n = 0, nfailed = 0;
    tr_ref ref;

    no_reports();
    tr_spawn_monitor(consumes_failures, &ref, no);
    CHECK_TERM(down_reason(ref, a_DOWN), tr_build(a_boom));
    tr_spawn_monitor(consumes_failures, &ref, yes);
    CHECK_TERM(down_reason(ref, a_DOWN), tr_build(3));
    /* Every tenth fails, in batches of any length. */
    tr_term items = tr_nil();
    for (int i = 4999; i >= 0; i--)
        items =
            tr_list_push(items, i % 10 == 7 ? tr_build("no luck with this one", i) : tr_build(i));
    struct tr_iter iter = tr_iter_list(items);
    tr_async_stream (r, fails_below_0, &iter, .nolink = true) {
        CHECK_INT(r.err, n % 10 == 7 ? TR_ECLOSED : TR_OK);
        CHECK_TERM(r.value, r.input);
        nfailed += r.err != TR_OK;
        n++;
    }
    CHECK_INT(n, 5000);
    CHECK_INT(nfailed, 500);
    iter = tr_iter_list(tr_build(tr_list(a_normal, 2)));
    n = 0;
    tr_async_stream (r, fails_below_0, &iter) {
        CHECK_INT(r.err, n++ == 0 ? TR_ECLOSED : TR_OK);
    }
    CHECK_INT(n, 2);
    CHECK_MAILBOX(0);
}

static void consumes_late(tr_term arg)
{
    struct tr_iter iter = tr_iter_list(arg);

    tr_async_stream (r, sleeps, &iter, .timeout_ms = 20) {
    }
}

TEST_PROC(late_task_ends_the_caller_or_is_killed)
{
    FACT("TASK-036", "a task that exceeds the timeout ends the caller with {timeout, {..., stream, "
                     "[Timeout]}}, or with kill_task is killed, {exit, timeout} being its result");
    FACT("TASK-037", "the input is kept when a task has failed");
    int64_t slow = patience(60000);
    int n = 0;
    tr_ref ref;

    no_reports();
    tr_spawn_monitor(consumes_late, &ref, tr_list(0, slow));
    CHECK_TERM(down_reason(ref, a_DOWN),
               tr_build(a_timeout, tr_tuple(a_supervised, a_stream, tr_list(20))));
    struct tr_iter iter = tr_iter_list(tr_build(tr_list(0, slow, 1, slow + 1, 2)));
    tr_async_stream (r, sleeps, &iter, .timeout_ms = patience(100), .on_timeout = TR_STREAM_KILL) {
        CHECK_INT(r.err, n % 2 ? TR_ETIMEOUT : TR_OK);
        CHECK_TERM(r.value, n % 2 ? tr_build(a_timeout) : r.input);
        CHECK_TERM(r.input, n == 1 ? tr_build(slow) : n == 3 ? tr_build(slow + 1) : r.value);
        n++;
    }
    CHECK_INT(n, 5);
    CHECK_MAILBOX(0);
    CHECK_WITHIN(patience(10000), tr_process_count() == 1);
}

/* Fast for a long time, then slow for one item: the others must not wait for it. */
static tr_term slow_at_3000(tr_term item)
{
    int64_t n;

    CHECK(tr_match(item, &n));
    if (n == 3000)
        tr_sleep(TR_INFINITY);
    return item;
}

TEST_PROC(items_behind_a_slow_one_are_given_to_others)
{
    struct tr_iter iter = tr_iter_range(0, 5999);
    int n = 0;

    tr_async_stream (r, slow_at_3000, &iter, .unordered = true, .timeout_ms = TR_INFINITY,
                     .max_concurrency = 2) {
        CHECK_INT(r.err, TR_OK);
        if (++n == 5999)
            break;
    }
    CHECK_INT(n, 5999);
    iter = tr_iter_range(0, 5999);
    n = 0;
    tr_async_stream (r, slow_at_3000, &iter, .timeout_ms = patience(200),
                     .on_timeout = TR_STREAM_KILL) {
        CHECK_INT(r.err, n == 3000 ? TR_ETIMEOUT : TR_OK);
        n++;
    }
    CHECK_INT(n, 6000);
}

/* --- laziness --- */

struct endless {
    struct tr_iter iter;
    int64_t n;
};

static bool next_number(struct tr_iter *iter, tr_term *item)
{
    struct endless *e = (struct endless *)(void *)iter;

    *item = tr_build(e->n++, "something that is no immediate");
    return true;
}

static tr_term waits_from_5(tr_term item)
{
    int64_t n;

    CHECK(tr_match(item, &n, tr_any()));
    if (n >= 5)
        tr_sleep(TR_INFINITY);
    return item;
}

TEST_PROC(stream_is_lazy)
{
    FACT("TASK-038", "stopping early kills the tasks that run and starts no more; no links and no "
                     "messages are left");
    struct endless numbers = { .iter.next = next_number };
    int n = 0;

    tr_async_stream (r, waits_from_5, &numbers.iter, .max_concurrency = 4, .max_batch = 1) {
        CHECK_INT(r.err, TR_OK);
        if (++n == 5)
            break;
    }
    CHECK(numbers.n <= 9);
    CHECK_WITHIN(patience(10000), tr_process_count() == 1);
    CHECK_MAILBOX(0);
    CHECK_TERM(info(tr_self(), tr_intern("links")), tr_nil());
    CHECK_TERM(info(tr_self(), tr_intern("monitors")), tr_nil());
    struct tr_stream unused = tr_stream(waits_from_5, &numbers.iter);
    numbers.n = 0;
    tr_stream_close(&unused);
    CHECK_INT(numbers.n, 0);
}

static void consumes_endlessly(tr_term arg)
{
    struct endless numbers = { .iter.next = next_number };
    tr_pid boss;
    int n = 0;

    CHECK(tr_match(arg, &boss));
    tr_async_stream (r, waits_from_5, &numbers.iter, .timeout_ms = TR_INFINITY) {
        if (++n == 5)
            tr_send(boss, a_told, n);
    }
}

TEST_PROC(tasks_end_with_the_process_that_uses_the_stream)
{
    tr_ref ref;
    tr_pid pid = tr_spawn_monitor(consumes_endlessly, &ref, tr_self());

    EXPECT(a_told, 5);
    CHECK_WITHIN(patience(10000), tr_process_count() > 2);
    tr_exit_to(pid, a_kill);
    CHECK_TERM(down_reason(ref, a_DOWN), tr_build(a_killed));
    CHECK_WITHIN(patience(10000), tr_process_count() == 1);
}

/* --- options --- */

static void makes_badly(tr_term how)
{
    struct tr_iter iter = tr_iter_range(1, 2);
    int n;

    CHECK(tr_match(how, &n));
    if (n == 0)
        tr_stream(doubled, &iter, .max_concurrency = -1);
    if (n == 1)
        tr_stream(doubled, &iter, .timeout_ms = -1);
    if (n == 2)
        tr_stream(doubled, &iter, .on_timeout = (enum tr_stream_late)2);
    if (n == 3)
        tr_stream(doubled, &iter, .max_batch = -1);
    if (n == 4)
        tr_stream(NULL, &iter);
    tr_stream(doubled, NULL);
}

TEST_PROC(wrong_options_are_refused_at_once)
{
    FACT("TASK-039", "a wrong max_concurrency, on_timeout or timeout is an argument error when the "
                     "stream is made");
    const tr_atom what[] = { a_max_concurrency, a_timeout_ms, a_on_timeout,
                             a_max_batch,       a_undef,      a_undef };
    tr_ref ref;

    for (int i = 0; i < 6; i++) {
        tr_spawn_monitor(makes_badly, &ref, i);
        CHECK_TERM(down_reason(ref, a_DOWN), tr_build(tr_tuple(a_badarg, what[i]), tr_list()));
    }
}

static tr_term sends_nonsense(tr_term caller)
{
    tr_pid pid;

    CHECK(tr_match(caller, &pid));
    tr_send(pid, a_DOWN, tr_make_ref(), a_process, tr_self(), a_boom);
    tr_send(pid, tr_make_ref(), 1);
    return tr_build(a_ok);
}

TEST_PROC(foreign_messages_are_left_alone)
{
    FACT("TASK-040", "messages that look like a 'DOWN' for unknown references are ignored");
    struct tr_iter iter = tr_iter_list(tr_build(tr_list(tr_self(), tr_self())));

    tr_async_stream (r, sends_nonsense, &iter) {
        CHECK_TERM(r.value, tr_build(a_ok));
    }
    CHECK_MAILBOX(4);
}

static tr_term asks_callers(tr_term unused)
{
    (void)unused;
    return tr_get(tr_build(a_callers));
}

static void consumes(tr_term arg)
{
    struct tr_stream_result r;
    uint64_t address;
    tr_pid boss;

    CHECK(tr_match(arg, &boss, &address));
    struct tr_stream *s = (struct tr_stream *)(uintptr_t)address;
    CHECK(tr_stream_next(s, &r));
    tr_send(boss, a_told, r.value);
    CHECK(!tr_stream_next(s, &r));
    CHECK(!tr_stream_next(s, &r));
}

TEST_PROC(stream_belongs_to_whoever_uses_it)
{
    FACT("TASK-041", "a stream may be made by one process and used by another: the tasks are those "
                     "of the user, and so are the callers");
    struct tr_iter iter = tr_iter_range(1, 1);
    struct tr_stream s = tr_stream(asks_callers, &iter);
    tr_ref ref;

    tr_pid pid = tr_spawn_monitor(consumes, &ref, tr_self(), (uint64_t)(uintptr_t)&s);
    EXPECT(a_told, tr_list(pid));
    CHECK_TERM(down_reason(ref, a_DOWN), tr_build(a_normal));
}

/* --- processes --- */

/* Odd ones leave something in their process. */
static tr_term leaves_traces(tr_term item)
{
    int64_t n;

    CHECK(tr_match(item, &n));
    CHECK(tr_get(tr_build(a_leaves_traces)).w == 0);
    if (n % 2)
        tr_put(tr_build(a_leaves_traces), item);
    return tr_build(tr_self());
}

TEST_PROC(item_never_sees_what_another_one_left)
{
    struct tr_iter iter = tr_iter_range(0, 3000);
    tr_pid before = { 0 }, pid;
    int64_t n;

    tr_async_stream (r, leaves_traces, &iter) {
        CHECK_INT(r.err, TR_OK);
        CHECK(tr_match(r.value, &pid) && tr_match(r.input, &n));
        if (n > 0 && (n - 1) % 2)
            CHECK(pid.w != before.w);
        before = pid;
    }
    iter = tr_iter_range(0, 500);
    before.w = 0;
    tr_async_stream (r, leaves_traces, &iter, .max_batch = 1, .max_concurrency = 1) {
        CHECK(tr_match(r.value, &pid));
        CHECK(pid.w != before.w);
        before = pid;
    }
}

TEST_PROC(tasks_can_be_children_of_a_supervisor)
{
    struct tr_iter iter = tr_iter_range(0, 999);
    int64_t n = 0, got;
    tr_pid sup;

    no_reports();
    CHECK(tr_match(tr_task_supervisor_start(NULL), a_ok, &sup));
    tr_async_stream (r, doubled, &iter, .supervisor = tr_build(sup), .max_concurrency = 3) {
        CHECK(tr_match(r.value, &got));
        CHECK_INT(got, 2 * n++);
    }
    CHECK_INT(n, 1000);
    iter = tr_iter_list(tr_build(tr_list(1, tr_list("x"), 3)));
    n = 0;
    tr_async_stream (r, fails_below_0, &iter, .supervisor = tr_build(sup), .nolink = true) {
        CHECK_TERM(r.value, r.input);
        CHECK_INT(r.err, n++ == 1 ? TR_ECLOSED : TR_OK);
    }
    iter = tr_iter_range(0, 9);
    tr_async_stream (r, slow_at_3000, &iter, .supervisor = tr_build(sup), .nolink = true)
        break;
    CHECK_WITHIN(patience(10000), tr_is_nil(tr_task_children(sup)));
    CHECK_MAILBOX(0);
}

static void streams_under_nobody(tr_term unused)
{
    struct tr_iter iter = tr_iter_range(0, 9);

    (void)unused;
    tr_async_stream (r, doubled, &iter, .supervisor = tr_build(a_stream)) {
    }
}

TEST_PROC(stream_without_its_supervisor_ends_the_caller)
{
    tr_ref ref;

    tr_spawn_monitor(streams_under_nobody, &ref);
    CHECK_TERM(down_reason(ref, a_DOWN), tr_build(tr_intern("TR_ENOPROC")));
}

/* --- iterators --- */

static tr_term all_of(struct tr_iter iter)
{
    tr_term list = tr_nil(), item;

    while (tr_iter_next(&iter, &item))
        list = tr_list_push(list, item);
    return tr_list_reverse(list);
}

static tr_term term_of_int(const void *element)
{
    return tr_build(*(const int *)element);
}

TEST_PROC(iterators_give_each_item_once)
{
    const int numbers[] = { 3, 1, 2 };
    char text[20000];
    FILE *f = tmpfile();

    CHECK_TERM(all_of(tr_iter_list(tr_build(tr_list(1, "b")))), tr_build(tr_list(1, "b")));
    CHECK_TERM(all_of(tr_iter_range(-1, 1)), tr_build(tr_list(-1, 0, 1)));
    CHECK_TERM(all_of(tr_iter_range(1, 0)), tr_nil());
    CHECK_TERM(all_of(tr_iter_range(INT64_MAX - 1, INT64_MAX)),
               tr_build(tr_list(INT64_MAX - 1, INT64_MAX)));
    CHECK_TERM(all_of(tr_iter_array(numbers, 3, sizeof *numbers, term_of_int)),
               tr_build(tr_list(3, 1, 2)));
    CHECK_TERM(all_of(tr_iter_array(NULL, 0, 4, term_of_int)), tr_nil());
    CHECK(f);
    CHECK_TERM(all_of(tr_iter_lines(f)), tr_nil());
    memset(text, 'x', sizeof text);
    text[sizeof text - 1] = '\0';
    fprintf(f, "one\n\n%s\n%.4095s\nlast", text, text);
    rewind(f);
    CHECK_TERM(all_of(tr_iter_lines(f)),
               tr_build(tr_list("one", "", text, tr_binary(text, 4095), "last")));
    fclose(f);
}
