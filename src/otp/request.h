/* SPDX-License-Identifier: MIT */
/* What the forms of a call share. */
#ifndef TROUPE_OTP_REQUEST_H
#define TROUPE_OTP_REQUEST_H

#include "troupe/call.h"

/* True when `to` is {Name, Node} of another node. */
bool tr__is_remote(tr_term to, tr_atom *node);

/* The process that `to` means, if it is not remote; false when nobody holds the name. What is no
   destination ends the caller with badarg. */
bool tr__find_server(tr_term to, tr_pid *pid);

/* A call whose message is {Kind, From, Request}: what tr_try_call says. */
tr_err tr__try_call(tr_atom kind, tr_term to, int64_t timeout_ms, tr_term *result,
                    struct tr_arg request);

/* The reference in [alias|Ref]; false for anything else. */
bool tr__alias_in(tr_term tag, tr_ref *ref);

/* Ends the caller with {badarg, Time} when it is no timeout. */
void tr__check_timeout(int64_t timeout_ms);

/* Whether a message may be the response to a request; its reference. */
bool tr__is_response(tr_term message, tr_ref *ref);

/* Takes the response to a request: what tr_send_request says of results. */
tr_err tr__response(tr_term message, struct tr_request *request, tr_term *result);

/* No response to this request is to arrive from now on. */
void tr__abandon(struct tr_request *request);

#endif
