/* SPDX-License-Identifier: MIT */
#ifndef CHECK_H
#define CHECK_H

/*
 * The test kit.
 *
 *     #include "check.h"
 *
 *     TEST(sum_of_two_numbers)
 *     {
 *         CHECK_INT(1 + 1, 2);
 *     }
 *
 * A program of tests is such a file linked with check.c, which has main(). Each test runs in a
 * process of its own, forked afresh, with a time limit; what it prints is shown only if it fails.
 * The first failed check ends the test, from whichever thread or process of the runtime it ran in.
 * Tests that need the runtime use TEST_PROC of check_proc.h; with CHECK_SEEDS=N in the environment
 * each of those is replayed under the seeds 1 to N, or so many from CHECK_FIRST_SEED on.
 */

#include <inttypes.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

struct check_test {
    struct check_test *next; /* list of all tests, in the order of the file */
    const char *name;
    int (*run)(int argc, char **argv); /* the result is the exit status of the forked process */
    bool seeded;                       /* a replay of it under any seed passes too */
};

/* Adds a test to the list; called by constructors. */
void check_add(struct check_test *test);

/* Prints file, line and the formatted text, then ends the test as failed. Any thread. */
void check_fail(const char *file, int line, const char *format, ...)
    __attribute__((noreturn, format(printf, 3, 4)));

/* Ends the test as skipped. Any thread. */
void check_skip(const char *reason) __attribute__((noreturn));

/* Milliseconds of a steady clock; inside the runtime that of the runtime. */
extern int64_t (*check_now_ms)(void);

/* Waits about a millisecond. Inside the runtime it suspends the process, not the thread. */
extern void (*check_pause)(void);

/* A number given by the environment, or its default: how many rounds, how many seconds. */
int64_t check_env(const char *name, int64_t otherwise);

/* How often a test does the same again in the hope of meeting another order: `n` times, or a
   hundredth of it where it runs under seeds, each of which is another order. */
int check_rounds(int n);

#define TEST(name)                                                                                 \
    static void test_##name(void);                                                                 \
    static int run_##name(int argc, char **argv)                                                   \
    {                                                                                              \
        (void)argc;                                                                                \
        (void)argv;                                                                                \
        test_##name();                                                                             \
        return 0;                                                                                  \
    }                                                                                              \
    CHECK_REGISTER(name, false)                                                                    \
    static void test_##name(void)

#define CHECK_REGISTER(sentence, with_seeds)                                                       \
    __attribute__((constructor)) static void add_##sentence(void)                                  \
    {                                                                                              \
        static struct check_test test = { .name = #sentence,                                       \
                                          .run = run_##sentence,                                   \
                                          .seeded = (with_seeds) };                                \
        check_add(&test);                                                                          \
    }

/*
 * States which conformance facts a test shows: one id, or several with a space between them, and
 * the fact in a sentence. It does nothing when run; tools/conformance makes a page of all of them.
 */
#define FACT(ids, sentence) ((void)("" ids sentence))

#define SKIP(reason) check_skip(reason)

#define CHECK(condition)                                                                           \
    do {                                                                                           \
        if (!(condition))                                                                          \
            check_fail(__FILE__, __LINE__, "not so: %s", #condition);                              \
    } while (0)

#define CHECK_INT(got, want)                                                                       \
    do {                                                                                           \
        int64_t check_got = (int64_t)(got);                                                        \
        int64_t check_want = (int64_t)(want);                                                      \
        if (check_got != check_want)                                                               \
            check_fail(__FILE__, __LINE__, "%s is %" PRId64 ", not %" PRId64, #got, check_got,     \
                       check_want);                                                                \
    } while (0)

#define CHECK_STR(got, want)                                                                       \
    do {                                                                                           \
        const char *check_got = (got);                                                             \
        const char *check_want = (want);                                                           \
        if (!check_got || !check_want || strcmp(check_got, check_want) != 0)                       \
            check_fail(__FILE__, __LINE__, "%s is \"%s\", not \"%s\"", #got,                       \
                       check_got ? check_got : "(null)", check_want ? check_want : "(null)");      \
    } while (0)

/* Needs troupe/term.h. */
#define CHECK_TERM(got, want)                                                                      \
    do {                                                                                           \
        tr_term check_got = (got);                                                                 \
        tr_term check_want = (want);                                                               \
        if (!tr_equal(check_got, check_want))                                                      \
            check_fail(__FILE__, __LINE__, "%s is %s, not %s", #got, tr_inspect(check_got),        \
                       tr_inspect(check_want));                                                    \
    } while (0)

/* Skips the test where the kernel sees the emulator and not the program. */
#ifdef CHECK_EMULATED
#define CHECK_NO_EMULATOR() check_skip("an emulator is in between")
#else
#define CHECK_NO_EMULATOR() ((void)0)
#endif

/* Fails, and says why. */
#define FAIL(text) check_fail(__FILE__, __LINE__, "%s", text)

/* Waits until the condition holds, and fails when it does not within so many milliseconds. */
#define CHECK_WITHIN(ms, condition)                                                                \
    do {                                                                                           \
        int64_t check_deadline = check_now_ms() + (ms);                                            \
        while (!(condition)) {                                                                     \
            if (check_now_ms() > check_deadline)                                                   \
                check_fail(__FILE__, __LINE__, "not so within %d ms: %s", (int)(ms), #condition);  \
            check_pause();                                                                         \
        }                                                                                          \
    } while (0)

#endif
