/* SPDX-License-Identifier: MIT */
/* What applications are configured with: their own defaults, a file, and the environment. */
#include "otp/application.h"
#include "otp/text.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define PREFIX   "TROUPE_"
#define TEXT_MAX 128 /* bytes of an application's name, or a key's, in the environment */

tr_atoms(ok, error, get_env, set_env, delete_env, all_env, undefined, none);

extern char **environ;

/* --- maps of maps --- */

static void set(tr_term *kept, tr_term map)
{
    tr_term before = *kept;

    *kept = tr_keep(map);
    if (before.w)
        tr_release(before);
}

void tr__env_init(struct tr_app_env *env)
{
    set(&env->now, tr_build(tr_map()));
    set(&env->file, tr_build(tr_map()));
    set(&env->persistent, tr_build(tr_map()));
}

tr_term tr__env_of(tr_term apps, tr_atom app)
{
    tr_term map;

    return tr_map_get(apps, tr_build(app), &map) ? map : tr_build(tr_map());
}

void tr__env_set(tr_term *apps, tr_atom app, tr_term map)
{
    set(apps, tr_map_size(map) ? tr_map_put(*apps, tr_build(app), map)
                               : tr_map_remove(*apps, tr_build(app)));
}

tr_term tr__env_list(tr_term map)
{
    struct tr_map_iter it;
    tr_term key, value, list = tr_nil();

    for (tr_map_iter_init(&it, map); tr_map_next(&it, &key, &value);)
        list = tr_list_push(list, tr_build(key, value));
    return tr_list_reverse(list);
}

static tr_term merged(tr_term map, tr_term over)
{
    struct tr_map_iter it;
    tr_term key, value;

    for (tr_map_iter_init(&it, over); tr_map_next(&it, &key, &value);)
        map = tr_map_put(map, key, value);
    return map;
}

/* A list [{Key, Value}] as a map; false when it is none. */
static bool map_of(tr_term list, tr_term *map)
{
    tr_term pair, value;
    tr_atom key;

    *map = tr_build(tr_map());
    while (tr_is_list(list) && tr_list_next(&list, &pair)) {
        if (!tr_match(pair, &key, &value))
            return false;
        *map = tr_map_put(*map, tr_build(key), value);
    }
    return tr_is_nil(list);
}

bool tr__env_parse(const char *text, tr_term *term)
{
    *term = tr_nil();
    return !text || tr_parse(text, strlen(text), term, NULL) == TR_OK;
}

/* --- variables of the environment --- */

/* "WEB_" for web; false when the name is too long. */
static bool upper(const char *name, char *text)
{
    size_t n = strlen(name);

    if (n + 2 > TEXT_MAX)
        return false;
    for (size_t i = 0; i < n; i++)
        text[i] = (char)toupper((unsigned char)name[i]);
    memcpy(text + n, "_", 2);
    return true;
}

/* The text as a term, or as a binary. */
static tr_term value_of(const char *text)
{
    tr_term value;

    return *text && tr__env_parse(text, &value) ? value : tr_build(text);
}

/* Adds the value of NAME=TEXT, where `variable` begins after the name of the application. */
static tr_term add_variable(tr_term map, const char *variable)
{
    const char *equals = strchr(variable, '=');
    char key[TEXT_MAX];
    tr_atom atom;

    if (!equals || equals == variable || equals - variable >= TEXT_MAX)
        return map;
    size_t n = (size_t)(equals - variable);
    for (size_t i = 0; i < n; i++)
        key[i] = (char)tolower((unsigned char)variable[i]);
    if (tr_try_intern(key, n, &atom))
        return map;
    return tr_map_put(map, tr_build(atom), value_of(equals + 1));
}

static tr_term with_environment(tr_term map, const char *name)
{
    char app[TEXT_MAX];

    if (!upper(name, app))
        return map;
    for (char **v = environ; v && *v; v++)
        if (!strncmp(*v, PREFIX, strlen(PREFIX)) && !strncmp(*v + strlen(PREFIX), app, strlen(app)))
            map = add_variable(map, *v + strlen(PREFIX) + strlen(app));
    return map;
}

bool tr__env_configured(const struct tr_app_env *env, const struct tr_application *spec,
                        tr_term *map)
{
    tr_atom app = tr_intern(spec->name);
    tr_term own;

    if (!tr__env_parse(spec->env, &own) || !map_of(own, map))
        return false;
    *map = merged(*map, tr__env_of(env->file, app));
    *map = with_environment(*map, spec->name);
    *map = merged(*map, tr__env_of(env->persistent, app));
    return true;
}

/* --- the configuration file --- */

static tr_term failed(const char *path, const char *what)
{
    char text[1024];

    snprintf(text, sizeof text, "%s: %s", path, what);
    return tr_build(a_error, text);
}

