/* SPDX-License-Identifier: MIT */
/*
 * Precise pi: 20 workers compute the terms of Bailey, Borwein and Plouffe's series to `size`
 * decimal digits, in binary fixed point, until one is zero; the master adds them. The check is the
 * sum's remainder by a prime.
 */
#include "savina.h"

tr_atoms(term, result);

enum { WORKERS = 20, AHEAD = 10, MOST = 4096 };

/* A number: its whole part, then its fraction, 32 bits a limb. */
typedef uint32_t number[MOST];

static int64_t limbs;

static void prepare(int64_t digits)
{
    limbs = digits * 332193 / 3200000 + 3;
    if (limbs > MOST)
        exit(2);
}

static void divide(uint32_t *quotient, uint32_t over, uint32_t under)
{
    uint64_t rest = over;

    for (int64_t i = 0; i < limbs; i++) {
        quotient[i] = (uint32_t)(rest / under);
        rest = rest % under << 32;
    }
}

/* n -= over / under */
static void subtract_quotient(uint32_t *n, uint32_t over, uint32_t under)
{
    number quotient;
    uint64_t borrow = 0;

    divide(quotient, over, under);
    for (int64_t i = limbs - 1; i >= 0; i--) {
        uint64_t difference = (uint64_t)n[i] - quotient[i] - borrow;
        n[i] = (uint32_t)difference;
        borrow = difference >> 63;
    }
}

static void shift_right(uint32_t *n, int64_t bits)
{
    int64_t whole = bits / 32, part = bits % 32;

    for (int64_t i = limbs - 1; i >= 0; i--) {
        uint64_t low = i >= whole ? n[i - whole] : 0, high = i > whole ? n[i - whole - 1] : 0;
        n[i] = (uint32_t)((high << 32 | low) >> part);
    }
}

/* 16^-k * (4 / (8k + 1) - 2 / (8k + 4) - 1 / (8k + 5) - 1 / (8k + 6)) */
static void make_term(uint32_t *n, uint32_t k)
{
    divide(n, 4, 8 * k + 1);
    subtract_quotient(n, 2, 8 * k + 4);
    subtract_quotient(n, 1, 8 * k + 5);
    subtract_quotient(n, 1, 8 * k + 6);
    shift_right(n, 4 * (int64_t)k);
}

static void add(uint32_t *sum, const uint32_t *n)
{
    uint64_t carry = 0;

    for (int64_t i = limbs - 1; i >= 0; i--) {
        carry += (uint64_t)sum[i] + n[i];
        sum[i] = (uint32_t)carry;
        carry >>= 32;
    }
}

static bool is_zero(const uint32_t *n)
{
    for (int64_t i = 0; i < limbs; i++)
        if (n[i])
            return false;
    return true;
}

static int64_t remainder_of(const uint32_t *n)
{
    uint64_t rest = 0;

    for (int64_t i = 0; i < limbs; i++)
        rest = (rest << 32 | n[i]) % 1000000007;
    return (int64_t)rest;
}

static void worker(tr_term arg)
{
    tr_pid master, self = tr_self();
    number n;
    int k;

    tr_match(arg, &master);
    for (;;) {
        tr_receive (m) {
            tr_on (m, a_term, &k) {
                make_term(n, (uint32_t)k);
                tr_send(master, a_result, self, ((tr_bin){ n, (size_t)limbs * sizeof *n }));
            }
            tr_on (m, a_stop)
                return;
        }
    }
}

static int64_t iterate(int64_t size)
{
    int64_t sent = 0, received = 0;
    tr_pid workers[WORKERS], from;
    number sum = { 0 };
    bool ended = false;
    tr_bin term;

    (void)size;
    for (int i = 0; i < WORKERS; i++)
        workers[i] = tr_spawn(worker, tr_self());
    while (sent < AHEAD * WORKERS) {
        tr_send(workers[sent % WORKERS], a_term, sent);
        sent++;
    }
    while (received < sent) {
        tr_receive (m) {
            tr_on (m, a_result, &from, &term) {
                received++;
                add(sum, term.data);
                ended = ended || is_zero(term.data);
                if (!ended)
                    tr_send(from, a_term, sent++);
            }
        }
    }
    savina_stop(workers, WORKERS);
    return remainder_of(sum);
}

static const struct savina benchmark = {
    .name = "piprecision", .size = 5000, .prepare = prepare, .iterate = iterate
};

int main(int argc, char **argv)
{
    return savina_main(argc, argv, &benchmark);
}
