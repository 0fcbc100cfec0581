/* SPDX-License-Identifier: MIT */
/*
 * Configuration files and the loading of code, with each allocation and system call in them failing
 * in turn: those of the library, and those that these two make themselves, which the linker leads
 * here.
 */
#include "faults.h"
#include "otp/application.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <unistd.h>

tr_atoms(ok, error, web, port, host, get);

int __real_open(const char *path, int flags, ...);
ssize_t __real_read(int fd, void *bytes, size_t size);
ssize_t __real_write(int fd, const void *bytes, size_t size);
int __real_memfd_create(const char *name, unsigned flags);
void *__real_dlopen(const char *name, int flags);
char *__real_dlerror(void);
int __wrap_open(const char *path, int flags, ...);
ssize_t __wrap_read(int fd, void *bytes, size_t size);
ssize_t __wrap_write(int fd, const void *bytes, size_t size);
int __wrap_memfd_create(const char *name, unsigned flags);
void *__wrap_dlopen(const char *name, int flags);
char *__wrap_dlerror(void);

/* Only where a test says so: what the library calls has points of its own. */
static _Atomic bool counted; /* the monitor opens files, too */
static bool dlopen_failed;

static bool fails(void)
{
    if (!counted || !tr__fault())
        return false;
    errno = EIO;
    return true;
}

int __wrap_open(const char *path, int flags, ...)
{
    va_list more;

    va_start(more, flags);
    int mode = flags & O_CREAT ? va_arg(more, int) : 0;
    va_end(more);
    return fails() ? -1 : __real_open(path, flags, mode);
}

ssize_t __wrap_read(int fd, void *bytes, size_t size)
{
    return fails() ? -1 : __real_read(fd, bytes, size);
}

ssize_t __wrap_write(int fd, const void *bytes, size_t size)
{
    return fails() ? -1 : __real_write(fd, bytes, size);
}

int __wrap_memfd_create(const char *name, unsigned flags)
{
    return fails() ? -1 : __real_memfd_create(name, flags);
}

void *__wrap_dlopen(const char *name, int flags)
{
    dlopen_failed = fails();
    return dlopen_failed ? NULL : __real_dlopen(name, flags);
}

char *__wrap_dlerror(void)
{
    static char injected[] = "injected";

    return dlopen_failed ? injected : __real_dlerror();
}

/* The lowest descriptor that is free: what is opened and not closed makes it another one. */
static int lowest_free(void)
{
    int fd = dup(0);

    CHECK(fd >= 0);
    close(fd);
    return fd;
}

static void check_descriptors(void *free_before)
{
    counted = false;
    CHECK_INT(lowest_free(), *(int *)free_before);
}

/* From here on they count; at the end of the process as many files are open as now. */
static void count_files(void)
{
    static int free_before;

    tr_log_set_level(TR_LOG_EMERGENCY);
    free_before = lowest_free();
    tr_defer(check_descriptors, &free_before);
    counted = true;
}

/* --- configuration --- */

static char file[64];

static void write_file(void)
{
    snprintf(file, sizeof file, "/tmp/troupe_fault_%d", (int)getpid());
    FILE *f = fopen(file, "w");
    CHECK(f != NULL);
    fprintf(f, "[{web, [{port, 8080}, {host, \"");
    for (int i = 0; i < 5000; i++)
        fputc('x', f);
    fprintf(f, "\"}]}].\n");
    CHECK(fclose(f) == 0);
}

FAULT_TEST(a_configuration_file_is_read)
{
    tr_term apps, text, value;

    write_file();
    count_files();
    arm();
    tr_term result = tr__env_read(file, &apps);
    counted = false;
    if (tr_match(result, a_error, &text)) {
        CHECK(strstr(tr_inspect(text), file) != NULL);
        return false;
    }
    CHECK_TERM(result, tr_build(a_ok));
    return tr_map_get(tr__env_of(apps, a_web), tr_build(a_port), &value) && tr_match(value, 8080);
}

