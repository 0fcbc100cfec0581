/* SPDX-License-Identifier: MIT */
/* Mails that outlast the program: its first run is killed while it sends the last one, its second
   run, with the same file, sends what is left. */
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>

#include <troupe.h>
#include <troupe/kit/queue_sqlite.h>

tr_atoms(ok, mails);

/* Jobs of an earlier run begin at once, while it is found out. */
static atomic_bool first_run;

static tr_term send_mail(tr_term address)
{
    const char *text;

    if (!tr_match(address, &text))
        return tr_nil();
    if (first_run && strcmp(text, "carl") == 0)
        raise(SIGKILL);
    printf("sent to %s\n", text);
    return tr_nil();
}

static void push_all(void)
{
    const char *const to[] = { "anna", "bert", "carl" };

    for (int i = 0; i < 3; i++)
        if (tr_queue_push(a_mails, to[i]))
            printf("%s is not written down\n", to[i]);
}

static int64_t njobs(struct tr_queue_status s)
{
    return s.waiting + s.paused + s.running + s.done + s.dead;
}

static void body(tr_term args)
{
    struct tr_queue mails = { .name = "mails", .run = send_mail, .store = &tr_queue_sqlite };
    tr_term result;

    if (!tr_match(args, tr_list(tr_any(), &mails.where))) {
        puts("usage: durable_queue FILE");
        return;
    }
    result = tr_queue_start_link(&mails);
    if (!tr_match(result, a_ok, tr_any())) {
        printf("%s: %s\n", mails.where, tr_inspect(result));
        return;
    }
    int64_t n = njobs(tr_queue_status(a_mails));
    first_run = n == 0;
    if (first_run)
        push_all();
    while (tr_queue_status(a_mails).done < n || first_run)
        tr_sleep(10);
    puts("no more");
}

int main(int argc, char **argv)
{
    setvbuf(stdout, NULL, _IOLBF, 0); /* what was printed outlasts the kill, too */
    return tr_main(argc, argv, body);
}
