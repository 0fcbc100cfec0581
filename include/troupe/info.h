/* SPDX-License-Identifier: MIT */
/*
 * Looking at processes.
 *
 *     tr_term links;
 *     if (tr_process_info(pid, a_links, &links))
 *         printf("linked with %s\n", tr_inspect(links));
 */
#ifndef TROUPE_INFO_H
#define TROUPE_INFO_H

#include <stdbool.h>

#include "troupe/message.h"

TR_HEADER_BEGIN

/*
 * One item about a process: registered_name ([] if none), links, monitors, monitored_by, messages,
 * message_queue_len, status, memory, heap_size, total_heap_size, stack_size, reductions,
 * trap_exit, priority, group_leader, dictionary, label, initial_call, parent, ancestors, backtrace.
 * The values are those of erlang:process_info/2, sizes in bytes; backtrace is a list of binaries,
 * one for each call, "function+0x12 (program+0x345)", innermost first: those by which the process
 * waits and answers, then its own. And of its caps, 0 for none: max_memory, max_mailbox,
 * mailbox_policy (wait, drop_newest, drop_oldest or exit), max_reductions, messages_dropped (since
 * it got its first cap), senders_waiting.
 *
 * False, *value untouched, when there is no such process. An item of another name ends the caller
 * with {badarg, Item}. The answer is what holds after all signals the caller sent before. Process
 * only; blocks until the other one is between two steps. (process_info/2)
 */
bool tr_process_info(tr_pid pid, tr_atom item, tr_term *value);

/* A list {Item, Value} in the order of the list of items. (process_info/2) */
bool tr_process_info_list(tr_pid pid, tr_term items, tr_term *values);

/* The list of all processes that have not begun to end, the caller among them. Any thread.
   (processes/0) */
tr_term tr_processes(void);

/*
 * The process dictionary: terms by key, kept until they are replaced or the process ends. What is
 * returned is a copy in the current heap, or w of 0 for none. Process only.
 * (Process.put, get, delete, get_keys)
 */
tr_term tr_put(tr_term key, tr_term value);
tr_term tr_get(tr_term key);
tr_term tr_erase(tr_term key);
tr_term tr_get_keys(void);
tr_term tr_get_keys_of(tr_term value);

TR_HEADER_END

#endif
