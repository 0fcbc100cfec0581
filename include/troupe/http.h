/* SPDX-License-Identifier: MIT */
/*
 * HTTP requests, written as blocking code; a library of its own, libtroupe-http, on libcurl.
 *
 *     #include <troupe.h>
 *     #include <troupe/http.h>
 *
 *     struct tr_http_response r;
 *
 *     tr_http_start_link(NULL);                            once, or as a child of a supervisor
 *     if (tr_http_get("http://localhost/a", &r, NULL))
 *         printf("failed: %s\n", tr_inspect(r.reason));
 *     else
 *         printf("%d, %zu bytes\n", r.status, r.body.size);
 *
 * Any number of processes may do so at once: their transfers share connections and one set of
 * descriptors, which a process called the driver waits for. No request holds up a thread; names of
 * hosts are looked up by threads of libcurl's own. A process that ends cancels its transfers. A
 * driver that fails is started again, and its clients get an error.
 *
 * Status 404 or 500 is an answer like any other: TR_OK. All strings and structs are borrowed for
 * the call only; all that is returned lives in the current heap.
 */
#ifndef TROUPE_HTTP_H
#define TROUPE_HTTP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "troupe/supervisor.h"

/* For .max_body: any size. */
#define TR_HTTP_UNLIMITED SIZE_MAX

/* For .max_redirects: none is followed, the answer that asks for one is the response. */
#define TR_HTTP_NO_REDIRECTS (-1)

TR_HEADER_BEGIN

/* --- the client --- */

/* Zero is the default of each. */
struct tr_http_start_opts {
    tr_atom name;        /* of the client; 'troupe_http' */
    int drivers;         /* processes that drive transfers, each for the hosts that fall to it; 1 */
    int max_connections; /* of each driver, all others wait; no limit */
    int max_per_host;    /* of them to one host; no limit */
    int max_idle;        /* connections that a driver keeps open for the next request; 256 */
    int max_restarts;    /* of drivers in 5 seconds; one more ends the client; 3 */
};

/*
 * Starts a client, linked with the caller: a supervisor of its drivers. opts may be NULL. {ok, Pid}
 * or {error, Reason}, as tr_supervisor_start_link. The caller ends with {badarg, What} when a
 * number is negative. Process only; blocks.
 *
 * tr_http_child(arg) does the same as the .start of a child specification whose .arg_pointer is
 * the options (or nothing); they must last as long as the supervisor.
 */
tr_term tr_http_start_link(const struct tr_http_start_opts *opts);
tr_term tr_http_child(tr_term arg);

/* --- requests --- */

struct tr_http_header {
    const char *name;
    const char *value;
};

/* Zero is the default of each. */
struct tr_http_opts {
    tr_atom client;                       /* its name; 'troupe_http' */
    const struct tr_http_header *headers; /* the last has no name; NULL: none. One of libcurl's own
                                             (Accept, User-Agent) is replaced */
    tr_bin body;                          /* of the request */

    int64_t timeout_ms;         /* for all of it, redirects and waiting for a connection included;
                                   30,000; TR_INFINITY. For a stream: no limit */
    int64_t connect_timeout_ms; /* for a connection, looking up its host included; 10,000 */
    int64_t stall_timeout_ms;   /* for a pause between bytes; rounded up to seconds, and up to 5 s
                                   late, since libcurl looks at a mean; no limit */

    size_t max_body;    /* bytes of the response's body; 16 MiB, for a stream no limit */
    size_t max_headers; /* bytes of its headers; 64 KiB; not above 100,000 for each */
    int max_redirects;  /* 10; TR_HTTP_NO_REDIRECTS */

    bool insecure;       /* the server's certificate is not looked at */
    const char *ca_file; /* certificates to trust, as PEM; those of the system */
    const char *proxy;   /* a URL, "" for none; what the environment says (https_proxy and so on) */
};

