/* SPDX-License-Identifier: MIT */
/* The version of the library that runs. */

#include "troupe/version.h"

const char *tr_version(void)
{
    return TR_VERSION_STRING;
}
