/* SPDX-License-Identifier: MIT */
/* Raising: to the hook, or to the end of the program. */
#include "term/raise.h"

#include "term/atom_table.h"
#include "term/term.h"

#include <stdlib.h>

static void (*raise_hook)(tr_term reason);

void tr__raise_set_hook(void (*hook)(tr_term reason))
{
    raise_hook = hook;
}

_Noreturn void tr__raise(tr_term reason)
{
    char text[1024];

    if (raise_hook)
        raise_hook(reason);
    tr_print_to(text, sizeof(text), reason);
    fprintf(stderr, "troupe: error outside a process: %s\n", text);
    abort();
}

_Noreturn void tr__raise_badarg(tr_term what)
{
    tr__raise(tr_build(TR_ATOM(badarg), what.w ? what : TR_ATOM_TERM(undefined)));
}

_Noreturn void tr__raise_oom(void)
{
    tr__raise(TR_ATOM_TERM(out_of_memory));
}

_Noreturn void tr__raise_limit(void)
{
    tr__raise(TR_ATOM_TERM(system_limit));
}
