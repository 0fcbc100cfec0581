/* SPDX-License-Identifier: MIT */
/* The time for deadlines beside the monotonic clock. */
#include "base/clock.h"
#include "base/clock_near.h"

#include "check.h"

#include <time.h>

/* Long enough for a scale to be found and used, with pauses in which a look grows old. */
TEST(near_the_clock)
{
    struct tr_clock_near c = { 0 };
    int64_t end = tr__clock_ns() + 300 * TR__NS_PER_MS;

    tr__clock_near_prepare();
    for (int i = 0; tr__clock_ns() < end; i++) {
        int64_t before = tr__clock_ns(), near = tr__clock_near(&c), after = tr__clock_ns();
        CHECK(near >= before - TR__CLOCK_NEAR_NS && near <= after + TR__CLOCK_NEAR_NS);
        if (i % 1000 == 0)
            nanosleep(&(struct timespec){ .tv_nsec = i % 7 * 50000 }, NULL);
    }
}

TEST(a_held_clock_is_the_same_for_all)
{
    struct tr_clock_near c = { 0 };

    tr__clock_near(&c);
    tr__clock_hold(1000000);
    int64_t near = tr__clock_near(&c);
    CHECK(near > 1000000 && tr__clock_near(&c) > near && tr__clock_ns() < 1001000);
    tr__clock_reset();
    int64_t now = tr__clock_ns();
    CHECK(tr__clock_near(&c) >= now - TR__CLOCK_NEAR_NS);
}
