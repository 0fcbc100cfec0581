/* SPDX-License-Identifier: MIT */
/* Registries: patterns, match specifications, dispatch. */
#include "check_proc.h"

tr_atoms(reg, ok, badarg, a, b, ready, got);
tr_atom_as(a_any, "_");
tr_atom_as(a_1, "$1");
tr_atom_as(a_2, "$2");
tr_atom_as(a_3, "$3");

static void start(enum tr_registry_keys keys, int partitions)
{
    tr_pid pid;

    CHECK(tr_match(tr_registry_start_link(
                       TR_REGISTRY_OPTS(.name = a_reg, .keys = keys, .partitions = partitions)),
                   a_ok, &pid));
}

static void add(tr_term key, tr_term value)
{
    CHECK_INT(tr_registry_register(a_reg, NULL, key, value), TR_OK);
}

static tr_term parse(const char *text)
{
    tr_term t = tr_nil();

    CHECK_INT(tr_parse(text, strlen(text), &t, NULL), TR_OK);
    return t;
}

static size_t matches(const char *pattern, const char *guards)
{
    return tr_registry_count_match(a_reg, "k", parse(pattern), parse(guards));
}

TEST_PROC(patterns_of_values)
{
    FACT("NAME-030", "the entries of a key are matched by a pattern: _ is a wildcard, a variable "
                     "used twice needs equal terms, 1 is not 1.0, and guards restrict further");
    start(TR_DUPLICATE, 2);
    add(tr_build("k"), parse("{a, 1, 1}"));
    add(tr_build("k"), parse("{a, 1, 2}"));
    add(tr_build("k"), parse("{b, 1.0, 1}"));
    add(tr_build("k"), parse("#{x => 1, y => [1, 2 | z]}"));
    add(tr_build("other"), parse("{a, 1, 1}"));
    tr_term self = tr_build(tr_self());
    CHECK_TERM(tr_registry_match(a_reg, "k", parse("{a, '_', 2}"), tr_nil()),
               tr_build(tr_list(tr_tuple(self, parse("{a, 1, 2}")))));
    CHECK_INT(matches("'_'", "[]"), 4);
    CHECK_INT(matches("{'_', '$1', '$1'}", "[]"), 1);
    CHECK_INT(matches("{'_', 1, '_'}", "[]"), 2);
    CHECK_INT(matches("{'_', '_'}", "[]"), 0);
    CHECK_INT(matches("#{x => '$1'}", "[{is_integer, '$1'}]"), 1);
    CHECK_INT(matches("#{y => [1 | '_']}", "[]"), 1);
    CHECK_INT(matches("#{z => '_'}", "[]"), 0);
    CHECK_INT(matches("{'_', '_', '$1'}", "[{'>', '$1', 1}]"), 1);
    CHECK_INT(matches("{'$2', '_', '$1'}", "[{'=<', '$1', 2}, {'==', '$2', a}]"), 2);
    CHECK_INT(matches("{'_', '_', '$1'}", "[{nonsense, '$1'}]"), 0);
    CHECK_INT(matches("{'_', '_', '$1'}", "[{'>', {'+', '$1', 1}, {const, 2}}]"), 1);
    CHECK_INT(matches("{'$1', '_', '_'}", "[{'orelse', {'==', '$1', b}, {'==', '$1', c}}]"), 1);
    CHECK_INT(matches("{'$1', '$2', '_'}", "[{'not', {'andalso', {is_atom, '$1'}, "
                                           "{is_float, '$2'}}}]"),
              2);
    CHECK_INT(matches("'$1'", "[{'==', {tuple_size, '$1'}, 3}, {'==', {element, 1, '$1'}, a}]"), 2);
}

TEST_PROC(removing_by_value)
{
    FACT("NAME-031", "removing by a pattern removes the caller's entries of that key whose value "
                     "matches, and no others");
    start(TR_DUPLICATE, 1);
    for (int i = 0; i < 4; i++)
        add(tr_build("k"), tr_build(i % 2 ? a_a : a_b, i));
    add(tr_build("other"), tr_build(a_a, 1));
    tr_registry_unregister_match(a_reg, "k", tr_tuple(a_a, a_any), tr_nil());
    CHECK_TERM(tr_registry_values(a_reg, "k", tr_self()),
               tr_build(tr_list(tr_tuple(a_b, 0), tr_tuple(a_b, 2))));
    tr_registry_unregister_match(a_reg, "k", tr_tuple(a_any, a_1), parse("[{'>', '$1', 1}]"));
    CHECK_INT(tr_registry_count(a_reg), 2);
}

