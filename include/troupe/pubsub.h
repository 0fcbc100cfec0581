/* SPDX-License-Identifier: MIT */
/*
 * Publish and subscribe: messages to whoever wants those of a topic.
 *
 *     tr_pubsub_start_link(TR_PUBSUB_OPTS(.name = a_news));
 *
 *     tr_pubsub_subscribe(a_news, "weather");
 *     tr_pubsub_broadcast(a_news, "weather", a_rain, 12)        {rain,12} to all subscribers
 *
 * A topic is any term. Subscribers get the message as it is; a message is encoded once, and a large
 * one is shared by all who get it. A topic is looked up without asking a process, so publishers
 * hold up neither each other nor those who subscribe to other topics.
 *
 * It is a registry with duplicate keys (troupe/registry.h), whose functions show who is subscribed:
 * tr_registry_lookup(a_news, "weather"), and whose functions end the caller in the same way when it
 * does not run. (Phoenix.PubSub)
 */
#ifndef TROUPE_PUBSUB_H
#define TROUPE_PUBSUB_H

#include "troupe/message.h"
#include "troupe/registry.h"

TR_HEADER_BEGIN

struct tr_pubsub_opts {
    tr_atom name;   /* mandatory */
    int partitions; /* processes that look after the subscribers; 0: one for each scheduler */
};

/* Options in the place of an argument: TR_PUBSUB_OPTS(.name = a_news). */
#define TR_PUBSUB_OPTS(...) (&(const struct tr_pubsub_opts){ __VA_ARGS__ })

/* Starts one, linked with the caller; result and failure are those of tr_registry_start_link.
   Process only; blocks. (Phoenix.PubSub.Supervisor) */
tr_term tr_pubsub_start_link(const struct tr_pubsub_opts *opts);

/* tr_err tr_pubsub_subscribe(pubsub, topic): the caller gets what is published from now on. Who
   subscribes twice gets it twice. TR_ENOMEM. Process only. (Phoenix.PubSub.subscribe/2) */
TR_MUST_USE tr_err tr_pubsub_subscribe_args(tr_atom pubsub, struct tr_arg topic);
#define tr_pubsub_subscribe(pubsub, topic) tr_pubsub_subscribe_args(pubsub, TR_ARG(topic))

/* void tr_pubsub_unsubscribe(pubsub, topic): ends all subscriptions of the caller to that topic.
   Process only. (Phoenix.PubSub.unsubscribe/2) */
void tr_pubsub_unsubscribe_args(tr_atom pubsub, struct tr_arg topic);
#define tr_pubsub_unsubscribe(pubsub, topic) tr_pubsub_unsubscribe_args(pubsub, TR_ARG(topic))

/*
 * void tr_pubsub_broadcast(pubsub, topic, ...): sends a message to all subscribers of a topic, as
 * tr_send would to each, in the order in which they subscribed. Process only; blocks only where
 * tr_send does. (Phoenix.PubSub.broadcast/3)
 *
 *     tr_pubsub_broadcast_from(pubsub, pid, topic, ...)   to all but one (broadcast_from/4)
 *     tr_pubsub_local_broadcast(pubsub, topic, ...)       on this node only, which at present is
 *                                                         the same (local_broadcast/3)
 */
void tr_pubsub_broadcast_args(tr_atom pubsub, tr_pid from, struct tr_arg topic,
                              const struct tr_arg *args, int n);
#define tr_pubsub_broadcast(pubsub, topic, ...)                                                    \
    tr_pubsub_broadcast_args(pubsub, tr__no_pid(), TR_ARG(topic), TR_ARGS(__VA_ARGS__))
#define tr_pubsub_broadcast_from(pubsub, from, topic, ...)                                         \
    tr_pubsub_broadcast_args(pubsub, from, TR_ARG(topic), TR_ARGS(__VA_ARGS__))
#define tr_pubsub_local_broadcast(pubsub, topic, ...)                                              \
    tr_pubsub_broadcast(pubsub, topic, ##__VA_ARGS__)

static inline tr_pid tr__no_pid(void)
{
    tr_pid none = { 0 };
    return none;
}

TR_HEADER_END

#endif
