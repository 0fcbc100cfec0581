/* SPDX-License-Identifier: MIT */
/*
 * Planted bugs: what test/replay/plant_test.c has replays find, so that it is known that they can.
 *
 * The sources with a bug in them are compiled once more for that test, with TR_PLANTS; everywhere
 * else the condition is false and nothing is left of it.
 */
#ifndef TROUPE_BASE_PLANT_H
#define TROUPE_BASE_PLANT_H

enum tr_plant {
    TR__PLANT_NONE,
    TR__PLANT_LOST_WAKEUP, /* a receive that goes to sleep may be interrupted after its last look */
    TR__PLANT_LATE_MONITOR,   /* no 'DOWN' when the process is dead already */
    TR__PLANT_LINK_RACE,      /* an exit signal that crosses an unlink counts */
    TR__PLANT_CANCELLED_TIMER /* the answer is given first, and the timer stopped after a switch */
};

#ifdef TR_PLANTS
extern enum tr_plant tr__plant; /* defined by the test */
#define TR__PLANTED(bug) (tr__plant == TR__PLANT_##bug)
#else
#define TR__PLANTED(bug) false
#endif

#endif
