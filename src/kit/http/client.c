/* SPDX-License-Identifier: MIT */
/*
 * The client's side: a request is a call to the driver that its host falls to.
 */
#include "kit/http/http.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

tr_atoms(troupe_http, ok, error, request, read, close, nil, bad_url, bad_method, bad_header,
         bad_timeout, badarg, noproc, closed, driver);

#define TIMEOUT_MS         30000
#define CONNECT_TIMEOUT_MS 10000
#define MAX_TIMEOUT_MS     INT32_MAX /* of libcurl */
#define MAX_BODY           ((size_t)16 * 1024 * 1024)
#define MAX_HEADERS        ((size_t)64 * 1024)
#define MAX_REDIRECTS      10
#define MAX_IDLE           256

/* --- starting --- */

tr_term tr_http_start_link(const struct tr_http_start_opts *opts)
{
    static const struct tr_http_start_opts defaults;

    opts = opts ? opts : &defaults;
    if (opts->drivers < 0 || opts->max_connections < 0 || opts->max_per_host < 0 ||
        opts->max_idle < 0 || opts->max_restarts < 0)
        tr_error(a_badarg, a_troupe_http);
    const struct tr_partition_supervisor drivers = {
        .child = { .start = tr__http_driver,
                   .id = "driver",
                   .arg_term = tr_build(opts->max_connections, opts->max_per_host,
                                        opts->max_idle ? opts->max_idle : MAX_IDLE) },
        .partitions = opts->drivers ? opts->drivers : 1,
        .max_restarts = opts->max_restarts,
    };
    return tr_partition_supervisor_start_link(
        &drivers, TR_GEN_SERVER_OPTS(.name = opts->name.w ? opts->name : a_troupe_http));
}

tr_term tr_http_child(tr_term arg)
{
    return tr_http_start_link(tr_child_pointer(arg));
}

/* --- checking --- */

static bool is_token(const char *text)
{
    if (!text || !*text)
        return false;
    for (; *text; text++)
        if (!isalnum((unsigned char)*text) && !strchr("!#$%&'*+-.^_`|~", *text))
            return false;
    return true;
}

/* The host and port of a URL of ours. */
static bool host_of(const char *url, tr_bin *host)
{
    if (!url)
        return false;
    if (strncasecmp(url, "http://", 7) == 0)
        url += 7;
    else if (strncasecmp(url, "https://", 8) == 0)
        url += 8;
    else
        return false;
    host->data = url;
    host->size = strcspn(url, "/?#");
    return host->size > 0;
}

/* "Name: value" or, which is how libcurl is told of a header without a value, "Name;". */
static tr_term header_line(const struct tr_http_header *h)
{
    size_t room = strlen(h->name) + strlen(h->value) + sizeof ": ";
    char *line = tr_alloc(room);
    int size = snprintf(line, room, *h->value ? "%s: %s" : "%s;", h->name, h->value);
    tr_term term = tr_binary(line, (size_t)size);

    tr_free(line);
    return term;
}

/* A list of "Name: value"; false when one of them would not be a header. */
static bool header_list(const struct tr_http_header *headers, const char *type, tr_term *list)
{
    const struct tr_http_header of_type = { "Content-Type", type };
    const struct tr_http_header *h = headers;

    *list = tr_nil();
    for (bool typed = !type; !typed || (h && h->name); typed = true) {
        const struct tr_http_header *one = typed ? h++ : &of_type;
        if (!is_token(one->name) || !one->value || strpbrk(one->value, "\r\n"))
            return false;
        *list = tr_list_push(*list, header_line(one));
    }
    *list = tr_list_reverse(*list);
    return true;
}

/* For libcurl, where 0 is no limit. */
static int64_t time_of(int64_t ms, int64_t otherwise)
{
    if (ms == TR_INFINITY)
        return 0;
    return ms == 0 ? otherwise : ms < MAX_TIMEOUT_MS ? ms : MAX_TIMEOUT_MS;
}

static bool is_time(int64_t ms)
{
    return ms >= 0 || ms == TR_INFINITY;
}

/* --- requests --- */

