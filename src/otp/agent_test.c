/* SPDX-License-Identifier: MIT */
/* Agents, with a state in memory and with a term. */
#include "subject.h"

tr_atoms(agent, account, accounts, via, Registry, start, get, update, get_and_update, ready,
         priority, high);

/* --- functions on a struct --- */

struct account {
    int64_t balance;
    tr_pid owner;
};

static void open_account(void *state, tr_term arg)
{
    struct account *a = state;

    CHECK(a->balance == 0);
    CHECK(tr_match(arg, &a->balance));
    a->owner = tr_self();
}

static tr_term balance(const void *state, tr_term arg)
{
    const struct account *a = state;

    CHECK(a->owner.w == tr_self().w);
    return tr_is_nil(arg) ? tr_build(a->balance) : tr_build(a->balance, arg);
}

static void deposit(void *state, tr_term arg)
{
    struct account *a = state;
    int64_t n;

    CHECK(tr_match(arg, &n));
    a->balance += n;
}

static tr_term withdraw(void *state, tr_term arg)
{
    struct account *a = state;
    int64_t n, before = a->balance;

    CHECK(tr_match(arg, &n));
    a->balance -= n;
    return tr_build(before);
}

static void slow_deposit(void *state, tr_term arg)
{
    tr_sleep(30);
    deposit(state, arg);
}

static void breaks(void *state, tr_term reason)
{
    (void)state;
    tr_exit(reason);
}

#define OPTS(...) TR_AGENT_OPTS(.state_size = sizeof(struct account), __VA_ARGS__)

static tr_pid open(int64_t n)
{
    tr_pid pid;

    CHECK(tr_match(tr_agent_start(open_account, OPTS(.timeout_ms = 0), n), a_ok, &pid));
    return pid;
}

/* --- functions on a term --- */

static tr_term self_and(tr_term arg)
{
    return tr_build(tr_list(arg, tr_self()));
}

static tr_term whole(tr_term state, tr_term arg)
{
    (void)arg;
    return state;
}

static tr_term push(tr_term state, tr_term item)
{
    return tr_list_push(state, item);
}

static tr_term pop(tr_term state, tr_term arg)
{
    (void)arg;
    return tr_build(tr_head(state), tr_tail(state));
}

static tr_term not_a_pair(tr_term state, tr_term arg)
{
    (void)state;
    return arg;
}

static tr_term crashes(tr_term reason)
{
    tr_exit(reason);
}

static tr_term slowly(tr_term ms)
{
    int64_t n;

    CHECK(tr_match(ms, &n));
    tr_sleep(n);
    return ms;
}

static bool linked(tr_pid pid)
{
    tr_term list = info(tr_self(), tr_intern("links"));
    tr_term item;

    while (tr_list_next(&list, &item))
        if (item.w == pid.w)
            return true;
    return false;
}

/* --- the facts --- */

TEST_PROC(start_runs_the_function_in_the_agent)
{
    FACT("AGENT-001", "start_link runs the function in the new process, its result is the state, "
                      "{ok, Pid} once it has run; start does so without a link");
    tr_pid pid;

    CHECK(tr_match(tr_agent_start_link(self_and, NULL, 1), a_ok, &pid));
    CHECK(linked(pid));
    CHECK_TERM(tr_agent_get(pid, whole), tr_build(tr_list(1, pid)));
    tr_agent_stop(pid);
    CHECK(tr_match(tr_agent_start(self_and, NULL, 2), a_ok, &pid));
    CHECK(!linked(pid));
    CHECK_TERM(tr_agent_get(pid, whole), tr_build(tr_list(2, pid)));
    CHECK_TERM(tr_agent_get(open(3), balance), tr_build(3));
    CHECK(tr_match(tr_agent_start_link(open_account, OPTS(), 7), a_ok, &pid));
    CHECK(linked(pid));
    CHECK_MAILBOX(0);
}

