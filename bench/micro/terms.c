/* SPDX-License-Identifier: MIT */
/* Nanoseconds to build and match small terms. */
#include "troupe/term.h"

#include <time.h>

tr_atoms(increment, get);

#define ROUNDS 20000000

static double now_ns(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec * 1e9 + (double)t.tv_nsec;
}

static void report(const char *what, double start, int rounds)
{
    printf("%-44s %6.2f ns\n", what, (now_ns() - start) / rounds);
}

/* What the compiler must not know. */
static tr_term hidden(tr_term term)
{
    __asm__ volatile("" : "+r"(term.w));
    return term;
}

static void build_words(int rounds)
{
    uint64_t block[3];
    double start = now_ns();

    for (int i = 0; i < rounds; i++) {
        block[0] = TR__HEADER(TR__KIND_TUPLE, 2);
        if (!tr__arg_immediate(TR_ARG(a_increment), &block[1]) ||
            !tr__arg_immediate(TR_ARG(i), &block[2]))
            return;
        __asm__ volatile("" : : "r"(block) : "memory");
    }
    report("{atom,int} into three words, inline", start, rounds);
}

static void build_in_heap(int rounds)
{
    double start = now_ns();

    for (int i = 0; i < rounds / 16; i++)
        tr_scope
        {
            for (int k = 0; k < 16; k++)
                hidden(tr_build(a_increment, i));
        }
    report("{atom,int} in the current heap", start, rounds);
}

static void match(int rounds)
{
    tr_term term = tr_build(a_increment, 5);
    int64_t n, sum = 0;
    double start = now_ns();

    for (int i = 0; i < rounds; i++)
        if (tr_match(hidden(term), a_increment, &n))
            sum += n;
    report("{atom,int} matched", start, rounds);
    start = now_ns();
    for (int i = 0; i < rounds; i++)
        if (tr_match(hidden(term), a_get, &n))
            sum += n;
    report("{atom,int} not matched", start, rounds);
    if (sum != 5 * (int64_t)rounds)
        printf("wrong sum\n");
}

static void match_call(int rounds)
{
    tr_term term = tr_build(TR_ARG(a_get), tr_tuple((tr_pid){ 2 }, (tr_ref){ 3 }), 5);
    tr_pid pid;
    tr_ref ref;
    tr_term request;
    double start = now_ns();
    int matched = 0;

    for (int i = 0; i < rounds; i++)
        matched += tr_match(hidden(term), a_get, tr_tuple(&pid, &ref), &request);
    report("{atom,{pid,ref},term} matched", start, rounds);
    if (matched != rounds)
        printf("not matched\n");
}

static void copy_list(int rounds)
{
    tr_term items[100];

    for (int i = 0; i < 100; i++)
        items[i] = tr_build(i);
    tr_term list = tr_list_from_array(items, 100);
    double start = now_ns();
    for (int i = 0; i < rounds / 100; i++)
        tr_scope
        {
            tr_copy(list);
        }
    report("one element of a list of 100 copied", start, rounds);
}

int main(int argc, char **argv)
{
    int rounds = argc > 1 && strcmp(argv[1], "smoke") == 0 ? ROUNDS / 100 : ROUNDS;

    build_words(rounds);
    build_in_heap(rounds);
    match(rounds);
    match_call(rounds);
    copy_list(rounds);
    return 0;
}