static void selects(void *spec)
{
    tr_registry_select(a_reg, *(tr_term *)spec);
}

static void check_bad(const char *text)
{
    tr_term spec = parse(text), reason;

    CHECK(tr_catch(selects, &spec, &reason));
    CHECK(tr_match(reason, tr_tuple(a_badarg, tr_any()), tr_any()));
}

static bool has(tr_term list, const char *text)
{
    tr_term item, wanted = parse(text);

    while (tr_list_next(&list, &item))
        if (tr_equal(item, wanted))
            return true;
    return false;
}

TEST_PROC(specifications_over_all_entries)
{
    FACT("NAME-032 NAME-033", "entries are counted in all, by key and pattern, or by a "
                              "specification; select gives what its clauses, tried in turn, make "
                              "of each entry; a head that is no triple fails");
    start(TR_DUPLICATE, 3);
    add(tr_build(1), tr_build(10));
    add(tr_build(2), tr_build(20));
    add(tr_build("three"), tr_build(30));
    CHECK_INT(tr_registry_count(a_reg), 3);
    tr_term list = tr_registry_select(a_reg, parse("[{{'$1', '_', '$2'}, [{is_integer, '$1'}], "
                                                   "[{{'$1', {'+', '$2', 1}}}]},"
                                                   " {{'_', '_', '$2'}, [], [['$2', '$$']]}]"));
    size_t n;
    CHECK(tr_list_length(list, &n) && n == 3);
    CHECK(has(list, "{1, 11}") && has(list, "{2, 21}") && has(list, "[30, [30]]"));
    tr_term spec = tr_build(tr_list(tr_tuple(tr_tuple(a_1, a_2, a_3),
                                             tr_list(tr_tuple(tr_intern("=:="), a_2, tr_self())),
                                             tr_list(tr_intern("$_")))));
    CHECK(tr_list_length(tr_registry_select(a_reg, spec), &n) && n == 3);
    CHECK_INT(tr_registry_count_select(a_reg, parse("[{{'_', '_', '$1'}, [{'>', '$1', 10}], "
                                                    "[true]}]")),
              2);
    check_bad("[{{'_', '_'}, [], ['$_']}]");
    check_bad("[{'_', [], ['$_']}]");
    check_bad("[{{'_', '_', '_'}, []}]");
    check_bad("not_a_list");
}

/* --- dispatch --- */

static void collect(tr_term entries, void *boss)
{
    tr_send(*(tr_pid *)boss, a_got, entries);
}

static void member(tr_term boss)
{
    tr_pid pid = { 0 };

    CHECK(tr_match(boss, &pid));
    add(tr_build("k"), tr_build(1));
    tr_send(pid, a_ready);
    tr_sleep(TR_INFINITY);
}

static size_t receive_entries(void)
{
    size_t n = 0;
    tr_term list;

    tr_receive (m)
        tr_on (m, a_got, &list)
            CHECK(tr_list_length(list, &n) && n > 0);
    return n;
}

TEST_PROC(dispatch)
{
    FACT("NAME-029", "dispatch calls a function with the entries of a key, and does not when there "
                     "are none");
    enum { N = 12 };
    tr_pid self = tr_self();
    size_t n = 0;

    start(TR_DUPLICATE, 3);
    tr_registry_dispatch(a_reg, "k", collect, &self);
    tr_registry_dispatch_parallel(a_reg, "k", collect, &self);
    CHECK_INT(tr_mailbox_length(), 0);
    for (int i = 0; i < N; i++)
        tr_spawn(member, self);
    for (int i = 0; i < N; i++)
        tr_receive (m)
            tr_on (m, a_ready) {
            }
    tr_registry_dispatch(a_reg, "k", collect, &self);
    CHECK_INT(receive_entries(), N);
    tr_registry_dispatch_parallel(a_reg, "k", collect, &self);
    for (int parts = 0; n < N; parts++) {
        CHECK(parts < 3);
        n += receive_entries();
    }
    CHECK_INT(n, N);
}
