/* SPDX-License-Identifier: MIT */
/*
 * Model: workers that park, against work from outside, timers, descriptors, stealing, the monitor
 * and the stop.
 *
 * What stands for what (functions of src/sched/idle.c unless said otherwise):
 *
 *     list_push, list_pop, list_remove, any_work     the same
 *     wake_one       tr__idle_wake_one with pop_to_search and unpark
 *     search, found  tr__idle_search, tr__idle_found
 *     park           tr__idle_park and sleep_until_woken
 *     sleep_in_poll  the same, with tr__poll_begin, tr__poll_sleep and tr__poll_end of src/sched/poll.c
 *     look_around    look_around and steal of src/sched/worker.c, with tr__runring_take_offer of
 *                    src/sched/runq.h
 *     Worker         tr__worker_run, next and find of src/sched/worker.c
 *     Outside        common_push of src/sched/worker.c, by a thread that is no worker
 *     Monitor        tr__monitor_main, look_at_all and sleep_long of src/sched/monitor.c, with
 *                    tr__poll_tick of src/sched/poll.c
 *     rest           tr__gather_rest of src/sched/gather.c and tr__worker_give_away
 *     Device         the kernel, for which a process waits: it has one event
 *     monitor_wake   tr__monitor_wake of src/sched/monitor.c
 *     Stopper        tr__sched_stop and tr__sched_run of src/sched/sched.c
 *
 * A section under the lock of the idle list is one step: what others read without the lock is the
 * count alone, which changes once in it. A queue is a number of entries. Two kinds of entry:
 * a short one, which ends at once; and the long one, which puts a short one on the ring of its
 * worker (too few there to wake anybody), or offers it, and then holds the worker until the stop. A
 * ring's owner pushes and offers without waking, so what waits behind the long one is the monitor's
 * to see. What is offered, the owner takes back before it looks at others. The tick of the
 * monitor is a step that is possible only where it changes something. The event is a short entry for
 * the ring of the worker that gets it, or for the common list when the monitor does. A ring of the
 * bell is an event too, which stays until somebody sleeps, or would, in the set. That the monitor
 * wakes a worker to sleep there when nobody does is left out: nothing here may depend on it.
 *
 * The long entry is brought by a timer of the first worker; or (LONG_OUTSIDE) from outside, and
 * then it puts nothing anywhere, so that the monitor has nothing to see. With STOP the scheduler is
 * told to stop at any moment. With REST there is no timer, and the second worker may at any moment be
 * asked to rest, once, and is never called back: nothing may depend on that either. The event comes with DEVICE only. Checked when nothing can move any
 * more:
 *
 *     without STOP: all short entries have run, wherever they were put
 *     with STOP:    all workers have ended, and nobody is on the idle list
 *
 * A worker woken to look for work may be told to stop before it looks and stays in the count of
 * those that search: therefore tr__idle_init starts from zero. That the monitor takes a stuck
 * worker from its thread (src/sched/handoff.c) is left out: nothing here may depend on it.
 *
 * Mutants, each of which must be found wrong:
 *
 *     NO_RELOOK       a worker does not look again after it has put itself on the list
 *     NO_HANDOFF      a worker that has found work does not wake the next
 *     COUNT_EARLY     a waker counts one more that searches before it has taken one off the list
 *     NO_WAKE_WORD    a waker forgets the futex word
 *     NO_ALL_IDLE     the monitor does not look again before it sleeps for long
 *     SELF_UNSEEN     a worker that takes itself off the list does not wake the monitor
 *     NO_BELL         a waker does not ring for a worker that sleeps in the set
 *     WORD_BY_STORE   who goes to sleep in the set overwrites that it has been woken
 *     NO_TICK         the monitor does not look at descriptors (needs DEVICE and LONG_OUTSIDE)
 *     OFFER_UNSEEN    the monitor does not look at what is offered
 *     NO_PASS_ON      who rests does not look whether there is work for somebody parked (needs REST)
 *     NO_LOOK_AT_STOP parking does not look whether the scheduler stops (needs STOP)
 */