/* "path:line:column: syntax error", both counted from 1, columns in bytes. */
static tr_term failed_at(const char *path, const struct tr_text *t, size_t at, tr_err err)
{
    char text[1024];
    int line = 1, column = 1;

    for (size_t i = 0; i < at && i < t->size; i++) {
        column = t->data[i] == '\n' ? 1 : column + 1;
        line += t->data[i] == '\n';
    }
    snprintf(text, sizeof text, "%s:%d:%d: %s", path, line, column,
             err == TR_ESYNTAX ? "syntax error" : tr_strerror(err));
    return tr_build(a_error, text);
}

static void close_file(void *fd)
{
    if (*(int *)fd >= 0)
        close(*(int *)fd);
}

/* False, with the cause in errno. The text takes memory, for want of which the process may end. */
static bool load(const char *path, struct tr_text *t)
{
    char bytes[4096];
    int fd = -1;
    ssize_t n = -1;

    tr_defer(close_file, &fd);
    fd = open(path, O_RDONLY | O_CLOEXEC);
    while (fd >= 0 && (n = read(fd, bytes, sizeof bytes)) > 0)
        tr__text_add(t, bytes, (size_t)n);
    int why = errno;
    tr_defer_cancel(close_file, &fd);
    close_file(&fd);
    errno = why;
    return n == 0;
}

/* [{App, [{Key, Value}]}] as a map of maps; where it is not, *list begins with what is wrong. */
static bool apps_of(tr_term *list, tr_term *apps)
{
    tr_term item, values, map;
    tr_atom app;

    *apps = tr_build(tr_map());
    while (tr_is_list(*list) && !tr_is_nil(*list)) {
        item = tr_head(*list);
        if (!tr_match(item, &app, &values) || !map_of(values, &map))
            return false;
        map = merged(tr__env_of(*apps, app), map);
        *apps = tr_map_put(*apps, tr_build(app), map);
        *list = tr_tail(*list);
    }
    return tr_is_nil(*list);
}

static tr_term read_text(const char *path, const struct tr_text *t, tr_term *apps)
{
    char what[600];
    tr_term list;
    size_t at = 0;
    tr_err err = tr_parse(t->data, t->size, &list, &at);

    if (err)
        return failed_at(path, t, at, err);
    if (apps_of(&list, apps))
        return tr_build(a_ok);
    tr_term wrong = tr_is_list(list) ? tr_head(list) : list;
    int n = snprintf(what, sizeof what, "not {Application, [{Key, Value}]}: ");
    tr_print_to(what + n, sizeof what - (size_t)n, wrong);
    return failed(path, what);
}

tr_term tr__env_read(const char *path, tr_term *apps)
{
    struct tr_text t = { NULL, 0, 0 };
    tr_term result;

    if (!load(path, &t))
        result = failed(path, strerror(errno));
    else
        result = read_text(path, &t, apps);
    tr__text_fini(&t);
    return result;
}

/* --- what is asked and changed --- */

static void put(tr_term *apps, tr_atom app, tr_atom key, tr_term value)
{
    tr__env_set(apps, app, tr_map_put(tr__env_of(*apps, app), tr_build(key), value));
}

static void take_out(tr_term *apps, tr_atom app, tr_atom key)
{
    tr__env_set(apps, app, tr_map_remove(tr__env_of(*apps, app), tr_build(key)));
}

bool tr__env_changes(tr_term before, tr_term after, tr_term *changed, tr_term *added,
                     tr_term *removed)
{
    struct tr_map_iter it;
    tr_term key, value, old;

    *changed = *added = *removed = tr_nil();
    for (tr_map_iter_init(&it, after); tr_map_next(&it, &key, &value);) {
        if (!tr_map_get(before, key, &old))
            *added = tr_list_push(*added, tr_build(key, value));
        else if (!tr_equal(old, value))
            *changed = tr_list_push(*changed, tr_build(key, value));
    }
    for (tr_map_iter_init(&it, before); tr_map_next(&it, &key, &value);)
        if (!tr_map_get(after, key, NULL))
            *removed = tr_list_push(*removed, key);
    bool any = !tr_is_nil(*changed) || !tr_is_nil(*added) || !tr_is_nil(*removed);
    *changed = tr_list_reverse(*changed);
    *added = tr_list_reverse(*added);
    *removed = tr_list_reverse(*removed);
    return any;
}

tr_term tr__env_answer(struct tr_app_env *env, tr_term request)
{
    tr_atom app, key;
    tr_term value;
    bool persistent;

    if (tr_match(request, a_get_env, &app, &key))
        return tr_map_get(tr__env_of(env->now, app), tr_build(key), &value) ? tr_build(a_ok, value)
                                                                            : tr_build(a_undefined);
    if (tr_match(request, a_all_env, &app))
        return tr__env_list(tr__env_of(env->now, app));
    if (tr_match(request, a_set_env, &app, &key, &value, &persistent)) {
        put(&env->now, app, key, value);
        if (persistent)
            put(&env->persistent, app, key, value);
        return tr_build(a_ok);
    }
    if (tr_match(request, a_delete_env, &app, &key)) {
        take_out(&env->now, app, key);
        take_out(&env->persistent, app, key);
        return tr_build(a_ok);
    }
    return tr_build(a_none);
}
