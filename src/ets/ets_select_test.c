/* SPDX-License-Identifier: MIT */
/* Tables: patterns and match specifications. */
#include "ets_test.h"

tr_atoms(size, done);
tr_atom_as(a_end, "$end_of_table");
tr_atom_as(a_object, "$_");

static tr_term filled(enum tr_ets_type type, const char *objects)
{
    tr_term table = tr_ets_new(a_t, &(struct tr_ets_opts){ .type = type });

    tr_ets_insert(table, parse(objects));
    return table;
}

/* The same terms in the order of terms. */
static tr_term sorted(tr_term list)
{
    tr_term items[256], item;
    size_t n = 0;

    while (tr_list_next(&list, &item)) {
        size_t i = n++;
        for (; i > 0 && tr_compare(items[i - 1], item) > 0; i--)
            items[i] = items[i - 1];
        items[i] = item;
    }
    return tr_list_from_array(items, n);
}

static const char *people = "[{1,ann,30},{2,bob,40},{3,cid,30},{4,{x,y},1.0},{5,{x,x},1}]";

TEST_PROC(match_gives_variables_in_order)
{
    FACT("ETS-038", "match gives the values of the variables by number, match_object the objects, "
                    "match_delete removes them");
    FACT("ETS-039", "'_' matches anything, a variable twice equal values, constants exactly");
    for (int i = 0; i < 4; i++) {
        tr_term table = filled(all_types[i], people);
        CHECK_TERM(sorted(tr_ets_match(table, parse("{'$2','$1',30}"), TR_ETS_ALL)),
                   parse("[[ann,1],[cid,3]]"));
        CHECK_TERM(sorted(tr_ets_match_object(table, parse("{'_','_',30}"), TR_ETS_ALL)),
                   parse("[{1,ann,30},{3,cid,30}]"));
        CHECK_TERM(tr_ets_match(table, parse("{'$1',{'$2','$2'},'_'}"), TR_ETS_ALL),
                   parse("[[5,x]]"));
        CHECK_TERM(tr_ets_match(table, parse("{'$1','_',1}"), TR_ETS_ALL), parse("[[5]]"));
        CHECK_TERM(tr_ets_match(table, parse("{2,'$1','_'}"), TR_ETS_ALL), parse("[[bob]]"));
        CHECK_TERM(tr_ets_match(table, parse("{7,'$1','_'}"), TR_ETS_ALL), tr_nil());
        tr_ets_match_delete(table, parse("{'_','_',30}"));
        CHECK_TERM(tr_ets_info_of(table, a_size), tr_build(3));
    }
}

TEST_PROC(select_applies_clauses)
{
    FACT("ETS-040",
         "select applies head, guards and body, the first clause that matches; '$_' is the "
         "object, '$$' all variables");
    for (int i = 0; i < 4; i++) {
        tr_term table = filled(all_types[i], people);
        CHECK_TERM(sorted(tr_ets_select(table,
                                        parse("[{{'$1','$2','$3'},"
                                              "[{'>','$3',30}],['$_']},"
                                              "{{'$1','$2',30},[],[{{'$2','$$'}}]}]"),
                                        TR_ETS_ALL)),
                   sorted(parse("[{2,bob,40},{ann,[1,ann]},{cid,[3,cid]}]")));
        CHECK_TERM(tr_ets_select(table,
                                 parse("[{{'$1','$2','_'},[{is_tuple,'$2'},"
                                       "{'=:=',{element,2,'$2'},y}],['$1']}]"),
                                 TR_ETS_ALL),
                   parse("[4]"));
        CHECK_INT(tr_ets_select_count(table, parse("[{{'_','_',30},[],[true]}]")), 2);
        CHECK_INT(tr_ets_select_delete(table, parse("[{{'_','_','$1'},[{'<','$1',2}],[true]}]")),
                  2);
        CHECK_TERM(tr_ets_info_of(table, a_size), tr_build(3));
        CHECK_TERM(tr_ets_select(table, parse("[{{1,'_','$1'},[],[{'hd','$1'}]}]"), TR_ETS_ALL),
                   parse("['EXIT']"));
    }
}

