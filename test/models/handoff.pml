/* SPDX-License-Identifier: MIT */
/*
 * Model: a worker that is taken from a thread, or given away by it, against that thread's return.
 *
 * What stands for what (src/sched/thread.c and handoff.c unless said otherwise):
 *
 *     Thread         thread_main, await_worker, tr__thread_attach and tr__worker_run of src/sched/worker.c
 *     enter, leave   tr__tls_enter, tr__tls_lost and tr__tls_leave of src/os/tls.h, as tr__enter of
 *                    src/proc/proc.h and tr__reclaim of src/proc/run.c use them
 *     give           tr__thread_give_worker
 *     Taker          tr__thread_take_worker, called by the monitor
 *     barrier        tr__barrier_all of src/os/barrier.c: membarrier
 *
 * One worker, THREADS threads. A thread's store to its own `inside` may stay in its store buffer
 * while it reads `lost`: `stored` is what it has written, `inside` what others see. Drain moves the
 * one to the other at any moment, and so does the barrier. A lock drains the buffer of who takes
 * it; the taker's own stores are visible at once, since the barrier is one for it as well.
 *
 * Checked: the worker is used by one thread at a time, and never by one that has lost it.
 *
 * Mutants, each of which must be found wrong:
 *
 *     ATTACH_LATE    `lost` is cleared by the thread after it has let go of the lock
 *     NO_BARRIER     the taker does not make the others pass a barrier
 *     LOOK_FIRST     a thread that enters looks at `lost` before it has written `inside`
 *     TAKE_INSIDE    the taker does not look at `inside`
 */

#define THREADS 3
#define TAKES   2
#define ROUNDS  2
#define NOBODY  THREADS

bool lock = false;
bool has[THREADS]; /* t->worker is not NULL; guarded by lock */
byte holder = 0;   /* w->thread; guarded by lock */
bool waits[THREADS]; /* is on the list of spares; guarded by lock */
bool lost[THREADS];
bool inside[THREADS];
bool stored[THREADS];
byte users = 0;
byte ntakes = 0;

inline acquire(t)
{
    atomic { !lock -> lock = true; inside[t] = stored[t]; }
}

inline release()
{
    lock = false;
}

/* The worker goes to a thread that has none and waits; NOBODY when all are busy. */
inline replace(from, to)
{
    atomic {
        if
        :: from != 0 && !has[0] && waits[0] -> to = 0;
        :: from != 1 && !has[1] && waits[1] -> to = 1;
        :: from != 2 && !has[2] && waits[2] -> to = 2;
        :: else -> to = NOBODY;
        fi;
        if
        :: to != NOBODY -> has[to] = true; holder = to;
        :: else
        fi;
    }
}

inline use(t)
{
    users++;
    assert(users == 1);
    assert(has[t]);
    users--;
}

/* Returns to the library; `gone` says that the worker was lost. */
inline enter(t)
{
#ifdef LOOK_FIRST
    seen = lost[t];
    stored[t] = true;
#else
    stored[t] = true;
    seen = lost[t];
#endif
    gone = false;
    if
    :: seen ->
        acquire(t);
        gone = !has[t];
        release();
    :: else
    fi;
}

/* A release store, after all that came before it. */
inline leave(t)
{
    stored[t] = false;
}

inline give(t)
{
    acquire(t);
    has[t] = false;
    lost[t] = true;
    replace(t, other);
    if
    :: other == NOBODY -> has[t] = true; lost[t] = false;
    :: else
    fi;
    release();
}

proctype Thread(byte t)
{
    byte rounds = 0;
    byte other = 0;
    bool seen = false, gone = false;

again:
    /* await_worker; the first time it has its worker from the start */
    atomic { has[t] && !lock -> lock = true; waits[t] = false; inside[t] = stored[t]; }
#ifndef ATTACH_LATE
    lost[t] = false;
#endif
    release();
#ifdef ATTACH_LATE
    lost[t] = false;
#endif
    do
    :: rounds < ROUNDS ->
        rounds++;
        use(t);
        if
        :: leave(t);
        :: give(t); leave(t);
        fi;
        enter(t);
        if
        :: gone -> break;
        :: else -> use(t);
        fi;
    :: rounds == ROUNDS -> goto end;
    od;
    acquire(t);
    waits[t] = !has[t];
    release();
    goto again;
end:
    skip;
}

proctype Taker()
{
    byte t = 0, other = 0;

    do
    :: ntakes < TAKES ->
        atomic { !lock -> lock = true; }
        ntakes++;
        t = holder;
        lost[t] = true;
#ifndef NO_BARRIER
        atomic {
            inside[0] = stored[0];
            inside[1] = stored[1];
            inside[2] = stored[2];
        }
#endif
        other = NOBODY;
        if
#ifdef TAKE_INSIDE
        :: true ->
#else
        :: !inside[t] ->
#endif
            has[t] = false;
            replace(t, other);
            if
            :: other == NOBODY -> has[t] = true;
            :: else
            fi;
        :: inside[t]
        fi;
        if
        :: other == NOBODY -> lost[t] = false;
        :: else
        fi;
        release();
    :: ntakes == TAKES -> break;
    od;
}

proctype Drain(byte t)
{
end:
    do
    :: d_step { inside[t] != stored[t] -> inside[t] = stored[t]; }
    od;
}

init {
    byte i;

    atomic {
        for (i : 0 .. THREADS - 1) {
            inside[i] = true;
            stored[i] = true;
            waits[i] = i != 0;
            run Thread(i);
            run Drain(i);
        }
        has[0] = true;
        run Taker();
    }
}
