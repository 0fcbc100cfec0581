/* SPDX-License-Identifier: MIT */
/*
 * Output and input through the group leader, by Erlang's I/O protocol.
 *
 *     static void body(tr_term args)
 *     {
 *         (void)args;
 *         tr_puts("hello");                          a line
 *         tr_format("%d and %s\n", 7, "seven");      as printf
 *     }
 *
 * A process sends {io_request, From, ReplyAs, Request} to its group leader (tr_group_leader, which
 * children inherit) and waits for {io_reply, ReplyAs, Reply}; any process that answers so can be
 * the leader of others. The default leader is the process named `user`, which reads standard input
 * and writes standard output. It is started when a process first calls a function of this header,
 * and from then on counts as a process. It writes by stdio and flushes before it answers; so
 * output appears in the order of the requests, also beside printf. What was requested when the
 * runtime stops is written before it has stopped.
 *
 * Requests that `user` knows: {put_chars, Encoding, Chars}, {put_chars, Chars},
 * {get_line, Encoding, Prompt}, {get_line, Prompt}, {requests, List}. Encoding is unicode or
 * latin1; Chars are a binary, or a list of characters, binaries and such lists. Anything else is
 * answered with {error, request}.
 */
#ifndef TROUPE_IO_H
#define TROUPE_IO_H

#include "troupe/error.h"
#include "troupe/message.h"
#include "troupe/process.h"

TR_HEADER_BEGIN

/*
 * Writes a line of UTF-8 text: the text, then a newline. TR_ENOPROC: the group leader has ended;
 * TR_ESYS: it answered with an error; TR_EINVAL: the caller is its own leader; TR_ELIMIT or
 * TR_ENOMEM: `user` cannot be started. Process only; blocks. (IO.puts/1)
 */
tr_err tr_puts(const char *text);

/* Writes text as printf makes it, without a newline of its own. Results as tr_puts, and TR_EINVAL
   for a format that vsnprintf refuses. Process only; blocks. (io:format/2) */
tr_err tr_format(const char *format, ...) __attribute__((format(printf, 1, 2)));

/*
 * Writes the prompt (may be empty), then reads a line, with its newline, as a binary in the
 * current heap; the last line of the input may have none. TR_ECLOSED at the end of the input,
 * others as tr_puts. `user` reads descriptor 0 itself, past what stdio may have buffered. Process
 * only; blocks. (io:get_line/1)
 */
TR_MUST_USE tr_err tr_get_line(const char *prompt, tr_term *line);

/*
 * tr_term tr_io_request(leader, ...): any request to any leader; its reply, in the current heap,
 * or {error, terminated} when the leader has ended, or {error, calling_self} when it is the
 * caller. Process only; blocks.
 */
tr_term tr_io_request_args(tr_pid leader, const struct tr_arg *args, int n);
#define tr_io_request(leader, ...) tr_io_request_args(leader, TR_ARGS(__VA_ARGS__))

/*
 * For tests: from now on what the caller writes, and each process that inherits its group leader,
 * is collected by a process that is returned and becomes that leader. It gives no input, and ends
 * with the caller. Process only. (ExUnit.CaptureIO)
 */
tr_pid tr_capture_start(void);

/* Ends a collection the caller started and restores its group leader; what was written, as a
   binary in the current heap. Empty when the collector has ended already. Process only; blocks. */
tr_term tr_capture_stop(tr_pid capture);

TR_HEADER_END

#endif
