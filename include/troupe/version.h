/* SPDX-License-Identifier: MIT */
#ifndef TROUPE_VERSION_H
#define TROUPE_VERSION_H

/*
 * The version of the library, and the two words that open and close each public header.
 *
 *     #include <troupe/version.h>
 *     #include <stdio.h>
 *
 *     int main(void)
 *     {
 *         printf("built with %s, runs with %s\n", TR_VERSION_STRING, tr_version());
 *         return 0;
 *     }
 */

#define TR_VERSION_MAJOR  0
#define TR_VERSION_MINOR  1
#define TR_VERSION_PATCH  0
#define TR_VERSION_STRING "0.1.0"

/*
 * The library is built with hidden visibility. What stands between these two has C linkage and is
 * exported; tools/exports holds the headers and the library to the same list of names.
 */
#ifdef __cplusplus
#define TR_HEADER_BEGIN                                                                            \
    extern "C" {                                                                                   \
    _Pragma("GCC visibility push(default)")
#define TR_HEADER_END                                                                              \
    _Pragma("GCC visibility pop")                                                                  \
    }
#else
#define TR_HEADER_BEGIN _Pragma("GCC visibility push(default)")
#define TR_HEADER_END   _Pragma("GCC visibility pop")
#endif

/* A function that does not return. */
#ifdef __cplusplus
#define TR_NORETURN [[noreturn]]
#else
#define TR_NORETURN _Noreturn
#endif

TR_HEADER_BEGIN

/* The version of the library that runs, as TR_VERSION_STRING. Borrowed, static. Any thread. */
const char *tr_version(void);

TR_HEADER_END

#endif
