/* SPDX-License-Identifier: MIT */
/*
 * Bank transaction: a teller asks for `size` transfers between 1,000 accounts; the account that
 * pays sends the amount to the other and waits until it has it. The check is the sum received, in
 * thousandths.
 */
#include "savina.h"

tr_atoms(credit, debit, paid, reply);

enum { ACCOUNTS = 1000 };

static void transfer(tr_pid to, double amount)
{
    tr_ref ref = tr_make_ref();

    tr_send(to, a_debit, tr_self(), ref, amount);
    tr_receive_ref(m, ref) tr_on (m, a_paid, ref) continue;
}

static void account(tr_term arg)
{
    tr_pid teller, other;
    tr_ref ref;
    double balance, amount;
    int64_t received = 0;

    tr_match(arg, &teller, &balance);
    for (;;) {
        tr_receive (m) {
            tr_on (m, a_debit, &other, &ref, &amount) {
                balance += amount;
                received += llround(amount * 1000);
                tr_send(other, a_paid, ref);
            }
            tr_on (m, a_credit, &other, &amount) {
                balance -= amount;
                transfer(other, amount);
                tr_send(teller, a_reply);
            }
            tr_on (m, a_stop) {
                tr_send(teller, a_done, received);
                return;
            }
        }
    }
}

/* The account that pays comes before the other, so that no two wait for each other. */
static void request(const tr_pid *accounts, int64_t *random)
{
    int64_t from = savina_random(random) % (ACCOUNTS / 10 * 8);
    int64_t further = savina_random(random) % (ACCOUNTS - from);
    int64_t to = from + (further ? further : 1);

    tr_send(accounts[from], a_credit, accounts[to], savina_random_real(random) * 1000);
}

static int64_t iterate(int64_t size)
{
    tr_pid accounts[ACCOUNTS];
    int64_t random = 123456;

    for (int i = 0; i < ACCOUNTS; i++)
        accounts[i] = tr_spawn(account, tr_self(), 1.0e9);
    for (int64_t i = 0; i < size; i++)
        request(accounts, &random);
    for (int64_t i = 0; i < size; i++)
        tr_receive (m)
            tr_on (m, a_reply)
                continue;
    savina_stop(accounts, ACCOUNTS);
    return savina_await(ACCOUNTS);
}

static const struct savina benchmark = { .name = "banking", .size = 50000, .iterate = iterate };

int main(int argc, char **argv)
{
    return savina_main(argc, argv, &benchmark);
}