TEST_PROC(get_leaves_the_state_alone)
{
    FACT("AGENT-002", "get returns Fun(State) and leaves the state; Fun runs in the agent");
    tr_pid pid = open(5);

    CHECK_TERM(tr_agent_get(pid, balance, "more", 2), tr_build(5, tr_tuple("more", 2)));
    CHECK_TERM(tr_agent_get(tr_build(pid), balance), tr_build(5));
    CHECK(tr_match(tr_agent_start(self_and, NULL, 1), a_ok, &pid));
    CHECK_TERM(tr_agent_get(pid, push, 0), tr_build(tr_list(0, 1, pid)));
    CHECK_TERM(tr_agent_get(pid, whole), tr_build(tr_list(1, pid)));
}

TEST_PROC(update_changes_the_state)
{
    FACT("AGENT-003", "update replaces the state; get_and_update returns the first of {Reply, "
                      "NewState} and keeps the second");
    tr_pid pid = open(5), other;
    tr_term result;

    tr_agent_update(pid, deposit, 10);
    CHECK_TERM(tr_agent_get_and_update(pid, withdraw, 1), tr_build(15));
    CHECK_TERM(tr_agent_get(pid, balance), tr_build(14));
    CHECK(tr_match(tr_agent_start(self_and, NULL, "x"), a_ok, &other));
    tr_agent_update(other, push, "text that is longer than any immediate");
    CHECK_TERM(tr_agent_get_and_update(other, pop),
               tr_build("text that is longer than any immediate"));
    CHECK_TERM(tr_agent_get(other, whole), tr_build(tr_list("x", other)));
    CHECK_INT(tr_try_agent_update(other, &result, push, 1), TR_OK);
    CHECK_TERM(result, tr_build(a_ok));
    CHECK_INT(tr_try_agent_get_and_update(other, &result, pop), TR_OK);
    CHECK_TERM(result, tr_build(1));
    CHECK_INT(tr_try_agent_get(pid, &result, balance), TR_OK);
    CHECK_TERM(result, tr_build(14));
}

TEST_PROC(cast_does_not_wait)
{
    FACT("AGENT-004", "cast returns at once, also without such an agent; the update happens in the "
                      "order of the caller's requests");
    tr_pid pid = open(0), other;
    tr_ref ref = tr_monitor(pid);

    tr_agent_cast(a_account, deposit, 1);
    tr_agent_cast(pid, slow_deposit, 1);
    tr_agent_cast(pid, deposit, 10);
    CHECK_TERM(tr_agent_get(pid, balance), tr_build(11));
    CHECK(tr_match(tr_agent_start(self_and, NULL, 1), a_ok, &other));
    tr_agent_cast(other, push, 0);
    CHECK_TERM(tr_agent_get(other, whole), tr_build(tr_list(0, 1, other)));
    tr_agent_stop(pid);
    CHECK_TERM(down_reason(ref, a_DOWN), tr_build(a_normal));
    tr_agent_cast(pid, deposit, 1);
}

static void updates_slowly(tr_term arg)
{
    tr_pid pid;

    CHECK(tr_match(arg, &pid));
    tr_agent_update_within(1, pid, slow_deposit, 5);
}

TEST_PROC_VIRTUAL(late_agent_goes_on)
{
    FACT("AGENT-005", "on timeout the caller exits with {timeout, ...}; the agent completes the "
                      "function");
    tr_pid pid = open(0);
    tr_ref ref;

    tr_spawn_monitor(updates_slowly, &ref, pid);
    CHECK(tr_match(down_reason(ref, a_DOWN), a_timeout,
                   tr_tuple(a_gen_server, a_call,
                            tr_list(pid, tr_tuple(a_update, tr_any(), tr_any(), 5), 1))));
    CHECK_TERM(tr_agent_get(pid, balance), tr_build(5));
    CHECK_TERM(tr_agent_get_within(TR_INFINITY, pid, balance), tr_build(5));
    CHECK_TERM(tr_agent_get_and_update_within(5000, pid, withdraw, 5), tr_build(5));
}

