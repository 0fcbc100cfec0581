/* SPDX-License-Identifier: MIT */
/*
 * Ranges of addresses: the segments of the program's own objects, and single functions of the C
 * library. They are found before they are needed, since a signal handler can look for nothing.
 */
#define _GNU_SOURCE
#include "os/code.h"

#include "base/compiler.h"
#include "base/spin.h"

#include <dlfcn.h>
#include <link.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>

#define OWN_MAX   64
#define PLAIN_MAX 96
/* A function chosen for the processor (strlen) has no public size; its kind stand together. */
#define UNKNOWN_SIZE 2048u

struct range {
    uintptr_t begin, end;
};

static struct range own[OWN_MAX], plain[PLAIN_MAX], ends[4], library;
static _Atomic int nown; /* released after the entry is written */
static int nplain, nends;
static struct tr_spin lock; /* for adding */
static bool prepared;

/* Functions that read and write only what they are given. */
static const char *const pure[] = {
    "strlen",  "strnlen", "strcmp",  "strncmp", "strcasecmp", "strncasecmp", "strcpy",
    "strncpy", "strcat",  "strncat", "strchr",  "strrchr",    "strstr",      "strspn",
    "strcspn", "strpbrk", "stpcpy",  "stpncpy", "memcpy",     "memmove",     "memset",
    "memcmp",  "memchr",  "memrchr", "mempcpy", "rawmemchr",  "strchrnul",   "atoi",
    "atol",    "strtol",  "strtoul", "bsearch",
};

/* System calls and nothing else. */
static const char *const calls[] = {
    "read",        "write",      "pread",      "pwrite",          "readv",   "writev",  "recv",
    "recvfrom",    "recvmsg",    "send",       "sendto",          "sendmsg", "accept",  "accept4",
    "connect",     "poll",       "ppoll",      "select",          "pselect", "flock",   "fcntl",
    "fsync",       "fdatasync",  "epoll_wait", "epoll_pwait",     "wait4",   "waitpid", "waitid",
    "pause",       "sigsuspend", "nanosleep",  "clock_nanosleep", "usleep",  "sleep",   "open",
    "sched_yield", "msgrcv",     "msgsnd",
};

/* How abort raises its signal. */
static const char *const aborting[] = { "abort", "raise", "pthread_kill", "__assert_fail" };

static bool function_range(const char *name, struct range *out)
{
    Dl_info info;
    const ElfW(Sym) *symbol = NULL;
    void *address = dlsym(RTLD_DEFAULT, name);

    if (!address)
        return false;
    out->begin = (uintptr_t)address;
    out->end = out->begin + UNKNOWN_SIZE;
    if (dladdr1(address, &info, (void **)&symbol, RTLD_DL_SYMENT) && info.dli_saddr == address &&
        symbol && symbol->st_size)
        out->end = out->begin + symbol->st_size;
    return true;
}

static int function_ranges(const char *const *names, size_t n, struct range *out, int at, int max)
{
    for (size_t i = 0; i < n && at < max; i++)
        if (function_range(names[i], &out[at]))
            at++;
    return at;
}

struct search {
    uintptr_t address; /* 0: the executable, which comes first */
    bool found;
};

static bool holds(const struct dl_phdr_info *object, uintptr_t address)
{
    for (int i = 0; i < object->dlpi_phnum; i++) {
        const ElfW(Phdr) *segment = &object->dlpi_phdr[i];
        if (segment->p_type == PT_LOAD &&
            address - (object->dlpi_addr + segment->p_vaddr) < segment->p_memsz)
            return true;
    }
    return false;
}

/* The lock is held. */
static bool add_range(uintptr_t begin, size_t size)
{
    int n = atomic_load_explicit(&nown, memory_order_relaxed);

    for (int i = 0; i < n; i++)
        if (own[i].begin == begin)
            return true;
    if (n == OWN_MAX)
        return false;
    own[n] = (struct range){ begin, begin + size };
    atomic_store_explicit(&nown, n + 1, memory_order_release);
    return true;
}

static int add_object(struct dl_phdr_info *object, size_t size, void *arg)
{
    struct search *search = arg;

    (void)size;
    if (search->address && !holds(object, search->address))
        return 0;
    search->found = true;
    for (int i = 0; i < object->dlpi_phnum; i++) {
        const ElfW(Phdr) *segment = &object->dlpi_phdr[i];
        if (segment->p_type == PT_LOAD && segment->p_flags & PF_X &&
            !add_range(object->dlpi_addr + segment->p_vaddr, segment->p_memsz))
            search->found = false;
    }
    return 1;
}

static bool add(uintptr_t address)
{
    struct search search = { address, false };

    tr__spin_lock(&lock);
    dl_iterate_phdr(add_object, &search);
    tr__spin_unlock(&lock);
    return search.found;
}

bool tr__code_add(const void *address)
{
    return address && add((uintptr_t)address);
}

static int first_base(struct dl_phdr_info *object, size_t size, void *arg)
{
    struct search *search = arg;

    (void)size;
    search->found = holds(object, search->address);
    return 1;
}

/* Is this address part of the executable? */
static bool in_executable(const void *address)
{
    struct search search = { (uintptr_t)address, false };

    dl_iterate_phdr(first_base, &search);
    return search.found;
}

static int segment_around(struct dl_phdr_info *object, size_t size, void *arg)
{
    struct range *range = arg;

    (void)size;
    for (int i = 0; i < object->dlpi_phnum; i++) {
        const ElfW(Phdr) *segment = &object->dlpi_phdr[i];
        uintptr_t begin = object->dlpi_addr + segment->p_vaddr;
        if (segment->p_type == PT_LOAD && range->begin - begin < segment->p_memsz) {
            *range = (struct range){ begin, begin + segment->p_memsz };
            return 1;
        }
    }
    return 0;
}

/* The segment that holds the address. */
static struct range range_around(uintptr_t address)
{
    struct range range = { address, address };

    dl_iterate_phdr(segment_around, &range);
    return range;
}

bool tr__code_prepare(void)
{
    void *malloc_at = dlsym(RTLD_DEFAULT, "malloc");

    if (prepared)
        return atomic_load_explicit(&nown, memory_order_relaxed) > 0;
    prepared = true;
    if (!malloc_at || in_executable(malloc_at))
        return false;
    nplain = function_ranges(pure, sizeof pure / sizeof *pure, plain, 0, PLAIN_MAX);
    nplain = function_ranges(calls, sizeof calls / sizeof *calls, plain, nplain, PLAIN_MAX);
    nends = function_ranges(aborting, sizeof aborting / sizeof *aborting, ends, 0, 4);
    if (!add(0))
        return false;
    if (!in_executable((const void *)(uintptr_t)tr__code_prepare))
        library = range_around((uintptr_t)tr__code_prepare);
    return true;
}

static bool among(const struct range *ranges, int n, const void *pc)
{
    uintptr_t at = (uintptr_t)pc;

    for (int i = 0; i < n; i++)
        if (at >= ranges[i].begin && at < ranges[i].end)
            return true;
    return false;
}

enum tr_code tr__code_at(const void *pc)
{
    /* Acquire pairs with the release in add_range: the entries are complete. */
    int n = atomic_load_explicit(&nown, memory_order_acquire);

    if (among(own, n, pc))
        return TR__CODE_OWN;
    if (among(&library, 1, pc))
        return TR__CODE_LIBRARY;
    return n > 0 && among(plain, nplain, pc) ? TR__CODE_PLAIN : TR__CODE_FOREIGN;
}

bool tr__code_is_abort(const void *pc)
{
    return among(ends, nends, pc);
}
