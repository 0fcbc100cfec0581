/* SPDX-License-Identifier: MIT */
/* The atom table and its bounds. */
#include "check.h"
#include "term/atom_table.h"
#include "term/raise.h"

#include <pthread.h>
#include <setjmp.h>
#include <stdlib.h>

TEST(the_known_atoms_have_their_names)
{
    CHECK_STR(tr_atom_name(TR_ATOM(false), NULL), "false");
    CHECK_STR(tr_atom_name(TR_ATOM(true), NULL), "true");
    CHECK_STR(tr_atom_name(TR_ATOM(dollar_gen_call), NULL), "$gen_call");
    CHECK_INT(tr_intern("EXIT").w, TR_ATOM_W(EXIT));
    CHECK_INT(tr_intern("normal").w, TR_ATOM_W(normal));
}

TEST(an_atom_has_at_most_255_characters)
{
    char text[1024] = "";
    tr_atom atom = { 0 };
    size_t size;

    for (int i = 0; i < 256; i++)
        strcat(text, "\xce\xbb");
    CHECK_INT(tr_try_intern(text, 512, &atom), TR_EINVAL);
    CHECK_INT(atom.w, 0);
    CHECK_INT(tr_try_intern(text, 510, &atom), TR_OK);
    CHECK(strlen(tr_atom_name(atom, &size)) == 510 && size == 510);
    CHECK_INT(tr_try_intern("\xff", 1, &atom), TR_EINVAL);
    CHECK_INT(tr_try_intern(NULL, 0, &atom), TR_EINVAL);
    CHECK_INT(tr_find_atom("an atom that nobody made", 24, &atom), TR_ENOTFOUND);
    CHECK_INT(tr_find_atom("normal", 6, &atom), TR_OK);
}

static jmp_buf caught;
static tr_term reason;

static void catch_raise(tr_term why)
{
    reason = why;
    longjmp(caught, 1);
}

TEST(a_full_table_says_so)
{
    char text[32];
    tr_atom atom = { 0 };

    CHECK_INT(tr_atom_set_limit(20000000), TR_EINVAL);
    CHECK_INT(tr_atom_set_limit(1), TR_EINVAL);
    CHECK_INT(tr_atom_set_limit(5000), TR_OK);
    for (size_t i = tr_atom_count(); i < 5000; i++) {
        snprintf(text, sizeof(text), "atom number %zu", i);
        CHECK_INT(tr_try_intern(text, strlen(text), &atom), TR_OK);
        CHECK_STR(tr_atom_name(atom, NULL), text);
    }
    CHECK_INT(tr_try_intern("one too many", 12, &atom), TR_ELIMIT);
    CHECK_INT(tr_atom_count(), 5000);
    CHECK_INT(tr_try_intern("normal", 6, &atom), TR_OK);
    tr__raise_set_hook(catch_raise);
    if (!setjmp(caught)) {
        tr_intern("one too many");
        CHECK(false);
    }
    CHECK_TERM(reason, TR_ATOM_TERM(system_limit));
}

TEST(bad_texts_raise_badarg_with_the_text)
{
    static char text[300];

    memset(text, 'a', 299);
    tr__raise_set_hook(catch_raise);
    if (!setjmp(caught)) {
        tr_intern(text);
        CHECK(false);
    }
    CHECK(tr_match(reason, TR_ATOM(badarg), (const char *)text));
}

static void *intern_many(void *out)
{
    tr_atom *atoms = out;
    char text[32];

    for (int i = 0; i < 20000; i++) {
        int n = snprintf(text, sizeof(text), "shared %d", i);
        if (tr_try_intern(text, (size_t)n, &atoms[i]))
            abort();
        if (strcmp(tr_atom_name(atoms[i], NULL), text) != 0)
            abort();
    }
    return NULL;
}

TEST(threads_that_intern_the_same_text_get_the_same_atom)
{
    static tr_atom atoms[4][20000];
    pthread_t threads[4];

    for (int i = 0; i < 4; i++)
        CHECK(pthread_create(&threads[i], NULL, intern_many, atoms[i]) == 0);
    for (int i = 0; i < 4; i++)
        CHECK(pthread_join(threads[i], NULL) == 0);
    for (int i = 1; i < 4; i++)
        CHECK(memcmp(atoms[0], atoms[i], sizeof(atoms[0])) == 0);
}
