/* SPDX-License-Identifier: MIT */
/* Many processes sending to many, each pair's messages counted and in order. */

#include "load.h"

tr_atoms(number, peers, stop);

enum { PEERS = 24 };

struct peer {
    int me;
    uint64_t seed;
    tr_pid pids[PEERS];
    int64_t sent[PEERS], got[PEERS];
    int stopped; /* how many of the others have said that they send no more */
};

static const char long_text[] = "a text of more than sixty-four bytes, so that it is counted and "
                                "shared between the messages that hold it";

static void take(struct peer *p, int from, int64_t n)
{
    CHECK_INT(n, p->got[from]);
    p->got[from]++;
}

/* Takes what is there, at most so many; waits for the first when told to. */
static void take_some(struct peer *p, int most, int64_t wait_ms)
{
    int from;
    int64_t n;
    bool empty = false;

    for (int i = 0; i < most && !empty; i++) {
        tr_receive (m) {
            tr_on (m, a_number, &from, &n)
                take(p, from, n);
            tr_on (m, a_number, &from, &n, long_text)
                take(p, from, n);
            tr_on (m, a_number, &from, &n, tr_list(&n, tr_map(a_number, 1)))
                take(p, from, n);
            tr_on (m, a_stop, &from, &n) {
                CHECK_INT(n, p->got[from]);
                p->stopped++;
            }
            tr_after (m, i ? 0 : wait_ms)
                empty = true;
        }
    }
}

static void send_one(struct peer *p)
{
    int to = load_below(&p->seed, PEERS);
    int64_t n = p->sent[to]++;

    switch (load_below(&p->seed, 3)) {
    case 0:
        tr_send(p->pids[to], a_number, p->me, n);
        return;
    case 1:
        tr_send(p->pids[to], a_number, p->me, n, long_text);
        return;
    default:
        tr_send(p->pids[to], a_number, p->me, n, tr_list(n, tr_map(a_number, 1)));
    }
}

static void be_peer(tr_term arg)
{
    struct peer *p = tr_alloc(sizeof *p);
    int64_t end;
    tr_pid boss;
    tr_term list, item;

    CHECK(tr_match(arg, &boss, &p->me, &end));
    p->seed = (uint64_t)p->me + 12345;
    tr_receive (m) {
        tr_on (m, a_peers, &list) {
            for (int i = 0; i < PEERS && tr_list_next(&list, &item); i++)
                CHECK(tr_match(item, &p->pids[i]));
        }
    }
    while (check_now_ms() < end) {
        for (int i = load_below(&p->seed, 50); i > 0; i--)
            send_one(p);
        take_some(p, 1 << 20, load_below(&p->seed, 2));
        if (load_below(&p->seed, 4) == 0)
            tr_yield();
    }
    for (int i = 0; i < PEERS; i++)
        tr_send(p->pids[i], a_stop, p->me, p->sent[i]);
    while (p->stopped < PEERS)
        take_some(p, 1000, TR_INFINITY);
    tr_send(boss, a_done, p->me);
}

TEST_PROC_REAL(stress_every_pair_of_many_keeps_its_order)
{
    FACT("MSG-003", "between any two of many processes all messages arrive, in order, under load");
    int64_t end = load_end_ms(), before = tr_process_count();
    tr_pid pids[PEERS];
    tr_term list = tr_nil();

    for (int i = 0; i < PEERS; i++)
        pids[i] = tr_spawn(be_peer, tr_self(), i, end);
    for (int i = PEERS - 1; i >= 0; i--)
        list = tr_list_push(list, tr_build(pids[i]));
    for (int i = 0; i < PEERS; i++)
        tr_send(pids[i], a_peers, list);
    int64_t limit = check_now_ms() + (end - check_now_ms()) + patience(30000);
    for (int i = 0; i < PEERS; i++) {
        tr_receive (m) {
            tr_on (m, a_done, tr_any()) {
            }
            tr_after (m, limit - check_now_ms())
                CHECK(false);
        }
    }
    CHECK_PROCESS_COUNT(before);
}

static void flood(tr_term arg)
{
    tr_pid to;
    int64_t me, n;

    CHECK(tr_match(arg, &to, &me, &n));
    for (int64_t i = 0; i < n; i++)
        tr_send(to, a_number, me, i);
    tr_send(to, a_done, me);
}

TEST_PROC_REAL(stress_one_receiver_takes_from_many_floods)
{
    enum { SENDERS = 64 };
    int64_t end = load_end_ms(), got[SENDERS], from, n;

    while (check_now_ms() < end) {
        int ended = 0;
        memset(got, 0, sizeof got);
        for (int i = 0; i < SENDERS; i++)
            tr_spawn(flood, tr_self(), (int64_t)i, (int64_t)1000);
        while (ended < SENDERS) {
            tr_receive (m) {
                tr_on (m, a_number, &from, &n) {
                    CHECK_INT(n, got[from]);
                    got[from]++;
                }
                tr_on (m, a_done, &from) {
                    CHECK_INT(got[from], 1000);
                    ended++;
                }
                tr_after (m, patience(10000))
                    CHECK(false);
            }
        }
        CHECK_NO_MESSAGE();
    }
}