/* Options in the place of an argument: TR_HTTP_OPTS(.timeout_ms = 500). */
#define TR_HTTP_OPTS(...) (&(const struct tr_http_opts){ __VA_ARGS__ })

struct tr_http_response {
    int status;
    tr_term headers; /* [{Name, Value}], binaries in the order of the server, names in lower case */
    tr_bin body;     /* its bytes belong to body_term */
    tr_term body_term;
    tr_term url;    /* a binary: where the last redirect led to */
    tr_term reason; /* of a failure; all else is zero then */
};

/*
 * Performs a request and waits for the whole response. tr_http_get and tr_http_head have no body,
 * tr_http_post has `size` bytes of the given type (NULL: no type is told) instead of opts->body;
 * tr_http_request any method, such as "PUT". opts may be NULL. TR_OK, or an error and its reason:
 *
 *     TR_EINVAL     bad_url (also one that a redirect leads to: neither http nor https),
 * bad_header, bad_method, or a negative time: bad_timeout TR_ENOTFOUND  nxdomain: no such host
 *     TR_ETIMEOUT   timeout
 *     TR_ECLOSED    econnrefused; {connect, Text}: no connection for another cause; closed: by the
 *                   server before the response was complete; {driver, Reason}: the driver ended
 *     TR_ESYNTAX    bad_response: not HTTP
 *     TR_ELIMIT     body_too_large, headers_too_large, too_many_redirects
 *     TR_ESYS       {tls, Text}: no secure connection, or the certificate is not to be trusted;
 *                   {curl, Number, Text}: anything else, with libcurl's number
 *     TR_ENOPROC    noproc: there is no such client, or its driver is just being started again
 *     TR_ENOMEM     out_of_memory
 *
 * A POST that is answered by 301, 302 or 303 goes on as a GET; other methods stay what they are.
 * Process only; blocks.
 */
TR_MUST_USE tr_err tr_http_get(const char *url, struct tr_http_response *response,
                               const struct tr_http_opts *opts);
TR_MUST_USE tr_err tr_http_head(const char *url, struct tr_http_response *response,
                                const struct tr_http_opts *opts);
TR_MUST_USE tr_err tr_http_post(const char *url, const char *type, const void *body, size_t size,
                                struct tr_http_response *response, const struct tr_http_opts *opts);
TR_MUST_USE tr_err tr_http_request(const char *method, const char *url,
                                   struct tr_http_response *response,
                                   const struct tr_http_opts *opts);

/* The value of a header by its name in lower case, the first of several; false, *value untouched,
   when there is none. Any thread. */
bool tr_http_header_value(const struct tr_http_response *response, const char *name, tr_bin *value);

/* --- bodies in pieces --- */

/* A response whose body is still to come; plain data. */
struct tr_http_stream {
    tr_pid driver;
    tr_ref ref;
};

/*
 * The same, but returns when the headers have come; the body is fetched by tr_http_read. The stream
 * belongs to the caller: it is closed when that ends. On failure there is none. Process only;
 * blocks.
 */
TR_MUST_USE tr_err tr_http_open(const char *method, const char *url, struct tr_http_stream *stream,
                                struct tr_http_response *response, const struct tr_http_opts *opts);

/*
 * Waits for a piece of the body, of any size up to 256 KiB or so; one of no bytes is the end, after
 * which the stream is closed. A server that is faster than the reader has to wait. Each piece
 * stays in the current heap: a loop should have a tr_scope. On failure the stream is closed, and
 * *reason (may be NULL) is as above; TR_ECLOSED and `closed` too when it was closed before. Owner
 * only; blocks.
 */
TR_MUST_USE tr_err tr_http_read(struct tr_http_stream *stream, tr_bin *piece, tr_term *reason);

/* Closes a stream before its end; closing it twice does nothing. Owner only. */
void tr_http_close(struct tr_http_stream *stream);

TR_HEADER_END

#endif
