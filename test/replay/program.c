/* SPDX-License-Identifier: MIT */
/* A bit of everything, for replay_test.c: prints what depends on the order of events. */
#include <stdio.h>
#include <stdlib.h>
#include <troupe.h>

tr_atoms(ball, over, tick, result, DOWN, process);

enum { PLAYERS = 12, BALLS = 5, THROWS = 20 };

static void player(tr_term arg)
{
    tr_pid boss, other = { 0 };
    tr_term others;
    int left;

    (void)arg;
    tr_ref ticks = tr_send_interval(1, tr_self(), a_tick);
    for (;;) {
        tr_receive (m) {
            tr_on (m, a_ball, &boss, &others, 0)
                tr_send(boss, a_over, tr_self());
            tr_on (m, a_ball, &boss, &others, &left) {
                tr_term pid;
                size_t n = tr_random(PLAYERS);
                for (tr_term rest = others; n-- < PLAYERS && tr_list_next(&rest, &pid);)
                    other = (tr_pid){ pid.w };
                tr_send(other, a_ball, boss, others, left - 1);
            }
            tr_on (m, a_tick)
                if (tr_random(40) == 0)
                    tr_cancel_timer(ticks, NULL);
            tr_on (m, a_result)
                tr_exit(a_result, (int64_t)tr_mailbox_length(), "a longer text");
        }
    }
}

static void body(tr_term args)
{
    tr_pid players[PLAYERS], last = { 0 };
    tr_ref refs[PLAYERS];
    tr_term list = tr_nil();
    /* Memory at addresses that differ from run to run must change nothing. */
    void *noise = malloc(4096);

    (void)args;
    for (int i = 0; i < PLAYERS; i++) {
        players[i] = tr_spawn_monitor(player, &refs[i]);
        list = tr_list_push(list, (tr_term){ players[i].w });
    }
    for (int i = 0; i < BALLS; i++)
        tr_send(players[i], a_ball, tr_self(), list, THROWS);
    for (int i = 0; i < BALLS; i++) {
        tr_receive (m)
            tr_on (m, a_over, &last)
                printf("%s\n", tr_inspect((tr_term){ last.w }));
    }
    for (int i = 0; i < PLAYERS; i++)
        tr_send(players[i], a_result);
    for (int i = 0; i < PLAYERS; i++) {
        tr_receive (m) {
            tr_term pid, reason;
            tr_on (m, a_DOWN, tr_any(), a_process, &pid, &reason)
                printf("%s %s\n", tr_inspect(pid), tr_inspect(reason));
        }
    }
    free(noise);
}

int main(int argc, char **argv)
{
    return tr_main(argc, argv, body);
}
