/* SPDX-License-Identifier: MIT */
/* The socket that clients connect to. */
#ifndef KV_LISTENER_H
#define KV_LISTENER_H

#include <troupe.h>

/* Listens as config says, before the runtime starts, and sets config.port to the port it got. False
   after a message. The socket stays open as long as the program: so whoever connects while
   everything starts again waits a moment, and is not refused. */
bool listener_open(void);

/* Accepts clients, and starts a connection for each under the supervisor `connections`. */
void listener(tr_term arg);

#endif
