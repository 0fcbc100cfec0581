/* SPDX-License-Identifier: MIT */
/*
 * Every allocation of every operation fails once: each time the operation reports it, the heap
 * holds what it held before, and (in builds with a leak checker) nothing is lost.
 */
#include "base/fault.h"
#include "check.h"
#include "mem/heap.h"
#include "term/atom_table.h"
#include "term/raise.h"
#include "term/term.h"

#include <setjmp.h>

#define FEW 100

static jmp_buf caught;
static tr_term reason;
static char long_text[101];
static tr_term keys[FEW], large, other, deep;
static uint64_t block[512];

static void catch_raise(tr_term why)
{
    reason = why;
    longjmp(caught, 1);
}

/* Each operation makes its result from what prepare made, and may raise. */

static void build_nested(void)
{
    tr_build(1, 2, tr_map("key", (const char *)long_text, 2, UINT64_MAX),
             tr_list((const char *)long_text, 1.5), (const char *)long_text);
}

static void build_in_block(void)
{
    struct tr_arg args[] = { TR_ARG((const char *)long_text), TR_ARG(tr_tuple(large, deep)),
                             TR_ARG((const char *)long_text) };
    struct tr_counted *list = NULL;
    uint64_t *out = block;

    CHECK(tr__args_size(args, 3) <= 5000);
    struct tr_arg few[] = { args[0], TR_ARG(1), args[2] };
    tr_term term = tr__args_build(&out, &list, few, 3);
    if (!term.w) {
        CHECK(list == NULL && out == block);
        tr__raise_oom();
    }
    tr__counted_release(list);
}

static void make_map(void)
{
    tr_map_from_arrays(keys, keys, FEW);
}

static void put_in_map(void)
{
    tr_map_put(large, tr_build("new key"), tr_build(1));
}

static void remove_from_map(void)
{
    tr_map_remove(large, keys[7]);
}

static void copy_and_keep(void)
{
    tr_copy(deep);
    tr_release(tr_keep(deep));
}

static void share(void)
{
    struct tr_shared *shared = tr__share(tr_build(deep, (const char *)long_text));

    if (!shared)
        tr__raise_oom();
    tr__shared_release(shared);
}

static void compare_all(void)
{
    tr_compare(large, other);
    tr_equal(deep, tr_copy(deep));
    tr_hash(deep);
}

static void print_all(void)
{
    tr_inspect(deep);
    tr_inspect(tr_build(UINT64_MAX, large));
}

static void capture_string(void)
{
    const char *text;

    CHECK(tr_match(tr_sub_binary(tr_build((const char *)long_text), 1, 90), &text));
}

static void parse_all(void)
{
    static const char text[] =
        "{#{a=>1,\"b\"=>[1,2|x],3=>\"c\"},<<\"more than sixty-four bytes of text "
        "in a single binary that is counted\">>,100000000000000000000000,1.5,"
        "[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[1]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]}";
    tr_term term = { 0 };
    tr_err err = tr_parse(text, sizeof(text) - 1, &term, NULL);

    if (err) {
        CHECK_INT(err, TR_ENOMEM);
        CHECK_INT(term.w, 0);
        tr__raise_oom();
    }
}

static void intern_all(void)
{
    char text[64];
    static int made;

    for (int i = 0; i < 300; i++) {
        snprintf(text, sizeof(text), "a new atom with a rather long name %d", made);
        tr_intern(text);
        made++;
    }
}

static void prepare(void)
{
    memset(long_text, 'x', 100);
    for (int i = 0; i < FEW; i++)
        keys[i] = i % 2 ? tr_build(i) : tr_build("key", i);
    large = tr_map_from_arrays(keys, keys, FEW);
    other = tr_map_put(large, keys[50], tr_build(1));
    deep = tr_build(1);
    for (int i = 0; i < 60; i++)
        deep = tr_build(deep, i, i);
}

static void fail_each(void (*operation)(void), bool must_undo)
{
    volatile int64_t failures = 0;
    static struct tr_heap *heap;

    heap = tr__heap_current();
    for (volatile int64_t nth = 1;; nth++) {
        struct tr_heap_mark mark = tr__heap_mark(heap);
        /* So little room is left that the heap must grow. */
        tr__heap_alloc(heap, (size_t)(heap->end - heap->top));
        size_t used = tr__heap_used(heap);
        bool raised = setjmp(caught) != 0;
        if (!raised) {
            tr__fault_arm(nth);
            operation();
        }
        bool done = !raised && tr__fault_count() < nth;
        tr__fault_arm(0);
        if (raised) {
            failures++;
            CHECK_TERM(reason, TR_ATOM_TERM(out_of_memory));
            CHECK(!must_undo || tr__heap_used(heap) == used);
        }
        tr__heap_reset(heap, mark);
        if (done)
            break;
    }
    CHECK(failures > 0);
}

#define FAILING(name, must_undo)                                                                   \
    TEST(name##_may_fail_anywhere)                                                                 \
    {                                                                                              \
        if (!has_faults())                                                                         \
            SKIP("injected failures are not built in");                                            \
        prepare();                                                                                 \
        tr__raise_set_hook(catch_raise);                                                           \
        fail_each(name, must_undo);                                                                \
    }

static bool has_faults(void)
{
#ifdef TR_FAULTS
    return true;
#else
    return false;
#endif
}

FAILING(build_nested, true)
FAILING(build_in_block, true)
FAILING(make_map, true)
FAILING(put_in_map, false)
FAILING(remove_from_map, true)
FAILING(copy_and_keep, false)
FAILING(share, false)
FAILING(compare_all, false)
FAILING(print_all, false)
FAILING(capture_string, false)
FAILING(parse_all, true)
FAILING(intern_all, false)
