/* SPDX-License-Identifier: MIT */
/*
 * Job queues that outlast the program: a store in a file of SQLite.
 *
 *     static const struct tr_queue mails = {
 *         .name = "mails", .run = send_mail, .store = &tr_queue_sqlite, .where = "mails.db",
 *     };
 *
 * It is a library of its own, troupe-sqlite, so that only who uses it links SQLite.
 *
 * A push returns when the job is on the disk: the file has a write-ahead log, and synchronous is
 * FULL for pushes. Other changes are safe from the end of the program at once, and from a loss of
 * power with the next push; what is lost then runs again. One queue at a time has the file.
 *
 * This header is not part of <troupe.h>.
 */
#ifndef TROUPE_KIT_QUEUE_SQLITE_H
#define TROUPE_KIT_QUEUE_SQLITE_H

#include "troupe/kit/queue.h"

TR_HEADER_BEGIN

/* `where` is the path of the file, which is made if it is not there. What is no database, or the
   database of another program, is left as it is: the queue does not start. */
extern const struct tr_queue_store tr_queue_sqlite;

TR_HEADER_END

#endif
