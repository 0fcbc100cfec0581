/* SPDX-License-Identifier: MIT */
/* Counters that are upgraded while others send to them: no message is lost. */
#include <stdio.h>
#include <troupe.h>

#define SENDERS 4

tr_atoms(ok, first, second, increment, get, since, version, normal, done, busy, enough);

static const struct tr_gen_server *load(const char *path)
{
    struct tr_code_object *code;

    return tr_code_load(path, &code) ? NULL : tr_code_symbol(code, "counter");
}

static bool told(tr_atom what)
{
    bool is = false;

    tr_receive (m) {
        tr_on (m, what)
            is = true;
        tr_after (m, 0) {
        }
    }
    return is;
}

/* Sends until it is told that it is enough, and once more; then says how much that was. */
static void sender(tr_term main)
{
    int64_t n = 0;

    for (bool goes_on = true; goes_on; n++) {
        goes_on = !told(a_enough);
        tr_cast(a_first, a_increment);
        tr_cast(a_second, a_increment);
        if (n == 1000)
            tr_send(main, a_busy);
    }
    tr_send(main, a_done, n);
}

/* Returns when all are at it. */
static void start_senders(tr_pid *senders)
{
    for (int i = 0; i < SENDERS; i++)
        senders[i] = tr_spawn(sender, tr_self());
    for (int i = 0; i < SENDERS; i++)
        tr_receive (m)
            tr_on (m, a_busy) {
            }
}

/* How much all have sent to each counter. */
static int64_t stop_senders(const tr_pid *senders)
{
    int64_t n, sum = 0;

    for (int i = 0; i < SENDERS; i++)
        tr_send(senders[i], a_enough);
    for (int i = 0; i < SENDERS; i++)
        tr_receive (m)
            tr_on (m, a_done, &n)
                sum += n;
    return sum;
}

static int64_t ask(tr_atom counter, tr_atom what)
{
    int64_t n = -1;

    tr_match(tr_call_within(TR_INFINITY, counter, what), &n);
    return n;
}

static void body(tr_term args)
{
    const struct tr_gen_server *old = load(COUNTER_V1), *new_one = load(COUNTER_V2);
    tr_pid senders[SENDERS], tree;
    int64_t upgraded = 0;

    (void)args;
    if (!old || !new_one)
        return;
    const struct tr_supervisor spec = {
        .children =
            TR_CHILDREN({ .server = old, .name = "first" }, { .server = old, .name = "second" }),
    };
    if (!tr_match(tr_supervisor_start_link(&spec, NULL), a_ok, &tree))
        return;
    printf("version %ld\n", (long)ask(a_first, a_version));
    start_senders(senders);
    tr_match(tr_code_upgrade_tree(tree, old, new_one, tr_build(1), tr_nil()), a_ok, &upgraded);
    printf("%ld counters upgraded, version %ld\n", (long)upgraded, (long)ask(a_first, a_version));
    int64_t sent = stop_senders(senders);
    printf("lost: %ld and %ld\n", (long)(sent - ask(a_first, a_get)),
           (long)(sent - ask(a_second, a_get)));
    printf("some since the upgrade: %s\n", ask(a_second, a_since) > 0 ? "yes" : "no");

    tr_pid before, after;
    tr_whereis(a_first, &before);
    tr_exit_to(before, a_done);
    while (!tr_whereis(a_first, &after) || after.w == before.w)
        tr_sleep(1);
    printf("restarted: version %ld\n", (long)ask(a_first, a_version));
    tr_stop(tree, a_normal, TR_INFINITY);
}

int main(int argc, char **argv)
{
    tr_log_set_level(TR_LOG_EMERGENCY); /* the crash is meant */
    return tr_main(argc, argv, body);
}