TEST_PROC(stop_frees_the_name)
{
    FACT("AGENT-006", "stop returns after the agent has ended with normal; the name is free");
    tr_pid pid;

    CHECK(tr_match(tr_agent_start(open_account, OPTS(.name = a_account), 1), a_ok, &pid));
    tr_ref ref = tr_monitor(pid);
    tr_agent_update(a_account, deposit, 1);
    tr_agent_cast(a_account, deposit, 1);
    CHECK_TERM(tr_agent_get(a_account, balance), tr_build(3));
    CHECK_TERM(tr_agent_get_and_update(a_account, withdraw, 1), tr_build(3));
    tr_agent_stop(a_account);
    CHECK(!tr_whereis(a_account, NULL));
    CHECK_TERM(down_reason(ref, a_DOWN), tr_build(a_normal));
}

static void use_all(tr_term name)
{
    tr_agent_update(name, deposit, 1);
    tr_agent_cast(name, deposit, 1);
    CHECK_TERM(tr_agent_get(name, balance), tr_build(3));
    CHECK_TERM(tr_agent_get_and_update(name, withdraw, 1), tr_build(3));
    tr_agent_stop(name);
}

TEST_PROC(agent_has_a_name_of_its_own_or_in_a_registry)
{
    FACT("AGENT-009", "an agent can be named locally or through a registry, and used by that name "
                      "in every operation");
    tr_term name = tr_build(a_via, a_Registry, tr_tuple(a_accounts, "anna"));

    CHECK(tr_match(tr_agent_start(open_account, OPTS(.name = a_account), 1), a_ok, tr_any()));
    use_all(tr_build(a_account));
    CHECK(tr_match(tr_registry_start_link(TR_REGISTRY_OPTS(.name = a_accounts, .keys = TR_UNIQUE)),
                   a_ok, tr_any()));
    CHECK(tr_match(tr_agent_start(open_account, OPTS(.via = name), 1), a_ok, tr_any()));
    use_all(name);
    CHECK_WITHIN(10000, tr_registry_count(a_accounts) == 0);
}

TEST_PROC(start_that_fails_leaves_no_name)
{
    FACT("AGENT-007", "if the initial function fails start returns {error, Reason}, and the name "
                      "is free afterwards");
    no_reports();
    CHECK_TERM(tr_agent_start(crashes, TR_AGENT_OPTS(.name = a_account), a_boom),
               tr_build(a_error, a_boom));
    CHECK(!tr_whereis(a_account, NULL));
    CHECK_TERM(tr_agent_start(slowly, TR_AGENT_OPTS(.timeout_ms = 5), 60000),
               tr_build(a_error, a_timeout));
    CHECK_MAILBOX(0);
}

TEST_PROC(taken_name_is_an_error)
{
    FACT("AGENT-008", "a taken name gives {error, {already_started, Pid}}; the function does not "
                      "run");
    tr_pid pid;

    CHECK(tr_match(tr_agent_start(slowly, TR_AGENT_OPTS(.name = a_account), 0), a_ok, &pid));
    CHECK_TERM(tr_agent_start(crashes, TR_AGENT_OPTS(.name = a_account), a_boom),
               tr_build(a_error, tr_tuple(tr_intern("already_started"), pid)));
}

static void deposits(tr_term arg)
{
    tr_pid pid;

    CHECK(tr_match(arg, &pid));
    for (int i = 0; i < 200; i++)
        tr_agent_update(pid, deposit, 1);
}

TEST_PROC(updates_of_many_are_not_lost)
{
    FACT("AGENT-012", "other callers wait while the agent runs a function; no update is lost");
    tr_pid pid = open(0);
    tr_ref refs[8];

    tr_agent_cast(pid, slow_deposit, 0);
    for (int i = 0; i < 8; i++)
        tr_spawn_monitor(deposits, &refs[i], pid);
    for (int i = 0; i < 8; i++)
        CHECK_TERM(down_reason(refs[i], a_DOWN), tr_build(a_normal));
    CHECK_TERM(tr_agent_get(pid, balance), tr_build(1600));
}

