/* SPDX-License-Identifier: MIT */
/* The test kit, tried on itself: each check runs in a child, whose exit status is its outcome. */

#include "check.h"

#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

static int status_of(void (*body)(void))
{
    int status = 0;
    pid_t child = fork();

    if (child == 0) {
        body();
        _exit(0);
    }
    waitpid(child, &status, 0);
    return WEXITSTATUS(status);
}

static void fail_condition(void)
{
    CHECK(1 == 2);
}

static void fail_int(void)
{
    CHECK_INT(1, 2);
}

static void fail_str(void)
{
    CHECK_STR("one", "two");
}

static void fail_within(void)
{
    CHECK_WITHIN(5, false);
}

static void skip_always(void)
{
    SKIP("as asked");
}

TEST(checks_that_hold_pass)
{
    CHECK(1 + 1 == 2);
    CHECK_INT(1 + 1, 2);
    CHECK_STR("one", "one");
    CHECK_WITHIN(1000, true);
}

TEST(checks_that_do_not_hold_fail)
{
    CHECK_INT(status_of(fail_condition), EXIT_FAILURE);
    CHECK_INT(status_of(fail_int), EXIT_FAILURE);
    CHECK_INT(status_of(fail_str), EXIT_FAILURE);
    CHECK_INT(status_of(fail_within), EXIT_FAILURE);
}

TEST(skip_gives_77)
{
    CHECK_INT(status_of(skip_always), 77);
}

TEST(numbers_come_from_the_environment)
{
    CHECK_INT(check_env("CHECK_TEST_NUMBER", 5), 5);
    setenv("CHECK_TEST_NUMBER", "7", 1);
    CHECK_INT(check_env("CHECK_TEST_NUMBER", 5), 7);
}
