/* SPDX-License-Identifier: MIT */
/*
 * Lines of source files, by elfutils' libdw, if the machine has it.
 *
 * The library is looked for when the first report is made, and never linked: its licence does not
 * go with a static build, and a program that crashes nowhere needs none of it. Hence the few
 * declarations here; its interface has been stable since 2005. A program that is linked statically,
 * which has no dynamic linker, does without lines; so do builds with AddressSanitizer, whose search
 * for leaks fails on a library that was loaded late.
 *
 * A file that was opened stays open, because the next address is most likely in it as well.
 */
#define _GNU_SOURCE
#include "os/module.h"

#include "base/compiler.h"
#include "base/fault.h"

#include <dlfcn.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/auxv.h>
#include <unistd.h>

#pragma weak dlopen
#pragma weak dlsym

struct die { /* Dwarf_Die */
    void *address;
    void *unit;
    void *abbreviation;
    long padding;
};

static struct {
    bool tried;
    bool usable;
    void *(*begin)(int fd, int command);
    int (*next_unit)(void *dwarf, uint64_t at, uint64_t *next, size_t *header, uint64_t *abbrev,
                     uint8_t *address_size, uint8_t *offset_size);
    struct die *(*unit_of)(void *dwarf, uint64_t address, struct die *unit);
    struct die *(*die_at)(void *dwarf, uint64_t offset, struct die *die);
    int (*has)(struct die *die, uint64_t address);
    void *(*line_of)(struct die *unit, uint64_t address);
    const char *(*file_of)(void *line, uint64_t *modified, uint64_t *length);
    int (*number_of)(void *line, int *number);
} dw;

/* The debug information of a file; kept for ever. */
struct source {
    struct source *next;
    void *dwarf; /* NULL: it has none */
    char path[];
};

static struct source *sources;

static void *open_library(void)
{
#if defined(TR__ASAN)
    return NULL;
#else
    bool can_load = dlopen && dlsym && getauxval(AT_BASE) != 0;

    return can_load && !tr__fault() ? dlopen("libdw.so.1", RTLD_NOW | RTLD_LOCAL) : NULL;
#endif
}

static bool load(void)
{
    const struct {
        const char *name;
        void *into;
    } symbols[] = {
        { "dwarf_begin", &dw.begin },     { "dwarf_nextcu", &dw.next_unit },
        { "dwarf_addrdie", &dw.unit_of }, { "dwarf_offdie", &dw.die_at },
        { "dwarf_haspc", &dw.has },       { "dwarf_getsrc_die", &dw.line_of },
        { "dwarf_linesrc", &dw.file_of }, { "dwarf_lineno", &dw.number_of },
    };
    void *library = open_library();

    if (!library)
        return false;
    for (size_t i = 0; i < sizeof symbols / sizeof *symbols; i++) {
        void *symbol = dlsym(library, symbols[i].name);
        if (!symbol)
            return false;
        memcpy(symbols[i].into, &symbol, sizeof symbol);
    }
    return true;
}

static bool is_usable(void)
{
    if (!dw.tried)
        dw.usable = load();
    dw.tried = true;
    return dw.usable;
}

static void *open_file(const char *path)
{
    int fd = tr__fault() ? -1 : open(path, O_RDONLY | O_CLOEXEC);

    if (fd < 0)
        return NULL;
    void *dwarf = dw.begin(fd, 0); /* DWARF_C_READ */
    if (!dwarf)
        close(fd);
    return dwarf;
}

static void *debug_information(const char *path)
{
    for (struct source *s = sources; s; s = s->next)
        if (strcmp(s->path, path) == 0)
            return s->dwarf;
    size_t size = strlen(path) + 1;
    struct source *s = tr__fault() ? NULL : malloc(sizeof *s + size);
    if (!s)
        return NULL;
    memcpy(s->path, path, size);
    s->dwarf = open_file(path);
    s->next = sources;
    sources = s;
    return s->dwarf;
}

/* The unit an address is in; compilers other than gcc leave out the index that finds it at once. */
static bool find_unit(void *dwarf, uint64_t address, struct die *unit)
{
    uint64_t at = 0, next;
    size_t header;

    if (dw.unit_of(dwarf, address, unit))
        return true;
    for (; dw.next_unit(dwarf, at, &next, &header, NULL, NULL, NULL) == 0; at = next)
        if (dw.die_at(dwarf, at + header, unit) && dw.has(unit, address) == 1)
            return true;
    return false;
}

bool tr__module_line(const char *path, uintptr_t address, char *file, size_t size, int *line)
{
    struct die unit;
    void *dwarf = is_usable() ? debug_information(path) : NULL;

    if (!dwarf || !find_unit(dwarf, address, &unit))
        return false;
    void *found = dw.line_of(&unit, address);
    const char *name = found ? dw.file_of(found, NULL, NULL) : NULL;
    if (!name || dw.number_of(found, line) != 0)
        return false;
    snprintf(file, size, "%s", name);
    return true;
}