/* The value of an expression, given $1 = 7 and $2 = [a,b]. */
static void check_value(const char *expression, const char *value)
{
    char text[300];
    tr_term table = filled(TR_ETS_SET, "[{7,[a,b]}]");

    snprintf(text, sizeof text, "[{{'$1','$2'},[],[%s]}]", expression);
    tr_term got = tr_ets_select(table, parse(text), TR_ETS_ALL);
    if (!tr_equal(got, tr_build(tr_list(parse(value)))))
        check_fail(__FILE__, __LINE__, "%s gives %s", expression, tr_inspect(got));
    tr_ets_delete_table(table);
}

TEST_PROC(expressions_have_their_values)
{
    const char *cases[][2] = {
        { "{'+','$1',1}", "8" },
        { "{'-','$1',1.5}", "5.5" },
        { "{'*',{'-','$1'},2}", "-14" },
        { "{'/','$1',2}", "3.5" },
        { "{'div','$1',2}", "3" },
        { "{'rem',-7,2}", "-1" },
        { "{'div','$1',0}", "'EXIT'" },
        { "{'band','$1',3}", "3" },
        { "{'bsl',1,10}", "1024" },
        { "{'bsr',-1024,3}", "-128" },
        { "{'bnot',0}", "-1" },
        { "{abs,-3}", "3" },
        { "{round,2.5}", "3" },
        { "{trunc,-2.5}", "-2" },
        { "{length,'$2'}", "2" },
        { "{hd,'$2'}", "a" },
        { "{tl,'$2'}", "[b]" },
        { "{'and',true,{'<',1,2}}", "true" },
        { "{'andalso',false,{hd,[]}}", "false" },
        { "{'orelse',true,{hd,[]}}", "true" },
        { "{'or',true,{hd,[]}}", "'EXIT'" },
        { "{'not',true}", "false" },
        { "{'xor',true,false}", "true" },
        { "{'==',1,1.0}", "true" },
        { "{'=:=',1,1.0}", "false" },
        { "{'=/=',1,1.0}", "true" },
        { "{'/=',1,2}", "true" },
        { "{'=<',1,a}", "true" },
        { "{'>=',1,a}", "false" },
        { "{const,{'+',1}}", "{'+',1}" },
        { "{{'$1',{{}}}}", "{7,{}}" },
        { "['$1'|'$2']", "[7,a,b]" },
        { "{map_get,a,#{a => 1}}", "1" },
        { "{map_size,#{a => '$1'}}", "1" },
        { "{is_map_key,b,#{a => 1}}", "false" },
        { "{tuple_size,'$_'}", "2" },
        { "{size,<<1,2,3>>}", "3" },
        { "{bit_size,<<1:3>>}", "3" },
        { "{byte_size,<<1:3>>}", "1" },
        { "{max,1,{min,a,3}}", "3" },
        { "{float,2}", "2.0" },
        { "{is_list,'$2'}", "true" },
    };

    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        check_value(cases[i][0], cases[i][1]);
}

struct fault {
    tr_term table, spec;
};

static void select_badly(void *arg)
{
    struct fault *f = arg;

    tr_ets_select(f->table, f->spec, TR_ETS_ALL);
}

TEST_PROC(faults_of_specifications_tell_where)
{
    const char *cases[][2] = {
        { "x", "[]" },
        { "[]", "[]" },
        { "[{{'_'},[],['$_']},x]", "[2]" },
        { "[{[],[],['$_']}]", "[1,1]" },
        { "[{'_',x,['$_']}]", "[1,2]" },
        { "[{'_',[],[]}]", "[1,3]" },
        { "[{{'$1'},[],['$2']}]", "[1,3,1]" },
        { "[{{'$1'},[true,{foo,1}],['$1']}]", "[1,2,2]" },
        { "[{{'$1'},[{'not',{'+',1,{bar}}}],['$1']}]", "[1,2,1,2,3]" },
        { "[{{'$1'},[],[{{1,{hd}}}]}]", "[1,3,1,1,2]" },
    };
    struct fault f = { .table = filled(TR_ETS_SET, people) };
    tr_term reason, path;

    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const char *text;
        f.spec = parse(cases[i][0]);
        CHECK(tr_catch(select_badly, &f, &reason));
        tr_term inner = reason;
        CHECK(tr_match(inner, a_badarg, tr_tuple(&text, &path)));
        if (!tr_equal(path, parse(cases[i][1])))
            check_fail(__FILE__, __LINE__, "%s: %s", cases[i][0], tr_inspect(reason));
    }
}

