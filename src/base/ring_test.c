/* SPDX-License-Identifier: MIT */
/* Rings, the lock, and injected failures. */
#include "base/ring.h"

#include "base/fault.h"
#include "base/spin.h"
#include "check.h"

#include <pthread.h>

static int length(const struct tr_ring *head)
{
    int n = 0;

    for (const struct tr_ring *x = head->next; x != head; x = x->next, n++)
        CHECK(x->next->prev == x && x->prev->next == x);
    return n;
}

TEST(a_ring_loses_and_gains_elements)
{
    struct tr_ring head, other, x[4];

    tr__ring_init(&head);
    CHECK(tr__ring_alone(&head));
    for (int i = 0; i < 4; i++) {
        tr__ring_init(&x[i]);
        tr__ring_append(&head, &x[i]);
    }
    CHECK_INT(length(&head), 4);
    CHECK(head.next == &x[0] && head.prev == &x[3]);
    tr__ring_remove(&x[1]);
    tr__ring_remove(&x[1]);
    CHECK(tr__ring_alone(&x[1]));
    CHECK_INT(length(&head), 3);
    tr__ring_move(&head, &other);
    CHECK(tr__ring_alone(&head));
    CHECK_INT(length(&other), 3);
    tr__ring_move(&head, &other);
    CHECK(tr__ring_alone(&other));
}

static struct tr_spin lock;
static int64_t guarded;

static void *count(void *unused)
{
    (void)unused;
    for (int i = 0; i < 20000; i++) {
        tr__spin_lock(&lock);
        guarded++;
        tr__spin_unlock(&lock);
    }
    return NULL;
}

TEST(one_thread_at_a_time_holds_a_lock)
{
    pthread_t threads[3];

    for (int i = 0; i < 3; i++)
        pthread_create(&threads[i], NULL, count, NULL);
    for (int i = 0; i < 3; i++)
        pthread_join(threads[i], NULL);
    CHECK_INT(guarded, 60000);
    CHECK(tr__spin_try(&lock));
    CHECK(!tr__spin_try(&lock));
    tr__spin_unlock(&lock);
}

TEST(the_nth_point_fails_and_no_other)
{
    tr__fault_arm(3);
    for (int i = 1; i <= 5; i++)
        CHECK_INT(tr__fault_hit(), i == 3);
    CHECK_INT(tr__fault_count(), 5);
    tr__fault_arm(0);
    CHECK(!tr__fault_hit());
}
