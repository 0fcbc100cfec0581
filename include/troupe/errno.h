/* SPDX-License-Identifier: MIT */
/*
 * errno in processes.
 *
 *     int fd = open(path, O_RDONLY);
 *     if (fd < 0) {
 *         tr_send(log, a_cannot_open, path);         may move the process to another thread
 *         tr_exit(a_errno, errno);                   still that of open
 *     }
 *
 * Each process has its own errno: no call into the library changes it, though other processes run
 * meanwhile, and whatever thread the caller goes on on.
 *
 * The C library's errno is a variable of the thread, and compilers may compute its address once in
 * a function and use it again after a call, since an ordinary function stays on its thread. So this
 * header defines errno anew, as a call that no compiler sees through. A source file that holds
 * errno across calls into the library must include it, after or before <errno.h>; troupe.h does.
 * Files that never call the library, such as other libraries, need nothing; with one exception: a
 * foreign function that calls back into code that calls the library may look at the errno of the
 * thread on which it began. Call such functions in a process with a thread of its own
 * (struct tr_spawn_opts).
 */
#ifndef TROUPE_ERRNO_H
#define TROUPE_ERRNO_H

#include <errno.h>

#include "troupe/version.h"

TR_HEADER_BEGIN

/* Where the errno of the calling thread is, for now. Any thread. */
int *tr_errno_location(void);

TR_HEADER_END

#undef errno
#define errno (*tr_errno_location())

#endif
