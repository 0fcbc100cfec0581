/* SPDX-License-Identifier: MIT */
/* How many cores the program may use, against its affinity mask. */
#define _GNU_SOURCE
#include "os/cpu.h"

#include "check.h"

#include <sched.h>

TEST(there_is_at_least_one_core)
{
    CHECK(tr__cpu_count() >= 1);
}

TEST(the_affinity_mask_is_respected)
{
    cpu_set_t all, one;
    int allowed = 0;

    if (sched_getaffinity(0, sizeof all, &all) != 0)
        SKIP("the affinity mask cannot be read");
    int before = tr__cpu_count();
    CHECK(before <= CPU_COUNT(&all));
    for (unsigned cpu = 0; cpu < CPU_SETSIZE && allowed < 3; cpu++) {
        if (!CPU_ISSET(cpu, &all))
            continue;
        CPU_ZERO(&one);
        CPU_SET(cpu, &one);
        if (sched_setaffinity(0, sizeof one, &one) != 0)
            SKIP("the affinity mask cannot be set");
        CHECK_INT(tr__cpu_count(), 1);
        allowed++;
    }
    sched_setaffinity(0, sizeof all, &all);
    CHECK_INT(tr__cpu_count(), before);
}