static const struct tr_application web = { .name = "web", .env = "[{port, 1}, {host, \"a\"}]" };

FAULT_TEST(an_application_is_configured)
{
    struct tr_app_env env = { 0 };
    tr_term map, value;

    CHECK(setenv("TROUPE_WEB_PORT", "{two, 2}", 1) == 0);
    tr__env_init(&env);
    arm();
    tr__env_set(&env.persistent, a_web, tr_build(tr_map(a_host, "b")));
    if (!tr__env_configured(&env, &web, &map))
        return false;
    return tr_map_get(map, tr_build(a_host), &value) && tr_match(value, "b") &&
           tr_list_length(tr__env_list(map), &(size_t){ 0 });
}

/* --- code --- */

/* What is loaded stays, and so does its descriptor. */
FAULT_TEST(an_object_is_loaded)
{
    struct tr_code_object *code = NULL;
    int before = lowest_free();

    tr_log_set_level(TR_LOG_EMERGENCY);
    counted = true;
    arm();
    tr_err err = tr_code_load(FAULT_MODULE, &code);
    counted = false;
    if (err) {
        CHECK(err == TR_ENOTFOUND || err == TR_ENOMEM || err == TR_ESYS);
        CHECK(!code);
        CHECK_INT(lowest_free(), before);
        return false;
    }
    const int *answer = tr_code_symbol(code, "fault_module_answer");
    CHECK(answer && *answer == 42);
    CHECK(!tr_code_symbol(code, "fault_module_nothing"));
    return true;
}

static tr_gen_result init(void *state, tr_term arg)
{
    tr_match(arg, (int64_t *)state);
    return tr_gen_ok();
}

static tr_gen_result handle_call(void *state, tr_term request, tr_term from)
{
    (void)request;
    (void)from;
    return tr_gen_reply(*(int64_t *)state);
}

static bool code_change(void *state, tr_term old_version, tr_term extra)
{
    (void)old_version;
    return tr_match(extra, (int64_t *)state);
}

static const struct tr_gen_server old_server = {
    .name = "server", .state_size = 8, .init = init, .handle_call = handle_call
};
static const struct tr_gen_server new_server = { .name = "server",
                                                 .state_size = 16,
                                                 .init = init,
                                                 .handle_call = handle_call,
                                                 .code_change = code_change };

struct upgrade {
    tr_pid server;
    tr_term result;
};

/* Ends its caller when the server ends. */
static void upgrade(void *arg)
{
    struct upgrade *u = arg;

    tr_sys_suspend(u->server);
    u->result =
        tr_sys_request(u->server, PATIENCE_MS, tr_intern("replace_code"),
                       (uint64_t)(uintptr_t)&old_server, (uint64_t)(uintptr_t)&new_server, 1, 2);
    tr_sys_resume(u->server);
}

/* The old state or the new one, nothing in between; or the server has ended. */
FAULT_TEST(a_server_goes_over_to_other_code)
{
    struct upgrade u = { .result = tr_nil() };
    tr_term result;
    int64_t n = 0;

    tr_log_set_level(TR_LOG_EMERGENCY);
    if (!tr_match(tr_gen_server_start(&old_server, NULL, 1), a_ok, &u.server))
        return false;
    arm();
    if (tr_catch(upgrade, &u, &result)) {
        tr_exit_to(u.server, a_kill);
        return false;
    }
    bool replaced = tr_match(u.result, a_ok);
    bool answered = tr_try_call(u.server, &result, a_get) == TR_OK && tr_match(result, &n);
    CHECK(!answered || n == (replaced ? 2 : 1));
    bool stopped = tr_try_stop(u.server, NULL, a_normal, PATIENCE_MS) == TR_OK;
    if (!stopped)
        tr_exit_to(u.server, a_kill);
    return stopped && answered && replaced;
}
