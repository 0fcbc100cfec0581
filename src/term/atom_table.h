/* SPDX-License-Identifier: MIT */
/*
 * Atoms with fixed indexes, so that the library's own code compares with constants.
 *
 * TR_ATOM(normal) is a tr_atom, TR_ATOM_W(normal) its word, TR_ATOM_TERM(normal) a tr_term. The
 * first two entries must be false and true (troupe/term.h); otherwise the order is free.
 */
#ifndef TROUPE_TERM_ATOM_TABLE_H
#define TROUPE_TERM_ATOM_TABLE_H

#include "troupe/term.h"

/* clang-format off */
#define TR__ATOM_TABLE(X, Y) \
    X(false) X(true) X(nil) X(undefined) X(ok) X(error) X(normal) X(kill) X(killed) X(shutdown) \
    X(noproc) X(noconnection) X(noreply) X(EXIT) X(DOWN) X(process) X(badarg) X(badarith) \
    X(badmatch) X(system_limit) X(out_of_memory) X(stack_overflow) X(fault) X(sigsegv) X(sigbus) X(sigfpe) X(sigill) \
    X(sigabrt) X(nocatch) \
    X(timeout) X(timeout_value) X(infinity) X(yes) X(no) X(low) X(high) X(max) X(name_taken) \
    X(registered_name) X(links) X(monitors) X(monitored_by) X(messages) X(message_queue_len) \
    X(status) X(memory) X(reductions) X(trap_exit) X(priority) X(group_leader) X(dictionary) \
    X(label) X(initial_call) X(current_function) X(heap_size) X(total_heap_size) X(stack_size) \
    X(running) X(runnable) X(waiting) X(suspended) X(exiting) X(garbage_collection) \
    X(waiting_for) X(parent) X(ancestors) Y(dollar_ancestors, "$ancestors") \
    Y(dollar_initial_call, "$initial_call") Y(dollar_callers, "$callers") \
    Y(dollar_gen_call, "$gen_call") \
    Y(dollar_gen_cast, "$gen_cast") X(alias) X(explicit_unalias) X(demonitor) X(reply_demonitor) \
    X(spawn_reply) X(badopt) X(cancel_timer) X(timer) X(already_started) X(already_registered) \
    X(io_request) X(io_reply) X(put_chars) X(unicode) X(get_line) X(eof) X(reply) X(system) \
    X(user) X(init) X(undef) X(function_clause) X(deadlock) X(noproc_name) X(exit) X(spawn) \
    X(link) X(monitor) X(fun) X(port) X(pid) X(reference) X(tag) X(latin1) X(nodedown) \
    X(brutal_kill) X(permanent) X(transient) X(temporary) \
    Y(dollar_process_label, "$process_label") X(flush) X(info) X(async) \
    Y(nonode_nohost, "nonode@nohost") X(badkey) X(badmap) X(case_clause) X(if_clause) X(module) \
    X(function) X(registered) X(proc_lib) X(stop) X(restart) X(start) X(max_mailbox) \
    X(mailbox_full) X(drop) X(current_stacktrace) X(fullsweep_after) X(error_logger) \
    X(min_heap_size) X(min_bin_vheap_size) X(backtrace) X(binary) X(catchlevel) \
    X(max_memory) X(max_reductions) X(mailbox_policy) X(wait) X(drop_newest) X(drop_oldest) \
    X(messages_dropped) X(senders_waiting) \
    X(long_schedule) X(long_message_queue) X(large_heap) X(sender) X(via) \
    Y(ETS_TRANSFER, "ETS-TRANSFER")
/* clang-format on */

enum {
#define TR__ATOM_X(name)       TR__ATOM_##name,
#define TR__ATOM_Y(name, text) TR__ATOM_##name,
    TR__ATOM_TABLE(TR__ATOM_X, TR__ATOM_Y)
#undef TR__ATOM_X
#undef TR__ATOM_Y
        TR__ATOM_KNOWN /* how many */
};

/* The name is pasted, so that names that are macros elsewhere (true) stay themselves. */
#define TR_ATOM_W(name)    TR__ATOM_W(TR__ATOM_##name)
#define TR_ATOM(name)      ((tr_atom){ TR__ATOM_W(TR__ATOM_##name) })
#define TR_ATOM_TERM(name) ((tr_term){ TR__ATOM_W(TR__ATOM_##name) })

#endif
