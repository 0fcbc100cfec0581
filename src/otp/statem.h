/* SPDX-License-Identifier: MIT */
/*
 * A machine of troupe/gen_statem.h: what the parts of it share.
 *
 *     gen_statem.c           the loop, and what becomes of events and results
 *     gen_statem_action.c    actions as terms, and what they ask for
 *     gen_statem_timeout.c   timeouts
 *     gen_statem_event.c     events as terms, and queues of them
 *     gen_statem_start.c     from the start function to the first state
 *     gen_statem_end.c       terminate, and the report of a failure
 *     gen_statem_sys.c       what system messages do with it
 */
#ifndef TROUPE_OTP_STATEM_H
#define TROUPE_OTP_STATEM_H

#include "troupe.h"

#include <stddef.h>

/* An event that waits in the machine. */
struct tr_queued {
    struct tr_queued *next;
    tr_term event; /* kept: {Type, Content} */
};

/* Oldest first; last means nothing while first is NULL. */
struct tr_queue {
    struct tr_queued *first, *last;
};

/* A timeout that is set. */
struct tr_timeout {
    struct tr_timeout *next;
    tr_term type;    /* kept: of its event */
    tr_term content; /* kept */
    tr_ref timer;    /* none (w is 0) when its time was 0 */
};

/* Callbacks under those that were pushed. */
struct tr_pushed {
    struct tr_pushed *next;
    const struct tr_gen_statem *callbacks;
};

/* Belongs to the process, whose memory it is. */
struct tr_machine {
    const struct tr_gen_statem *callbacks;
    struct tr_pushed *pushed;
    struct tr_sys sys;
    tr_term state;               /* kept */
    struct tr_queue queue;       /* to be handled before any message */
    struct tr_queue postponed;   /* to be handled when the state has changed */
    struct tr_timeout *timeouts; /* in the order in which they were set */
    uint32_t unnamed;            /* how many of them are event and state timeouts */
    uint32_t zeros;              /* how many of them have no timer */
    struct tr_event event;       /* the present one, for reports; type 0: none */
    size_t data_size;
    void *data; /* in `room`, or memory of its own since other code has taken over */
    bool ended; /* terminate has run, or must not run */
    _Alignas(max_align_t) char room[];
};

/* What the callbacks that handle one event have asked for so far. In the current heap. */
struct tr_step {
    tr_term state;            /* the next one */
    tr_term timeouts;         /* actions that set or cancel one, the last first */
    struct tr_queue inserted; /* in the order of their actions */
    bool entering;            /* it is an enter call that asks */
    bool enter;               /* an enter call is due */
    bool postpone;
    bool answered; /* a call: its reply was sent */
};

/* --- gen_statem.c --- */

/* Takes the result of init, enters the first state, and never returns. */
_Noreturn void tr__statem_begin(struct tr_machine *m, tr_statem_result first);

/* Makes it the state of the machine. */
void tr__statem_adopt(struct tr_machine *m, tr_term state);

/* --- gen_statem_event.c --- */

/* {Type, Content} */
tr_term tr__statem_event_term(const struct tr_event *event);

/* The event of a type and a content; false when there is no such type. */
bool tr__statem_event_of(tr_term type, tr_term content, struct tr_event *event);

/* An event of its own; in a queue: at the end, with another queue in front, without its first. */
struct tr_queued *tr__queued(tr_term event);
void tr__queue_add(struct tr_queue *q, struct tr_queued *e);
void tr__queue_put_first(struct tr_queue *q, struct tr_queue *others);
struct tr_queued *tr__queue_take(struct tr_queue *q);
void tr__queued_free(struct tr_queued *e);

/* Its events as a list of {Type, Content}. */
tr_term tr__queue_list(const struct tr_queue *q);

/* --- gen_statem_action.c --- */

/* A result as OTP writes it, without the data. */
tr_term tr__statem_result_term(tr_statem_result r);

/* Carries out what can be done at once, and notes the rest in *step. */
void tr__statem_act(struct tr_machine *m, struct tr_step *step, tr_term actions);

/* Sends the replies of a stop. */
void tr__statem_send_replies(struct tr_machine *m, tr_term replies);

/* --- gen_statem_timeout.c --- */

/* Whether an action is about a timeout, and right. */
bool tr__statem_is_timeout(tr_term action);

/* Does what such actions say; the last is the first in the list. */
void tr__statem_set_timeouts(struct tr_machine *m, tr_term actions);

void tr__statem_cancel_timeout(struct tr_machine *m, tr_term type);

/* The event of a timer that has fired; false when it is none of the machine's. */
bool tr__statem_fired(struct tr_machine *m, tr_ref timer, struct tr_event *event);

/* The event of the first timeout of 0 ms; false when there is none. */
bool tr__statem_zero_timeout(struct tr_machine *m, struct tr_event *event);

/* {Number, [{Type, Content}]} */
tr_term tr__statem_timeouts(const struct tr_machine *m);

/* --- gen_statem_start.c --- */

/* Why a machine cannot have these callbacks: a reason, or none (w is 0). init is not looked at. */
tr_term tr__statem_refusal(const struct tr_gen_statem *callbacks);

/* Goes on with these callbacks. */
void tr__statem_use(struct tr_machine *m, const struct tr_gen_statem *callbacks);

/* --- gen_statem_end.c --- */

/* Runs terminate, once in the life of a machine, then ends the process with that reason. */
_Noreturn void tr__statem_stop(struct tr_machine *m, tr_term reason);

/* For tr__at_end: reports the failure that ends a machine, and runs terminate. */
void tr__statem_ended(void *machine);

/* --- gen_statem_sys.c --- */

/* By what a machine with these callbacks is looked into. Static. */
const struct tr_sys_callbacks *tr__statem_sys(const struct tr_gen_statem *callbacks);

/* The data as a term. */
tr_term tr__statem_data(const struct tr_machine *m);

/* The names of the callbacks, those that are used first. */
tr_term tr__statem_modules(const struct tr_machine *m);

/* The map `status` with what there is to be shown, as format_status shows it. */
tr_term tr__statem_status(const struct tr_machine *m, tr_term status);

#endif
