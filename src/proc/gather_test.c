/* SPDX-License-Identifier: MIT */
/* Workers that rest while processes talk: nothing is lost, and nobody waits for one of them. */
#include "check_proc.h"
#include "sched/worker.h"

#include <stdatomic.h>
#include <stdlib.h>

tr_atoms(number, done, more, tick, normal);

enum { SENDERS = 8, EACH = 500 };

__attribute__((constructor)) static void four_schedulers(void)
{
    setenv("TROUPE_SCHEDULERS", "4", 1);
}

static bool some_rest(void)
{
    return atomic_load(&tr__sched.some_rest);
}

/* EACH messages at a time, in order, until it is told that there is nobody any more. */
static void send_numbers(tr_term arg)
{
    tr_pid to;
    int64_t me;

    CHECK(tr_match(arg, &to, &me));
    for (int64_t n = 0;; n += EACH) {
        for (int64_t i = n; i < n + EACH; i++)
            tr_send(to, a_number, me, i);
        tr_receive (m) {
            tr_on (m, a_more) {
            }
            tr_on (m, a_done)
                tr_exit(tr_build(a_normal));
        }
    }
}

/* A sanitizer or an emulator may make messages so slow that nobody rests. */
#if defined(TR__SANITIZED) || defined(CHECK_EMULATED)
enum { SLOW = true, WAIT_MS = 2000 };
#else
enum { SLOW = false, WAIT_MS = 20000 };
#endif

/* Takes what they send until workers have begun to rest and come back `times` times. */
static void take_numbers(const tr_pid *senders, int times)
{
    int64_t got[SENDERS] = { 0 }, from, n;
    int64_t end = check_now_ms() + WAIT_MS;
    bool rest = false;

    while (times > 0 && check_now_ms() < end) {
        for (int i = 0; i < EACH; i++) {
            tr_receive (m) {
                tr_on (m, a_number, &from, &n) {
                    CHECK_INT(n, got[from]);
                    if (++got[from] % EACH == 0)
                        tr_send(senders[from], a_more);
                }
                tr_after (m, 10000)
                    CHECK(false);
            }
        }
        if (rest && !some_rest())
            times--;
        rest = some_rest();
    }
    if (!SLOW)
        CHECK_INT(times, 0);
}

TEST_PROC_REAL(messages_keep_their_order_while_workers_begin_and_cease_to_rest)
{
    tr_pid senders[SENDERS];
    int64_t before = tr_process_count();

    for (int i = 0; i < SENDERS; i++)
        senders[i] = tr_spawn(send_numbers, tr_self(), (int64_t)i);
    take_numbers(senders, 3);
    for (int i = 0; i < SENDERS; i++)
        tr_send(senders[i], a_done);
    CHECK_WITHIN(10000, tr_process_count() == before);
}

TEST_PROC_REAL(timers_go_on_while_workers_begin_and_cease_to_rest)
{
    tr_pid senders[SENDERS];
    int64_t before = tr_process_count();
    int ticks = 0;

    tr_ref timer = tr_send_interval(1, tr_self(), a_tick);
    for (int i = 0; i < SENDERS; i++)
        senders[i] = tr_spawn(send_numbers, tr_self(), (int64_t)i);
    take_numbers(senders, 1);
    while (ticks < 20)
        tr_receive (m) {
            tr_on (m, a_tick)
                ticks++;
            tr_after (m, 10000)
                CHECK(false);
        }
    tr_cancel_timer_async(timer);
    for (int i = 0; i < SENDERS; i++)
        tr_send(senders[i], a_done);
    CHECK_WITHIN(10000, tr_process_count() == before);
}
