/* SPDX-License-Identifier: MIT */
/* The files that the program's code was loaded from, and the names in them. */
#ifndef TROUPE_OS_MODULE_H
#define TROUPE_OS_MODULE_H

#include <limits.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct tr_module {
    char path[PATH_MAX]; /* empty: no file, as for what the kernel provides */
    uintptr_t bias;      /* what to subtract from an address to get that of the file */
};

/* The module that an address belongs to; false when there is none. Any thread. */
bool tr__module_find(const void *pc, struct tr_module *module);

/* The function that an address (of the file) is in, from the file's table of symbols: its name,
   cut to `size` bytes, and how far in it the address is. Reads the file. Any thread. */
bool tr__module_function(const char *path, uintptr_t address, char *name, size_t size,
                         size_t *offset);

/* The source file, cut to `size` bytes, and line of an address (of the file). False where that is
   not known, or no library that knows it can be had. One thread at a time. */
bool tr__module_line(const char *path, uintptr_t address, char *file, size_t size, int *line);

#endif
