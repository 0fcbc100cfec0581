/* SPDX-License-Identifier: MIT */
/* Erlang's order of all terms. */
#include "check.h"
#include "term/term.h"

static tr_term parsed(const char *text)
{
    tr_term term = { 0 };

    if (tr_parse(text, strlen(text), &term, NULL))
        check_fail(__FILE__, __LINE__, "cannot read %s", text);
    return term;
}

/* Each is less than the next. */
static const char *const rising[] = {
    "-100000000000000000000000",
    "-1.0e22",
    "-1152921504606846977",
    "-1152921504606846976",
    "-1.5",
    "-1",
    "-0.5",
    "0",
    "0.5",
    "1",
    "1.5",
    "9007199254740992",
    "9007199254740993",
    "9007199254740994.0",
    "1152921504606846976",
    "18446744073709551615",
    "1.0e22",
    "10000000000000000000001",
    "1.0e300",
    "''",
    "'A'",
    "a",
    "aa",
    "b",
    "'\xce\xbb'",
    "#Ref<0.1.0.1>",
    "#Ref<0.0.0.2>",
    "<0.2.1>",
    "<0.1.2>",
    "{}",
    "{2}",
    "{1,1}",
    "{1,2}",
    "{1,b}",
    "#{}",
    "#{b => 1}",
    "#{1 => 2,b => 1}",
    "#{1.0 => 0,a => 0}",
    "#{a => 1,b => 1}",
    "#{a => 1,b => 2}",
    "#{a => 1,c => 0}",
    "[]",
    "[1|a]",
    "[1]",
    "[1,0]",
    "[2]",
    "<<>>",
    "<<0:1>>",
    "<<0>>",
    "<<0,0:1>>",
    "<<1:1>>",
    "<<255>>",
    "<<255,0>>",
};

TEST(terms_follow_the_order_of_erlang)
{
    enum { N = sizeof(rising) / sizeof(*rising) };

    for (int i = 0; i < N; i++)
        for (int k = 0; k < N; k++) {
            int c = tr_compare(parsed(rising[i]), parsed(rising[k]));
            if ((c > 0) - (c < 0) != (i > k) - (i < k))
                check_fail(__FILE__, __LINE__, "%s against %s: %d", rising[i], rising[k], c);
        }
}

TEST(numbers_of_one_value_are_equal_but_not_the_same)
{
    CHECK_INT(tr_compare(parsed("{1,[2.0]}"), parsed("{1.0,[2]}")), 0);
    CHECK(!tr_equal(parsed("1"), parsed("1.0")));
    CHECK(tr_compare_exact(parsed("2"), parsed("1.0")) < 0);
    CHECK(tr_compare_exact(parsed("-0.0"), parsed("0.0")) < 0);
    CHECK_INT(tr_compare(parsed("-0.0"), parsed("0.0")), 0);
    CHECK_INT(tr_compare(parsed("1.0e22"), parsed("10000000000000000000000")), 0);
    CHECK_INT(tr_compare(parsed("#{a => 1}"), parsed("#{a => 1.0}")), 0);
    CHECK(tr_compare(parsed("#{1 => a}"), parsed("#{1.0 => a}")) < 0);
}

TEST(large_maps_compare_by_their_keys)
{
    tr_term keys[50], values[50];

    for (int i = 0; i < 50; i++) {
        keys[i] = tr_build(i);
        values[i] = tr_build(7);
    }
    tr_term map = tr_map_from_arrays(keys, values, 50);
    tr_term more = tr_map_put(map, tr_build(3), tr_build(8));
    tr_term other = tr_map_put(tr_map_remove(map, tr_build(5)), tr_build(60), tr_build(0));
    CHECK(tr_compare(map, more) < 0);
    CHECK(tr_compare(map, other) < 0 && tr_compare(more, other) < 0);
    CHECK_INT(tr_compare(map, tr_map_put(more, tr_build(3), tr_build(7.0))), 0);
}

TEST(integers_become_the_nearest_double)
{
    double f = 0;

    CHECK(tr_to_double(parsed("9007199254740993"), &f) && f == 9007199254740992.0);
    CHECK(tr_to_double(parsed("18446744073709551615"), &f) && f == 18446744073709551616.0);
    CHECK(tr_to_double(parsed("-36893488147419107329"), &f) && f == -36893488147419111424.0);
    CHECK(tr_to_double(parsed("-3"), &f) && f == -3);
    CHECK(!tr_to_double(parsed("a"), &f));
}
