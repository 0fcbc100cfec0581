/* SPDX-License-Identifier: MIT */
/* Building, matching, accessors, and how long terms live. */
#include "troupe/term.h"

#include "check.h"
#include "mem/heap.h"
#include "term/atom_table.h"
#include "term/term.h"

#include <pthread.h>
#include <stdlib.h>

tr_atoms(point, x, y, increment, get, EXIT, some_name);
tr_atom_as(a_gen_call, "$gen_call");

TEST(one_argument_stands_for_itself_and_several_are_a_tuple)
{
    CHECK_STR(tr_inspect(tr_build(5)), "5");
    CHECK_STR(tr_inspect(tr_build(a_point, 3, 4)), "{point,3,4}");
    CHECK_STR(tr_inspect(tr_build()), "[]");
    CHECK_STR(tr_inspect(tr_build(1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16)),
              "{1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16}");
    CHECK_STR(tr_inspect(tr_build(a_EXIT, a_gen_call)), "{'EXIT','$gen_call'}");
}

TEST(every_c_type_becomes_a_term)
{
    bool yes = true;
    tr_bin bin = { "ab\0c", 4 };
    unsigned char u8 = 255;
    short i16 = -5;

    CHECK_STR(tr_inspect(tr_build(yes, bin, u8, i16, 1.5, 2.5f, "text", 'a')),
              "{true,<<97,98,0,99>>,255,-5,1.5,2.5,<<\"text\">>,97}");
    CHECK_STR(tr_inspect(tr_build(UINT64_MAX)), "18446744073709551615");
    CHECK_STR(tr_inspect(tr_build(INT64_MIN)), "-9223372036854775808");
    CHECK_STR(tr_inspect(tr_build(INT64_MAX)), "9223372036854775807");
}

TEST(shapes_nest)
{
    tr_term t = tr_build(a_point, tr_map(a_x, tr_tuple(1, 2), a_y, tr_list(1, 2000)),
                         tr_cons(1, 2, a_x), tr_tuple(), tr_list(), tr_map());
    int64_t n, m;
    tr_term rest;

    CHECK_STR(tr_inspect(t), "{point,#{x => {1,2},y => [1,2000]},[1,2|x],{},[],#{}}");
    CHECK(tr_match(t, a_point, tr_map(a_x, tr_tuple(&n, 2)), tr_cons(&m, &rest), tr_tuple(),
                   tr_list(), tr_map()));
    CHECK_INT(n, 1);
    CHECK_INT(m, 1);
    CHECK_STR(tr_inspect(rest), "[2|x]");
}

TEST(of_equal_keys_of_a_map_the_last_wins)
{
    CHECK_STR(tr_inspect(tr_build(tr_map(2, a_x, 1, a_x, 2, a_y))), "#{1 => x,2 => y}");
}

TEST(captures_are_all_or_nothing)
{
    int64_t n = 7;
    tr_atom atom = a_y;
    tr_term t = tr_build(a_increment, 5, "text");

    CHECK(!tr_match(t, &atom, &n, 6));
    CHECK_INT(n, 7);
    CHECK_INT(atom.w, a_y.w);
    CHECK(!tr_match(t, &atom, &n));
    CHECK(tr_match(t, &atom, &n, "text"));
    CHECK_INT(n, 5);
    CHECK_INT(atom.w, a_increment.w);
}

