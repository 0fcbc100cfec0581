/* SPDX-License-Identifier: MIT */
/* News of two topics, and those who want to have them. */
#include <troupe.h>

tr_atoms(news, rain, sun, ready);

/* Subscribes to a topic, takes three messages, and tells what they were. */
static void reader(tr_term arg)
{
    tr_term topic, item, all = tr_nil();
    tr_pid boss;

    if (!tr_match(arg, &boss, &topic) || tr_pubsub_subscribe(a_news, topic))
        return;
    tr_send(boss, a_ready);
    for (int i = 0; i < 3; i++) {
        tr_receive (m)
            tr_on (m, &item)
                item = tr_receive_result(&m, item);
        all = tr_list_push(all, item);
    }
    tr_send(boss, topic, tr_list_reverse(all));
}

static void body(tr_term args)
{
    tr_term read;

    (void)args;
    tr_pubsub_start_link(TR_PUBSUB_OPTS(.name = a_news));
    for (int i = 0; i < 2; i++)
        tr_spawn(reader, tr_self(), "weather");
    tr_spawn(reader, tr_self(), "sport");
    for (int i = 0; i < 3; i++)
        tr_receive (m)
            tr_on (m, a_ready) {
            }

    tr_pubsub_broadcast(a_news, "weather", a_rain, 12);
    tr_pubsub_broadcast(a_news, "weather", a_rain, 3);
    tr_pubsub_broadcast(a_news, "weather", a_sun);
    for (int i = 0; i < 2; i++)
        tr_receive (m)
            tr_on (m, "weather", &read)
                tr_puts(tr_inspect(read));

    for (int i = 0; i < 3; i++)
        tr_pubsub_broadcast(a_news, "sport", "goal", i);
    tr_receive (m)
        tr_on (m, "sport", &read)
            tr_puts(tr_inspect(read));
}

int main(int argc, char **argv)
{
    return tr_main(argc, argv, body);
}