#define WORKERS 2
#ifndef OUTSIDE
#define OUTSIDE 2 /* entries from outside */
#endif

/* The queues. */
byte common = 0;      /* entries of the common list, the long one apart */
bool common_long = false;
byte ring[WORKERS];
byte offer[WORKERS]; /* none or one */
bool next_long[WORKERS]; /* the run-next slot, filled by the timer */

/* Timers: the first worker's. */
bool timer_pending = false;
bool timer_due = false;

/* The idle list and the counts. */
bool idle[WORKERS];
byte nidle = 0;
byte nsearching = 0;
bool searching[WORKERS];
byte word[WORKERS];

/* The words of workers. */
#define PARKED 0
#define WOKEN  1
#define POLLS  2

/* The set of descriptors: is somebody in it; has the bell rung; the device's event. */
bool looking = false;
bool bell = false;
bool event = false;

bool stopping = false;
bool all_joined = false;

/* The monitor. */
bool word_changed = false; /* the futex word, since the monitor has read it */
bool monitor_asleep = false;
bool monitor_done = false;

/* What the checks need. */
byte ndone = 0;
byte nshort = 0;
byte nended = 0;
bool long_started = false;

inline monitor_wake()
{
    if
    :: monitor_asleep -> word_changed = true;
    :: else
    fi;
}

inline list_push(w)
{
    atomic { assert(!idle[w]); idle[w] = true; nidle++; }
}

/* Leaves in `victim` a worker that was on the list, or WORKERS. */
inline list_pop(victim)
{
    atomic {
        if
        :: idle[0] -> victim = 0;
        :: idle[1] -> victim = 1;
        :: else -> victim = WORKERS;
        fi;
        if
        :: victim < WORKERS -> idle[victim] = false; nidle--;
        :: else
        fi;
    }
}

inline list_remove(w)
{
    atomic {
        removed = idle[w];
        if
        :: removed -> idle[w] = false; nidle--;
        :: else
        fi;
    }
#ifndef SELF_UNSEEN
    if
    :: removed -> monitor_wake();
    :: else
    fi;
#endif
}

inline unpark(victim)
{
#ifndef NO_WAKE_WORD
    atomic { rings = word[victim] == POLLS; word[victim] = WOKEN; }
#ifndef NO_BELL
    if
    :: rings -> bell = true;
    :: else
    fi;
#endif
    rings = false;
#endif
    monitor_wake();
}

/* pop_to_search of the C file, and the waking after it. */
inline wake_one(victim)
{
    victim = WORKERS;
    if
    :: nidle == 0
    :: else ->
#ifdef COUNT_EARLY
        if
        :: atomic { nsearching == 0 -> nsearching = 1; }
           list_pop(victim);
           if
           :: victim == WORKERS -> nsearching--;
           :: else
           fi;
        :: nsearching != 0
        fi;
#else
        if
        :: nsearching != 0
        :: else ->
            atomic {
                if
                :: nsearching == 0 && nidle > 0 -> nsearching = 1; list_pop(victim);
                :: else
                fi;
            }
        fi;
#endif
        if
        :: victim < WORKERS ->
            searching[victim] = true;
            unpark(victim);
        :: else
        fi;
    fi;
    victim = 0;
}

inline wake_all(victim)
{
    do
    :: true ->
        list_pop(victim);
        if
        :: victim == WORKERS -> break;
        :: else -> unpark(victim);
        fi;
    od;
    victim = 0;
}

inline any_work(w)
{
    seen_work = common > 0 || common_long;
    if
    :: !seen_work -> seen_work = ring[0] > 0 || offer[0] > 0;
    :: else
    fi;
    if
    :: !seen_work -> seen_work = ring[1] > 0 || offer[1] > 0;
    :: else
    fi;
    if
    :: !seen_work -> seen_work = next_long[w];
    :: else
    fi;
#ifndef NO_LOOK_AT_STOP
    if
    :: !seen_work -> seen_work = stopping;
    :: else
    fi;
#endif
}

