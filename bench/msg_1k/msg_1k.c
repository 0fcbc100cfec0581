/* SPDX-License-Identifier: MIT */
/* Messages that carry a tuple of 1 KiB, copied. */
#include "msg.h"

static tr_term make_payload(void)
{
    tr_term items[127];

    for (int i = 0; i < 127; i++)
        items[i] = tr_build(i);
    return tr_tuple_from_array(items, 127);
}

int main(int argc, char **argv)
{
    return msg_main(argc, argv, "msg_1k", make_payload);
}
