/* SPDX-License-Identifier: MIT */
/*
 * Model: pushing onto an inbox while its owner goes to sleep, and the lazy timeout of a receive.
 *
 * What stands for what (functions of src/proc/mailbox.c unless said otherwise):
 *
 *     push           tr__push
 *     poke           tr__poke
 *     take_signals   tr__take_signals, reverse, advance_seen, settle
 *     discard        tr__sig_discard
 *     sleep          tr__inbox_sleep, and fall_asleep of src/proc/run.c around it
 *     arm            timeout_arm of src/proc/run.c
 *     Wheel          timeout_fired of src/proc/run.c, called by tr__wheel_advance with its lock
 *     close          tr__timeout_cancel of src/proc/run.c, then tr__inbox_close
 *     Worker         the turn of a process: tr__proc_run and run_once of src/proc/run.c
 *
 * Each atomic operation of the C code is one step here; what only the owner can see is joined to
 * the step before: all that the owner does between its look at the inbox and going to sleep is one
 * step, for others see nothing of it but the blocks it frees. Blocks are few and reused at once, so that an address comes back as often as it
 * can. The model is sequentially consistent, as are the operations it is about: the inbox is one
 * word, changed by read-modify-write only, and the flag of the timeout is written and read in one
 * total order with it.
 *
 * The owner waits for WANTED messages, now with a timeout and now without; then it sleeps until a
 * deadline while the other messages arrive; then it closes its inbox. Checked:
 *
 *     each message arrives once, and those of one sender in order
 *     a process is never on a queue twice, nor runs on two workers at once
 *     a block is never freed twice, never used when free, and all are free at the end
 *     when nothing can move any more, the owner has got what it waited for and has closed
 *
 * Mutants, each of which must be found wrong:
 *
 *     FREE_SEEN        the signal at `seen` is freed while it is the head
 *     SETTLE_EARLY     going to sleep frees it before the exchange
 *     SEEN_LATE        `seen` is cleared after the exchange
 *     SLEEP_BY_STORE   ASLEEP is stored without a look at what has come
 *     NO_FLAG_LOOK     the timeout's flag is not looked at after ASLEEP
 *     FLAG_AFTER_POKE  the timeout pokes before it sets its flag
 *     WAKE_ALWAYS      each push wakes, whatever it replaced
 */

#ifndef SENDERS
#define SENDERS 2
#endif
#ifndef EACH
#define EACH 1 /* messages a sender sends */
#endif
#define MESSAGES (SENDERS * EACH)
#define WANTED   2 /* how many the owner waits for */
#define BLOCKS   2
#define DEADLINE 2 /* of the sleep */

#define NIL      0 /* blocks are 1 to BLOCKS */
#define ASLEEP   254
#define CLOSED   255
#define NEVER    9

byte inbox = NIL;

/* Memory. */
bool used[BLOCKS + 1];
byte next_of[BLOCKS + 1];
byte message[BLOCKS + 1];

/* The owner's control block. */
byte seen = NIL;
bool seen_dead = false;
byte wake_at = NEVER;
bool timed_out = false;

/* The wheel: one timer. */
byte now = 0;
bool pending = false;
byte due = 0;
bool wheel_locked = false;

/* The run queue of this one process, and who runs it. */
bool queued = true;
bool running = false;

/* What the checks need. */
bool kept[BLOCKS + 1]; /* in the mailbox, not yet discarded */
bool got[MESSAGES];
byte ngot = 0;
byte dropped = 0;
bool sleeping_for_good = false; /* the owner is past its receives */
bool closed = false;

inline make_runnable()
{
    assert(!queued);
    queued = true;
}

inline release(b)
{
    assert(used[b]);
    used[b] = false;
    next_of[b] = NIL;
}

inline arrive(b)
{
    assert(used[b] && !got[message[b]]);
    /* In order: the first message of a sender before its second. */
    assert(message[b] % EACH == 0 || got[message[b] - 1]);
    got[message[b]] = true;
    ngot++;
    kept[b] = true;
}

/* Leaves in `woke` whether the caller has made the process runnable. */
inline poke()
{
    atomic {
        if
        :: inbox == ASLEEP ->
            inbox = NIL;
            make_runnable();
        :: else
        fi;
    }
}

inline discard(b)
{
    kept[b] = false;
    if
#ifndef FREE_SEEN
    :: b == seen -> seen_dead = true;
#endif
    :: else -> release(b);
    fi;
}

/* The chain from `newest` back to `seen`, oldest first, into the mailbox. At most BLOCKS long. */
inline take_signals()
{
    atomic {
        newest = inbox;
        if
        :: newest != seen ->
            assert(newest != ASLEEP && newest != CLOSED);
            list = NIL;
            walk = newest;
            do
            :: walk != seen ->
                assert(walk != NIL && used[walk]);
                older = next_of[walk];
                next_of[walk] = list;
                list = walk;
                walk = older;
            :: else -> break;
            od;
            if
            :: seen_dead -> release(seen); seen_dead = false;
            :: else
            fi;
            seen = newest;
            do
            :: list != NIL ->
                older = next_of[list];
                arrive(list);
                list = older;
            :: else -> break;
            od;
        :: else
        fi;
        newest = 0; list = 0; walk = 0; older = 0;
    }
}

/* Some clauses end now, others later: any of the kept messages may be discarded. */
inline discard_some()
{
    atomic {
        walk = 1;
        do
        :: walk > BLOCKS -> break;
        :: walk <= BLOCKS && kept[walk] -> discard(walk); walk++;
        :: walk <= BLOCKS -> walk++;
        od;
        walk = 0;
    }
}

