/* SPDX-License-Identifier: MIT */
#ifndef OTP_APPLICATIONS_H
#define OTP_APPLICATIONS_H

/* What the tests of applications share: some that tell what happens to them. */

#include "children.h"

tr_atoms(started, stopped, prepared, state, changed, die);

/* --- a tree of one process, which is told how to end --- */

static atomic_int phase_fails;
static _Atomic uint64_t watcher;

static inline void tell(tr_atom what, tr_term detail)
{
    tr_pid to = { atomic_load(&watcher) };

    if (to.w)
        tr_send(to, what, detail);
}

static inline void obeys(tr_term arg)
{
    tr_term reason;

    (void)arg;
    for (;;)
        tr_receive (m)
            tr_on (m, a_die, &reason)
                tr_exit(reason);
}

static inline tr_term start_top(tr_term arg)
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

static inline tr_term phase(tr_atom name, tr_term arg)
{
    tell(name, arg);
    return atomic_load(&phase_fails) ? tr_build(a_error, a_why) : tr_build(a_ok);
}

static inline tr_term prepares(tr_term state)
{
    tell(a_prepared, state);
    return tr_build(a_prepared, state);
}

static inline void stops(tr_term state)
{
    tell(a_stopped, state);
}

static inline void reconfigured(tr_term changed, tr_term added, tr_term removed)
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

static inline tr_gen_result on_init(void *state, tr_term arg)
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

static inline void watch(void)
{
    atomic_store(&watcher, tr_self().w);
    no_reports();
}

/* Waits for that very message, and takes it. */
#define EXPECT(...) expect(__LINE__, tr_build(__VA_ARGS__))

static inline void expect(int line, tr_term wanted)
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

static inline tr_pid holder(tr_atom name)
{
    tr_pid pid = { 0 };

    CHECK(tr_whereis(name, &pid));
    return pid;
}

#endif
