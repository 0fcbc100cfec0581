/* SPDX-License-Identifier: MIT */
/* Names and texts of the error codes. */
#include "troupe/error.h"

const char *tr_strerror(tr_err err)
{
    switch (err) {
#define ERR_TEXT(name, number, text)                                                               \
    case name:                                                                                     \
        return text;
        TR_ERR_TABLE(ERR_TEXT)
    }
    return "unknown error";
}

const char *tr_err_name(tr_err err)
{
    switch (err) {
#define ERR_NAME(name, number, text)                                                               \
    case name:                                                                                     \
        return #name;
        TR_ERR_TABLE(ERR_NAME)
    }
    return "TR_E?";
}
