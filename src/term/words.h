/* SPDX-License-Identifier: MIT */
/* Copying words of which most are immediates, and seeing whether all of them are. */
#ifndef TROUPE_TERM_WORDS_H
#define TROUPE_TERM_WORDS_H

#include "base/compiler.h"
#include "troupe/term.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* A bit that integers, atoms, nil and half of the references have, and pointers have not: where all
   words have it in common none needs a closer look. */
#define TR__COMMON UINT64_C(4)

/* Each of n words an immediate? One look at each. */
static inline bool tr__words_immediate(const uint64_t *words, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (!tr__is_immediate(words[i]))
            return false;
    return true;
}

/* Copies a few words, for which a call of memcpy would cost more than they do. */
static inline void tr__words_copy_few(uint64_t *to, const uint64_t *from, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        to[i] = from[i];
        __asm__ volatile("" ::: "memory"); /* so that it is not made one */
    }
}

/* Copies words as long as they are immediates; true when all are. What has been written when one is
   not is undefined. */
bool tr__words_copy(uint64_t *to, const uint64_t *from, size_t n);

/* The same as processors without wide loads and stores do it. */
bool tr__words_copy_narrow(uint64_t *to, const uint64_t *from, size_t n);

#endif
