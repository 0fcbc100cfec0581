/* SPDX-License-Identifier: MIT */
/* Counted objects: the two functions that let go of them. */
#include "mem/counted.h"

void tr__shared_release(struct tr_shared *shared)
{
    /* Release pairs with the acquire below: whoever frees sees the last use of all the others. */
    if (atomic_fetch_sub_explicit(&shared->refs, 1, memory_order_release) != 1)
        return;
    atomic_thread_fence(memory_order_acquire);
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
