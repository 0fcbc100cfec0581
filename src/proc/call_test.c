/* SPDX-License-Identifier: MIT */
/* Asking a process something while others send to it. */
#include "check_proc.h"

tr_atoms(messages, number, more);

static void ask(tr_term arg)
{
    tr_pid pid;
    tr_term value;

    CHECK(tr_match(arg, &pid));
    while (tr_process_info(pid, a_messages, &value))
        ;
}

/* Few on their way at a time, so that the answers stay small. */
static void send_numbers(tr_term arg)
{
    int64_t rounds = 0;
    tr_pid pid;

    CHECK(tr_match(arg, &pid, &rounds));
    for (int64_t n = 0; n < rounds * 50; n++) {
        tr_send(pid, a_number, n);
        if (n % 50 != 49)
            continue;
        tr_receive (m)
            tr_on (m, a_more) {
            }
    }
}

TEST_PROC(a_question_does_not_change_the_order_of_messages)
{
    int64_t rounds = check_rounds((int)check_env("TR_ROUNDS", 1000));
    tr_pid sender = tr_spawn(send_numbers, tr_self(), rounds);

    tr_spawn(ask, tr_self());
    tr_spawn(ask, tr_self());
    for (int64_t expected = 0; expected < rounds * 50; expected++) {
        tr_receive (m) {
            int64_t n;
            tr_on (m, a_number, &n)
                CHECK_INT(n, expected);
        }
        if (expected % 50 == 49)
            tr_send(sender, a_more);
    }
}
