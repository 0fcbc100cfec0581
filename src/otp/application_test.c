/* SPDX-License-Identifier: MIT */
/* Applications: starting, stopping, what their end does, and what they are configured with. */
#include "children.h"

#include "system/program.h"

tr_atoms(db, net, web, lib, top, started, stopped, prepared, state, not_started, already_started,
         already_loaded, not_loaded, running, start, start_phase, bad_return, bad_application,
         circular, port, host, name, missing, extra, first, second, changed, application_terminated,
         die, application_controller, text);

/* --- a tree of one process, which is told how to end --- */

static atomic_int phase_fails;
static _Atomic uint64_t watcher;

static void tell(tr_atom what, tr_term detail)
{
    tr_pid to = { atomic_load(&watcher) };

    if (to.w)
        tr_send(to, what, detail);
}

static void obeys(tr_term arg)
{
    tr_term reason;

    (void)arg;
    for (;;)
        tr_receive (m)
            tr_on (m, a_die, &reason)
                tr_exit(reason);
}

static tr_term start_top(tr_term arg)
{
    tr_pid pid = tr_spawn_link(obeys);
    tr_atom what;

    if (tr_match(arg, a_error))
        return tr_build(a_error, a_why);
    if (tr_match(arg, a_boom))
        tr_exit(a_boom);
    if (tr_match(arg, a_other))
        return tr_build(a_other);
    if (tr_match(arg, &what) && tr_register(what, pid))
        return tr_build(a_error, a_why);
    tell(a_started, arg);
    return tr_build(a_ok, pid, tr_tuple(a_state, arg));
}

static tr_term phase(tr_atom name, tr_term arg)
{
    tell(name, arg);
    return atomic_load(&phase_fails) ? tr_build(a_error, a_why) : tr_build(a_ok);
}

static tr_term prepares(tr_term state)
{
    tell(a_prepared, state);
    return tr_build(a_prepared, state);
}

static void stops(tr_term state)
{
    tell(a_stopped, state);
}

static void reconfigured(tr_term changed, tr_term added, tr_term removed)
{
    tell(a_changed, tr_build(changed, added, removed));
}

static const struct tr_application db = {
    .name = "db",
    .description = "the database",
    .version = "1.2",
    .arg = "top",
    .env = "[{port, 5432}, {host, <<\"here\">>}]",
    .start = start_top,
    .stop = stops,
    .config_change = reconfigured,
};

static const struct tr_application net = { .name = "net" };

static const struct tr_application web = {
    .name = "web",
    .applications = TR_APPLICATIONS(&net, &db),
    .arg = "first",
    .start = start_top,
    .prep_stop = prepares,
    .stop = stops,
};

static tr_gen_result on_init(void *state, tr_term arg)
{
    (void)state;
    (void)arg;
    return tr_gen_ok();
}

static const struct tr_gen_server worker = { .name = "worker", .init = on_init };

static const struct tr_supervisor tree = {
    .children = TR_CHILDREN({ .server = &worker, .name = "worker" }),
};

static const struct tr_application with_tree = { .name = "lib", .supervisor = &tree };

static void watch(void)
{
    atomic_store(&watcher, tr_self().w);
    no_reports();
}

/* Waits for that very message, and takes it. */
#define EXPECT(...) expect(__LINE__, tr_build(__VA_ARGS__))

static void expect(int line, tr_term wanted)
{
    tr_receive (m) {
        tr_when (m, tr_equal(m.message, wanted)) {
        }
        tr_after (m, patience(10000))
            check_fail(__FILE__, line, "%s did not come", tr_inspect(wanted));
    }
}

#define CHECK_OK(term) CHECK_TERM(term, tr_build(a_ok))
#define TEMPORARY      TR_APPLICATION_TEMPORARY

static tr_pid holder(tr_atom name)
{
    tr_pid pid = { 0 };

    CHECK(tr_whereis(name, &pid));
    return pid;
}

/* --- starting and stopping --- */

