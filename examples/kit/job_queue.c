/* SPDX-License-Identifier: MIT */
/* Mails that are sent one after the other; one address does not work the first time, one never. */
#include <stdio.h>

#include <troupe.h>
#include <troupe/kit/queue.h>

tr_atoms(mails, no_such_address, try_later);

static tr_term send_mail(tr_term address)
{
    static int nattempts;
    const char *text;

    if (!tr_match(address, &text))
        return tr_nil();
    if (strcmp(text, "nobody") == 0)
        tr_exit(a_no_such_address);
    if (strcmp(text, "bert") == 0 && nattempts++ == 0)
        tr_exit(a_try_later);
    printf("sent to %s\n", text);
    return tr_nil();
}

static const struct tr_queue mails = {
    .name = "mails",
    .run = send_mail,
    .max_attempts = 3,
    .backoff = { .first_ms = 20 },
};

static void body(tr_term args)
{
    const char *const to[] = { "anna", "bert", "nobody", "carl" };
    struct tr_queue_status status;

    (void)args;
    tr_log_set_level(TR_LOG_CRITICAL); /* the failures are expected */
    tr_queue_start_link(&mails);
    for (int i = 0; i < 4; i++)
        if (tr_queue_push(a_mails, to[i]))
            printf("no room for %s\n", to[i]);
    do {
        tr_sleep(10);
        status = tr_queue_status(a_mails);
    } while (status.done + status.dead < 4);
    printf("dead: %s\n", tr_inspect(tr_queue_take_dead(a_mails)));
}

int main(int argc, char **argv)
{
    return tr_main(argc, argv, body);
}
