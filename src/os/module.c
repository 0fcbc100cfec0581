/* SPDX-License-Identifier: MIT */
/*
 * Names of functions, read from the table of symbols in the file that the code came from.
 *
 * The dynamic linker (dladdr) knows only the names that a file exports: in a program hardly any.
 * The table in the file has the static functions too, unless it was stripped.
 */
#define _GNU_SOURCE
#include "os/module.h"

#include "base/fault.h"

#include <elf.h>
#include <fcntl.h>
#include <link.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

struct search {
    uintptr_t pc;
    struct tr_module *module;
};

static int look_at_module(struct dl_phdr_info *info, size_t size, void *arg)
{
    struct search *search = arg;
    uintptr_t address = search->pc - info->dlpi_addr;

    (void)size;
    for (int i = 0; i < info->dlpi_phnum; i++) {
        const ElfW(Phdr) *segment = &info->dlpi_phdr[i];
        if (segment->p_type != PT_LOAD || address - segment->p_vaddr >= segment->p_memsz)
            continue;
        search->module->bias = info->dlpi_addr;
        snprintf(search->module->path, sizeof search->module->path, "%s",
                 info->dlpi_name ? info->dlpi_name : "");
        return 1;
    }
    return 0;
}

bool tr__module_find(const void *pc, struct tr_module *module)
{
    struct search search = { (uintptr_t)pc, module };

    if (!dl_iterate_phdr(look_at_module, &search))
        return false;
    if (module->path[0] != '\0')
        return true;
    /* The program itself has no name here. */
    ssize_t n = readlink("/proc/self/exe", module->path, sizeof module->path - 1);
    module->path[n > 0 ? n : 0] = '\0';
    return true;
}

/* --- a file as it lies on the disk; nothing in it is trusted --- */

struct image {
    const char *bytes;
    size_t size;
};

static bool image_open(struct image *image, const char *path)
{
    struct stat status;
    int fd = tr__fault() ? -1 : open(path, O_RDONLY | O_CLOEXEC);

    if (fd < 0)
        return false;
    void *bytes = MAP_FAILED;
    if (fstat(fd, &status) == 0 && status.st_size > 0)
        bytes = mmap(NULL, (size_t)status.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
    close(fd);
    if (bytes == MAP_FAILED)
        return false;
    *image = (struct image){ bytes, (size_t)status.st_size };
    return true;
}

static void image_close(struct image *image)
{
    munmap((void *)(uintptr_t)image->bytes, image->size);
}

/* So many bytes at an offset, or NULL where the file does not have them. */
static const void *at(const struct image *image, size_t offset, size_t size)
{
    return offset <= image->size && size <= image->size - offset ? image->bytes + offset : NULL;
}

/* The section of that type, or NULL. */
static const ElfW(Shdr) * section(const struct image *image, unsigned type)
{
    const ElfW(Ehdr) *head = at(image, 0, sizeof *head);

    if (!head || memcmp(head->e_ident, ELFMAG, SELFMAG) != 0 ||
        head->e_ident[EI_CLASS] != (sizeof(void *) == 8 ? ELFCLASS64 : ELFCLASS32))
        return NULL;
    const ElfW(Shdr) *sections = at(image, head->e_shoff, head->e_shnum * sizeof *sections);
    for (size_t i = 0; sections && i < head->e_shnum; i++)
        if (sections[i].sh_type == type && sections[i].sh_link < head->e_shnum)
            return &sections[i];
    return NULL;
}

/* The symbol of the function around an address, or NULL. A function may have names of the
   compiler's making, too, which are local and come first in the table. */
static const ElfW(Sym) *
    function_in(const struct image *image, const ElfW(Shdr) * table, uintptr_t address)
{
    size_t n = table->sh_size / sizeof(ElfW(Sym));
    const ElfW(Sym) *symbols = at(image, table->sh_offset, n * sizeof *symbols);
    const ElfW(Sym) *local = NULL;

    for (size_t i = 0; symbols && i < n; i++) {
        if (ELF64_ST_TYPE(symbols[i].st_info) != STT_FUNC || symbols[i].st_shndx == SHN_UNDEF ||
            address - symbols[i].st_value >= symbols[i].st_size)
            continue;
        if (ELF64_ST_BIND(symbols[i].st_info) != STB_LOCAL)
            return &symbols[i];
        if (!local)
            local = &symbols[i];
    }
    return local;
}

/* A string in the table of strings that belongs to a table of symbols; NULL when it has no end. */
static const char *string_of(const struct image *image, const ElfW(Shdr) * table, size_t index)
{
    const ElfW(Ehdr) *head = (const void *)image->bytes;
    const ElfW(Shdr) *sections = at(image, head->e_shoff, head->e_shnum * sizeof *sections);
    const ElfW(Shdr) *strings = &sections[table->sh_link];
    const char *text = at(image, strings->sh_offset, strings->sh_size);

    if (!text || index >= strings->sh_size || !memchr(text + index, '\0', strings->sh_size - index))
        return NULL;
    return text + index;
}

static bool find_in(const struct image *image, unsigned type, uintptr_t address, char *name,
                    size_t size, size_t *offset)
{
    const ElfW(Shdr) *table = section(image, type);
    const ElfW(Sym) *symbol = table ? function_in(image, table, address) : NULL;
    const char *text = symbol ? string_of(image, table, symbol->st_name) : NULL;

    if (!text)
        return false;
    snprintf(name, size, "%s", text);
    *offset = address - symbol->st_value;
    return true;
}

bool tr__module_function(const char *path, uintptr_t address, char *name, size_t size,
                         size_t *offset)
{
    struct image image;

    if (!image_open(&image, path))
        return false;
    bool found = find_in(&image, SHT_SYMTAB, address, name, size, offset) ||
                 find_in(&image, SHT_DYNSYM, address, name, size, offset);
    image_close(&image);
    return found;
}