TEST_PROC(start_runs_the_callback_and_stop_ends_the_tree)
{
    FACT("APP-001", "start runs the start callback, and returns ok after it");
    FACT("APP-003", "a start loads first; a second one gives {already_started, App}");
    FACT("APP-004", "ensure_started returns ok also when it was running");
    FACT("APP-006", "stop ends the tree, then runs the stop callback; {not_started, App} after it");
    watch();
    CHECK_OK(tr_application_start(&db, TEMPORARY));
    EXPECT(a_started, a_top);
    tr_pid pid = holder(a_top);
    CHECK_TERM(tr_application_start(&db, TEMPORARY),
               tr_build(a_error, tr_tuple(a_already_started, a_db)));
    CHECK_OK(tr_application_ensure_started(&db, TEMPORARY));
    CHECK_TERM(tr_application_which(), tr_build(tr_list(tr_tuple(a_db, "the database", "1.2"))));
    CHECK_OK(tr_application_stop(a_db));
    EXPECT(a_stopped, tr_tuple(a_state, a_top));
    CHECK(!tr_is_alive(pid));
    CHECK_TERM(tr_application_stop(a_db), tr_build(a_error, tr_tuple(a_not_started, a_db)));
    CHECK_TERM(tr_application_which(), tr_nil());
    CHECK_OK(tr_application_start(&db, TEMPORARY));
    CHECK_OK(tr_application_stop(a_db));
}

TEST_PROC(what_it_needs_must_run)
{
    FACT("APP-002", "without what it needs: {not_started, App} of the first, and nothing starts");
    FACT("APP-005", "ensure_all_started starts what is needed first, and lists what it started");
    FACT("APP-009", "an application without a start callback starts and stops without a process");
    watch();
    CHECK_TERM(tr_application_start(&web, TEMPORARY),
               tr_build(a_error, tr_tuple(a_not_started, a_net)));
    CHECK_TERM(tr_application_which(), tr_nil());
    CHECK_OK(tr_application_start(&net, TEMPORARY));
    CHECK_TERM(tr_application_start(&web, TEMPORARY),
               tr_build(a_error, tr_tuple(a_not_started, a_db)));
    CHECK_TERM(tr_application_ensure_all_started(&web, TEMPORARY),
               tr_build(a_ok, tr_list(a_db, a_web)));
    CHECK_TERM(tr_application_ensure_all_started(&web, TEMPORARY), tr_build(a_ok, tr_nil()));
    CHECK_OK(tr_application_stop(a_net));
    CHECK_TERM(tr_application_stop(a_net), tr_build(a_error, tr_tuple(a_not_started, a_net)));
}

TEST_PROC(prep_stop_comes_first_and_its_result_is_the_state)
{
    FACT("APP-007", "prep_stop runs before the tree is ended, and stop is given its result");
    FACT("APP-008", "a stop on purpose never brings the program down, whatever the type");
    watch();
    CHECK(tr_match(tr_application_ensure_all_started(&web, TR_APPLICATION_PERMANENT), a_ok,
                   tr_any()));
    tr_ref ref = tr_monitor(holder(a_first));
    CHECK_OK(tr_application_stop(a_web));
    tr_term own = tr_build(a_state, a_first);
    EXPECT(a_prepared, own);
    CHECK_TERM(down_reason(ref, a_DOWN), tr_build(a_shutdown));
    EXPECT(a_stopped, tr_tuple(a_prepared, own));
    CHECK_TERM(tr_application_which(),
               tr_build(tr_list(tr_tuple(a_db, "the database", "1.2"), tr_tuple(a_net, "", ""))));
}

static tr_term fails(const char *arg)
{
    const struct tr_application a = { .name = "lib", .arg = arg, .start = start_top };
    tr_term result = tr_application_start(&a, TR_APPLICATION_PERMANENT), reason;

    CHECK_OK(tr_application_unload(a_lib));
    CHECK(tr_match(result, a_error, &reason));
    return reason;
}

