/* SPDX-License-Identifier: MIT */
/*
 * Group leaders: `user`, which owns standard input and output, and the collector of tests.
 *
 * While `user` waits for a line of input it goes on serving output; requests for input stay in its
 * mailbox, in order, until the one before has its line. Who waits for descriptor 0 takes no
 * messages, so another process does that, and its end is the news. When `user` ends, it first
 * serves what is in its mailbox: output that somebody asked for is written also when the program
 * ends.
 */
#include "otp/device.h"

#include "otp/text.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define LINE_SIZE (1u << 20) /* a longer line comes in pieces */

tr_atoms(io_request, io_reply, put_chars, get_line, requests, unicode, latin1, ok, eof, error,
         request, terminated, enotsup, eio, system, stop, DOWN, kill);

struct device {
    bool collects;        /* output is collected, not written, and there is no input */
    bool ends;            /* input is no longer served */
    bool at_eof;          /* descriptor 0 has no more */
    tr_pid sentry;        /* waits for descriptor 0, or has done so */
    struct tr_text text;  /* what was collected */
    struct tr_text input; /* read, but not yet asked for */
};

static tr_term error(tr_atom reason)
{
    return tr_build(a_error, reason);
}

/* --- output --- */

static tr_term write_out(struct device *d, const struct tr_text *t)
{
    if (d->collects) {
        tr__text_add(&d->text, t->data, t->size);
        return tr_build(a_ok);
    }
    bool written = fwrite(t->data, 1, t->size, stdout) == t->size && fflush(stdout) == 0;
    clearerr(stdout);
    return written ? tr_build(a_ok) : error(a_eio);
}

static tr_term put(struct device *d, tr_term request, tr_atom encoding, tr_term chars)
{
    struct tr_text t = { NULL, 0, 0 };
    tr_term reply;

    if (encoding.w != a_unicode.w && encoding.w != a_latin1.w)
        return error(a_request);
    if (tr__text_add_chars(&t, chars, encoding.w == a_latin1.w))
        reply = t.size ? write_out(d, &t) : tr_build(a_ok);
    else
        reply = tr_build(a_error, request);
    tr__text_fini(&t);
    return reply;
}

/* Serves a request for output; false when it is something else. */
static bool serve_output(struct device *d, tr_term request, tr_term *reply)
{
    tr_atom encoding = a_latin1;
    tr_term chars;

    if (!tr_match(request, a_put_chars, &encoding, &chars) &&
        !tr_match(request, a_put_chars, &chars))
        return false;
    *reply = put(d, request, encoding, chars);
    return true;
}

/* --- input --- */

/* Its end says that there is something to read; or an error, which reading will tell. */
static void sentry(tr_term unused)
{
    tr_err err = tr_wait_fd(STDIN_FILENO, TR_FD_READ, TR_INFINITY);

    (void)unused;
    (void)err;
}

/* Serves one request for output; false when the sentry has ended instead. */
static bool serve_meanwhile(struct device *d, tr_ref watch)
{
    tr_term as, request, encoding, chars, reply;
    bool waiting = true;
    tr_pid from;

    tr_receive (m) {
        tr_on (m, a_io_request, &from, &as, tr_tuple(a_put_chars, &encoding, &chars)) {
            request = tr_build(a_put_chars, encoding, chars);
            if (serve_output(d, request, &reply))
                tr_send(from, a_io_reply, as, reply);
            else
                tr_send(from, a_io_reply, as, error(a_request));
        }
        tr_on (m, a_io_request, &from, &as, tr_tuple(a_put_chars, &chars)) {
            serve_output(d, tr_build(a_put_chars, chars), &reply);
            tr_send(from, a_io_reply, as, reply);
        }
        tr_on (m, a_DOWN, watch, tr_any(), tr_any(), tr_any())
            waiting = false;
    }
    return waiting;
}

/* Waits for input while serving output. False on an error. */
static bool await_input(struct device *d)
{
    tr_ref watch;
    struct tr_spawn_opts opts = { .monitor = &watch };

    if (tr_try_spawn(&d->sentry, sentry, &opts))
        return false;
    while (serve_meanwhile(d, watch))
        ;
    return true;
}