TEST_PROC(limits_and_continuations_give_all)
{
    FACT("ETS-041", "with a limit results come in parts, at most that many, then $end_of_table");
    for (int i = 0; i < 4; i++) {
        tr_term table = tr_ets_new(a_t, &(struct tr_ets_opts){ .type = all_types[i] });
        int seen[100] = { 0 };
        for (int k = 0; k < 100; k++)
            tr_ets_insert(table, k, k);
        tr_term next = tr_ets_select(table, parse("[{{'$1','_'},[],['$1']}]"), 7), list, item;
        while (!tr_equal(next, tr_build(a_end))) {
            size_t n;
            int64_t key;
            CHECK(tr_match(next, &list, &next));
            CHECK(tr_list_length(list, &n) && n >= 1 && n <= 7);
            while (tr_list_next(&list, &item)) {
                CHECK(tr_match(item, &key));
                seen[key]++;
            }
            next = tr_ets_continue(next);
        }
        for (int k = 0; k < 100; k++)
            CHECK_INT(seen[k], 1);
        CHECK_TERM(tr_ets_match(table, parse("{x,'$1'}"), 3), tr_build(a_end));
        CHECK_TERM(tr_ets_continue(tr_build(a_end)), tr_build(a_end));
    }
}

TEST_PROC(select_is_in_order_of_keys)
{
    FACT("ETS-042", "select on an ordered_set gives results in the order of keys, or backwards");
    tr_term table = filled(TR_ETS_ORDERED_SET, "[{c,3},{a,1},{b,2}]");

    CHECK_TERM(tr_ets_select(table, parse("[{{'_','$1'},[],['$1']}]"), TR_ETS_ALL),
               parse("[1,2,3]"));
    CHECK_TERM(tr_ets_select_reverse(table, parse("[{{'_','$1'},[],['$1']}]"), TR_ETS_ALL),
               parse("[3,2,1]"));
    CHECK_TERM(tr_element(tr_ets_select_reverse(table, parse("[{{'_','$1'},[],['$1']}]"), 2), 0),
               parse("[3,2]"));
}

static void replace_key(void *arg)
{
    struct fault *f = arg;

    tr_ets_select_replace(f->table, f->spec);
}

TEST_PROC(select_replace_keeps_keys)
{
    tr_term reason;

    for (int i = 0; i < 2; i++) {
        struct fault f = { .table = filled(all_types[i], "[{a,1},{b,2},{c,x}]") };
        CHECK_INT(tr_ets_select_replace(f.table, parse("[{{'$1','$2'},[{is_integer,'$2'}],"
                                                       "[{{'$1',{'+','$2',1},new}}]}]")),
                  2);
        CHECK_TERM(sorted(tr_ets_tab2list(f.table)), sorted(parse("[{a,2,new},{b,3,new},{c,x}]")));
        f.spec = parse("[{'_',[],[{{z,1}}]}]");
        CHECK(tr_catch(replace_key, &f, &reason) && tr_match(reason, a_badarg, tr_any()));
    }
}

static int64_t reductions(void)
{
    tr_term info;
    int64_t n = 0;

    CHECK(tr_process_info(tr_self(), tr_intern("reductions"), &info) && tr_match(info, &n));
    return n;
}

TEST_PROC(a_known_key_is_looked_up)
{
    FACT("ETS-043", "a pattern with the whole key does not go through the table");
    for (int i = 0; i < 4; i++) {
        tr_term table = tr_ets_new(a_t, &(struct tr_ets_opts){ .type = all_types[i] });
        for (int k = 0; k < 20000; k++)
            tr_ets_insert(table, k, k);
        int64_t before = reductions();
        for (int k = 0; k < 20; k++)
            CHECK_TERM(tr_ets_match(table, tr_tuple(k, tr_intern("$1")), TR_ETS_ALL),
                       tr_build(tr_list(tr_list(k))));
        CHECK(reductions() - before < 20 * 2000);
    }
}

/* --- ranges of an ordered_set --- */

