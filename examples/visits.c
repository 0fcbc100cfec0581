/* SPDX-License-Identifier: MIT */
/* Visitors of pages are counted by many processes in one table. */
#include <stdio.h>

#include <troupe.h>

tr_atoms(pages, page, home, about, news);

/* Counts its visits: no message, no process in between. */
static void visitor(tr_term arg)
{
    tr_term table;
    int n;

    if (!tr_match(arg, &table, &n))
        return;
    for (int i = 0; i < 1000; i++)
        tr_ets_update_counter_or(table, i % n ? a_home : a_about, 1, a_page, 0);
}

static bool print(tr_term object, void *arg)
{
    (void)arg;
    printf("%s\n", tr_inspect(object));
    return true;
}

static void body(tr_term args)
{
    tr_term table = tr_ets_new(
        a_pages, &(struct tr_ets_opts){ .type = TR_ETS_ORDERED_SET, .access = TR_ETS_PUBLIC });
    tr_term object, reason;
    int64_t visits;
    tr_ref refs[4];

    (void)args;
    for (int i = 0; i < 4; i++)
        tr_spawn_monitor(visitor, &refs[i], table, i + 2);
    for (int i = 0; i < 4; i++)
        tr_receive_ref(m, refs[i]) tr_on (m, tr_any(), refs[i], tr_any(), tr_any(), &reason)
        {
        }

    tr_ets_insert(table, a_news, 12, "since today");
    if (tr_ets_get(table, &object, a_home) && tr_match(object, a_home, &visits))
        printf("%ld visits of the first page\n", (long)visits);
    tr_ets_foldl(table, print, NULL);

    /* Whatever has more than a thousand visits. */
    tr_term spec;
    const char *text = "[{{'$1','$2'},[{'>','$2',1000}],['$1']}]";
    if (tr_parse(text, strlen(text), &spec, NULL) == TR_OK)
        printf("%s\n", tr_inspect(tr_ets_select(table, spec, TR_ETS_ALL)));
}

int main(int argc, char **argv)
{
    return tr_main(argc, argv, body);
}
