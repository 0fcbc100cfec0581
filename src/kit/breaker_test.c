/* SPDX-License-Identifier: MIT */
/* Circuit breakers: when they open, and who may try whether they can close. Those that wait do so
   in virtual time. */
#include "check_proc.h"
#include "troupe/kit/breaker.h"

#include <pthread.h>

tr_atoms(error, circuit_open, breaker, open, half_open, closed, boom, go, in, out, ok, none, kill,
         down, fine, watcher, nobody);
tr_atom_as(a_mail, "mail");

static void free_breaker(void *b)
{
    tr_breaker_free(b);
}

static struct tr_breaker *made(const struct tr_breaker_opts *opts)
{
    struct tr_breaker *b;
    const char *bad = "";

    if (tr_breaker_new(&b, opts, &bad))
        FAIL(bad);
    tr_defer(free_breaker, b);
    return b;
}

/* Open times are exact but for a percent. */
#define BREAKER(...)                                                                               \
    made(&(const struct tr_breaker_opts){                                                          \
        .open = { .first_ms = 200, .max_ms = 700, .jitter_percent = 1 }, __VA_ARGS__ })

static tr_term echo(tr_term arg)
{
    return arg;
}

static void call_ok(struct tr_breaker *b)
{
    tr_term result;

    CHECK_INT(tr_breaker_call(b, &result, echo, a_fine, 1), TR_OK);
    CHECK_TERM(result, tr_build(a_fine, 1));
}

static void call_fails(struct tr_breaker *b)
{
    CHECK_INT(tr_breaker_call(b, NULL, echo, a_error, a_boom), TR_OK);
}

static void call_is_refused(struct tr_breaker *b)
{
    tr_term result;

    CHECK_INT(tr_breaker_call(b, &result, echo, 1), TR_EBUSY);
    CHECK_TERM(result, tr_build(a_error, a_circuit_open));
}

static void sleep_over(struct tr_breaker *b)
{
    while (tr_breaker_status(b).open_ms)
        tr_sleep(tr_breaker_status(b).open_ms);
    CHECK_INT(tr_breaker_state(b), TR_BREAKER_HALF_OPEN);
}

TEST_PROC_VIRTUAL(so_many_failures_open_it)
{
    struct tr_breaker *b = BREAKER(.max_failures = 3);

    call_fails(b);
    call_ok(b);
    call_fails(b);
    CHECK_INT(tr_breaker_state(b), TR_BREAKER_CLOSED);
    CHECK_INT(tr_breaker_status(b).calls, 3);
    CHECK_INT(tr_breaker_status(b).failures, 2);
    call_fails(b);
    CHECK_INT(tr_breaker_state(b), TR_BREAKER_OPEN);
    call_is_refused(b);
    call_is_refused(b);
    struct tr_breaker_info s = tr_breaker_status(b);
    CHECK_INT(s.refused, 2);
    CHECK_INT(s.opened, 1);
    CHECK(s.open_ms > 0 && s.open_ms <= 200);
}

TEST_PROC(share_of_failures_opens_it)
{
    struct tr_breaker *b = BREAKER(.max_percent = 50, .min_calls = 8);

    for (int i = 0; i < 7; i++)
        call_fails(b);
    CHECK_INT(tr_breaker_state(b), TR_BREAKER_CLOSED);
    for (int i = 0; i < 8; i++)
        call_ok(b);
    CHECK_INT(tr_breaker_state(b), TR_BREAKER_CLOSED);
    call_fails(b);
    CHECK_INT(tr_breaker_state(b), TR_BREAKER_OPEN);
}

TEST_PROC_VIRTUAL(failures_that_are_long_over_do_not_count)
{
    struct tr_breaker *b = BREAKER(.max_failures = 2, .window_ms = 100);

    for (int i = 0; i < 5; i++) {
        call_fails(b);
        tr_sleep(110);
    }
    CHECK_INT(tr_breaker_state(b), TR_BREAKER_CLOSED);
    CHECK_INT(tr_breaker_status(b).calls, 0);
}

