/* SPDX-License-Identifier: MIT */
/*
 * One transfer: what libcurl is told of it, and what libcurl tells.
 */
#include "kit/http/http.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

void tr__http_transfer_changed(struct tr__http_transfer *t)
{
    if (t->is_changed)
        return;
    t->is_changed = true;
    t->next_changed = *t->changed;
    *t->changed = t;
}

static bool append(struct tr__http_bytes *b, const char *data, size_t size)
{
    if (b->room - b->size < size) {
        size_t room = b->room ? b->room * 2 : 1024;
        while (room - b->size < size)
            room *= 2;
        char *larger = realloc(b->data, room);
        if (!larger)
            return false;
        b->data = larger;
        b->room = room;
    }
    memcpy(b->data + b->size, data, size);
    b->size += size;
    return true;
}

/* --- called by libcurl --- */

/* Is the response whose headers have just come the last one? */
static bool is_final(const struct tr__http_transfer *t)
{
    long status = 0;

    curl_easy_getinfo(t->easy, CURLINFO_RESPONSE_CODE, &status);
    return status >= 200 && !(t->follows && t->has_location && status / 100 == 3);
}

static size_t on_header(char *data, size_t one, size_t size, void *transfer)
{
    struct tr__http_transfer *t = transfer;

    (void)one;
    /* What follows the body is no part of the head. */
    if (t->has_head)
        return size;
    if (size > 5 && memcmp(data, "HTTP/", 5) == 0) {
        t->head.size = 0;
        t->has_location = false;
    }
    t->has_location = t->has_location || (size > 9 && strncasecmp(data, "location:", 9) == 0);
    if (size > t->max_headers - t->head.size) {
        t->head_too_large = true;
        return 0;
    }
    if (!append(&t->head, data, size)) {
        t->no_memory = true;
        return 0;
    }
    if ((size == 2 && data[0] == '\r') || (size == 1 && data[0] == '\n')) {
        t->has_head = is_final(t);
        if (t->has_head && t->stream)
            tr__http_transfer_changed(t);
    }
    return size;
}

static size_t on_body(char *data, size_t one, size_t size, void *transfer)
{
    struct tr__http_transfer *t = transfer;

    (void)one;
    if (size > t->max_body - t->ngot) {
        t->too_large = true;
        return 0;
    }
    if (t->stream && t->got.size >= TR__HTTP_WINDOW) {
        t->is_paused = true;
        return CURL_WRITEFUNC_PAUSE;
    }
    if (!append(&t->got, data, size)) {
        t->no_memory = true;
        return 0;
    }
    t->ngot += size;
    t->has_head = true;
    if (t->stream)
        tr__http_transfer_changed(t);
    return size;
}

/* --- starting --- */

static bool add_header(struct tr__http_transfer *t, const char *line)
{
    struct curl_slist *longer = curl_slist_append(t->headers, line);

    if (!longer)
        return false;
    t->headers = longer;
    return true;
}

static bool add_headers(struct tr__http_transfer *t, const struct tr__http_request *r)
{
    tr_term list = r->headers, item;
    const char *line;
    bool typed = false;

    while (tr_list_next(&list, &item)) {
        if (!tr_match(item, &line) || !add_header(t, line))
            return false;
        typed = typed || strncasecmp(line, "content-type:", 13) == 0;
    }
    /* Else libcurl says that each body is a form, and asks before it sends a large one. */
    return (typed || add_header(t, "Content-Type:")) && add_header(t, "Expect:");
}

/* libcurl copies texts; without memory it would do without them: a request with another method, or
   one that trusts other certificates. */
static bool set_text(CURL *easy, CURLoption option, const char *text)
{
    return curl_easy_setopt(easy, option, text) == CURLE_OK;
}

static bool set_method(CURL *easy, const struct tr__http_request *r)
{
    bool posts = strcmp(r->method, "POST") == 0;

    if (posts || r->body.size > 0 || strcmp(r->method, "PUT") == 0 ||
        strcmp(r->method, "PATCH") == 0) {
        curl_easy_setopt(easy, CURLOPT_POST, 1L);
        curl_easy_setopt(easy, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)r->body.size);
        curl_easy_setopt(easy, CURLOPT_POSTFIELDS, r->body.size ? r->body.data : "");
    } else if (strcmp(r->method, "HEAD") == 0) {
        curl_easy_setopt(easy, CURLOPT_NOBODY, 1L);
        return true;
    }
    return posts || strcmp(r->method, "GET") == 0 ||
           set_text(easy, CURLOPT_CUSTOMREQUEST, r->method);
}

