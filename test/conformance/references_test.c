/* SPDX-License-Identifier: MIT */
/* References: each is new, and a receive by one does not look at what is older. */
#include "conformance/puppet.h"

#include <stdlib.h>

tr_atoms(noise, wanted, answer);

/* How often a clause has been tried. */
static int nlooks;

static tr_atom looked_for(tr_atom name)
{
    nlooks++;
    return name;
}

static void answer(tr_term arg)
{
    tr_pid from;
    tr_ref ref;

    (void)arg;
    for (;;)
        tr_receive (m)
            tr_on (m, a_wanted, &from, &ref)
                tr_send(from, a_answer, ref);
}

static int64_t time_calls(tr_pid pid, int n)
{
    int64_t start = tr_monotonic_ns();

    for (int i = 0; i < n; i++) {
        tr_ref ref = tr_monitor(pid);
        tr_send(pid, a_wanted, tr_self(), ref);
        tr_receive_ref(m, ref)
        {
            tr_on (m, looked_for(a_answer), ref) {
            }
            tr_on (m, a_DOWN, ref, tr_any(), tr_any(), tr_any())
                CHECK(false);
        }
        CHECK(tr_demonitor_flush(ref));
    }
    return tr_monotonic_ns() - start;
}

TEST_PROC(receive_by_reference_does_not_look_at_older_messages)
{
    const int older = check_rounds(100000);
    enum { CALLS = 1000 };
    tr_pid pid = tr_spawn(answer);

    time_calls(pid, CALLS);
    int64_t none = time_calls(pid, CALLS);
    for (int i = 0; i < older; i++)
        tr_send(tr_self(), a_noise, i);
    CHECK_INT(tr_mailbox_length(), older);
    nlooks = 0;
    int64_t full = time_calls(pid, CALLS);
    CHECK_INT(nlooks, CALLS);
    /* Looking at all of them would take hundreds of times as long; a busy machine takes some. */
    CHECK(full < 20 * none + 100000000);
    CHECK_INT(tr_mailbox_length(), older);
    for (int i = 0; i < older; i++)
        tr_receive (m)
            tr_on (m, a_noise, i) {
            }
}

TEST_PROC(receive_by_an_older_reference_finds_its_message_all_the_same)
{
    tr_ref refs[10];

    for (int i = 0; i < 10; i++) {
        refs[i] = tr_make_ref();
        tr_send(tr_self(), a_answer, refs[i]);
        tr_send(tr_self(), a_noise);
    }
    for (int i = 0; i < 10; i++)
        tr_receive_ref(m, refs[i]) tr_on (m, a_answer, refs[i])
        {
        }
    for (int i = 0; i < 10; i++)
        CHECK_NEXT(a_noise);
    tr_receive_ref(m, tr_make_ref())
    {
        tr_on (m, tr_any())
            CHECK(false);
        tr_after (m, 10) {
        }
    }
}

static int compare_words(const void *a, const void *b)
{
    uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

    return (x > y) - (x < y);
}

enum { MAKERS = 8, MADE = 10000 };

/* References of all kinds. */
static void make_references(tr_term arg)
{
    uint64_t *refs;
    uint64_t address;
    tr_pid to;

    CHECK(tr_match(arg, &to, &address));
    refs = (uint64_t *)(uintptr_t)address;
    for (int i = 0; i < MADE; i += 4) {
        refs[i] = tr_make_ref().w;
        refs[i + 1] = tr_monitor(to).w;
        refs[i + 2] = tr_alias().w;
        refs[i + 3] = tr_send_after(0, to, a_noise).w;
        tr_demonitor((tr_ref){ refs[i + 1] });
        tr_unalias((tr_ref){ refs[i + 2] });
    }
    tr_send(to, a_done);
}

TEST_PROC(references_are_never_made_twice)
{
    uint64_t *refs = tr_alloc(MAKERS * MADE * sizeof *refs);

    for (int i = 0; i < MAKERS; i++)
        tr_spawn(make_references, tr_self(), (uint64_t)(uintptr_t)(refs + i * MADE));
    for (int i = 0; i < MAKERS; i++)
        tr_receive (m)
            tr_on (m, a_done) {
            }
    qsort(refs, MAKERS * MADE, sizeof *refs, compare_words);
    CHECK(refs[0] != 0);
    for (int i = 1; i < MAKERS * MADE; i++)
        CHECK(refs[i] != refs[i - 1]);
}