TEST(the_type_of_a_capture_is_the_type_test)
{
    int64_t i64 = 0;
    uint64_t u64 = 0;
    int i = 0;
    unsigned u = 0;
    double f = 0;
    bool b = false;
    tr_atom atom;
    tr_pid pid;
    tr_ref ref;
    tr_bin bin;
    const char *text = NULL;
    tr_term one = tr_build(1), big = tr_build(UINT64_MAX), deep = tr_build(INT64_MIN);

    CHECK(tr_match(one, &i64) && tr_match(one, &u64) && tr_match(one, &i) && tr_match(one, &u));
    CHECK(!tr_match(one, &f) && !tr_match(one, &b) && !tr_match(one, &atom) &&
          !tr_match(one, &bin));
    CHECK(!tr_match(one, &pid) && !tr_match(one, &ref) && !tr_match(one, &text));
    CHECK(!tr_match(big, &i64) && tr_match(big, &u64) && u64 == UINT64_MAX);
    CHECK(tr_match(deep, &i64) && i64 == INT64_MIN && !tr_match(deep, &u64));
    CHECK(tr_match(big, UINT64_MAX) && tr_match(deep, INT64_MIN) && !tr_match(big, INT64_MAX));
    CHECK(!tr_match(tr_build(INT64_C(1) << 31), &i) && tr_match(tr_build(INT64_C(1) << 31), &u));
    CHECK(!tr_match(tr_build(-1), &u) && !tr_match(tr_build(-1), &u64));
    CHECK(tr_match(tr_build(1.5), &f) && f == 1.5 && tr_match(tr_build(1.5), 1.5));
    CHECK(!tr_match(one, 1.0) && !tr_match(tr_build(1.0), 1));
    CHECK(tr_match(tr_build(TR_ATOM(true)), &b) && b);
    CHECK(!tr_match(tr_build(a_x), &b));
    CHECK(tr_match(tr_build("abc"), &text));
    CHECK_STR(text, "abc");
    CHECK(tr_match(tr_build("abc"), &bin));
    CHECK_INT(bin.size, 3);
    CHECK(!tr_match(tr_binary("a\0b", 3), &text));
    CHECK(tr_match(tr_build((tr_pid){ TR__PID_W(3, 4) }), &pid));
    CHECK(tr_match(tr_build((tr_ref){ TR__REF_W(3, 4) }), &ref));
    CHECK(tr_match(tr_build((tr_ref){ TR__REF_W(3, 5) }), &ref));
    CHECK(tr_match(tr_build(), tr_list()) && tr_match(tr_nil()));
    CHECK(!tr_match((tr_term){ 0 }, a_x) && !tr_match((tr_term){ 0 }, a_x, &i64));
    CHECK(tr_match(one, tr_any()) && tr_match(tr_build(1, 2), tr_any(), 2));
}

TEST(strings_are_in_place_where_a_zero_byte_follows)
{
    char data[101];
    const char *text;

    memset(data, 'a', 100);
    data[100] = 0;
    tr_term whole = tr_build((const char *)data);
    CHECK(tr_match(whole, &text));
    CHECK_STR(text, data);
    tr_term part = tr_sub_binary(whole, 10, 80);
    CHECK(tr_match(part, &text));
    CHECK_INT(strlen(text), 80);
    for (size_t n = 0; n <= 70; n++) {
        tr_term t = tr_binary(data, n);
        CHECK(tr_match(t, &text));
        CHECK_INT(strlen(text), n);
    }
}

TEST(long_tuples_match_out_of_line)
{
    int a = 0, b = 0;
    tr_term t = tr_build(1, 2, 3, 4, 5, 6, 7, 8);

    CHECK(tr_match(t, 1, 2, 3, 4, 5, 6, &a, &b));
    CHECK_INT(a * 10 + b, 78);
    CHECK(!tr_match(t, 1, 2, 3, 4, 5, 6, &a, 9));
    t = tr_build(1, 2, 3, 4, 5);
    CHECK(tr_match(t, 1, 2, 3, &a, &b) && a == 4 && b == 5);
    t = tr_build(1, 2, 3, 4);
    CHECK(tr_match(t, 1, 2, &a, &b) && a == 3 && b == 4);
    t = tr_build(1, 2, 3);
    CHECK(tr_match(t, 1, &a, &b) && a == 2 && b == 3);
}

TEST(tuples_and_lists_have_accessors)
{
    tr_term items[3] = { tr_build(1), tr_build(a_x), tr_build("s") };
    tr_term tuple = tr_tuple_from_array(items, 3), list = tr_list_from_array(items, 3), item;
    size_t n = 0;

    CHECK_INT(tr_tuple_size(tuple), 3);
    CHECK_TERM(tr_element(tuple, 1), tr_build(a_x));
    CHECK_STR(tr_inspect(tr_set_element(tuple, 0, tr_build(9))), "{9,x,<<\"s\">>}");
    CHECK_STR(tr_inspect(tr_list_reverse(list)), "[<<\"s\">>,x,1]");
    CHECK_STR(tr_inspect(tr_list_push(list, tr_build(0))), "[0,1,x,<<\"s\">>]");
    CHECK(tr_list_length(list, &n));
    CHECK_INT(n, 3);
    CHECK(!tr_list_length(tr_build(tr_cons(1, 2)), &n));
    CHECK_TERM(tr_head(tr_tail(list)), tr_build(a_x));
    n = 0;
    for (tr_term rest = list; tr_list_next(&rest, &item);)
        n++;
    CHECK_INT(n, 3);
    CHECK_INT(tr_tuple_size(tr_tuple_from_array(NULL, 0)), 0);
}

