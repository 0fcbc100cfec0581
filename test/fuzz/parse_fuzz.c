/* SPDX-License-Identifier: MIT */
/* Any bytes through tr_parse: an error with a place inside the text, or a term that survives
 * printing. */
#include "troupe/term.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool condition)
{
    if (!condition)
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    tr_scope
    {
        tr_term term = { 0 }, back = { 0 };
        size_t at = 0;
        if (tr_parse((const char *)data, size, &term, &at)) {
            require(term.w == 0 && at <= size);
            break;
        }
        char *text = tr_inspect(term);
        require(tr_parse(text, strlen(text), &back, &at) == TR_OK);
        require(tr_equal(term, back) && tr_compare_exact(term, back) == 0);
        require(tr_hash(term) == tr_hash(back) && tr_equal(tr_copy(term), back));
    }
    return 0;
}