TEST_PROC(a_start_that_fails_says_why)
{
    FACT("APP-001", "a start callback that returns neither {ok, Pid} nor {ok, Pid, State} fails");
    no_reports();
    tr_term args = tr_build(tr_list(a_normal, a_error));
    CHECK_TERM(fails("error"), tr_build(a_why, tr_tuple(a_lib, a_start, args)));
    args = tr_build(tr_list(a_normal, a_boom));
    CHECK_TERM(fails("boom"), tr_build(a_bad_return, tr_tuple(tr_tuple(a_lib, a_start, args),
                                                              tr_tuple(a_EXIT, a_boom))));
    args = tr_build(tr_list(a_normal, a_other));
    CHECK_TERM(fails("other"),
               tr_build(a_bad_return, tr_tuple(tr_tuple(a_lib, a_start, args), a_other)));
}

TEST_PROC(what_was_started_for_one_that_fails_is_stopped_again)
{
    const struct tr_application bad = {
        .name = "lib", .applications = TR_APPLICATIONS(&db), .arg = "error", .start = start_top
    };
    tr_term reason;

    no_reports();
    CHECK(tr_match(tr_application_ensure_all_started(&bad, TEMPORARY), a_error,
                   tr_tuple(a_lib, &reason)));
    CHECK_TERM(tr_application_which(), tr_nil());
    CHECK_OK(tr_application_unload(a_lib));
}

TEST_PROC(one_that_needs_itself_does_not_start)
{
    static struct tr_application a = { .name = "first" }, b = { .name = "second" };

    a.applications = TR_APPLICATIONS(&b);
    b.applications = TR_APPLICATIONS(&a);
    CHECK_TERM(tr_application_ensure_all_started(&a, TEMPORARY),
               tr_build(a_error, tr_tuple(a_first, a_circular)));
}

TEST_PROC(phases_follow_the_start)
{
    FACT("APP-018", "start phases run in order after the start callback; one that fails fails the "
                    "start");
    const struct tr_application a = {
        .name = "lib",
        .arg = "top",
        .start = start_top,
        .phases = TR_START_PHASES({ "first", NULL }, { "second", "7" }),
        .start_phase = phase,
    };

    watch();
    CHECK_OK(tr_application_start(&a, TEMPORARY));
    EXPECT(a_started, a_top);
    EXPECT(a_first, tr_nil());
    EXPECT(a_second, 7);
    CHECK_OK(tr_application_stop(a_lib));
    atomic_store(&phase_fails, 1);
    tr_term args = tr_build(tr_list(a_first, a_normal, tr_nil()));
    CHECK_TERM(tr_application_start(&a, TEMPORARY),
               tr_build(a_error, tr_tuple(a_why, tr_tuple(a_lib, a_start_phase, args))));
    CHECK(!tr_whereis(a_top, NULL));
    atomic_store(&phase_fails, 0);
}

/* --- loading --- */

TEST_PROC(loading_makes_known_without_starting)
{
    FACT("APP-015", "load makes description and environment known; {already_loaded, App}; a "
                    "running one is not unloaded");
    CHECK_OK(tr_application_load(&db));
    CHECK_TERM(tr_application_load(&db), tr_build(a_error, tr_tuple(a_already_loaded, a_db)));
    CHECK_TERM(tr_application_loaded(), tr_build(tr_list(tr_tuple(a_db, "the database", "1.2"))));
    CHECK_TERM(tr_application_get_env(a_db, a_port, 0), tr_build(5432));
    CHECK_TERM(tr_application_which(), tr_nil());
    CHECK_OK(tr_application_start(&db, TEMPORARY));
    CHECK_TERM(tr_application_unload(a_db), tr_build(a_error, tr_tuple(a_running, a_db)));
    CHECK_OK(tr_application_stop(a_db));
    CHECK_OK(tr_application_unload(a_db));
    CHECK_TERM(tr_application_unload(a_db), tr_build(a_error, tr_tuple(a_not_loaded, a_db)));
}