static void set_limits(CURL *easy, const struct tr__http_request *r)
{
    curl_easy_setopt(easy, CURLOPT_TIMEOUT_MS, (long)r->timeout_ms);
    curl_easy_setopt(easy, CURLOPT_CONNECTTIMEOUT_MS, (long)r->connect_timeout_ms);
    if (r->stall_timeout_ms) {
        curl_easy_setopt(easy, CURLOPT_LOW_SPEED_LIMIT, 1L);
        curl_easy_setopt(easy, CURLOPT_LOW_SPEED_TIME, (long)((r->stall_timeout_ms + 999) / 1000));
    }
    curl_easy_setopt(easy, CURLOPT_FOLLOWLOCATION, r->max_redirects > 0 ? 1L : 0L);
    curl_easy_setopt(easy, CURLOPT_MAXREDIRS, (long)r->max_redirects);
#if LIBCURL_VERSION_NUM >= 0x075700
    /* A transfer that is given up does not wait for the thread that looks its host up. */
    curl_easy_setopt(easy, CURLOPT_QUICK_EXIT, 1L);
#endif
}

/* A libcurl without TLS does not know https, and refuses it later. */
static bool set_protocols(CURL *easy)
{
#if LIBCURL_VERSION_NUM >= 0x075500
    return curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "http,https") != CURLE_OUT_OF_MEMORY &&
           curl_easy_setopt(easy, CURLOPT_REDIR_PROTOCOLS_STR, "http,https") != CURLE_OUT_OF_MEMORY;
#else
    curl_easy_setopt(easy, CURLOPT_PROTOCOLS, CURLPROTO_HTTP | CURLPROTO_HTTPS);
    curl_easy_setopt(easy, CURLOPT_REDIR_PROTOCOLS, CURLPROTO_HTTP | CURLPROTO_HTTPS);
    return true;
#endif
}

static bool set_security(CURL *easy, const struct tr__http_request *r)
{
    if (r->insecure) {
        curl_easy_setopt(easy, CURLOPT_SSL_VERIFYPEER, 0L);
        curl_easy_setopt(easy, CURLOPT_SSL_VERIFYHOST, 0L);
    }
    return (!r->ca_file || set_text(easy, CURLOPT_CAINFO, r->ca_file)) &&
           (!r->proxy || set_text(easy, CURLOPT_PROXY, r->proxy));
}

static bool set_up(struct tr__http_transfer *t, const struct tr__http_request *r)
{
    if (!set_text(t->easy, CURLOPT_URL, r->url) ||
        !set_text(t->easy, CURLOPT_USERAGENT, "troupe/" TR_VERSION_STRING) ||
        !set_method(t->easy, r) || !set_protocols(t->easy) || !set_security(t->easy, r) ||
        !add_headers(t, r))
        return false;
    curl_easy_setopt(t->easy, CURLOPT_PRIVATE, t);
    curl_easy_setopt(t->easy, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(t->easy, CURLOPT_ERRORBUFFER, t->text);
    curl_easy_setopt(t->easy, CURLOPT_HTTPHEADER, t->headers);
    curl_easy_setopt(t->easy, CURLOPT_HEADERFUNCTION, on_header);
    curl_easy_setopt(t->easy, CURLOPT_HEADERDATA, t);
    curl_easy_setopt(t->easy, CURLOPT_WRITEFUNCTION, on_body);
    curl_easy_setopt(t->easy, CURLOPT_WRITEDATA, t);
    set_limits(t->easy, r);
    return true;
}

struct tr__http_transfer *tr__http_transfer_new(const struct tr__http_request *request,
                                                struct tr__http_transfer **changed)
{
    struct tr__http_transfer *t = calloc(1, sizeof *t);

    if (!t)
        return NULL;
    t->changed = changed;
    t->max_body = request->max_body;
    t->max_headers = request->max_headers;
    t->stream = request->stream;
    t->follows = request->max_redirects > 0;
    t->easy = curl_easy_init();
    if (!t->easy || !set_up(t, request)) {
        tr__http_transfer_free(t);
        return NULL;
    }
    return t;
}

void tr__http_transfer_free(struct tr__http_transfer *t)
{
    curl_easy_cleanup(t->easy);
    curl_slist_free_all(t->headers);
    free(t->head.data);
    free(t->got.data);
    free(t);
}
