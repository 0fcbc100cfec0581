/* SPDX-License-Identifier: MIT */
/*
 * Nothing is shared: what a process is sent is its own copy. Changing it, which for a term means
 * making another one, does not reach the sender; whoever wants the change has to be sent it.
 */
#include <stdio.h>

#include <troupe.h>

tr_atoms(colour, red, blue, changed);

struct point {
    int x, y;
};

static void change(tr_term arg)
{
    struct point mine;
    tr_term map;
    tr_bin bytes;
    tr_pid boss;

    if (!tr_match(arg, &boss, &map, &bytes))
        return;
    mine = *(const struct point *)bytes.data;
    mine.x = 7;
    map = tr_map_put(map, tr_build(a_colour), tr_build(a_blue));
    tr_send(boss, a_changed, map, tr_binary(&mine, sizeof mine));
}

static void body(tr_term args)
{
    struct point point = { 1, 2 };
    tr_term map = tr_build(tr_map(a_colour, a_red)), new_map;
    tr_bin bytes;

    (void)args;
    tr_spawn(change, tr_self(), map, tr_binary(&point, sizeof point));
    tr_receive (m)
        tr_on (m, a_changed, &new_map, &bytes)
            printf("there: %s, x is %d\n", tr_inspect(new_map),
                   ((const struct point *)bytes.data)->x);
    printf("here: %s, x is %d\n", tr_inspect(map), point.x);
}

int main(int argc, char **argv)
{
    return tr_main(argc, argv, body);
}