TEST_PROC_VIRTUAL(trial_that_succeeds_closes_it)
{
    struct tr_breaker *b = BREAKER(.max_failures = 1, .max_trials = 2);

    call_fails(b);
    sleep_over(b);
    call_ok(b);
    CHECK_INT(tr_breaker_state(b), TR_BREAKER_HALF_OPEN);
    call_ok(b);
    CHECK_INT(tr_breaker_state(b), TR_BREAKER_CLOSED);
    CHECK_INT(tr_breaker_status(b).failures, 0);
}

TEST_PROC_VIRTUAL(trial_that_fails_opens_it_for_longer)
{
    struct tr_breaker *b = BREAKER(.max_failures = 1);
    const int64_t ms[] = { 200, 400, 700, 700 };

    for (int i = 0; i < 4; i++) {
        int64_t before = tr_monotonic_ms();
        call_fails(b);
        sleep_over(b);
        CHECK(tr_monotonic_ms() - before >= ms[i] * 99 / 100);
        CHECK(tr_monotonic_ms() - before < ms[i] + 2); /* a turn takes up to 1 ms */
    }
    call_ok(b);
    call_fails(b);
    CHECK(tr_breaker_status(b).open_ms <= 200);
    CHECK_INT(tr_breaker_status(b).opened, 5);
}

TEST_PROC(jitter_leaves_out_its_share)
{
    bool shorter = false, longer = false;

    for (int i = 0; i < 50; i++) {
        struct tr_breaker *b = made(&(const struct tr_breaker_opts){
            .max_failures = 1, .open = { .first_ms = 100000, .max_ms = 100000 } });
        call_fails(b);
        int64_t ms = tr_breaker_status(b).open_ms;
        CHECK(ms > 40000 && ms <= 100000);
        *(ms < 75000 ? &shorter : &longer) = true;
    }
    CHECK(shorter && longer);
}

/* --- calls that take a while --- */

static struct tr_breaker *slow;

static tr_term wait_for_word(tr_term boss)
{
    tr_term word = { 0 };
    tr_pid pid;

    CHECK(tr_match(boss, &pid));
    tr_send(pid, a_in, tr_self());
    tr_receive (m)
        tr_on (m, a_go, &word)
            word = tr_receive_result(&m, word);
    if (tr_match(word, a_down))
        tr_exit(a_boom);
    return word;
}

static void caller(tr_term boss)
{
    tr_pid pid;
    tr_term result;

    CHECK(tr_match(boss, &pid));
    tr_err err = tr_breaker_call(slow, &result, wait_for_word, pid);
    tr_send(pid, a_out, err, result);
}

/* A caller that is in its call. */
static tr_pid called(void)
{
    tr_pid pid = { 0 };

    tr_spawn(caller, tr_self());
    tr_receive (m)
        tr_on (m, a_in, &pid) {
        }
    return pid;
}

static void answer(tr_pid pid, tr_atom word)
{
    tr_send(pid, a_go, word);
    tr_receive (m)
        tr_on (m, a_out, 0, word) {
        }
}

static void end(tr_pid pid, tr_atom how)
{
    tr_ref ref = tr_monitor(pid);

    if (how.w == a_kill.w)
        tr_exit_to(pid, how);
    else
        tr_send(pid, a_go, how);
    tr_receive_ref(m, ref) tr_on (m, tr_any(), ref, tr_any(), tr_any(), tr_any())
    {
    }
}

TEST_PROC_VIRTUAL(only_so_many_trials_run_at_once)
{
    struct tr_breaker *b = slow = BREAKER(.max_failures = 1, .max_trials = 2);

    call_fails(b);
    sleep_over(b);
    tr_pid first = called(), second = called();
    call_is_refused(b);
    answer(first, a_fine);
    call_is_refused(b);
    answer(second, a_fine);
    call_ok(b);
    CHECK_INT(tr_breaker_state(b), TR_BREAKER_CLOSED);
}

