/* SPDX-License-Identifier: MIT */
/*
 * Why a transfer has failed: libcurl's codes as reasons.
 */
#include "kit/http/http.h"

#include <errno.h>

tr_atoms(bad_url, nxdomain, timeout, econnrefused, connect, closed, bad_response, body_too_large,
         headers_too_large, too_many_redirects, tls, curl, out_of_memory);

static tr_err say(tr_err err, tr_term *reason, tr_term what)
{
    *reason = what;
    return err;
}

static const char *text_of(const struct tr__http_transfer *t)
{
    return t->text[0] ? t->text : curl_easy_strerror(t->code);
}

static tr_err not_connected(const struct tr__http_transfer *t, tr_term *reason)
{
    long cause = 0;

    curl_easy_getinfo(t->easy, CURLINFO_OS_ERRNO, &cause);
    if (cause == ECONNREFUSED)
        return say(TR_ECLOSED, reason, tr_build(a_econnrefused));
    return say(TR_ECLOSED, reason, tr_build(a_connect, text_of(t)));
}

/* libcurl has one code for a scheme that is not allowed, and for an answer that is not HTTP. */
static tr_err not_http(const struct tr__http_transfer *t, tr_term *reason)
{
    long status = 0;

    curl_easy_getinfo(t->easy, CURLINFO_RESPONSE_CODE, &status);
    if (status / 100 == 3)
        return say(TR_EINVAL, reason, tr_build(a_bad_url));
    return say(TR_ESYNTAX, reason, tr_build(a_bad_response));
}

/* A callback has ended it. */
static tr_err given_up(const struct tr__http_transfer *t, tr_term *reason)
{
    if (t->too_large)
        return say(TR_ELIMIT, reason, tr_build(a_body_too_large));
    if (t->head_too_large)
        return say(TR_ELIMIT, reason, tr_build(a_headers_too_large));
    return say(TR_ENOMEM, reason, tr_build(a_out_of_memory));
}

tr_err tr__http_reason(const struct tr__http_transfer *t, tr_term *reason)
{
    if (t->too_large || t->head_too_large || t->no_memory)
        return given_up(t, reason);
    switch (t->code) {
    case CURLE_URL_MALFORMAT:
        return say(TR_EINVAL, reason, tr_build(a_bad_url));
    case CURLE_UNSUPPORTED_PROTOCOL:
        return not_http(t, reason);
    case CURLE_COULDNT_RESOLVE_HOST:
        return say(TR_ENOTFOUND, reason, tr_build(a_nxdomain));
    case CURLE_COULDNT_CONNECT:
        return not_connected(t, reason);
    case CURLE_OPERATION_TIMEDOUT:
        return say(TR_ETIMEOUT, reason, tr_build(a_timeout));
    case CURLE_GOT_NOTHING:
    case CURLE_RECV_ERROR:
    case CURLE_SEND_ERROR:
    case CURLE_PARTIAL_FILE:
        return say(TR_ECLOSED, reason, tr_build(a_closed));
    case CURLE_WEIRD_SERVER_REPLY:
    case CURLE_HTTP2:
    case CURLE_HTTP2_STREAM:
    case CURLE_BAD_CONTENT_ENCODING:
        return say(TR_ESYNTAX, reason, tr_build(a_bad_response));
    case CURLE_TOO_MANY_REDIRECTS:
        return say(TR_ELIMIT, reason, tr_build(a_too_many_redirects));
    case CURLE_SSL_CONNECT_ERROR:
    case CURLE_SSL_CERTPROBLEM:
    case CURLE_SSL_CIPHER:
    case CURLE_SSL_CACERT_BADFILE:
    case CURLE_SSL_ISSUER_ERROR:
    case CURLE_SSL_INVALIDCERTSTATUS:
    case CURLE_PEER_FAILED_VERIFICATION:
        return say(TR_ESYS, reason, tr_build(a_tls, text_of(t)));
    case CURLE_OUT_OF_MEMORY:
        return say(TR_ENOMEM, reason, tr_build(a_out_of_memory));
    default:
        return say(TR_ESYS, reason, tr_build(a_curl, (int)t->code, text_of(t)));
    }
}
