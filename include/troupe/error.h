/* SPDX-License-Identifier: MIT */
/*
 * Error codes.
 *
 * An expected outcome is a tr_err: TR_OK is zero, every error is negative. A function that returns
 * one leaves its outputs untouched when it fails.
 *
 *     tr_term term;
 *     size_t at;
 *     tr_err err = tr_parse(text, strlen(text), &term, &at);
 *     if (err)
 *         fprintf(stderr, "column %zu: %s\n", at, tr_strerror(err));
 */
#ifndef TROUPE_ERROR_H
#define TROUPE_ERROR_H

#include "troupe/version.h"

/* Marks functions whose result says whether they have failed. */
#define TR_MUST_USE __attribute__((warn_unused_result))

/* One table gives name, number and text. Numbers are part of the interface: they never change. */
#define TR_ERR_TABLE(X)                                                                            \
    X(TR_OK, 0, "success")                                                                         \
    X(TR_ENOMEM, -1, "out of memory")                                                              \
    X(TR_EINVAL, -2, "invalid argument")                                                           \
    X(TR_EBADARG, -3, "argument of the wrong kind")                                                \
    X(TR_ELIMIT, -4, "a limit of the system is reached")                                           \
    X(TR_ENOTFOUND, -5, "not found")                                                               \
    X(TR_EEXIST, -6, "name already taken")                                                         \
    X(TR_ENOPROC, -7, "no such process")                                                           \
    X(TR_ETIMEOUT, -8, "timed out")                                                                \
    X(TR_ESYNTAX, -9, "syntax error")                                                              \
    X(TR_ECLOSED, -10, "closed")                                                                   \
    X(TR_EBUSY, -11, "busy")                                                                       \
    X(TR_ENOTSUP, -12, "not supported")                                                            \
    X(TR_ESYS, -13, "an operation of the system failed")                                           \
    X(TR_EDEADLOCK, -14, "a cycle of calls")

typedef enum tr_err {
#define TR__ERR_ENUM(name, number, text) name = number,
    TR_ERR_TABLE(TR__ERR_ENUM)
#undef TR__ERR_ENUM
} tr_err;

TR_HEADER_BEGIN

/* The text of an error: one short sentence without a full stop; never NULL. Any thread. */
const char *tr_strerror(tr_err err);

/* The name of an error as written in C, "TR_ENOMEM"; "TR_E?" for a number not in the table. Any
 * thread. */
const char *tr_err_name(tr_err err);

TR_HEADER_END

#endif