TEST_PROC(a_prefix_of_the_key_limits_the_range)
{
    tr_term table = tr_ets_new(a_t, &(struct tr_ets_opts){ .type = TR_ETS_ORDERED_SET });
    tr_term first = parse("[{{{7,'$1'},'_'},[],['$1']}]"), part;

    FACT("ETS-043", "in an ordered_set a prefix of a tuple key limits the range that is visited");
    for (int k = 0; k < 20000; k++)
        tr_ets_insert(table, tr_tuple(k / 4, k % 4), k);
    int64_t before = reductions();
    CHECK_TERM(tr_ets_select(table, first, TR_ETS_ALL), parse("[0,1,2,3]"));
    CHECK_TERM(tr_ets_select_reverse(table, first, TR_ETS_ALL), parse("[3,2,1,0]"));
    CHECK_TERM(tr_ets_match_object(table, parse("{{4999,'_'},19998}"), TR_ETS_ALL),
               parse("[{{4999,2},19998}]"));
    CHECK_INT(tr_ets_select_count(table, parse("[{{{5000,'_'},'_'},[],[true]}]")), 0);
    CHECK_INT(tr_ets_select_count(table, parse("[{{{'_','_','_'},'_'},[],[true]}]")), 0);
    CHECK_INT(tr_ets_select_delete(table, parse("[{{{8,'_'},'_'},[],[true]}]")), 4);
    part = tr_ets_select(table, first, 3);
    CHECK_TERM(tr_element(part, 0), parse("[0,1,2]"));
    part = tr_ets_continue(tr_element(part, 1));
    CHECK_TERM(tr_element(part, 0), parse("[3]"));
    CHECK_TERM(tr_ets_continue(tr_element(part, 1)), tr_build(a_end));
    CHECK(reductions() - before < 10 * 2000);
    CHECK_INT(tr_ets_select_count(table, parse("[{{{'_','_'},'_'},[],[true]}]")), 19996);
}

static uint32_t dice_state;

static uint32_t dice(uint32_t sides)
{
    dice_state = dice_state * 1103515245 + 12345;
    return (dice_state >> 16) % sides;
}

static tr_term any_term(int depth, bool pattern)
{
    static const char *const leaves[] = { "1", "2", "2.0", "a", "b", "\"a\"", "<<1>>", "{}", "[]" };
    static const char *const open[] = { "'_'", "'$1'", "#{}", "#{a=>'_'}" };
    tr_term items[3];
    uint32_t n = dice(4);

    if (pattern && dice(4) == 0)
        return parse(open[dice(4)]);
    if (depth == 0 || dice(4) == 0)
        return dice(12) ? parse(leaves[dice(9)]) : parse("#{a=>1}");
    for (uint32_t i = 0; i < n; i++)
        items[i] = any_term(depth - 1, pattern);
    return dice(2) ? tr_tuple_from_array(items, n) : tr_list_from_array(items, n);
}

/* An ordered_set finds by ranges what a set finds by going through all, but for keys that are equal
   and not the same. */
TEST_PROC(ranges_hold_all_that_matches)
{
    tr_term tree = filled(TR_ETS_ORDERED_SET, "[]"), all = filled(TR_ETS_SET, "[]");

    for (int i = 0; i < 200; i++)
        tr_scope
        {
            tr_ets_insert(tree, any_term(2, false), i);
        }
    tr_ets_insert(all, tr_ets_tab2list(tree));
    for (int i = 0; i < 200; i++)
        tr_scope
        {
            tr_term spec = tr_build(tr_list(tr_tuple(tr_tuple(any_term(2, true), tr_intern("_")),
                                                     tr_list(), tr_list(a_object))));
            tr_term found = tr_ets_select(tree, spec, TR_ETS_ALL);
            CHECK_TERM(found, sorted(tr_ets_select(all, spec, TR_ETS_ALL)));
            CHECK_TERM(tr_list_reverse(tr_ets_select_reverse(tree, spec, TR_ETS_ALL)), found);
        }
}

/* --- several clauses --- */

/* A clause that matches nothing and tells no key: with it all is gone through. */
static tr_term with_all(tr_term clauses)
{
    tr_term rest = tr_list_reverse(clauses), list = parse("[{'_',[false],['$_']}]"), clause;

    while (tr_list_next(&rest, &clause))
        list = tr_list_push(list, clause);
    return list;
}

