/* SPDX-License-Identifier: MIT */
/* Starting the runtime, with each allocation and system call in it failing in turn. */
#include "base/fault.h"
#include "check.h"
#include "troupe.h"

#include <stdlib.h>

enum { MOST_POINTS = 1000 };

static bool ran;
static int64_t passed;

static void quiet(tr_term arg)
{
    (void)arg;
}

static void body(tr_term args)
{
    tr_term first;

    CHECK(tr_list_next(&args, &first));
    tr_spawn(quiet, 1);
    tr_yield();
    ran = true;
}

/* The result is 0 when the body has run to its end, and else 1; nothing is left behind, so that the
   next start succeeds. */
static void start_with_failures(const char *workers)
{
    char *argv[] = { (char *)"program", (char *)"an argument that is longer than sixty-four "
                                                "characters, to be kept as a counted binary" };

#ifndef TR_FAULTS
    SKIP("injected failures are not built in");
#endif
    setenv("TROUPE_SCHEDULERS", workers, 1);
    for (int64_t n = 1;; n++) {
        CHECK(n < MOST_POINTS);
        ran = false;
        tr__fault_arm(n);
        int status = tr_main(2, argv, body);
        passed = tr__fault_count();
        tr__fault_arm(0);
        CHECK_INT(status, ran ? 0 : 1);
        CHECK(ran || passed >= n);
        ran = false;
        CHECK_INT(tr_main(2, argv, body), 0);
        CHECK(ran);
        if (passed < n)
            return;
    }
}

TEST(a_start_that_fails_says_so_and_the_next_succeeds)
{
    start_with_failures("1");
}

TEST(a_start_with_several_workers_fails_whole)
{
    start_with_failures("3");
}