/* Waits until there is something to read, and reads it. False on an error. */
static bool read_some(struct device *d)
{
    char bytes[4096];

    if (tr_wait_fd(STDIN_FILENO, TR_FD_READ, 0) == TR_ETIMEOUT)
        return await_input(d);
    ssize_t n = read(STDIN_FILENO, bytes, sizeof bytes);
    if (n < 0)
        return errno == EINTR || errno == EAGAIN;
    d->at_eof = n == 0;
    tr__text_add(&d->input, bytes, (size_t)n);
    return true;
}

/* How many bytes the next line has, or 0 when it is not there as a whole. */
static size_t line_size(const struct device *d)
{
    const struct tr_text *in = &d->input;
    const char *end = in->size ? memchr(in->data, '\n', in->size) : NULL;

    if (end)
        return (size_t)(end - in->data) + 1;
    return d->at_eof || in->size >= LINE_SIZE ? in->size : 0;
}

static tr_term get_line(struct device *d, tr_atom encoding, tr_term prompt)
{
    tr_term request = tr_build(a_get_line, encoding, prompt);
    size_t size;

    if (d->collects)
        return error(a_enotsup);
    if (d->ends)
        return error(a_terminated);
    tr_term prompted = put(d, request, encoding, prompt);
    if (!tr_match(prompted, a_ok))
        return prompted;
    d->at_eof = false;
    while ((size = line_size(d)) == 0 && !d->at_eof)
        if (!read_some(d))
            return error(a_eio);
    if (size == 0)
        return tr_build(a_eof);
    tr_term line = tr_binary(d->input.data, size);
    tr__text_cut(&d->input, size);
    return line;
}

/* --- requests --- */

static tr_term serve_one(struct device *d, tr_term request)
{
    tr_atom encoding = a_latin1;
    tr_term reply, prompt;

    if (serve_output(d, request, &reply))
        return reply;
    if (tr_match(request, a_get_line, &encoding, &prompt) || tr_match(request, a_get_line, &prompt))
        return get_line(d, encoding, prompt);
    return error(a_request);
}

/* The reply to the last of several requests, or to the first that fails. */
static tr_term serve(struct device *d, tr_term request)
{
    tr_term list, one;
    tr_term reply = tr_build(a_ok);

    if (!tr_match(request, a_requests, &list))
        return serve_one(d, request);
    while (tr_list_next(&list, &one) && !tr_match(reply, a_error, tr_any()))
        reply = serve_one(d, one);
    return reply;
}

/* Serves one message of the mailbox; false when there is none that asks for something. */
static bool serve_waiting(struct device *d)
{
    bool served = false;
    tr_term as, request;
    tr_pid from;

    tr_receive (m) {
        tr_on (m, a_io_request, &from, &as, &request) {
            tr_send(from, a_io_reply, as, serve(d, request));
            served = true;
        }
        tr_after (m, 0) {
        }
    }
    return served;
}

/* --- the two processes --- */

/* Runs when `user` ends. */
static void finish(void *device)
{
    struct device *d = device;

    d->ends = true;
    if (d->sentry.w)
        tr_exit_to(d->sentry, a_kill);
    while (serve_waiting(d))
        ;
}

void tr__user(tr_term unused)
{
    struct device *d = tr_alloc(sizeof *d);
    tr_term as, request, from_term;
    tr_pid from;

    (void)unused;
    tr_defer(finish, d);
    for (;;) {
        tr_receive (m) {
            tr_on (m, a_io_request, &from, &as, &request)
                tr_send(from, a_io_reply, as, serve(d, request));
            tr_on (m, a_system, &from_term, &request)
                tr_handle_system(from_term, request);
            tr_on (m, tr_any()) {
            }
        }
    }
}

void tr__capture(tr_term arg)
{
    struct device d = { .collects = true };
    tr_pid owner, leader, from;
    tr_term as, request;
    tr_ref ref;

    tr_match(arg, &owner, &leader);
    tr_ref monitor = tr_monitor(owner);
    for (;;) {
        tr_receive (m) {
            tr_on (m, a_io_request, &from, &as, &request)
                tr_send(from, a_io_reply, as, serve(&d, request));
            tr_on (m, a_stop, &from, &ref) {
                tr_bin text = { d.text.data, d.text.size };
                tr_send(from, ref, text, leader);
                return;
            }
            tr_on (m, a_DOWN, monitor, tr_any(), tr_any(), tr_any())
                return;
            tr_on (m, tr_any()) {
            }
        }
    }
}