struct call {
    const char *method, *url, *type;
    tr_bin body;
    bool stream;
    const struct tr_http_opts *opts;
};

/* What is sent to the driver; texts with their NUL, or an atom where there is none. */
static tr_term limits_of(const struct call *c)
{
    const struct tr_http_opts *o = c->opts;
    size_t max_body = o->max_body ? o->max_body : c->stream ? TR_HTTP_UNLIMITED : MAX_BODY;

    return tr_build(time_of(o->timeout_ms, c->stream ? 0 : TIMEOUT_MS),
                    o->connect_timeout_ms == TR_INFINITY
                        ? MAX_TIMEOUT_MS /* none would be libcurl's own, 5 minutes */
                        : time_of(o->connect_timeout_ms, CONNECT_TIMEOUT_MS),
                    time_of(o->stall_timeout_ms, 0), max_body,
                    o->max_headers ? o->max_headers : MAX_HEADERS,
                    o->max_redirects ? o->max_redirects : MAX_REDIRECTS);
}

static tr_term text_of(const char *text)
{
    return text ? tr_binary(text, strlen(text) + 1) : tr_build(a_nil);
}

static tr_err fail(tr_err err, struct tr_http_response *r, tr_term reason)
{
    *r = (struct tr_http_response){ .reason = reason };
    return err;
}

/* Calls the driver; on failure its reason. */
static tr_err ask(tr_pid driver, tr_term request, tr_term *reply)
{
    int code;
    tr_err err = tr_try_call_within(TR_INFINITY, driver, reply, request);

    if (err == TR_ENOPROC) {
        *reply = tr_build(a_noproc);
        return err;
    }
    if (err) {
        *reply = tr_build(a_driver, *reply);
        return TR_ECLOSED;
    }
    if (tr_match(*reply, a_error, &code, reply))
        return (tr_err)code;
    return TR_OK;
}

/* --- responses --- */

/* One line of the head, "Name: value"; its name is put into lower case. */
static tr_term header_of(char *line, size_t size)
{
    size_t length = (size_t)((char *)memchr(line, ':', size) - line);
    const char *value = line + length + 1, *end = line + size;

    for (size_t i = 0; i < length; i++)
        line[i] = (char)tolower((unsigned char)line[i]);
    while (value < end && isspace((unsigned char)*value))
        value++;
    while (end > value && isspace((unsigned char)end[-1]))
        end--;
    tr_bin n = { line, length }, v = { value, (size_t)(end - value) };
    return tr_build(n, v);
}

static tr_term parse_head(tr_bin head)
{
    char *copy = tr_alloc(head.size + 1), *end = copy + head.size;
    tr_term list = tr_nil();

    memcpy(copy, head.data, head.size);
    for (char *at = copy; at < end;) {
        char *next = memchr(at, '\n', (size_t)(end - at));
        size_t size = (size_t)((next ? next : end) - at);
        /* Not the status line. */
        if (at != copy && memchr(at, ':', size))
            list = tr_list_push(list, header_of(at, size));
        at += size + 1;
    }
    tr_free(copy);
    return tr_list_reverse(list);
}

/* `body` is a binary, or the reference of a stream. */
static tr_err parse_reply(tr_term reply, struct tr_http_response *r, tr_term *body)
{
    tr_bin head;

    *r = (struct tr_http_response){ 0 };
    if (!tr_match(reply, a_ok, &r->status, &head, &r->url, body))
        return fail(TR_ECLOSED, r, tr_build(a_closed));
    r->headers = parse_head(head);
    return TR_OK;
}

