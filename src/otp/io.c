/* SPDX-License-Identifier: MIT */
/*
 * The near side of the I/O protocol: requests to the group leader.
 *
 * `user` is started here when somebody first needs it. Two who try at once are told apart by the
 * name, which is registered before the new process can be seen.
 */
#include "otp/device.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

tr_atoms(io_request, io_reply, put_chars, get_line, unicode, user, DOWN, error, terminated,
         calling_self, ok, eof, stop, system_limit);

static tr_err start_user(void)
{
    struct tr_spawn_opts opts = { .name = a_user };
    tr_pid pid;
    tr_err err = tr_try_spawn(&pid, tr__user, &opts);

    return err == TR_EEXIST ? TR_OK : err;
}

/* The caller's group leader; sees to it that the default one exists. */
static tr_err find_leader(tr_pid *leader)
{
    if (!tr_whereis(a_user, NULL)) {
        tr_err err = start_user();
        if (err)
            return err;
    }
    *leader = tr_group_leader();
    return TR_OK;
}

/* Sends the request; the reply is kept, until which nothing of the caller's stack is needed. */
static tr_ref send_request(tr_pid leader, struct tr_arg request)
{
    tr_ref ref = tr_monitor(leader);

    tr_send(leader, a_io_request, tr_self(), ref, request);
    return ref;
}

static tr_term await_reply(tr_ref ref)
{
    tr_term reply = { 0 };
    tr_term t;

    tr_receive_ref(m, ref)
    {
        tr_on (m, a_io_reply, ref, &t)
            reply = tr_keep(t);
        tr_on (m, a_DOWN, ref, tr_any(), tr_any(), tr_any()) {
        }
    }
    tr_demonitor_flush(ref);
    if (!reply.w)
        return tr_build(a_error, a_terminated);
    tr_term result = tr_copy(reply);
    tr_release(reply);
    return result;
}

static tr_term own_leader(void)
{
    return tr_build(a_error, a_calling_self);
}

tr_term tr_io_request_args(tr_pid leader, const struct tr_arg *args, int n)
{
    if (leader.w == tr_self().w)
        return own_leader();
    return await_reply(send_request(leader, tr_message_arg(args, n)));
}

static tr_err result_of(tr_term reply)
{
    if (tr_match(reply, a_ok))
        return TR_OK;
    if (tr_match(reply, a_eof))
        return TR_ECLOSED;
    if (tr_match(reply, a_error, a_terminated))
        return TR_ENOPROC;
    return tr_match(reply, a_error, a_calling_self) ? TR_EINVAL : TR_ESYS;
}

/* --- output --- */

/* Waits for the answer; `buffer`, from tr_alloc or NULL, is freed before. */
static tr_err put(const char *text, size_t size, char *buffer)
{
    tr_pid leader;
    tr_err err = find_leader(&leader);

    if (!err && leader.w == tr_self().w)
        err = TR_EINVAL;
    if (err) {
        tr_free(buffer);
        return err;
    }
    tr_bin bytes = { text, size };
    tr_ref ref = send_request(leader, tr_tuple(a_put_chars, a_unicode, bytes));
    tr_free(buffer);
    tr_scope err = result_of(await_reply(ref));
    return err;
}

tr_err tr_puts(const char *text)
{
    size_t size = strlen(text);
    char *line = tr_alloc(size + 1);

    memcpy(line, text, size);
    line[size] = '\n';
    return put(line, size + 1, line);
}

tr_err tr_format(const char *format, ...)
{
    va_list args, again;
    char small[256];

    va_start(args, format);
    va_copy(again, args);
    int size = vsnprintf(small, sizeof small, format, args);
    va_end(args);
    char *large = NULL;
    if (size >= (int)sizeof small) {
        large = tr_alloc((size_t)size + 1);
        vsnprintf(large, (size_t)size + 1, format, again);
    }
    va_end(again);
    if (size < 0)
        return TR_EINVAL;
    return put(large ? large : small, (size_t)size, large);
}

/* --- input --- */

tr_err tr_get_line(const char *prompt, tr_term *line)
{
    tr_pid leader;
    tr_err err = find_leader(&leader);

    if (err)
        return err;
    tr_term reply = tr_io_request(leader, a_get_line, a_unicode, prompt);
    if (tr_is_binary(reply)) {
        *line = reply;
        return TR_OK;
    }
    err = result_of(reply);
    return err ? err : TR_ESYS;
}

/* --- collecting output --- */

tr_pid tr_capture_start(void)
{
    tr_pid before;

    if (find_leader(&before))
        tr_exit(a_system_limit);
    tr_pid capture = tr_spawn(tr__capture, tr_self(), before);
    tr_set_group_leader(tr_self(), capture);
    return capture;
}

tr_term tr_capture_stop(tr_pid capture)
{
    tr_ref ref = tr_monitor(capture);
    tr_term kept = tr_keep(tr_build(""));
    tr_pid before = { 0 };
    tr_term text;

    tr_send(capture, a_stop, tr_self(), ref);
    tr_receive_ref(m, ref)
    {
        tr_on (m, ref, &text, &before)
            kept = tr_keep(text);
        tr_on (m, a_DOWN, ref, tr_any(), tr_any(), tr_any()) {
        }
    }
    tr_demonitor_flush(ref);
    if (before.w && tr_group_leader().w == capture.w)
        tr_set_group_leader(tr_self(), before);
    tr_term result = tr_copy(kept);
    tr_release(kept);
    return result;
}