TEST_PROC(keys_of_all_clauses_are_looked_up)
{
    const char *spec = "[{{7,'$1'},[],['$1']},{{19999,'$1'},[],['$1']},{{7,'$1'},[],[again]},"
                       "{{30000,'_'},[],[absent]},{{3,'$1'},[],['$1']}]";

    FACT("ETS-043", "where every clause has the whole key, only these keys are looked up");
    for (int i = 0; i < 4; i++) {
        tr_term table = tr_ets_new(a_t, &(struct tr_ets_opts){ .type = all_types[i] }), part;
        for (int k = 0; k < 20000; k++)
            tr_ets_insert(table, k, k);
        int64_t before = reductions();
        CHECK_TERM(sorted(tr_ets_select(table, parse(spec), TR_ETS_ALL)), parse("[3,7,19999]"));
        if (all_types[i] == TR_ETS_ORDERED_SET)
            CHECK_TERM(tr_ets_select_reverse(table, parse(spec), TR_ETS_ALL), parse("[19999,7,3]"));
        part = tr_ets_select(table, parse(spec), 2);
        CHECK_INT(tr_ets_select_count(table, parse("[{{5,'_'},[],[true]},{{6,'_'},[],[true]}]")),
                  2);
        CHECK_INT(tr_ets_select_delete(table, parse("[{{5,'_'},[],[true]},{{6,'_'},[],[true]}]")),
                  2);
        CHECK(reductions() - before < 25 * 2000);
        tr_term first = tr_element(part, 0), rest = tr_ets_continue(tr_element(part, 1));
        CHECK_TERM(sorted(tr_build(tr_list(tr_head(first), tr_head(tr_tail(first)),
                                           tr_head(tr_element(rest, 0))))),
                   parse("[3,7,19999]"));
        CHECK_TERM(tr_ets_continue(tr_element(rest, 1)), tr_build(a_end));
    }
}

TEST_PROC(a_prefix_of_all_clauses_limits_the_range)
{
    tr_term table = tr_ets_new(a_t, &(struct tr_ets_opts){ .type = TR_ETS_ORDERED_SET });

    FACT("ETS-043", "where every clause has a prefix of the key, the range from the first of them "
                    "to the last is visited");
    for (int k = 0; k < 20000; k++)
        tr_ets_insert(table, tr_tuple(k / 4, k % 4), k);
    int64_t before = reductions();
    CHECK_TERM(tr_ets_select(table,
                             parse("[{{{7,1},'$1'},[],['$1']},{{{7,'_'},'$1'},[{'>','$1',29}],"
                                   "[{{'$1'}}]},{{{9,3},'$1'},[],['$1']}]"),
                             TR_ETS_ALL),
               parse("[29,{30},{31},39]"));
    CHECK(reductions() - before < 5 * 2000);
}

/* Clauses that tell keys find what they find together with one that tells none. */
TEST_PROC(keys_and_ranges_hold_all_that_matches)
{
    tr_term clauses[3];

    for (int type = 0; type < 2; type++) {
        tr_term table = filled(all_types[type], "[]");
        for (int i = 0; i < 200; i++)
            tr_scope
            {
                tr_ets_insert(table, any_term(2, false), i);
            }
        for (int i = 0; i < 300; i++)
            tr_scope
            {
                size_t n = 1 + dice(3);
                for (size_t j = 0; j < n; j++)
                    clauses[j] = tr_build(tr_tuple(any_term(2, dice(2)), tr_intern("_")), tr_list(),
                                          tr_list(a_object));
                tr_term spec = tr_list_from_array(clauses, n);
                tr_term found = tr_ets_select(table, spec, TR_ETS_ALL);
                CHECK_TERM(sorted(found), sorted(tr_ets_select(table, with_all(spec), TR_ETS_ALL)));
                if (all_types[type] == TR_ETS_ORDERED_SET) {
                    CHECK_TERM(found, tr_ets_select(table, with_all(spec), TR_ETS_ALL));
                    CHECK_TERM(tr_list_reverse(tr_ets_select_reverse(table, spec, TR_ETS_ALL)),
                               found);
                }
            }
    }
}
