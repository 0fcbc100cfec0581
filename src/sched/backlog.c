/* SPDX-License-Identifier: MIT */
/* What waits behind a ring: a list for each turn, in a circle that grows; and one for the others.
 */
#include "sched/backlog.h"

#include "base/fault.h"

#include <stdlib.h>

enum { FIRST_SIZE = 64, KEPT_SIZE = 1024 };

static struct tr_backlog_list *at(struct tr_backlog *b, uint32_t i)
{
    return &b->turns[(b->oldest + i) & (b->size - 1)];
}

static bool grow(struct tr_backlog *b)
{
    uint32_t size = b->size ? 2 * b->size : FIRST_SIZE;
    struct tr_backlog_list *turns = tr__fault() ? NULL : malloc(size * sizeof *turns);

    if (!turns)
        return false;
    for (uint32_t i = 0; i < b->n; i++)
        turns[i] = *at(b, i);
    free(b->turns);
    b->turns = turns;
    b->size = size;
    b->oldest = 0;
    return true;
}

/* Where a new one that came in this turn is put. */
static struct tr_backlog_list *list_of(struct tr_backlog *b, uint32_t turn)
{
    if (b->n > 0 && b->turn == turn)
        return at(b, b->n - 1);
    if (b->n == b->size && !grow(b))
        return b->n > 0 ? at(b, b->n - 1) : &b->others;
    b->turn = turn;
    b->n++;
    at(b, b->n - 1)->first = NULL;
    return at(b, b->n - 1);
}

void tr__backlog_push_new(struct tr_backlog *b, struct tr_runnable *r, uint32_t turn)
{
    struct tr_backlog_list *list = list_of(b, turn);

    tr__backlog_append(list, r);
    b->new_count += list != &b->others;
    tr__backlog_count_on(b, 1);
}

/* The circle is empty: what it was in its best days it need not stay. */
static void shrink(struct tr_backlog *b)
{
    free(b->turns);
    b->turns = NULL;
    b->size = 0;
}

/* From the list of a turn, which goes with its last one. */
static struct tr_runnable *take_at(struct tr_backlog *b, uint32_t i)
{
    struct tr_backlog_list *list = at(b, i);
    struct tr_runnable *r = list->first;

    list->first = r->next;
    b->new_count--;
    tr__backlog_count_on(b, (uint32_t)-1);
    if (list->first)
        return r;
    b->n--;
    if (i == 0)
        b->oldest++;
    if (b->n == 0 && b->size > KEPT_SIZE)
        shrink(b);
    return r;
}

struct tr_runnable *tr__backlog_pop_newest(struct tr_backlog *b)
{
    return b->n > 0 ? take_at(b, b->n - 1) : NULL;
}

struct tr_runnable *tr__backlog_pop_oldest(struct tr_backlog *b)
{
    return b->n > 0 ? take_at(b, 0) : NULL;
}

void tr__backlog_free(struct tr_backlog *b)
{
    shrink(b);
    *b = (struct tr_backlog){ 0 };
}
