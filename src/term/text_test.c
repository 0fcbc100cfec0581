/* SPDX-License-Identifier: MIT */
/* Terms as text and back. */
#include "base/compiler.h"
#include "check.h"
#include "mem/heap.h"
#include "term/term.h"

#include <limits.h>
#include <locale.h>
#include <pthread.h>
#include <stdlib.h>

static tr_term parsed(const char *text)
{
    tr_term term = { 0 };
    size_t at = 0;
    tr_err err = tr_parse(text, strlen(text), &term, &at);

    if (err)
        check_fail(__FILE__, __LINE__, "%s at byte %zu of %s", tr_strerror(err), at, text);
    return term;
}

/* Texts that Erlang prints exactly so. */
static const char *const same[] = {
    "1",
    "-5",
    "1152921504606846975",
    "1152921504606846976",
    "-1152921504606846976",
    "-1152921504606846977",
    "18446744073709551616",
    "-100000000000000000000000000000000000000000000000000000001",
    "1.0",
    "-0.0",
    "0.0",
    "1.0e22",
    "0.001",
    "0.0001",
    "1.0e5",
    "100.0",
    "123456.0",
    "1.0e21",
    "9.007199254740992e15",
    "9.007199254740993e18",
    "0.1",
    "0.30000000000000004",
    "1.5e-7",
    "5.0e-324",
    "1.7976931348623157e308",
    "1.2345678901234568e17",
    "ok",
    "'A b'",
    "a@b",
    "'it\\nx'",
    "'q\\\\'",
    "'and'",
    "maybe",
    "'_x'",
    "''",
    "'a.b'",
    "'[]'",
    "'1'",
    "aB_1",
    "'don\\'t'",
    "[]",
    "{}",
    "#{}",
    "[1,2,3]",
    "[1|2]",
    "[a,b|c]",
    "[[],[[]]]",
    "{a,{b,{c}}}",
    "\"text\"",
    "\"a\\\"b\\\\\\n\\t\\e\"",
    "[0]",
    "[127]",
    "[97|b]",
    "<<>>",
    "<<\"text\">>",
    "<<\"a\\\"b\\\\\">>",
    "<<\"a\\n\">>",
    "<<0>>",
    "<<97,0>>",
    "<<5:3>>",
    "<<1,2,3:5>>",
    "<<255,254>>",
    "#{2 => y,1.5 => x,a => 2,b => 1}",
    "<0.5.7>",
    "<0.16777215.137438953471>",
    "#Ref<0.5.7.9>",
    "#Ref<0.16777215.63.4294967295>",
};

TEST(terms_print_as_erlang_prints_them)
{
    for (size_t i = 0; i < sizeof(same) / sizeof(*same); i++)
        CHECK_STR(tr_inspect(parsed(same[i])), same[i]);
}

TEST(the_parser_reads_all_notations)
{
    CHECK_STR(tr_inspect(parsed(" { a , % comment\n 'b' } . ")), "{a,b}");
    CHECK_STR(tr_inspect(parsed("16#fF")), "255");
    CHECK_STR(tr_inspect(parsed("-2#101")), "-5");
    CHECK_STR(tr_inspect(parsed("[$a,$\\n,$\\x{41}]")), "\"a\\nA\"");
    CHECK_STR(tr_inspect(parsed("<<1,2:2,3>>")), "<<1,128,3:2>>");
    CHECK_STR(tr_inspect(parsed("<<\"ab\",3:16>>")), "<<97,98,0,3>>");
    CHECK_STR(tr_inspect(parsed("<<-1>>")), "<<255>>");
    CHECK_STR(tr_inspect(parsed("\"\\101\\s\\x41\"")), "\"A A\"");
    CHECK_STR(tr_inspect(parsed("#{a=>1,a=>2}")), "#{a => 2}");
    CHECK_STR(tr_inspect(parsed("1.5E+3")), "1.5e3");
    CHECK_STR(tr_inspect(parsed("+7")), "7");
    CHECK_STR(tr_inspect(parsed("<<\"\xce\xbb\"/utf8>>")), "<<\"\xce\xbb\"/utf8>>");
    CHECK_STR(tr_inspect(parsed("'\xce\xbb'")), "'\xce\xbb'");
    CHECK_STR(tr_inspect(parsed("\xc3\xa9")), "\xc3\xa9");
}

TEST(bad_text_is_an_error_with_a_place)
{
    static const struct {
        const char *text;
        size_t at;
    } bad[] = {
        { "", 0 },        { "{a", 2 },
        { "[a,]", 3 },    { "[a|b,c]", 4 },
        { "{a b}", 3 },   { "#{a}", 3 },
        { "#{a=>}", 5 },  { "Foo", 0 },
        { "_", 0 },       { "\"abc", 4 },
        { "'abc", 4 },    { "<<1", 3 },
        { "1 2", 2 },     { "<0.1>", 4 },
        { "<1.1.1>", 7 }, { "1.0e999", 7 },
        { "\xff", 0 },    { "\"\xff\"", 1 },
        { "37#1", 3 },    { "2#", 2 },
        { "[1|2|3]", 4 }, { "<<\"\xce\xbb\">>", 5 },
        { "$", 1 },       { "#Ref<0.1.2>", 10 },
        { "]", 0 },
    };
    tr_term term = { 77 };

    for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
        size_t at = 999;
        tr_err err = tr_parse(bad[i].text, strlen(bad[i].text), &term, &at);
        if (err != TR_ESYNTAX || at != bad[i].at)
            check_fail(__FILE__, __LINE__, "%s: %s at %zu", bad[i].text, tr_err_name(err), at);
    }
    CHECK_INT(term.w, 77);
    CHECK_INT(tr_parse("<0.16777216.0>", 14, &term, NULL), TR_ELIMIT);
}

