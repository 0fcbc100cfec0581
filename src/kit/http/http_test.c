/* SPDX-License-Identifier: MIT */
#include "check_proc.h"
#include "troupe/http.h"
TEST_PROC_REAL(a)
{
    struct tr_http_response r;
    tr_http_start_link(NULL);
    tr_err err = tr_http_get("http://127.0.0.1:1/", &r, NULL);
    printf("%s %s\n", tr_err_name(err), tr_inspect(r.reason));
    err = tr_http_get("https://nosuchhost.invalid/", &r, NULL);
    printf("%s %s\n", tr_err_name(err), tr_inspect(r.reason));
    FAIL("x");
}