TEST_PROC(spawn_options_apply)
{
    FACT("AGENT-013", "spawn options given at start apply to the agent");
    tr_pid pid;

    CHECK(tr_match(tr_agent_start(slowly, TR_AGENT_OPTS(.spawn.priority = TR_PRIORITY_HIGH), 0),
                   a_ok, &pid));
    CHECK_TERM(info(pid, a_priority), tr_build(a_high));
}

/* --- what goes wrong --- */

TEST_PROC(function_of_the_wrong_kind_ends_the_agent)
{
    tr_term result, why;
    tr_pid pid = open(1);

    no_reports();
    CHECK_INT(tr_try_agent_get(pid, &result, whole), TR_ECLOSED);
    CHECK(tr_match(result, a_function_clause, tr_any()));
    pid = open(1);
    CHECK_INT(tr_try_agent_get(pid, &result, deposit), TR_ECLOSED);
    CHECK(tr_match(tr_agent_start(slowly, NULL, 0), a_ok, &pid));
    CHECK_INT(tr_try_agent_get_and_update(pid, &result, withdraw, 1), TR_ECLOSED);
    CHECK(tr_match(tr_agent_start(slowly, NULL, 0), a_ok, &pid));
    CHECK_INT(tr_try_agent_get_and_update(pid, &result, not_a_pair, 9), TR_ECLOSED);
    CHECK(tr_match(result, a_bad_return_value, &why));
    CHECK_TERM(why, tr_build(9));
    CHECK(tr_match(tr_agent_start(slowly, NULL, 0), a_ok, &pid));
    CHECK_INT(tr_try_call(pid, &result, a_echo), TR_ECLOSED);
    tr_cast(open(1), a_echo);
}

static void starts_badly(tr_term how)
{
    struct tr_agent_fn none = { TR_AGENT_TERM_START, NULL };
    int n;

    CHECK(tr_match(how, &n));
    if (n == 0)
        tr_agent_start(whole, NULL);
    tr_agent_start_args(none, NULL, NULL, 0);
}

TEST_PROC(start_with_a_wrong_function_is_an_argument_error)
{
    tr_ref ref;

    tr_spawn_monitor(starts_badly, &ref, 0);
    CHECK_TERM(down_reason(ref, a_DOWN), tr_build(tr_tuple(a_badarg, a_start), tr_list()));
    tr_spawn_monitor(starts_badly, &ref, 1);
    CHECK_TERM(down_reason(ref, a_DOWN), tr_build(tr_tuple(a_badarg, a_undef), tr_list()));
}

TEST_PROC(failing_function_ends_the_agent)
{
    tr_pid pid = open(1);
    tr_term result;

    no_reports();
    tr_send(pid, "some other message");
    CHECK_TERM(tr_agent_get(pid, balance), tr_build(1));
    CHECK_INT(tr_try_agent_update(pid, &result, breaks, a_boom), TR_ECLOSED);
    CHECK_TERM(result, tr_build(a_boom));
    CHECK_INT(tr_try_agent_get(pid, &result, balance), TR_ENOPROC);
}

static tr_term twice(tr_term state, tr_term arg)
{
    (void)arg;
    return tr_build(tr_list(state, state));
}

TEST_PROC(agent_shows_its_state)
{
    tr_pid pid, memory = open(7);
    struct account a = { 7, memory };

    CHECK(tr_match(tr_agent_start(slowly, NULL, 0), a_ok, &pid));
    CHECK_TERM(tr_sys_get_state(pid), tr_build(0));
    CHECK_TERM(tr_sys_replace_state(pid, twice), tr_build(tr_list(0, 0)));
    CHECK_TERM(tr_agent_get(pid, whole), tr_build(tr_list(0, 0)));
    CHECK_TERM(tr_sys_get_state(memory), tr_binary(&a, sizeof a));
}