inline search(w)
{
    if
    :: !searching[w] -> searching[w] = true; nsearching++;
    :: else
    fi;
}

inline found(w)
{
    if
    :: searching[w] ->
        searching[w] = false;
        atomic { nsearching--; last = nsearching == 0; }
#ifndef NO_HANDOFF
        if
        :: last && nidle > 0 ->
            any_work(w);
            if
            :: seen_work -> wake_one(victim);
            :: else
            fi;
        :: else
        fi;
#endif
        atomic { last = false; seen_work = false; }
    :: else
    fi;
}

/* Sets `job` to SHORT, LONG, or NONE. */
#define NONE  0
#define SHORT 1
#define LONG  2

/* tr__runring_pop of src/sched/runq.c */
inline take_own(w)
{
    atomic {
        if
        :: ring[w] > 0 -> ring[w]--; job = SHORT;
        :: else
        fi;
    }
    if
    :: job == NONE -> steal_from(offer[w]);
    :: else
    fi;
}

/* From a ring or what is offered: one of those who try gets it. */
inline steal_from(queue)
{
    atomic {
        if
        :: job == NONE && queue > 0 -> queue--; job = SHORT;
        :: else
        fi;
    }
}

inline put(w)
{
    if
    :: ring[w]++;
    :: offer[w] == 0 -> offer[w] = 1;
    fi;
}

inline look_around(w)
{
    job = NONE;
    atomic {
        if
        :: common_long -> common_long = false; job = LONG;
        :: !common_long && common > 0 -> common--; job = SHORT;
        :: else
        fi;
    }
    if
    :: job == NONE && w == 0 ->
        atomic {
            if
            :: timer_pending && timer_due -> timer_pending = false; next_long[w] = true;
            :: else
            fi;
            if
            :: next_long[w] -> next_long[w] = false; job = LONG;
            :: else
            fi;
        }
    :: else
    fi;
    if
    :: job == NONE -> take_own(w);
    :: else
    fi;
    /* The one, or where that was little before, the other first. */
    if
    :: job == NONE -> steal_from(offer[1 - w]); steal_from(ring[1 - w]);
    :: job == NONE -> steal_from(ring[1 - w]); steal_from(offer[1 - w]);
    :: else
    fi;
}

#define timer_fires(w) (w == 0 && timer_pending && timer_due)

/* As the one who looks. Sets `removed` if there was an event, and it took itself off the list. */
inline sleep_in_poll(w)
{
    if
#ifdef WORD_BY_STORE
    :: word[w] = POLLS;
#else
    :: atomic { word[w] == PARKED -> word[w] = POLLS; }
#endif
        if
        :: atomic { bell -> bell = false; }
        :: atomic { event -> event = false; got = true; }
        :: timer_fires(w)
        fi;
        atomic {
            if
            :: word[w] == POLLS -> word[w] = PARKED;
            :: else
            fi;
        }
#ifndef WORD_BY_STORE
    :: atomic { word[w] != PARKED -> skip; }
#endif
    fi;
    looking = false;
    if
    :: got -> list_remove(w); atomic { put(w); got = false; }
    :: else
    fi;
}

inline park(w)
{
    searching[w] = false;
    nsearching--;
    word[w] = PARKED;
    list_push(w);
#ifndef NO_RELOOK
    any_work(w);
    if
    :: seen_work -> list_remove(w);
    :: else
    fi;
    seen_work = false;
#endif
    if
    :: removed
    :: else ->
        do
        :: removed || word[w] == WOKEN -> break;
        :: !removed && word[w] != WOKEN && timer_fires(w) ->
            list_remove(w);
            if
            :: !removed -> word[w] == WOKEN;
            :: else
            fi;
        :: !removed && word[w] != WOKEN && !timer_fires(w) ->
            if
            :: atomic { !looking -> looking = true; }
                sleep_in_poll(w);
            :: atomic { looking -> skip; }
                word[w] == WOKEN || timer_fires(w);
            fi;
        od;
    fi;
    removed = false;
}