/* The two critical sections of timeout_arm are one here when nothing lies between them that
   others see: the worker's wheel is the only one. */
inline arm()
{
    atomic {
        !wheel_locked;
        timed_out = false;
        if
        :: pending && due <= wake_at
        :: else -> pending = true; due = wake_at;
        fi;
    }
}

/* After the switch: the worker lets go of the process. */
inline sleep()
{
    atomic {
        before = seen;
        was_dead = seen_dead;
        timed = wake_at != NEVER;
#ifndef SEEN_LATE
        seen = NIL;
        seen_dead = false;
#endif
    }
#ifdef SETTLE_EARLY
    atomic {
        if
        :: was_dead -> release(before); was_dead = false;
        :: else
        fi;
    }
#endif
    atomic {
        if
#ifdef SLEEP_BY_STORE
        :: true ->
#else
        :: inbox == before ->
#endif
            inbox = ASLEEP;
            running = false;
            asleep = true;
#ifndef SLEEP_BY_STORE
        :: else ->
            seen = before;
            seen_dead = was_dead;
            asleep = false;
#endif
        fi;
    }
    if
    :: asleep ->
#ifdef SEEN_LATE
        atomic { seen = NIL; seen_dead = false; }
#endif
        atomic {
            if
            :: was_dead -> release(before);
            :: else
            fi;
        }
#ifndef NO_FLAG_LOOK
        if
        :: timed && timed_out -> poke();
        :: else
        fi;
#endif
    :: else
    fi;
}

/* The process ends; what comes from now on is refused. */
inline close()
{
    atomic { !wheel_locked -> pending = false; }
    atomic {
        assert(inbox != ASLEEP);
        walk = inbox;
        inbox = CLOSED;
        do
        :: walk != seen ->
            older = next_of[walk];
            release(walk);
            dropped++;
            walk = older;
        :: else -> break;
        od;
        if
        :: seen_dead -> release(seen); seen_dead = false;
        :: else
        fi;
        seen = NIL;
        walk = 1;
        do
        :: walk > BLOCKS -> break;
        :: walk <= BLOCKS && kept[walk] -> kept[walk] = false; release(walk); walk++;
        :: else -> walk++;
        od;
        walk = 0; older = 0;
        closed = true;
        running = false;
    }
}

/* What the process does between two pauses: receive, or sleep, or end. */
inline turn()
{
    atomic {
        done = false;
        if
        :: !sleeping_for_good && ngot >= WANTED ->
            sleeping_for_good = true;
        :: else
        fi;
        if
        :: sleeping_for_good && now >= DEADLINE -> done = true;
        :: sleeping_for_good && now < DEADLINE -> wake_at = DEADLINE;
        :: !sleeping_for_good && now < DEADLINE -> wake_at = now + 1; /* receive with a timeout */
        :: !sleeping_for_good -> wake_at = NEVER;                     /* and without */
        fi;
    }
}

active [2] proctype Worker()
{
    byte newest, list, walk, older, before;
    bool was_dead, timed, asleep, done;

end:
    do
    :: atomic {
           queued ->
           queued = false;
           assert(!running);
           running = true;
       }
       do
       :: atomic {
              take_signals();
              discard_some();
              turn();
          }
          if
          :: done ->
              close();
              break;
          :: else
          fi;
          if
          :: wake_at != NEVER -> arm();
          :: else
          fi;
          sleep();
          if
          :: asleep -> break;
          :: else
          fi;
       od;
       atomic { before = 0; was_dead = false; timed = false; asleep = false; done = false; }
    od;
}

active [SENDERS] proctype Sender()
{
    byte n, b, newest;
    bool pushed;

    do
    :: n < EACH ->
        atomic { /* any free block */
            if
            :: !used[1] -> b = 1;
            :: !used[2] -> b = 2;
            fi;
            used[b] = true;
            message[b] = (_pid - 2) * EACH + n;
        }
        newest = inbox;
        pushed = false;
        do
        :: !pushed && newest == CLOSED ->
            atomic { release(b); dropped++; }
            break;
        :: !pushed && newest != CLOSED ->
            atomic {
                assert(used[b]);
                next_of[b] = (newest == ASLEEP -> NIL : newest);
            }
            atomic {
                if
                :: inbox == newest -> inbox = b; pushed = true;
                :: else -> newest = inbox;
                fi;
            }
        :: pushed ->
            if
#ifdef WAKE_ALWAYS
            :: true -> make_runnable();
#else
            :: newest == ASLEEP -> make_runnable();
#endif
            :: else
            fi;
            break;
        od;
        atomic { n++; b = 0; newest = 0; pushed = false; }
    :: else -> break;
    od;
}

/* Time, and whoever advances the wheel. */
active proctype Wheel()
{
end:
    do
    :: atomic { now < DEADLINE -> now++; }
    :: atomic {
           !wheel_locked && pending && now >= due ->
           wheel_locked = true;
           pending = false;
       }
#ifdef FLAG_AFTER_POKE
       poke();
       timed_out = true;
#else
       timed_out = true;
       poke();
#endif
       wheel_locked = false;
    od;
}

/* When nothing can move any more. */
active proctype Quiescence()
{
    byte b = 1;

end:
    timeout;
    atomic {
        assert(closed && now == DEADLINE);
        assert(ngot >= WANTED && ngot + dropped == MESSAGES);
        do
        :: b <= BLOCKS -> assert(!used[b]); b++;
        :: else -> break;
        od;
    }
}
