/* SPDX-License-Identifier: MIT */
/*
 * What the files of the HTTP client share: a transfer, which is one request and its response, as
 * the driver sees it. Nothing in transfer.c calls Troupe, since most of it is called by libcurl,
 * which must not be left in its middle.
 */
#ifndef TROUPE_KIT_HTTP_HTTP_H
#define TROUPE_KIT_HTTP_HTTP_H

#include "troupe.h"
#include "troupe/http.h"

#include <curl/curl.h>

/* As much of a stream as is read ahead. */
#define TR__HTTP_WINDOW ((size_t)256 * 1024)

/* What a client asks for; all borrowed. */
struct tr__http_request {
    const char *url, *method, *ca_file, *proxy; /* the last two may be NULL */
    tr_term headers;                            /* a list of binaries, "Name: value" */
    tr_bin body;
    int64_t timeout_ms, connect_timeout_ms, stall_timeout_ms; /* 0: no limit */
    size_t max_body, max_headers;
    int max_redirects;
    bool stream, insecure;
};

struct tr__http_bytes {
    char *data;
    size_t size, room;
};

struct tr__http_transfer {
    struct tr__http_transfer *next_in_bucket, *next_changed;
    struct tr__http_transfer **changed; /* the driver's list of those that have something to say */
    CURL *easy;
    struct curl_slist *headers;
    tr_ref ref;     /* the monitor of its client; the name of the stream */
    tr_term client; /* kept: who waits for the response, the headers, or a piece; 0: nobody */
    tr_term body;   /* kept: of the request */

    struct tr__http_bytes head; /* of the last response: the status line and the headers */
    struct tr__http_bytes got;  /* of the body, without what was handed out */
    size_t ngot;                /* of the body in all */
    size_t max_body, max_headers;
    bool stream, follows;
    bool has_location; /* the last response leads elsewhere */
    bool has_head;     /* the headers are complete */
    bool has_opened;   /* and the client has them */
    bool is_paused;    /* as much as is allowed is waiting to be read */
    bool is_changed;
    bool too_large, head_too_large, no_memory; /* why a callback has given up */
    bool has_ended;                            /* with this code: */
    CURLcode code;
    char text[CURL_ERROR_SIZE];
};

/* A transfer that is not yet running, and NULL without memory. */
struct tr__http_transfer *tr__http_transfer_new(const struct tr__http_request *request,
                                                struct tr__http_transfer **changed);

/* Frees it; it must not be part of a multi handle any more. */
void tr__http_transfer_free(struct tr__http_transfer *t);

/* Puts it on the list of those that have something to say. */
void tr__http_transfer_changed(struct tr__http_transfer *t);

/* Why a transfer that has ended with an error did so, and the code for it. */
tr_err tr__http_reason(const struct tr__http_transfer *t, tr_term *reason);

/* Starts a driver; the argument is {MaxConnections, MaxPerHost, MaxIdle}. */
tr_term tr__http_driver(tr_term arg);

#endif
