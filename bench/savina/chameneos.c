/* SPDX-License-Identifier: MIT */
/*
 * Chameneos: 100 creatures meet in pairs in a mall, `size` times in all, and change their colours
 * after each meeting. The check is the sum of their meetings.
 */
#include "savina.h"

tr_atoms(meet, change);

enum { CREATURES = 100, COLOURS = 3 };

/* The same colour when both have it, else the third. */
static int64_t complement(int64_t mine, int64_t other)
{
    return mine == other ? mine : COLOURS - mine - other;
}

static void creature(tr_term arg)
{
    tr_pid mall, other, self = tr_self();
    int64_t colour, theirs, meetings = 0;

    tr_match(arg, &mall, &colour);
    for (;;) {
        tr_send(mall, a_meet, colour, self);
        tr_receive (m) {
            tr_on (m, a_meet, &theirs, &other) {
                colour = complement(colour, theirs);
                meetings++;
                tr_send(other, a_change, colour);
            }
            tr_on (m, a_change, &colour)
                meetings++;
            tr_on (m, a_stop) {
                tr_send(mall, a_done, meetings);
                return;
            }
        }
    }
}

/* Brings the creatures together in the order in which they come. */
static void run_mall(int64_t meetings)
{
    tr_pid waiting = { 0 }, from;
    int64_t colour;

    while (meetings > 0) {
        tr_receive (m) {
            tr_on (m, a_meet, &colour, &from) {
                if (waiting.w) {
                    tr_send(waiting, a_meet, colour, from);
                    waiting.w = 0;
                    meetings--;
                } else {
                    waiting = from;
                }
            }
        }
    }
}

static int64_t iterate(int64_t size)
{
    tr_pid from;

    for (int64_t i = 0; i < CREATURES; i++)
        tr_spawn(creature, tr_self(), i % COLOURS);
    run_mall(size);
    for (int i = 0; i < CREATURES; i++) {
        tr_receive (m) {
            tr_on (m, a_meet, tr_any(), &from)
                tr_send(from, a_stop);
        }
    }
    return savina_await(CREATURES);
}

static const struct savina benchmark = { .name = "chameneos", .size = 200000, .iterate = iterate };

int main(int argc, char **argv)
{
    return savina_main(argc, argv, &benchmark);
}
