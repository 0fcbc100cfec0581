/* SPDX-License-Identifier: MIT */
/* Counted objects: the two functions that let go of them. */
#include "mem/counted.h"

void tr__shared_release(struct tr_shared *shared)
{
    /* Release by those who let go before pairs with acquire by the last: it sees their last use. */
    if (atomic_fetch_sub_explicit(&shared->refs, 1, memory_order_acq_rel) == 1)
        shared->destroy(shared);
}

void tr__counted_release_until(struct tr_counted *list, const struct tr_counted *end)
{
    while (list != end) {
        struct tr_counted *next = list->next;
        tr__shared_release(list->shared);
        list = next;
    }
}