static tr_err perform(const struct call *c, struct tr_http_response *r, tr_pid *driver,
                      tr_term *body)
{
    const struct tr_http_opts *o = c->opts;
    tr_term headers, reply;
    tr_bin host;

    if (!host_of(c->url, &host))
        return fail(TR_EINVAL, r, tr_build(a_bad_url));
    if (!is_token(c->method))
        return fail(TR_EINVAL, r, tr_build(a_bad_method));
    if (!header_list(o->headers, c->type, &headers))
        return fail(TR_EINVAL, r, tr_build(a_bad_header));
    if (!is_time(o->timeout_ms) || !is_time(o->connect_timeout_ms) || !is_time(o->stall_timeout_ms))
        return fail(TR_EINVAL, r, tr_build(a_bad_timeout));
    if (tr_try_partition(o->client.w ? o->client : a_troupe_http, driver, host))
        return fail(TR_ENOPROC, r, tr_build(a_noproc));
    tr_term request = tr_build(
        a_request, c->url, c->method, headers, tr_binary(c->body.data, c->body.size), limits_of(c),
        tr_tuple(text_of(o->ca_file), text_of(o->proxy)), c->stream, o->insecure);
    tr_err err = ask(*driver, request, &reply);
    if (err)
        return fail(err, r, reply);
    return parse_reply(reply, r, body);
}

static const struct tr_http_opts *opts_of(const struct tr_http_opts *opts)
{
    static const struct tr_http_opts defaults;

    return opts ? opts : &defaults;
}

static tr_err whole(const struct call *c, struct tr_http_response *r)
{
    tr_pid driver;
    tr_term body;
    tr_err err = perform(c, r, &driver, &body);

    if (err)
        return err;
    r->body_term = body;
    tr_binary_get(body, &r->body);
    return TR_OK;
}

tr_err tr_http_request(const char *method, const char *url, struct tr_http_response *response,
                       const struct tr_http_opts *opts)
{
    opts = opts_of(opts);
    return whole(&(struct call){ .method = method, .url = url, .body = opts->body, .opts = opts },
                 response);
}

tr_err tr_http_get(const char *url, struct tr_http_response *response,
                   const struct tr_http_opts *opts)
{
    return whole(&(struct call){ .method = "GET", .url = url, .opts = opts_of(opts) }, response);
}

tr_err tr_http_head(const char *url, struct tr_http_response *response,
                    const struct tr_http_opts *opts)
{
    return whole(&(struct call){ .method = "HEAD", .url = url, .opts = opts_of(opts) }, response);
}

tr_err tr_http_post(const char *url, const char *type, const void *body, size_t size,
                    struct tr_http_response *response, const struct tr_http_opts *opts)
{
    return whole(&(struct call){ .method = "POST",
                                 .url = url,
                                 .type = type,
                                 .body = { body, size },
                                 .opts = opts_of(opts) },
                 response);
}

bool tr_http_header_value(const struct tr_http_response *response, const char *name, tr_bin *value)
{
    tr_term list = response->headers, item;

    if (!list.w)
        return false;
    while (tr_list_next(&list, &item))
        if (tr_match(item, name, value))
            return true;
    return false;
}

/* --- streams --- */

tr_err tr_http_open(const char *method, const char *url, struct tr_http_stream *stream,
                    struct tr_http_response *response, const struct tr_http_opts *opts)
{
    tr_pid driver;
    tr_term body;

    opts = opts_of(opts);
    tr_err err = perform(
        &(struct call){
            .method = method, .url = url, .body = opts->body, .stream = true, .opts = opts },
        response, &driver, &body);
    if (err)
        return err;
    stream->driver = driver;
    return tr_match(body, &stream->ref) ? TR_OK : fail(TR_ECLOSED, response, tr_build(a_closed));
}

tr_err tr_http_read(struct tr_http_stream *stream, tr_bin *piece, tr_term *reason)
{
    tr_term reply = tr_build(a_closed);
    tr_err err = TR_ECLOSED;

    if (stream->ref.w) {
        err = ask(stream->driver, tr_build(a_read, stream->ref), &reply);
        /* A driver that is no longer there has closed it. */
        err = err == TR_ENOPROC ? TR_ECLOSED : err;
    }
    if (!err && tr_match(reply, a_ok, piece)) {
        if (piece->size == 0)
            stream->ref.w = 0;
        return TR_OK;
    }
    stream->ref.w = 0;
    if (reason)
        *reason = reply;
    return err;
}

void tr_http_close(struct tr_http_stream *stream)
{
    if (stream->ref.w)
        tr_cast(stream->driver, a_close, stream->ref);
    stream->ref.w = 0;
}
