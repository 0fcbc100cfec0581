/* SPDX-License-Identifier: MIT */
/* The switch: what survives it, and how a new stack begins. */
#include "os/context.h"

#include "check.h"
#include "os/pages.h"

#include <fenv.h>
#include <stdlib.h>

enum { SIZE = 256 * 1024 };

static struct tr_context_home mine;
static struct tr_context other;
static char *stack;

static void begin(void (*entry)(void))
{
    if (!stack)
        stack = tr__pages_map(SIZE, TR__PAGE);
    CHECK(stack != NULL);
    tr__context_of_thread(&mine);
    tr__context_make(&other, stack, stack + SIZE, entry, &mine);
}

static void go(void)
{
    tr__context_enter(&mine, &other);
}

static void back(void)
{
    tr__context_leave(&other, &mine, false);
}

static _Noreturn void leave(void)
{
    tr__context_leave(&other, &mine, true);
    abort();
}

/* --- a value for each register that a call preserves --- */

/* So many live values across a switch that the compiler keeps some in each such register; what is
   volatile keeps it from knowing them. */
static volatile uint64_t seeds[12] = { 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12 };

static TR__NOINLINE uint64_t carry(void (*swap)(void), uint64_t salt, int rounds)
{
    uint64_t a = seeds[0] ^ salt, b = seeds[1] ^ salt, c = seeds[2] ^ salt, d = seeds[3] ^ salt;
    uint64_t e = seeds[4] ^ salt, f = seeds[5] ^ salt, g = seeds[6] ^ salt, h = seeds[7] ^ salt;
    uint64_t i = seeds[8] ^ salt, j = seeds[9] ^ salt, k = seeds[10] ^ salt, l = seeds[11] ^ salt;

    for (int n = 0; n < rounds; n++) {
        swap();
        a += b, b += c, c += d, d += e, e += f, f += g;
        g += h, h += i, i += j, j += k, k += l, l += a;
    }
    return a ^ b ^ c ^ d ^ e ^ f ^ g ^ h ^ i ^ j ^ k ^ l;
}

static void nothing(void)
{
    __asm__ volatile("" ::: "memory");
}

enum { ROUNDS = 1000 };
static uint64_t carried;

static void carry_there(void)
{
    tr__context_entered(&other);
    carried = carry(back, 77, ROUNDS);
    leave();
}

TEST(registers_survive_a_switch)
{
    begin(carry_there);
    CHECK(carry(go, 1234, ROUNDS) == carry(nothing, 1234, ROUNDS));
    go();
    CHECK(carried == carry(nothing, 77, ROUNDS));
    tr__context_drop(&other);
}

/* --- floating point --- */

enum { FLOWS = 2 };

static struct tr_context flows[FLOWS];
static int seen[FLOWS][3];

static void stop(int i, bool ending)
{
    tr__context_leave(&flows[i], &mine, ending);
}

/* Begins with what the thread had, goes on with what it set itself. */
static void compute(int i, int first, int then)
{
    tr__context_entered(&flows[i]);
    seen[i][0] = fegetround();
    fesetround(first);
    stop(i, false);
    seen[i][1] = fegetround();
    fesetround(then);
    stop(i, false);
    seen[i][2] = fegetround();
    stop(i, true);
    abort();
}

static void round_up(void)
{
    compute(0, FE_UPWARD, FE_TONEAREST);
}

static void round_down(void)
{
    compute(1, FE_TOWARDZERO, FE_UPWARD);
}

TEST(each_flow_has_its_own_rounding_mode)
{
    char *room = tr__pages_map((size_t)FLOWS * SIZE, TR__PAGE);

    CHECK(room != NULL);
    fesetround(FE_DOWNWARD);
    tr__context_of_thread(&mine);
    tr__context_make(&flows[0], room, room + SIZE, round_up, &mine);
    for (int round = 0; round < 3; round++) {
        tr__context_enter(&mine, &flows[0]);
        /* Made while the other's words are in force: has those of the thread all the same. */
        if (round == 0)
            tr__context_make(&flows[1], room + SIZE, room + 2 * SIZE, round_down, &mine);
        tr__context_enter(&mine, &flows[1]);
    }
    CHECK_INT(seen[0][0], FE_DOWNWARD);
    CHECK_INT(seen[1][0], FE_DOWNWARD);
    CHECK_INT(seen[0][1], FE_UPWARD);
    CHECK_INT(seen[1][1], FE_TOWARDZERO);
    CHECK_INT(seen[0][2], FE_TONEAREST);
    CHECK_INT(seen[1][2], FE_UPWARD);
    for (int i = 0; i < FLOWS; i++)
        tr__context_drop(&flows[i]);
    fesetround(FE_TONEAREST);
    tr__pages_unmap(room, (size_t)FLOWS * SIZE);
}