TEST(binaries_share_their_bytes)
{
    char data[1000];
    tr_bin whole, part;
    size_t nbits;

    memset(data, 7, sizeof(data));
    tr_term t = tr_binary(data, sizeof(data));
    CHECK(tr_binary_get(t, &whole));
    CHECK(tr_binary_get(tr_sub_binary(t, 100, 200), &part));
    CHECK(part.data == (const char *)whole.data + 100);
    tr_term bits = tr_bitstring("\xff\xff", 11);
    CHECK_STR(tr_inspect(bits), "<<255,7:3>>");
    CHECK(!tr_binary_get(bits, &part) && tr_bitstring_get(bits, &part, &nbits));
    CHECK_INT(nbits, 11);
    CHECK_INT(part.size, 2);
}

TEST(a_kept_term_outlives_its_scope)
{
    char data[100] = "";
    tr_term kept, immediate;

    tr_scope
    {
        kept = tr_keep(tr_build(a_x, tr_list(1, 2, 3), tr_binary(data, sizeof(data))));
        immediate = tr_keep(tr_build(5));
    }
    tr_scope
    {
        tr_build(a_y, a_y, a_y, tr_list(7, 8, 9));
    }
    int64_t n;
    CHECK(tr_match(kept, a_x, tr_list(1, 2, &n), tr_any()) && n == 3);
    CHECK_INT(tr__heap_current()->kept != NULL, 1);
    tr_release(kept);
    tr_release(immediate);
    CHECK(tr__heap_current()->kept == NULL);
    kept = tr_keep(tr_build(tr_list(1)));
    tr_release(kept);
    CHECK(tr__heap_current()->kept == NULL);
}

static int leave_scope_by_return(void)
{
    tr_scope
    {
        tr_scope
        {
            tr_build(tr_list(1, 2, 3));
            return 1;
        }
    }
    return 0;
}

TEST(a_scope_frees_however_it_is_left)
{
    tr_build(1, 2);
    size_t used = tr__heap_used(tr__heap_current());

    CHECK_INT(leave_scope_by_return(), 1);
    CHECK_INT(tr__heap_used(tr__heap_current()), used);
    for (int i = 0; i < 3; i++)
        tr_scope
        {
            for (int k = 0; k < 10000; k++)
                tr_build(1, 2, 3);
            if (i == 1)
                break;
        }
    CHECK_INT(tr__heap_used(tr__heap_current()), used);
}

TEST(arguments_are_built_into_exactly_their_size)
{
    uint64_t block[256], *out = block;
    struct tr_counted *list = NULL;
    char data[100] = "";
    struct tr_arg args[] = { TR_ARG(a_x),
                             TR_ARG(tr_build(a_y, tr_list(1, 2), tr_binary(data, 100))),
                             TR_ARG(tr_map(1, "b", 1, UINT64_MAX)), TR_ARG(1.5), TR_ARG("text") };
    size_t n = tr__args_size(args, 5);

    CHECK(n < 256);
    tr_term t = tr__args_build(&out, &list, args, 5);
    CHECK_INT(out - block, n);
    CHECK(list != NULL && list->next == NULL);
    CHECK_TERM(t, tr_build_args(args, 5));
    tr__counted_release(list);
}

TEST(a_shared_term_is_copied_once)
{
    uint64_t block[16], *out = block;
    struct tr_counted *list = NULL;
    char data[100] = "";
    struct tr_shared *share = tr__share(tr_build(a_x, tr_binary(data, 100)));
    struct tr_arg args[] = { TR_ARG(a_EXIT), tr__arg_shared(share) };

    CHECK_INT(tr__args_size(args, 2), 3 + TR__COUNTED_WORDS);
    tr_term t = tr__args_build(&out, &list, args, 2);
    tr__shared_release(share);
    CHECK_TERM(tr_element(tr_element(t, 1), 0), tr_build(a_x));
    CHECK_TERM(tr_element(tr_copy(t), 1), tr_element(t, 1));
    tr__counted_release(list);
}

static void *build_and_end(void *unused)
{
    (void)unused;
    tr_keep(tr_build(a_x, tr_list(1, 2, 3)));
    for (int i = 0; i < 1000; i++)
        tr_build(a_x, "more", i);
    return NULL;
}

TEST(a_thread_takes_its_heap_with_it)
{
    pthread_t thread;

    CHECK(pthread_create(&thread, NULL, build_and_end, NULL) == 0);
    CHECK(pthread_join(thread, NULL) == 0);
}
