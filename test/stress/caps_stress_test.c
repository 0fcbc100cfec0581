/* SPDX-License-Identifier: MIT */
/* Full mailboxes under load: order, counts, and nobody who waits for ever. */

#include "load.h"

tr_atoms(item);

enum { SENDERS = 8, MAX = 20 };

/* Sends numbers in order until it is killed or the receiver has had enough. */
static void send_numbers(tr_term arg)
{
    tr_pid to;
    int who;
    int64_t end;

    CHECK(tr_match(arg, &to, &who, &end));
    for (int64_t n = 0; check_now_ms() < end; n++)
        tr_send(to, a_item, who, n);
    tr_send(to, a_done, who);
}

/* Changes its mind about the cap now and then; what each sender sends comes in order, whole or,
   where messages may be dropped, with gaps. */
static void receive_numbers(tr_term arg)
{
    int64_t next[SENDERS] = { 0 };
    int64_t end;
    uint64_t seed = 77;
    bool may_lose;

    CHECK(tr_match(arg, &end, &may_lose));
    for (int i = 0; i < SENDERS; i++)
        tr_spawn(send_numbers, tr_self(), i, end);
    for (int done = 0; done < SENDERS;) {
        if (load_below(&seed, 50) == 0)
            tr_set_max_mailbox(1 + (uint32_t)load_below(&seed, MAX),
                               may_lose ? (enum tr_mailbox_policy)load_below(&seed, 3)
                                        : TR_MAILBOX_WAIT);
        tr_receive (m) {
            int who;
            int64_t n;
            tr_on (m, a_item, &who, &n) {
                CHECK(n >= next[who] && (may_lose || n == next[who]));
                next[who] = n + 1;
            }
            tr_on (m, a_done, tr_any())
                done++;
            tr_after (m, end - check_now_ms() + patience(1000)) {
                /* The last words of a sender may have been dropped. */
                CHECK(may_lose);
                done = SENDERS;
            }
        }
    }
}

static void check_numbers(bool may_lose)
{
    int64_t before = tr_process_count();
    tr_ref ref;

    tr_spawn_monitor(receive_numbers, &ref, load_end_ms(), may_lose);
    tr_receive (m) {
        tr_term reason;
        tr_on (m, a_DOWN, ref, a_process, tr_any(), &reason)
            CHECK_TERM(reason, tr_build(a_normal));
    }
    CHECK_PROCESS_COUNT(before);
}

TEST_PROC_REAL(stress_waiting_senders_keep_order_and_lose_nothing)
{
    check_numbers(false);
}

TEST_PROC_REAL(stress_dropped_messages_leave_the_rest_in_order)
{
    check_numbers(true);
}

static void send_round(tr_term arg)
{
    tr_term pids, pid;

    CHECK(tr_match(arg, &pids));
    for (;;)
        for (tr_term rest = pids; tr_list_next(&rest, &pid);)
            tr_send(pid, a_item, "text");
}

static void take_slowly(tr_term arg)
{
    (void)arg;
    for (;;) {
        tr_receive (m) {
            tr_on (m, a_item, tr_any())
                tr_yield();
        }
    }
}

/* Receivers and senders are killed while the ones wait for the others. */
TEST_PROC_REAL(stress_kills_around_full_mailboxes)
{
    int64_t end = load_end_ms(), before = tr_process_count();
    uint64_t seed = 5;
    tr_pid to[4], from[SENDERS];
    const struct tr_spawn_opts opts = { .max_mailbox = 3, .max_memory = 1 << 20 };

    do {
        tr_term list = tr_nil();
        for (int i = 0; i < 4; i++) {
            to[i] = tr_spawn_opt(take_slowly, &opts);
            list = tr_list_push(list, tr_build(to[i]));
        }
        for (int i = 0; i < SENDERS; i++)
            from[i] = tr_spawn(send_round, list);
        for (int i = 0; i < 6; i++) {
            tr_sleep(load_below(&seed, 3));
            tr_exit_to(load_below(&seed, 2) ? to[load_below(&seed, 4)]
                                            : from[load_below(&seed, SENDERS)],
                       a_kill);
        }
        for (int i = 0; i < SENDERS; i++)
            tr_exit_to(from[i], a_kill);
        for (int i = 0; i < 4; i++)
            tr_exit_to(to[i], a_kill);
        CHECK_PROCESS_COUNT(before);
    } while (check_now_ms() < end);
}
