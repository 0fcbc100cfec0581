/* SPDX-License-Identifier: MIT */
/* Publish and subscribe: whoever has subscribed to a topic is sent what is published there. */
#include <stdio.h>

#include "await.h"

tr_atoms(pubsub, news, sport, message, ready);

static void reader(tr_term arg)
{
    tr_pid boss;
    tr_term topic;
    const char *text;

    if (!tr_match(arg, &boss) || tr_pubsub_subscribe(a_pubsub, a_news))
        return;
    tr_send(boss, a_ready);
    tr_receive (m)
        tr_on (m, a_message, &topic, &text)
            printf("Received on %s: %s\n", tr_inspect(topic), text);
}

static void publish(tr_atom topic, const char *text)
{
    tr_pubsub_broadcast(a_pubsub, topic, a_message, topic, text);
}

static void body(tr_term args)
{
    (void)args;
    tr_pubsub_start_link(TR_PUBSUB_OPTS(.name = a_pubsub));
    tr_pid pid = tr_spawn(reader, tr_self());
    tr_receive (m)
        tr_on (m, a_ready) {
        }
    publish(a_sport, "Nobody reads this");
    publish(a_news, "Breaking news!");
    await_end_of(pid);
}

int main(int argc, char **argv)
{
    return tr_main(argc, argv, body);
}