TEST_PROC_VIRTUAL(result_of_a_call_that_began_earlier_does_not_count)
{
    struct tr_breaker *b = slow = BREAKER(.max_failures = 1);
    tr_pid good = called(), bad = called();

    call_fails(b);
    answer(good, a_fine);
    CHECK_INT(tr_breaker_state(b), TR_BREAKER_OPEN);
    sleep_over(b);
    tr_pid trial = called();
    answer(bad, a_error);
    CHECK_INT(tr_breaker_state(b), TR_BREAKER_HALF_OPEN);
    answer(trial, a_fine);
    CHECK_INT(tr_breaker_state(b), TR_BREAKER_CLOSED);
}

TEST_PROC_VIRTUAL(who_ends_in_a_call_has_failed)
{
    struct tr_breaker *b = slow = BREAKER(.max_failures = 2);

    tr_log_set_level(TR_LOG_EMERGENCY);
    end(called(), a_down);
    CHECK_INT(tr_breaker_status(b).failures, 1);
    end(called(), a_kill);
    CHECK_WITHIN(1000, tr_breaker_state(b) == TR_BREAKER_OPEN);
    sleep_over(b);
    end(called(), a_kill);
    CHECK_WITHIN(1000, tr_breaker_state(b) == TR_BREAKER_OPEN);
    CHECK_INT(tr_breaker_status(b).opened, 2);
    sleep_over(b);
    call_ok(b);
}

TEST_PROC_VIRTUAL(trial_that_hangs_makes_room)
{
    struct tr_breaker *b = slow = BREAKER(.max_failures = 1, .trial_ms = 1000);

    call_fails(b);
    sleep_over(b);
    tr_pid trial = called();
    call_is_refused(b);
    tr_sleep(1010);
    call_ok(b);
    CHECK_INT(tr_breaker_state(b), TR_BREAKER_CLOSED);
    answer(trial, a_error);
    CHECK_INT(tr_breaker_state(b), TR_BREAKER_CLOSED);
}

static void exits(void *b)
{
    CHECK_INT(tr_breaker_call(b, NULL, wait_for_word, tr_self()), TR_OK);
}

TEST_PROC(what_the_function_fails_with_goes_on)
{
    struct tr_breaker *b = BREAKER(.max_failures = 1);
    tr_term reason;

    tr_send(tr_self(), a_go, a_down);
    CHECK(tr_catch(exits, b, &reason));
    CHECK_TERM(reason, tr_build(a_boom));
    CHECK_INT(tr_breaker_state(b), TR_BREAKER_OPEN);
}

/* --- by hand --- */

static bool is_boom(tr_term result)
{
    return tr_match(result, a_boom);
}

TEST_PROC(program_says_what_a_failure_is)
{
    struct tr_breaker *b = BREAKER(.max_failures = 1, .is_failure = is_boom);

    call_fails(b);
    CHECK_INT(tr_breaker_call(b, NULL, echo, a_error), TR_OK);
    CHECK_INT(tr_breaker_state(b), TR_BREAKER_CLOSED);
    CHECK_INT(tr_breaker_call(b, NULL, echo, a_boom), TR_OK);
    CHECK_INT(tr_breaker_state(b), TR_BREAKER_OPEN);
}

TEST_PROC_VIRTUAL(trip_and_reset)
{
    struct tr_breaker *b = BREAKER(.name = "mail");

    tr_breaker_trip(b, 0);
    tr_breaker_trip(b, -7);
    call_ok(b);
    tr_breaker_trip(b, TR_INFINITY);
    call_is_refused(b);
    CHECK_INT(tr_breaker_status(b).open_ms, TR_INFINITY);
    tr_sleep(300);
    call_is_refused(b);
    tr_breaker_reset(b);
    call_ok(b);
    tr_breaker_trip(b, INT64_MAX);
    CHECK_INT(tr_breaker_status(b).open_ms, TR_INFINITY);
    tr_breaker_trip(b, 50);
    CHECK(tr_breaker_status(b).open_ms <= 50);
    sleep_over(b);
    call_ok(b);
    CHECK_INT(tr_breaker_state(b), TR_BREAKER_CLOSED);
}