TEST(limits_of_the_parser_are_errors)
{
    size_t size = 400000;
    char *digits = malloc(size);
    tr_term term;

    memset(digits, '9', size);
    CHECK_INT(tr_parse(digits, size, &term, NULL), TR_ELIMIT);
    CHECK_INT(tr_parse(digits, 300000, &term, NULL), TR_OK);
    CHECK_INT(tr_integer_from_text(digits, size, &term), TR_ELIMIT);
    memset(digits, 'a', size);
    CHECK_INT(tr_parse(digits, 255, &term, NULL), TR_OK);
    CHECK_INT(tr_parse(digits, 256, &term, NULL), TR_ELIMIT);
    free(digits);
}

TEST(floats_ignore_the_locale)
{
    if (!setlocale(LC_ALL, "de_DE.UTF-8"))
        SKIP("no such locale here");
    CHECK_STR(tr_inspect(parsed("1.5")), "1.5");
}

TEST(a_small_buffer_takes_what_fits)
{
    char text[6];

    CHECK_INT(tr_print_to(text, sizeof(text), parsed("{abc,def}")), 9);
    CHECK_STR(text, "{abc,");
    CHECK_INT(tr_print_to(NULL, 0, parsed("{abc,def}")), 9);
}

TEST(terms_print_to_files)
{
    char text[32] = "";
    FILE *file = tmpfile();

    CHECK(file && tr_print(file, parsed("{a,[1]}")) == TR_OK);
    rewind(file);
    CHECK(fgets(text, sizeof(text), file) != NULL);
    CHECK_STR(text, "{a,[1]}");
    fclose(file);
}

TEST(words_without_meaning_are_refused)
{
    tr_term term;

    CHECK_INT(tr_integer_from_text("", 0, &term), TR_ESYNTAX);
    CHECK_INT(tr_integer_from_text("-", 1, &term), TR_ESYNTAX);
    CHECK_INT(tr_integer_from_text("12x", 3, &term), TR_ESYNTAX);
    CHECK_INT(tr_integer_from_text("-12", 3, &term), TR_OK);
    CHECK_TERM(term, tr_build(-12));
}

/* --- depth: a stack of 64 KiB must do, whatever the term --- */

#ifdef TR__SANITIZED
enum { DEEP = 100000, LONG = 1000000, STACK = 256 * 1024 }; /* red zones need room, and all time */
#else
enum { DEEP = 1000000, LONG = 10000000, STACK = 64 * 1024 };
#endif

static tr_term nested(int depth)
{
    tr_term term = tr_build(1);

    for (int i = 0; i < depth; i++)
        term = i % 2 ? tr_build(term, 0) : tr_build(tr_list(term));
    return term;
}

static tr_term with_maps(int depth)
{
    tr_term term = tr_build(1);

    for (int i = 0; i < depth; i++)
        term = tr_build(tr_map(1, term, 2, 3));
    return term;
}

static void use(tr_term a, tr_term b)
{
    CHECK(tr_equal(a, b));
    CHECK_INT(tr_compare(a, b), 0);
    CHECK(tr_hash(a) == tr_hash(b));
    tr_term copy = tr_copy(a);
    CHECK(tr_equal(copy, b));
    char *text = tr_inspect(copy);
    CHECK(tr_equal(parsed(text), a));
    tr_release(tr_keep(a));
}

static void *deep_body(void *unused)
{
    (void)unused;
    tr_scope
    {
        use(nested(DEEP), nested(DEEP));
    }
    tr_scope
    {
        use(with_maps(DEEP), with_maps(DEEP));
    }
    tr_scope
    {
        tr_term list = tr_nil();
        for (int i = 0; i < LONG; i++)
            list = tr_list_push(list, tr_build(i));
        tr_term copy = tr_copy(list);
        CHECK(tr_equal(list, copy));
        CHECK_INT(tr_compare(list, copy), 0);
        CHECK(tr_hash(list) == tr_hash(copy));
        CHECK(tr_print_to(NULL, 0, list) > LONG);
    }
    return NULL;
}

TEST(deep_and_long_terms_need_no_deep_stack)
{
    pthread_attr_t attr;
    pthread_t thread;
    size_t stack = STACK;

    if (stack < (size_t)PTHREAD_STACK_MIN)
        stack = (size_t)PTHREAD_STACK_MIN; /* on arm64 twice as much */
    CHECK(pthread_attr_init(&attr) == 0 && pthread_attr_setstacksize(&attr, stack) == 0);
    CHECK(pthread_create(&thread, &attr, deep_body, NULL) == 0);
    CHECK(pthread_join(thread, NULL) == 0);
}