/* --- from flow to flow --- */

#if TR__CONTEXT_CHANGES
static const int modes[FLOWS] = { FE_UPWARD, FE_DOWNWARD };
static int changes;

/* Who goes on was left by the thread the first time if it is flow 0, else by the other flow. */
static void take_turns(int i)
{
    struct tr_context *other_one = &flows[1 - i];

    tr__context_entered(&flows[i]);
    fesetround(modes[i]);
    void *left = tr__context_leave(&flows[i], &mine, false);
    CHECK(left == (i == 0 ? NULL : other_one));
    while (changes < ROUNDS) {
        changes++;
        left = tr__context_change(&flows[i], &mine, other_one, &flows[i]);
        CHECK(left == other_one);
        CHECK_INT(fegetround(), modes[i]);
    }
    stop(i, true);
    abort();
}

static void take_turns_0(void)
{
    take_turns(0);
}

static void take_turns_1(void)
{
    take_turns(1);
}

TEST(a_flow_changes_to_another_and_tells_who_was_left)
{
    char *room = tr__pages_map((size_t)FLOWS * SIZE, TR__PAGE);

    CHECK(room != NULL);
    tr__context_of_thread(&mine);
    tr__context_make(&flows[0], room, room + SIZE, take_turns_0, &mine);
    tr__context_make(&flows[1], room + SIZE, room + 2 * SIZE, take_turns_1, &mine);
    tr__context_enter(&mine, &flows[0]);
    tr__context_enter(&mine, &flows[1]);
    tr__context_enter(&mine, &flows[0]);
    CHECK_INT(changes, ROUNDS);
    for (int i = 0; i < FLOWS; i++)
        tr__context_drop(&flows[i]);
    fesetround(FE_TONEAREST);
    tr__pages_unmap(room, (size_t)FLOWS * SIZE);
}
#endif

/* --- the first frame --- */

typedef float quad __attribute__((vector_size(16)));

/* The compiler stores these with instructions that fault on a stack that is not aligned. */
static TR__NOINLINE float use_vectors(float x)
{
    volatile quad a = { x, x, x, x };
    volatile quad b = a + a;

    CHECK_INT((uintptr_t)&a % 16, 0);
    CHECK_INT((uintptr_t)&b % 16, 0);
    return ((quad)b)[3];
}

static float sum;

static void vectors(void)
{
    tr__context_entered(&other);
    sum = use_vectors(1.5f);
    leave();
}

TEST(a_new_stack_is_aligned)
{
    for (unsigned i = 0; i < 64; i += 8) {
        begin(vectors);
        tr__context_drop(&other);
        tr__context_make(&other, stack, stack + SIZE - i, vectors, &mine);
        go();
        CHECK(sum == 3.0f);
        tr__context_drop(&other);
    }
}

static int depth(int n)
{
    volatile char room[512];

    room[0] = (char)n;
    return n == 0 ? 0 : 1 + depth(n - 1) + (room[0] != (char)n);
}

static int reached;

static void dive(void)
{
    tr__context_entered(&other);
    for (;;) {
        reached = depth(100);
        back();
    }
}

TEST(a_flow_is_left_for_good_and_its_stack_used_again)
{
    for (int i = 0; i < 1000; i++) {
        begin(dive);
        go();
        go();
        CHECK_INT(reached, 100);
        tr__context_drop(&other);
    }
}

#if defined(__CET__) && __CET__ & 1 && !defined(TR__SANITIZED)
static _Noreturn void come_back_once(void)
{
    back();
    leave();
}

TEST(a_switch_arrives_at_a_mark_for_indirect_jumps)
{
    static const unsigned char endbr64[] = { 0xf3, 0x0f, 0x1e, 0xfa };

    begin(come_back_once);
    go();
    const void *resumes_at = ((void **)other.sp)[1];
    CHECK(memcmp(resumes_at, endbr64, sizeof endbr64) == 0);
    go();
}
#endif
