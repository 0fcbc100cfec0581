/* SPDX-License-Identifier: MIT */
/* Messages that carry a binary of 1 MiB, shared. */
#include "msg.h"

static tr_term make_payload(void)
{
    static char bytes[1 << 20];

    return tr_binary(bytes, sizeof bytes);
}

int main(int argc, char **argv)
{
    return msg_main(argc, argv, "msg_1m", make_payload);
}
