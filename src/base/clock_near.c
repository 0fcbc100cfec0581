/* SPDX-License-Identifier: MIT */
/*
 * The counter of x86-64 is used if the kernel's own clock is made of it: then all cores count alike
 * and at a constant rate. Where it must not be read (PR_SET_TSC, when the runtime starts) each look
 * is one at the clock.
 *
 * A look reads the counter, the clock, and the counter again. If the two counts are far apart the
 * thread was interrupted in between, and the look is good for nothing but its result. The count
 * before is the one that is kept, so what is counted from it is rather ahead than behind.
 *
 * The scale comes from two looks that are between 10 and 100 ms apart. The counter may go on while
 * the machine is suspended, when the clock stands still: a second of that in 100 ms gives a scale
 * that no processor has.
 */
#include "base/clock_near.h"

#include "base/clock.h"
#include "base/compiler.h"
#include "base/fault.h"
#include "base/spin.h"

#include <stdatomic.h>
#include <stdbool.h>

#if defined(__x86_64__)

#include <fcntl.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

/* In counts. A look that took TOGETHER is as much ahead, and LIFE later a tenth of that more, one
   way or the other: at one count a ns, which is the least, 8.6 us of the 10 that are promised. */
#define LIFE     (UINT64_C(1) << 16) /* for which a look is good */
#define TOGETHER (UINT64_C(1) << 11) /* that a look takes at most */
#define SHIFT    32

#define SCALE_AFTER_NS  (10 * TR__NS_PER_MS)
#define SCALE_WITHIN_NS (100 * TR__NS_PER_MS)
#define PER_NS_MOST     8u /* counts; and one at least */

static _Atomic(bool) usable;
static _Atomic(uint64_t) scale; /* ns of a count, << SHIFT; 0: not known yet */

static struct tr_spin scaling;
static struct tr_clock_near first; /* guarded by scaling: a look that the scale is to begin with */

static uint64_t count_now(void)
{
    return __builtin_ia32_rdtsc();
}

static bool kernel_counts(void)
{
    char name[8] = "";
    static const char file[] = "/sys/devices/system/clocksource/clocksource0/current_clocksource";
    int fd = tr__fault() ? -1 : open(file, O_RDONLY | O_CLOEXEC);

    if (fd < 0)
        return false;
    ssize_t n = read(fd, name, sizeof name - 1);
    close(fd);
    return n > 0 && !strcmp(name, "tsc\n");
}

void tr__clock_near_prepare(void)
{
    int allowed = 0;

    atomic_store_explicit(&scale, 0, memory_order_relaxed);
    atomic_store_explicit(&usable,
                          kernel_counts() && !prctl(PR_GET_TSC, &allowed, 0, 0, 0) &&
                              allowed == PR_TSC_ENABLE,
                          memory_order_relaxed);
}

/* The scale for so many ns and counts; 0 when it is none. */
static uint64_t scale_of(uint64_t ns, uint64_t counts)
{
    if (counts > ns * PER_NS_MOST || counts < ns)
        return 0;
    return (uint64_t)(((unsigned __int128)ns << SHIFT) / counts);
}

static void find_scale(const struct tr_clock_near *look)
{
    if (!tr__spin_try(&scaling))
        return;
    int64_t ns = look->ns - first.ns;
    if (!first.count || ns > SCALE_WITHIN_NS)
        first = *look;
    else if (ns >= SCALE_AFTER_NS)
        atomic_store_explicit(&scale, scale_of((uint64_t)ns, look->count - first.count),
                              memory_order_relaxed);
    tr__spin_unlock(&scaling);
}

static TR__NOINLINE int64_t look(struct tr_clock_near *c)
{
    if (!atomic_load_explicit(&usable, memory_order_relaxed) || !tr__clock_is_real())
        return tr__clock_ns();
    c->count = count_now();
    c->ns = tr__clock_real_ns();
    if (count_now() - c->count > TOGETHER)
        c->count -= LIFE;
    else if (!atomic_load_explicit(&scale, memory_order_relaxed))
        find_scale(c);
    return c->ns;
}

int64_t tr__clock_near(struct tr_clock_near *c)
{
    uint64_t by = atomic_load_explicit(&scale, memory_order_relaxed);
    uint64_t gone = by && tr__clock_is_real() ? count_now() - c->count : LIFE;

    return tr__likely(gone < LIFE) ? c->ns + (int64_t)(gone * by >> SHIFT) : look(c);
}

#else

void tr__clock_near_prepare(void)
{
}

int64_t tr__clock_near(struct tr_clock_near *c)
{
    (void)c;
    return tr__clock_ns();
}

#endif