TEST_PROC(what_cannot_be_read_is_refused)
{
    const struct tr_application unreadable[] = {
        { .name = NULL },
        { .name = "lib", .env = "[{port" },
        { .name = "lib", .env = "[port]" },
        { .name = "lib", .arg = "{" },
        { .name = "lib", .phases = TR_START_PHASES({ "first", "}" }) },
    };

    for (size_t i = 0; i < sizeof unreadable / sizeof *unreadable; i++)
        CHECK_TERM(tr_application_load(&unreadable[i]),
                   tr_build(a_error, tr_tuple(a_bad_application, i ? tr_build("lib") : tr_nil())));
    CHECK_TERM(tr_application_start(&unreadable[1], TEMPORARY),
               tr_build(a_error, tr_tuple(a_bad_application, "lib")));
}

static void asks(tr_term boss)
{
    tr_atom name = a_missing;
    tr_pid to;

    tr_application_of(tr_self(), &name);
    if (tr_match(boss, &to))
        tr_send(to, a_name, name);
}

static tr_term asking(tr_term arg)
{
    (void)arg;
    tr_spawn(asks, (tr_pid){ atomic_load(&watcher) });
    return start_top(tr_build(a_top));
}

TEST_PROC(a_process_knows_its_application)
{
    FACT("APP-016", "a process of an application's tree can find out which it is, others get none");
    static const struct tr_application a = { .name = "web", .start = asking };
    tr_atom name = a_missing;

    watch();
    CHECK_OK(tr_application_start(&with_tree, TEMPORARY));
    CHECK(tr_application_of(holder(a_worker), &name));
    CHECK_INT(name.w, a_lib.w);
    CHECK(!tr_application_of(tr_self(), &name));
    CHECK_OK(tr_application_start(&a, TEMPORARY));
    EXPECT(a_name, a_web);
}

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

/* --- what ends by itself --- */

static void ends_with(enum tr_application_type type, tr_term reason)
{
    CHECK_OK(tr_application_start(&db, type));
    tr_send(holder(a_top), a_die, reason);
    EXPECT(a_stopped, tr_tuple(a_state, a_top));
    CHECK_WITHIN(patience(10000), tr_is_nil(tr_application_which()));
}

TEST_PROC(the_end_of_a_temporary_one_is_reported)
{
    FACT("APP-010", "temporary: the end of the top process is reported, and nothing else happens");
    FACT("APP-012", "transient: an end with normal is only reported");
    watch();
    ends_with(TEMPORARY, tr_build(a_boom));
    ends_with(TR_APPLICATION_TRANSIENT, tr_build(a_normal));
    CHECK_OK(tr_application_start(&db, TEMPORARY));
}

static void permanent_ends(tr_term reason, enum tr_application_type type)
{
    tr_trap_exit(true);
    watch();
    CHECK_OK(tr_application_start(&net, TEMPORARY));
    CHECK(tr_match(tr_application_ensure_all_started(&web, type), a_ok, tr_any()));
    tr_ref ref = tr_monitor(holder(a_application_controller));
    tr_send(holder(a_first), a_die, reason);
    EXPECT(a_stopped, tr_tuple(a_state, a_top));
    CHECK_TERM(down_reason(ref, a_DOWN), tr_build(a_application_terminated, a_web, reason));
    tr_receive (m)
        tr_on (m, a_EXIT, tr_any(), tr_tuple(a_application_terminated, a_web, tr_any())) {
        }
}

TEST_PROC(the_end_of_a_permanent_one_stops_the_others_and_the_program)
{
    FACT("APP-011", "permanent: all others are stopped, and the whole goes down");
    permanent_ends(tr_build(a_normal), TR_APPLICATION_PERMANENT);
}

TEST_PROC(the_end_of_a_transient_one_by_a_failure_too)
{
    FACT("APP-012", "transient: an end with another reason than normal brings the whole down");
    permanent_ends(tr_build(a_boom), TR_APPLICATION_TRANSIENT);
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
