/* SPDX-License-Identifier: MIT */
/* Floats as text and back, whatever the locale of the program. */
#ifndef TROUPE_TERM_NUMBER_TEXT_H
#define TROUPE_TERM_NUMBER_TEXT_H

#include <stddef.h>

#define TR__FLOAT_TEXT_MAX 40

/* The shortest text that reads back as the same float, as Erlang lays it out; its length. */
size_t tr__float_text(double f, char text[TR__FLOAT_TEXT_MAX]);

/* The value of a NUL-terminated decimal text whose form was checked; infinite when too large. */
double tr__float_of_text(const char *text);

#endif
