/* SPDX-License-Identifier: MIT */
/* Troupe: Erlang/OTP's concurrency for C programs. This header includes all the others. */
#ifndef TROUPE_H
#define TROUPE_H

#include "troupe/call.h"
#include "troupe/deadlock.h"
#include "troupe/dynamic_supervisor.h"
#include "troupe/errno.h"
#include "troupe/error.h"
#include "troupe/fault.h"
#include "troupe/fd.h"
#include "troupe/gen_server.h"
#include "troupe/info.h"
#include "troupe/io.h"
#include "troupe/link.h"
#include "troupe/local.h"
#include "troupe/log.h"
#include "troupe/memory.h"
#include "troupe/message.h"
#include "troupe/name.h"
#include "troupe/partition_supervisor.h"
#include "troupe/process.h"
#include "troupe/random.h"
#include "troupe/replay.h"
#include "troupe/runtime.h"
#include "troupe/start.h"
#include "troupe/supervisor.h"
#include "troupe/sys.h"
#include "troupe/term.h"
#include "troupe/timer.h"
#include "troupe/version.h"
#include "troupe/watch.h"

#endif
