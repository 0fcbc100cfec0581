/* SPDX-License-Identifier: MIT */
/* Applications: what they are configured with, and programs that are one. */
#include "applications.h"

#include "system/program.h"

tr_atoms(db, port, host, name, missing, extra, first, text);

/* --- the environment --- */

TEST_PROC(values_are_set_read_and_removed)
{
    FACT("APP-013", "values are read with and without a default, set, unset and listed");
    tr_term value = tr_nil();

    CHECK(!tr_application_fetch_env(a_db, a_port, &value));
    CHECK_TERM(tr_application_get_env(a_db, a_port, a_missing), tr_build(a_missing));
    CHECK_OK(tr_application_load(&db));
    CHECK(tr_application_fetch_env(a_db, a_port, &value));
    CHECK_TERM(value, tr_build(5432));
    tr_application_put_env(a_db, a_port, 1, false);
    CHECK_TERM(tr_application_get_env(a_db, a_port, 0), tr_build(1));
    CHECK_TERM(tr_application_all_env(a_db),
               tr_build(tr_list(tr_tuple(a_host, "here"), tr_tuple(a_port, 1))));
    tr_application_delete_env(a_db, a_host);
    CHECK_TERM(tr_application_all_env(a_db), tr_build(tr_list(tr_tuple(a_port, 1))));
}

TEST_PROC(persistent_values_survive_loading)
{
    FACT("APP-014", "a persistent value survives loading, unloading and reloading; another one is "
                    "overwritten by what is configured");
    tr_application_put_env(a_db, a_port, 1, true);
    tr_application_put_env(a_db, a_host, "there", false);
    CHECK_OK(tr_application_load(&db));
    CHECK_TERM(tr_application_get_env(a_db, a_port, 0), tr_build(1));
    CHECK_TERM(tr_application_get_env(a_db, a_host, 0), tr_build("here"));
    CHECK_OK(tr_application_unload(a_db));
    CHECK_TERM(tr_application_all_env(a_db), tr_build(tr_list(tr_tuple(a_port, 1))));
    CHECK_OK(tr_application_load(&db));
    CHECK_TERM(tr_application_get_env(a_db, a_port, 0), tr_build(1));
}

TEST_PROC(variables_of_the_environment_come_before_the_file)
{
    setenv("TROUPE_DB_PORT", "{6000, fast}", 1);
    setenv("TROUPE_DB_TEXT", "no term at all", 1);
    CHECK_OK(tr_application_load(&db));
    CHECK_TERM(tr_application_get_env(a_db, a_port, 0), tr_build(6000, tr_intern("fast")));
    CHECK_TERM(tr_application_get_env(a_db, a_text, 0), tr_build("no term at all"));
    unsetenv("TROUPE_DB_PORT");
    unsetenv("TROUPE_DB_TEXT");
}

static const char *config_file(const char *text)
{
    static char path[] = "/tmp/troupe-application-test.XXXXXX";
    memcpy(path + sizeof path - 7, "XXXXXX", 6);
    int fd = mkstemp(path);

    CHECK(fd >= 0);
    CHECK_INT(write(fd, text, strlen(text)), (int64_t)strlen(text));
    close(fd);
    return path;
}

/* What reading that text gives; errors without the path. */
static tr_term configured(const char *text)
{
    const char *path = config_file(text);
    tr_term result = tr_application_read_config(path);
    const char *why;

    unlink(path);
    if (tr_match(result, a_error, &why))
        result = tr_build(a_error, why + strlen(path));
    return result;
}

TEST_PROC_REAL(a_file_configures)
{
    watch();
    CHECK_OK(configured("%% of the test\n[{db, [{port, 1}, {name, x}]},\n {web, []}].\n%% end\n"));
    CHECK_OK(tr_application_start(&db, TEMPORARY));
    CHECK_TERM(tr_application_get_env(a_db, a_port, 0), tr_build(1));
    CHECK_TERM(tr_application_get_env(a_db, a_host, 0), tr_build("here"));
    CHECK_OK(configured("[{db, [{port, 2}, {extra, y}]}]"));
    EXPECT(a_changed, tr_tuple(tr_list(tr_tuple(a_port, 2)),
                               tr_list(tr_tuple(a_extra, tr_intern("y"))), tr_list(a_name)));
    CHECK_TERM(tr_application_get_env(a_db, a_port, 0), tr_build(2));
    CHECK_TERM(tr_application_get_env(a_db, a_name, a_missing), tr_build(a_missing));
}

TEST_PROC_REAL(a_file_that_is_wrong_says_where)
{
    CHECK_TERM(configured("[{db, [{port, 1}]},\n {web, [{port ]}\n]."),
               tr_build(a_error, ":2:15: syntax error"));
    CHECK_TERM(configured("[]. []."), tr_build(a_error, ":1:5: syntax error"));
    CHECK_TERM(configured("[db]"), tr_build(a_error, ": not {Application, [{Key, Value}]}: db"));
    CHECK_TERM(configured("[{db, [port]}]"),
               tr_build(a_error, ": not {Application, [{Key, Value}]}: {db,[port]}"));
    CHECK_TERM(configured("db"), tr_build(a_error, ": not {Application, [{Key, Value}]}: db"));
    CHECK_TERM(tr_application_read_config("/nowhere/sys.config"),
               tr_build(a_error, "/nowhere/sys.config: No such file or directory"));
    CHECK_TERM(tr_application_get_env(a_db, a_port, 0), tr_build(0));
}

/* --- programs --- */

static void say(const char *text)
{
    CHECK(write(STDOUT_FILENO, text, strlen(text)) == (ssize_t)strlen(text));
}

static void says_stop(tr_term state)
{
    say(tr_match(state, tr_tuple(a_state, a_first)) ? "web stopped\n" : "db stopped\n");
}

static tr_term says_start(tr_term arg)
{
    if (tr_match(arg, a_first))
        say("ready\n");
    return start_top(arg);
}

static const struct tr_application program_db = {
    .name = "db", .arg = "top", .start = start_top, .stop = says_stop
};

static const struct tr_application program_web = {
    .name = "web",
    .applications = TR_APPLICATIONS(&program_db),
    .arg = "first",
    .start = says_start,
    .stop = says_stop,
};

static int run_web(const char *config)
{
    return tr_application_main_opt(0, NULL, &program_web,
                                   &(const struct tr_application_opts){ .config = config });
}

/* A child that runs the program; as program_start, which runs a body. */
static struct program start_web(const char *config)
{
    struct program p = { .size = 0 };
    int ends[2];

    CHECK_INT(pipe(ends), 0);
    fflush(NULL);
    p.pid = fork();
    if (p.pid == 0) {
        close(ends[0]);
        dup2(ends[1], STDOUT_FILENO);
        dup2(ends[1], STDERR_FILENO);
        close(ends[1]);
        exit(run_web(config));
    }
    close(ends[1]);
    p.output = ends[0];
    return p;
}

TEST(a_program_stops_its_applications_in_reverse_order)
{
    FACT("APP-017", "on an orderly shutdown applications are stopped in reverse order of starting");
    struct program p = start_web(NULL);

    program_await(&p, "ready");
    kill(p.pid, SIGTERM);
    CHECK_INT(program_end(&p), 0);
    CHECK_STR(p.text, "ready\nweb stopped\ndb stopped\n");
}

TEST(a_program_whose_configuration_is_wrong_does_not_start)
{
    const char *path = config_file("[{db, [}]");
    struct program p = start_web(path);

    CHECK_INT(program_end(&p), 1);
    CHECK_PRINTED(p, ":1:8: syntax error");
    unlink(path);
}
