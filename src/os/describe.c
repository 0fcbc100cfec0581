/* SPDX-License-Identifier: MIT */
/* Addresses of code in words: function, file and line, as far as they are known. */
#include "os/trace.h"

#include "os/module.h"

#include <pthread.h>
#include <stdio.h>
#include <string.h>

#define NAME_SIZE 256

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER; /* of what tr__module_line keeps */

static const char *last_part(const char *path)
{
    const char *slash = strrchr(path, '/');

    return slash ? slash + 1 : path;
}

static bool line_of(const struct tr_module *module, uintptr_t address, char *file, size_t size,
                    int *line)
{
    pthread_mutex_lock(&lock);
    bool known = tr__module_line(module->path, address, file, size, line);
    pthread_mutex_unlock(&lock);
    return known;
}

/* What tr__trace_name and tr__trace_describe have in common. */
struct found {
    bool in_module;
    struct tr_module module;
    uintptr_t address; /* of the module's file */
    char function[NAME_SIZE];
    size_t offset;
};

static void find(const void *pc, struct found *found)
{
    found->function[0] = '\0';
    found->in_module = tr__module_find(pc, &found->module);
    if (!found->in_module)
        return;
    found->address = (uintptr_t)pc - found->module.bias;
    if (!tr__module_function(found->module.path, found->address, found->function, NAME_SIZE,
                             &found->offset))
        found->function[0] = '\0';
}

static size_t name(const void *pc, const struct found *found, char *out, size_t size)
{
    if (!found->in_module)
        return (size_t)snprintf(out, size, "%p", pc);
    const char *module = found->module.path[0] ? last_part(found->module.path) : "?";
    if (!found->function[0])
        return (size_t)snprintf(out, size, "%s+0x%zx", module, (size_t)found->address);
    return (size_t)snprintf(out, size, "%s+0x%zx (%s+0x%zx)", found->function, found->offset,
                            module, (size_t)found->address);
}

size_t tr__trace_name(const void *pc, char *out, size_t size)
{
    struct found found;

    find(pc, &found);
    return name(pc, &found, out, size);
}

size_t tr__trace_describe(const void *pc, char *out, size_t size)
{
    struct found found;
    char file[PATH_MAX];
    int line;

    find(pc, &found);
    if (!found.function[0] || !line_of(&found.module, found.address, file, sizeof file, &line))
        return name(pc, &found, out, size);
    return (size_t)snprintf(out, size, "%s+0x%zx at %s:%d", found.function, found.offset,
                            last_part(file), line);
}
