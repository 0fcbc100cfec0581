/* SPDX-License-Identifier: MIT */
/*
 * Subscribers: the process that writes to the socket of a client who listens to channels.
 *
 * A connection waits for its socket and would not see a message. So with the first subscription it
 * starts this process, and from then on sends it its answers too: all that goes to the client has
 * one order. A subscriber is a member of a process group for each channel and each pattern, and
 * PUBLISH, which runs in the store, sends to the members: so all subscribers see all messages in
 * the same order.
 *
 * It never waits for its client, so that its mailbox stays short: when the socket is full, another
 * process waits for it. What the client has not taken meanwhile may become OUTPUT_MAX bytes; then
 * the subscriber ends, and with it the connection.
 */
#ifndef KV_SUBSCRIBER_H
#define KV_SUBSCRIBER_H

#include <troupe.h>

/* The scopes of process groups: children for a supervisor. */
tr_term channels_start(tr_term arg);
tr_term patterns_start(tr_term arg);

struct connection;

/* Tells the one who writes, if there is one, which version of the protocol the client speaks. */
void subscriber_set_proto(const struct connection *k);

#endif
