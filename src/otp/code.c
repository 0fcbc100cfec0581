/* SPDX-License-Identifier: MIT */
/*
 * Loading code and handing servers over to it.
 *
 * The loader gives the same object for the same file, and for the same name. So what is loaded is a
 * copy in memory, named by its descriptor, which stays open: its number must not come again.
 * A specification goes on pointing to the old table; a list of pairs says what it means by now.
 */
#define _GNU_SOURCE
#include "otp/gen.h"

#include "troupe.h"

#include <dlfcn.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <sys/mman.h>
#include <unistd.h>

#define REDIRECTS_MAX 1024
#define TIMEOUT_MS    5000

tr_atoms(ok, error, worker, supervisor, replace_code);

/* --- loading --- */

/* A handle of the loader; a pointer to it is that of a struct nobody looks into. */
static struct tr_code_object *as_code(void *handle)
{
    return handle;
}

static bool copy_file(int from, int to)
{
    char bytes[16384];
    ssize_t n;

    while ((n = read(from, bytes, sizeof bytes)) > 0)
        for (ssize_t done = 0; done < n;) {
            ssize_t w = write(to, bytes + done, (size_t)(n - done));
            if (w <= 0)
                return false;
            done += w;
        }
    return n == 0;
}

/* A descriptor of a copy in memory, or an error. */
static tr_err copy_of(const char *path, int *copy)
{
    int file = open(path, O_RDONLY | O_CLOEXEC);

    if (file < 0)
        return TR_ENOTFOUND;
    *copy = memfd_create(path, MFD_CLOEXEC);
    tr_err err = *copy < 0 ? TR_ENOMEM : copy_file(file, *copy) ? TR_OK : TR_ESYS;
    close(file);
    if (err && *copy >= 0)
        close(*copy);
    return err;
}

tr_err tr_code_load(const char *path, struct tr_code_object **code)
{
    char name[64];
    int copy;
    tr_err err = copy_of(path, &copy);

    if (err)
        return err;
    snprintf(name, sizeof name, "/proc/self/fd/%d", copy);
    void *handle = dlopen(name, RTLD_NOW | RTLD_LOCAL);
    const char *why = handle ? NULL : dlerror();
    if (why) {
        close(copy);
        tr_log_error("cannot load %s: %s", path, why);
        return TR_ESYS;
    }
    *code = as_code(handle);
    return TR_OK;
}

const void *tr_code_symbol(const struct tr_code_object *code, const char *name)
{
    const void *found = dlsym((void *)(uintptr_t)code, name);

    if (found && tr_own_code(found))
        tr_log_warning("%s: its faults end the program: too many objects", name);
    return found;
}

/* --- what a table means by now --- */

static struct {
    pthread_mutex_t lock;
    const void *from[REDIRECTS_MAX];
    const void *to[REDIRECTS_MAX];
    _Atomic int n; /* entries below it do not change */
} redirects = { .lock = PTHREAD_MUTEX_INITIALIZER };

tr_err tr_code_redirect(const void *old, const void *new_one)
{
    tr_err err = TR_OK;

    if (old == new_one || tr__code_newest(old) == new_one)
        return TR_OK;
    pthread_mutex_lock(&redirects.lock);
    int n = atomic_load(&redirects.n);
    if (n == REDIRECTS_MAX) {
        err = TR_ELIMIT;
    } else {
        redirects.from[n] = old;
        redirects.to[n] = new_one;
        atomic_store_explicit(&redirects.n, n + 1, memory_order_release);
    }
    pthread_mutex_unlock(&redirects.lock);
    return err;
}

/* One pass, since what came later is further on. */
const void *tr__code_newest(const void *table)
{
    int n = atomic_load_explicit(&redirects.n, memory_order_acquire);

    for (int i = 0; i < n; i++)
        if (redirects.from[i] == table)
            table = redirects.to[i];
    return table;
}

/* --- handing over --- */

_Static_assert(offsetof(struct tr_gen_server, name) == 0, "name_of looks there");
_Static_assert(offsetof(struct tr_gen_statem, name) == 0, "name_of looks there");

/* The name of a table of either kind. */
static const char *name_of(const void *table)
{
    return *(const char *const *)table;
}

static tr_term replace(tr_term to, const void *old, const void *new_one, tr_term old_version,
                       tr_term extra)
{
    return tr_sys_request(to, TIMEOUT_MS, a_replace_code, (uint64_t)(uintptr_t)old,
                          (uint64_t)(uintptr_t)new_one, old_version, extra);
}

tr_term tr_code_upgrade_term(tr_term to, const void *old, const void *new_one, tr_term old_version,
                             tr_term extra)
{
    tr_sys_suspend(to);
    tr_term result = replace(to, old, new_one, old_version, extra);
    tr_sys_resume(to);
    return result;
}

static bool is_among(tr_term modules, tr_atom module)
{
    tr_term item;

    while (tr_is_list(modules) && tr_list_next(&modules, &item))
        if (tr_match(item, module))
            return true;
    return false;
}

/* Adds the pids of all workers of that module under the supervisor. */
static tr_term collect(tr_term supervisor, tr_atom module, tr_term pids)
{
    tr_term children = tr_supervisor_which_children(supervisor), child, modules;
    tr_pid pid;

    while (tr_list_next(&children, &child)) {
        if (tr_match(child, tr_any(), &pid, a_supervisor, tr_any()))
            pids = collect(tr_build(pid), module, pids);
        else if (tr_match(child, tr_any(), &pid, a_worker, &modules) && is_among(modules, module))
            pids = tr_list_push(pids, tr_build(pid));
    }
    return pids;
}

static void resume_all(tr_term pids)
{
    tr_term pid;

    while (tr_list_next(&pids, &pid))
        tr_sys_resume(pid);
}

tr_term tr_code_upgrade_tree_term(tr_term supervisor, const void *old, const void *new_one,
                                  tr_term old_version, tr_term extra)
{
    int64_t n = 0;
    tr_term pid, what, result = tr_build(a_ok);

    if (tr_code_redirect(old, new_one))
        return tr_build(a_error, tr_tuple(supervisor, tr_intern("system_limit")));
    tr_term pids = collect(supervisor, tr_intern(name_of(old)), tr_nil());
    for (tr_term rest = pids; tr_list_next(&rest, &pid);)
        tr_sys_suspend(pid);
    for (tr_term rest = pids; tr_match(result, a_ok) && tr_list_next(&rest, &pid); n++)
        result = replace(pid, old, new_one, old_version, extra);
    resume_all(pids);
    if (tr_match(result, a_error, &what))
        return tr_build(a_error, tr_tuple(pid, what));
    return tr_build(a_ok, n);
}
