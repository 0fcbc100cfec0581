/* SPDX-License-Identifier: MIT */
/*
 * Model: read sections and grace periods.
 *
 * What stands for what (functions of src/mem/readers.[ch]):
 *
 *     begin, end     tr__reader_begin, tr__reader_end
 *     Writer         tr__reader_retire and tr__reader_sweep_now, of a worker that takes its object out
 *     take_ticket, advance        the same
 *
 * Each writer owns an object, which the readers find in a cell of its own. There are two readers:
 * one whose record is light, and one whose record is not. What a light one stores lies in a buffer
 * for a while, in the order of the stores: `own` is what it has stored, `turn` what others see. What
 * it loads meanwhile overtakes that. A read-modify-write is one step for all, and so is a barrier on
 * all threads, which empties the buffers.
 *
 * Checked: what a section has found is not freed before the section ends.
 *
 * Mutants, each of which must be found wrong:
 *
 *     NO_BARRIER      a period begins without a barrier
 *     NOTE_FIRST      a period notes the turns, then passes the barrier
 *     COUNT_LATE      a period is counted after its barrier and its notes
 *     TICKET_EARLY    a ticket is taken before the object is taken out
 *     TICKET_NOW      a ticket is the number of the period that is going on
 *     NO_WAIT         a period is over when it has begun
 *     HEAVY_STORE     a record that is not light is written by plain stores, and no barrier is passed
 */

#define LIGHT 0
#define HEAVY 1

byte own[2], turn[2];
bool linked[2] = true;
bool freed[2] = false;

bool locked = false;
byte begun = 0, over = 0;
byte seen[2];

/* --- readers --- */

inline write_turn(r)
{
    if
    :: r == LIGHT -> own[r]++
#ifdef HEAVY_STORE
    :: r == HEAVY -> own[r]++
#else
    :: r == HEAVY -> atomic { own[r]++; turn[r] = own[r] }
#endif
    fi
}

proctype Buffer(byte r)
{
end:
    do
    :: atomic { turn[r] < own[r] -> turn[r]++ }
    od
}

proctype Reader(byte r)
{
    byte i, cell;
    bool found;

    for (i : 0 .. 1) {
        write_turn(r);
        if
        :: cell = 0
        :: cell = 1
        fi;
        found = linked[cell];
        assert(!found || !freed[cell]);
        write_turn(r)
    }
}

/* --- who frees --- */

inline barrier()
{
#ifndef NO_BARRIER
    atomic {
        turn[LIGHT] = own[LIGHT];
#ifndef HEAVY_STORE
        turn[HEAVY] = own[HEAVY]
#endif
    }
#else
    skip
#endif
}

inline note()
{
    seen[0] = (turn[0] % 2 -> turn[0] : 0);
    seen[1] = (turn[1] % 2 -> turn[1] : 0)
}

inline begin_period()
{
#ifdef NOTE_FIRST
    begun++;
    note();
    barrier()
#elif defined(COUNT_LATE)
    barrier();
    note();
    begun++
#else
    begun++;
    barrier();
    note()
#endif
}

inline all_have_ended()
{
#ifdef NO_WAIT
    ended = true
#else
    ended = (seen[0] == 0 || turn[0] != seen[0]);
    if
    :: ended -> ended = (seen[1] == 0 || turn[1] != seen[1])
    :: else
    fi
#endif
}

inline advance()
{
    if
    :: atomic { !locked -> locked = true };
        if
        :: begun == over -> begin_period()
        :: else
        fi;
        all_have_ended();
        if
        :: ended -> over = begun
        :: else
        fi;
        locked = false
    :: locked
    fi
}

inline take_ticket()
{
#ifdef TICKET_NOW
    ticket = begun
#else
    ticket = begun + 1
#endif
}

proctype Writer(byte w)
{
    byte ticket;
    bool ended;

#ifdef TICKET_EARLY
    take_ticket();
    linked[w] = false;
#else
    linked[w] = false;
    take_ticket();
#endif
    do
    :: over >= ticket -> break
    :: else -> advance()
    od;
    freed[w] = true
}

init {
    atomic {
        run Buffer(LIGHT);
        run Buffer(HEAVY);
        run Reader(LIGHT);
        run Reader(HEAVY);
        run Writer(0);
        run Writer(1)
    }
}
