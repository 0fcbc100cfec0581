/* SPDX-License-Identifier: MIT */
/* A service that fails is left alone for a while, and tried again. */
#include <stdio.h>

#include <troupe.h>
#include <troupe/kit/breaker.h>

tr_atoms(error, down, sent);

static bool service_is_up;
static int ncalls;

static tr_term send_mail(tr_term address)
{
    ncalls++;
    if (!service_is_up)
        return tr_build(a_error, a_down);
    return tr_build(a_sent, address);
}

static void send(struct tr_breaker *mail)
{
    tr_term result;
    tr_err err = tr_breaker_call(mail, &result, send_mail, "anna");

    printf("%s %s\n", err == TR_EBUSY ? "not called:" : "called:", tr_inspect(result));
}

static void body(tr_term args)
{
    const struct tr_breaker_opts opts = { .name = "mail",
                                          .max_failures = 3,
                                          .open = { .first_ms = 50, .max_ms = 1000 } };
    struct tr_breaker *mail;
    const char *bad;

    (void)args;
    if (tr_breaker_new(&mail, &opts, &bad)) {
        printf("bad option: %s\n", bad);
        return;
    }
    for (int i = 0; i < 5; i++)
        send(mail);
    service_is_up = true;
    while (tr_breaker_state(mail) == TR_BREAKER_OPEN)
        tr_sleep(tr_breaker_status(mail).open_ms);
    send(mail);
    if (tr_breaker_state(mail) == TR_BREAKER_CLOSED)
        printf("closed after %d calls\n", ncalls);
    tr_breaker_free(mail);
}

int main(int argc, char **argv)
{
    return tr_main(argc, argv, body);
}
