/* SPDX-License-Identifier: MIT */
/*
 * Memory maps and guard pages.
 *
 * A guard made by mprotect splits its mapping in two, and a process may have vm.max_map_count
 * (65,530) mappings: about 32,000 stacks. MADV_GUARD_INSTALL (Linux 6.13) puts the guard into the
 * page table instead and splits nothing, so it is tried first; whether the kernel has it is asked
 * once.
 */
#define _GNU_SOURCE
#include "os/pages.h"

#include "base/fault.h"

#include <errno.h>
#include <stdatomic.h>
#include <stdint.h>
#include <sys/mman.h>

#ifndef MADV_GUARD_INSTALL
#define MADV_GUARD_INSTALL 102
#endif

#ifndef MADV_GUARD_REMOVE
#define MADV_GUARD_REMOVE 103
#endif

#define NO_ADVICE 0x7fff

static _Atomic(enum { UNKNOWN, MADVISE, MPROTECT }) guard_by;

static void *map(size_t size)
{
    if (tr__fault())
        return NULL;
    void *p = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE,
                   -1, 0);
    return p == MAP_FAILED ? NULL : p;
}

static void *map_aligned(size_t size, size_t align, int advice)
{
    int saved = errno;
    size_t span = size + (align > TR__PAGE ? align : 0);
    char *p = map(span);

    errno = saved;
    if (!p)
        return NULL;
    char *start = (char *)(((uintptr_t)p + align - 1) & ~(uintptr_t)(align - 1));
    if (start > p)
        munmap(p, (size_t)(start - p));
    if (start + size < p + span)
        munmap(start + size, (size_t)(p + span - (start + size)));
    madvise(start, size, advice);
    errno = saved;
    return start;
}

void *tr__pages_map(size_t size, size_t align)
{
    /* One touched page must cost one page, not the 2 MiB of a huge one. */
    return map_aligned(size, align, MADV_NOHUGEPAGE);
}

void *tr__pages_map_huge(size_t size)
{
    return map_aligned(size, TR__HUGE_PAGE, MADV_HUGEPAGE);
}

void tr__pages_unmap(void *p, size_t size)
{
    int saved = errno;

    munmap(p, size);
    errno = saved;
}

void tr__pages_discard(void *p, size_t size)
{
    int saved = errno;

    madvise(p, size, MADV_DONTNEED);
    errno = saved;
}

/* Emulators accept any advice and do nothing: who takes this one cannot be trusted. */
static bool takes_any_advice(void *p, size_t size)
{
    return madvise(p, size, NO_ADVICE) == 0;
}

bool tr__pages_guard(void *p, size_t size)
{
    int saved = errno;
    bool ok = false;

    if (tr__fault())
        return false;
    if (atomic_load_explicit(&guard_by, memory_order_relaxed) == UNKNOWN)
        atomic_store_explicit(&guard_by, takes_any_advice(p, size) ? MPROTECT : MADVISE,
                              memory_order_relaxed);
    if (atomic_load_explicit(&guard_by, memory_order_relaxed) == MADVISE) {
        ok = madvise(p, size, MADV_GUARD_INSTALL) == 0;
        if (!ok && errno == EINVAL)
            atomic_store_explicit(&guard_by, MPROTECT, memory_order_relaxed);
    }
    if (!ok)
        ok = mprotect(p, size, PROT_NONE) == 0;
    errno = saved;
    return ok;
}

bool tr__pages_unguard(void *p, size_t size)
{
    int saved = errno;
    bool ok = false;

    if (atomic_load_explicit(&guard_by, memory_order_relaxed) == MADVISE)
        ok = madvise(p, size, MADV_GUARD_REMOVE) == 0;
    else
        ok = mprotect(p, size, PROT_READ | PROT_WRITE) == 0;
    errno = saved;
    return ok;
}
