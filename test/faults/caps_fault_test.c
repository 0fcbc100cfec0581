/* SPDX-License-Identifier: MIT */
/* Caps, with each allocation around them failing in turn. */
#include "faults.h"

tr_atoms(item);

static void take_until_stopped(tr_term arg)
{
    (void)arg;
    for (bool more = true; more;) {
        tr_receive (m) {
            tr_on (m, a_item, tr_any()) {
            }
            tr_on (m, a_stop)
                more = false;
        }
    }
}

static void wait_for_stop(tr_term arg)
{
    (void)arg;
    tr_receive (m)
        tr_on (m, a_stop) {
        }
}

FAULT_TEST(spawn_with_caps)
{
    const struct tr_spawn_opts opts = { .max_memory = 1 << 20, .max_mailbox = 5, .link = true };
    tr_pid pid;

    arm();
    if (tr_try_spawn(&pid, wait_for_stop, &opts, "text"))
        return false;
    tr_send(pid, a_stop);
    return true;
}

FAULT_TEST(set_caps)
{
    arm();
    tr_set_max_memory(1 << 20);
    tr_set_max_mailbox(5, TR_MAILBOX_DROP_OLDEST);
    tr_set_max_reductions(1000000);
    CHECK_INT(tr_set_max_mailbox(0, TR_MAILBOX_WAIT), 5);
    return true;
}

FAULT_TEST(wait_for_room_in_a_mailbox)
{
    const struct tr_spawn_opts opts = { .max_mailbox = 1 };
    tr_pid pid = tr_spawn_opt(take_until_stopped, &opts);

    arm();
    for (int i = 0; i < 4; i++)
        tr_send(pid, a_item, i);
    tr_send(pid, a_stop);
    return true;
}

/* Without memory for the reason it lives until it is sent one more. */
FAULT_TEST(end_by_a_full_mailbox)
{
    const struct tr_spawn_opts opts = { .max_mailbox = 1, .mailbox_policy = TR_MAILBOX_EXIT };
    tr_pid pid = tr_spawn_opt(wait_for_stop, &opts);

    arm();
    while (tr_is_alive(pid)) {
        tr_send(pid, a_item, 1);
        tr_sleep(1);
    }
    return true;
}