/* Until the stop. */
inline rest(w)
{
#ifndef NO_PASS_ON
    search(w);
#endif
    found(w);
    do
    :: atomic { ring[w] > 0 -> ring[w]--; common++; }
       wake_one(victim);
    :: atomic { ring[w] == 0 && offer[w] > 0 -> offer[w]--; common++; }
       wake_one(victim);
    :: ring[w] == 0 && offer[w] == 0 -> break;
    od;
    stopping;
}

inline perform(w)
{
    if
    :: job == SHORT -> ndone++;
    :: job == LONG ->
        long_started = true;
#ifndef LONG_OUTSIDE
        atomic { put(w); nshort++; }
#endif
        stopping; /* the program makes it end, as tr_exit of the first process does */
    fi;
    job = NONE;
}

proctype Worker(byte w)
{
    byte job = NONE;
    byte victim;
    bool removed, seen_work, last, rings, got;

    do
    :: stopping -> break;
    :: !stopping ->
#ifdef REST
        if
        :: w == 1 -> rest(w);
        :: true
        fi;
#endif
        take_own(w); /* take_local; the rest of it is look_around's */
        do
        :: job != NONE -> break;
        :: job == NONE && stopping -> break;
        :: job == NONE && !stopping ->
#ifdef REST
            if
            :: w == 1 -> rest(w);
            :: true
            fi;
#endif
            search(w);
            look_around(w);
            if
            :: job != NONE -> found(w);
            :: else -> park(w);
            fi;
        od;
        if
        :: job != NONE -> perform(w);
        :: else
        fi;
    od;
    nended++;
}

proctype Outside()
{
    byte n = 0;
    byte victim;
    bool rings;

    do
    :: n < OUTSIDE ->
#ifdef LONG_OUTSIDE
        if
        :: n == 0 -> common_long = true;
        :: else -> atomic { common++; nshort++; }
        fi;
#else
        atomic { common++; nshort++; }
#endif
        wake_one(victim);
        n++;
    :: else -> break;
    od;
}

#ifdef DEVICE
proctype Device()
{
    atomic { event = true; nshort++; }
}
#endif

proctype Clock()
{
    timer_due = true;
}

#ifdef OFFER_UNSEEN
#define offered false
#else
#define offered (offer[0] > 0 || offer[1] > 0)
#endif

proctype Monitor()
{
    byte victim;
    bool rings;

end:
    do
    :: stopping -> break;
    :: !stopping && nidle == WORKERS -> /* quiet for long enough */
        word_changed = false;
        monitor_asleep = true;
        if
#ifdef NO_ALL_IDLE
        :: true ->
#else
        :: nidle == WORKERS && !stopping ->
#endif
endsleep:
            word_changed;
#ifndef NO_ALL_IDLE
        :: else
#endif
        fi;
        monitor_asleep = false;
    :: !stopping && (ring[0] > 0 || ring[1] > 0 || offered) && nidle > 0 && nsearching == 0 ->
        wake_one(victim);
#ifndef NO_TICK
    :: atomic { !stopping && nidle < WORKERS && event && !looking -> event = false; common++; }
        wake_one(victim);
#endif
    od;
    monitor_done = true;
}

#ifdef STOP
proctype Stopper()
{
    byte victim;
    bool rings;

    stopping = true;
    wake_all(victim);
    monitor_wake();
    /* The rest is the thread's that ran the monitor. */
    monitor_done;
    wake_all(victim);
    nended == WORKERS;
    all_joined = true;
}
#endif

proctype Quiescence()
{
    timeout;
#ifdef STOP
    assert(all_joined && nidle == 0);
#else
    assert(ndone == nshort);
#ifndef REST
    assert(long_started);
#endif
#endif
}

init
{
    atomic {
#if !defined(LONG_OUTSIDE) && !defined(REST)
        timer_pending = true;
        run Clock();
#endif
        run Worker(0);
        run Worker(1);
        run Outside();
#ifdef DEVICE
        run Device();
#endif
        run Monitor();
        run Quiescence();
#ifdef STOP
        run Stopper();
#endif
    }
}