#define CHECK_TOLD(name, state, n)                                                                 \
    do {                                                                                           \
        tr_receive (m_) {                                                                          \
            tr_on (m_, a_breaker, name, state, n) {                                                \
            }                                                                                      \
            tr_after (m_, 5000)                                                                    \
                FAIL("was not told");                                                              \
        }                                                                                          \
    } while (0)

TEST_PROC_VIRTUAL(changes_are_told)
{
    struct tr_breaker *b =
        BREAKER(.name = "mail", .max_failures = 1, .notify = tr_build(a_watcher));

    call_fails(b); /* nobody has the name */
    CHECK_INT(tr_register(a_watcher, tr_self()), TR_OK);
    sleep_over(b);
    call_fails(b);
    CHECK_TOLD(a_mail, a_half_open, 2);
    CHECK_TOLD(a_mail, a_open, 3);
    sleep_over(b);
    call_ok(b);
    CHECK_TOLD(a_mail, a_half_open, 4);
    CHECK_TOLD(a_mail, a_closed, 5);
    struct tr_breaker *to_pid = BREAKER(.notify = tr_build(tr_self()));
    tr_breaker_trip(to_pid, 10);
    CHECK_TOLD(a_breaker, a_open, 1);
    CHECK_INT(tr_mailbox_length(), 0);
}

/* --- many at once --- */

static void *hammers(void *arg)
{
    struct tr_breaker *b = arg;
    uint64_t call;

    for (int i = 0; i < 20000; i++)
        if (tr_breaker_enter(b, &call) == TR_OK)
            tr_breaker_leave(b, call, i % 3 != 0);
    return NULL;
}

TEST_PROC_REAL(threads_share_it)
{
    struct tr_breaker *b =
        made(&(const struct tr_breaker_opts){ .open = { .first_ms = 1, .max_ms = 1 } });
    pthread_t threads[4];

    for (int i = 0; i < 4; i++)
        CHECK_INT(pthread_create(&threads[i], NULL, hammers, b), 0);
    for (int i = 0; i < 4; i++)
        pthread_join(threads[i], NULL);
    struct tr_breaker_info s = tr_breaker_status(b);
    CHECK(s.opened > 0);
    CHECK(s.failures <= s.calls);
    tr_sleep(2);
    call_ok(b);
}

#define CHECK_BAD(option, ...)                                                                     \
    do {                                                                                           \
        const char *bad_ = "";                                                                     \
        struct tr_breaker *b_;                                                                     \
        CHECK_INT(tr_breaker_new(&b_, &(const struct tr_breaker_opts){ __VA_ARGS__ }, &bad_),      \
                  TR_EINVAL);                                                                      \
        CHECK_STR(bad_, option);                                                                   \
    } while (0)

TEST_PROC(bad_options_are_named)
{
    struct tr_breaker *b;

    CHECK_BAD("name", .name = "\xff");
    CHECK_BAD("max_failures", .max_failures = -1);
    CHECK_BAD("max_percent", .max_percent = 101);
    CHECK_BAD("min_calls", .min_calls = -1);
    CHECK_BAD("window_ms", .window_ms = -1);
    CHECK_BAD("max_trials", .max_trials = -1);
    CHECK_BAD("trial_ms", .trial_ms = -1);
    CHECK_BAD("open", .open = { .first_ms = -1 });
    CHECK_BAD("notify", .notify = tr_build("text"));
    CHECK_INT(tr_breaker_new(&b, &(const struct tr_breaker_opts){ .max_failures = -1 }, NULL),
              TR_EINVAL);
    tr_breaker_free(NULL);
}
