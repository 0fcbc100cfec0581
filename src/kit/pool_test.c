/* SPDX-License-Identifier: MIT */
/* Pools: who gets a worker, and that none is lost. */
#include "check_proc.h"
#include "troupe/kit/pool.h"

tr_atoms(pool, ok, error, bad_option, name, worker, size, max_overflow, strategy, crash, boom, go,
         got, late, echo, normal, broken, already_started, kill, DOWN, failed, who);

static int nfailing; /* so many of the next workers cannot start */

static tr_gen_result worker_init(void *state, tr_term arg)
{
    (void)state;
    (void)arg;
    if (nfailing > 0) {
        nfailing--;
        return tr_gen_error(a_broken);
    }
    return tr_gen_ok();
}

static tr_gen_result worker_call(void *state, tr_term request, tr_term from)
{
    (void)state;
    (void)from;
    if (tr_match(request, a_crash))
        return tr_gen_stop(a_boom);
    return tr_gen_reply(a_echo, request);
}

static const struct tr_gen_server worker = { .name = "worker",
                                             .init = worker_init,
                                             .handle_call = worker_call };

/* A pool of these options. */
#define START(...)                                                                                 \
    tr_pool_start_link(                                                                            \
        &(const struct tr_pool){ .worker = TR_CHILD(.server = &worker), __VA_ARGS__ })

static tr_pid started(tr_term result)
{
    tr_pid pid;

    if (!tr_match(result, a_ok, &pid))
        check_fail(__FILE__, __LINE__, "%s", tr_inspect(result));
    return pid;
}

static tr_pid take(tr_pid pool)
{
    tr_pid pid;

    CHECK_INT(tr_pool_checkout(pool, 1000, &pid), TR_OK);
    return pid;
}

#define CHECK_STATUS(pool, nworkers, nfree, nbusy, noverflow, nwaiting)                            \
    do {                                                                                           \
        struct tr_pool_status s_ = tr_pool_status(pool);                                           \
        CHECK_INT(s_.workers, nworkers);                                                           \
        CHECK_INT(s_.free, nfree);                                                                 \
        CHECK_INT(s_.busy, nbusy);                                                                 \
        CHECK_INT(s_.overflow, noverflow);                                                         \
        CHECK_INT(s_.waiting, nwaiting);                                                           \
    } while (0)

TEST_PROC(workers_go_out_and_come_back)
{
    tr_pid pool = started(START(.size = 2));

    CHECK_STATUS(pool, 2, 2, 0, 0, 0);
    tr_pid a = take(pool), b = take(pool), c;
    CHECK(a.w != b.w);
    CHECK_STATUS(pool, 2, 0, 2, 0, 0);
    CHECK_INT(tr_pool_checkout(pool, 0, &c), TR_EBUSY);
    tr_pool_checkin(pool, a);
    CHECK_INT(tr_pool_checkout(pool, 0, &c), TR_OK);
    CHECK_INT(c.w, a.w);
    CHECK_TERM(tr_call(c, 5), tr_build(a_echo, 5));
    tr_pool_checkin(pool, b);
    tr_pool_checkin(pool, c);
    tr_pool_checkin(pool, c);
    CHECK_STATUS(pool, 2, 2, 0, 0, 0);
}

TEST_PROC(default_is_five_workers_and_no_name)
{
    CHECK_STATUS(started(START(.name = NULL)), 5, 5, 0, 0, 0);
}

TEST_PROC(lifo_takes_the_last_used_and_fifo_the_longest_rested)
{
    tr_pid lifo = started(START(.size = 3)), a = take(lifo), b = take(lifo);

    tr_pool_checkin(lifo, b);
    tr_pool_checkin(lifo, a);
    CHECK_INT(take(lifo).w, a.w);

    tr_pid fifo = started(START(.size = 3, .strategy = TR_POOL_FIFO));
    a = take(fifo);
    b = take(fifo);
    tr_pid c = take(fifo);
    tr_pool_checkin(fifo, b);
    tr_pool_checkin(fifo, c);
    tr_pool_checkin(fifo, a);
    CHECK_INT(take(fifo).w, b.w);
    CHECK_INT(take(fifo).w, c.w);
    CHECK_INT(take(fifo).w, a.w);
}

TEST_PROC(overflow_workers_end_when_nobody_waits)
{
    tr_pid pool = started(START(.size = TR_ZERO, .max_overflow = 2)), c;

    CHECK_STATUS(pool, 0, 0, 0, 0, 0);
    tr_pid a = take(pool), b = take(pool);
    CHECK_STATUS(pool, 2, 0, 2, 2, 0);
    CHECK_INT(tr_pool_checkout(pool, 0, &c), TR_EBUSY);
    tr_pool_checkin(pool, a);
    CHECK_STATUS(pool, 1, 0, 1, 1, 0);
    CHECK_WITHIN(10000, !tr_is_alive(a));
    CHECK(tr_is_alive(b));
    tr_pool_checkin(pool, b);
    CHECK_STATUS(pool, 0, 0, 0, 0, 0);
}

TEST_PROC(lazy_pool_starts_workers_when_they_are_needed)
{
    tr_pid pool = started(START(.size = 2, .lazy = true));

    CHECK_STATUS(pool, 0, 0, 0, 0, 0);
    tr_pid a = take(pool);
    CHECK_STATUS(pool, 1, 0, 1, 0, 0);
    tr_pool_checkin(pool, a);
    CHECK_STATUS(pool, 1, 1, 0, 0, 0);
    CHECK_INT(take(pool).w, a.w);
}

/* --- who waits --- */

static void taker(tr_term arg)
{
    tr_pid pool, boss, mine;
    int n;

    CHECK(tr_match(arg, &pool, &boss, &n));
    tr_err err = tr_pool_checkout(pool, TR_INFINITY, &mine);
    CHECK_INT(err, TR_OK);
    tr_send(boss, a_got, n);
    tr_receive (m)
        tr_on (m, a_go)
            tr_pool_checkin(pool, mine);
}

/* A process that waits for a worker. */
static tr_pid waiting_taker(tr_pid pool, int n)
{
    int before = tr_pool_status(pool).waiting;
    tr_pid pid = tr_spawn(taker, pool, tr_self(), n);

    CHECK_WITHIN(10000, tr_pool_status(pool).waiting == before + 1);
    return pid;
}

#define CHECK_GOT(n)                                                                               \
    tr_receive (m) {                                                                               \
        tr_on (m, a_got, n) {                                                                      \
        }                                                                                          \
        tr_after (m, 1000)                                                                         \
            FAIL("no worker came");                                                                \
    }

TEST_PROC(those_who_wait_are_served_in_order)
{
    tr_pid pool = started(START(.size = 1)), mine = take(pool), first = waiting_taker(pool, 1);

    waiting_taker(pool, 2);
    CHECK_STATUS(pool, 1, 0, 1, 0, 2);
    tr_pool_checkin(pool, mine);
    CHECK_GOT(1);
    CHECK_STATUS(pool, 1, 0, 1, 0, 1);
    tr_send(first, a_go);
    CHECK_GOT(2);
}

TEST_PROC_VIRTUAL(checkout_that_times_out_takes_nothing)
{
    tr_pid pool = started(START(.size = 1)), mine = take(pool), other;
    int64_t before = tr_monotonic_ms();

    CHECK_INT(tr_pool_checkout(pool, 50, &other), TR_ETIMEOUT);
    CHECK(tr_monotonic_ms() - before >= 50);
    CHECK_STATUS(pool, 1, 0, 1, 0, 0);
    tr_pool_checkin(pool, mine);
    CHECK_STATUS(pool, 1, 1, 0, 0, 0);
}

TEST_PROC(worker_of_a_killed_process_comes_back)
{
    tr_pid pool = started(START(.size = 1)), user = tr_spawn(taker, pool, tr_self(), 1);

    CHECK_GOT(1);
    tr_pid waits = waiting_taker(pool, 2);
    tr_pid last = waiting_taker(pool, 3);
    tr_exit_to(waits, a_kill);
    CHECK_WITHIN(10000, tr_pool_status(pool).waiting == 1);
    tr_exit_to(user, a_kill);
    CHECK_GOT(3);
    tr_send(last, a_go);
    CHECK_WITHIN(10000, tr_pool_status(pool).free == 1);
}

/* Both workers are there, and nobody has or wants one. */
static bool at_rest(tr_pid pool)
{
    struct tr_pool_status s = tr_pool_status(pool);

    return s.workers == 2 && s.free == 2 && s.waiting == 0;
}

/* Takes and gives back in a hurry, and is killed at some time. */
static void hurried(tr_term arg)
{
    tr_pid pool, mine;

    CHECK(tr_match(arg, &pool));
    for (;;) {
        if (tr_pool_checkout(pool, (int64_t)tr_random(4), &mine) == TR_OK) {
            tr_sleep((int64_t)tr_random(3));
            if (tr_random(4))
                tr_pool_checkin(pool, mine);
            else if (tr_random(3) == 0)
                return;
        }
    }
}

TEST_PROC(no_worker_is_lost_whatever_happens_to_those_who_want_one)
{
    tr_pid pool = started(START(.size = 2, .max_overflow = 1)), users[8];

    for (int round = 0; round < 5; round++) {
        for (int i = 0; i < 8; i++)
            users[i] = tr_spawn(hurried, pool);
        tr_sleep((int64_t)tr_random(20));
        for (int i = 0; i < 8; i++)
            tr_exit_to(users[i], a_kill);
        CHECK_WITHIN(5000, at_rest(pool));
    }
}

TEST_PROC(only_who_has_a_worker_gives_it_back)
{
    tr_pid pool = started(START(.size = 1)), mine = take(pool);

    tr_pool_checkin(pool, mine);
    tr_pid other = tr_spawn(taker, pool, tr_self(), 1);
    CHECK_GOT(1);
    tr_pool_checkin(pool, mine);
    CHECK_STATUS(pool, 1, 0, 1, 0, 0);
    tr_send(other, a_go);
    CHECK_WITHIN(10000, tr_pool_status(pool).free == 1);
}

/* --- workers that fail --- */

TEST_PROC(worker_that_crashes_is_replaced)
{
    tr_log_set_level(TR_LOG_EMERGENCY);
    tr_pid pool = started(START(.size = 2)), a = take(pool), b = take(pool);

    tr_exit_to(a, a_kill);
    CHECK_WITHIN(10000, tr_pool_status(pool).free == 1);
    CHECK_STATUS(pool, 2, 1, 1, 0, 0);
    tr_pool_checkin(pool, a);
    CHECK_STATUS(pool, 2, 1, 1, 0, 0);
    tr_pid c = take(pool);
    CHECK(c.w != a.w && c.w != b.w);
    tr_pool_checkin(pool, c);
    tr_exit_to(c, a_kill);
    CHECK_WITHIN(10000, tr_pool_status(pool).workers == 2 && !tr_is_alive(c));
}

TEST_PROC(who_waits_gets_the_replacement)
{
    tr_log_set_level(TR_LOG_EMERGENCY);
    tr_pid pool = started(START(.size = 1)), mine = take(pool);

    waiting_taker(pool, 1);
    tr_exit_to(mine, a_kill);
    CHECK_GOT(1);
    CHECK_STATUS(pool, 1, 0, 1, 0, 0);
}

TEST_PROC_VIRTUAL(replacement_that_cannot_start_is_tried_again_later)
{
    tr_log_set_level(TR_LOG_EMERGENCY);
    tr_pid pool = started(START(.size = 1)), mine = take(pool);

    tr_sleep(2000);
    int64_t before = tr_monotonic_ms();
    nfailing = 3;
    tr_exit_to(mine, a_kill);
    CHECK_WITHIN(5000, tr_pool_status(pool).free == 1);
    CHECK(tr_monotonic_ms() - before >= 100 + 200 + 400);
    tr_pool_checkin(pool, take(pool));
}

TEST_PROC_VIRTUAL(workers_that_die_young_are_not_started_in_a_loop)
{
    tr_log_set_level(TR_LOG_EMERGENCY);
    tr_pid pool = started(START(.size = 1)), mine;
    int64_t before = tr_monotonic_ms();

    for (int i = 0; i < 4; i++) {
        mine = take(pool);
        tr_exit_to(mine, a_kill);
    }
    CHECK_INT(tr_pool_checkout(pool, TR_INFINITY, &mine), TR_OK);
    CHECK(tr_monotonic_ms() - before >= 100 + 200 + 400 + 800);
}

TEST_PROC(end_of_the_pool_is_the_end_of_its_workers)
{
    tr_trap_exit(true);
    tr_pid pool = started(START(.size = 1)), mine = take(pool), other;

    tr_stop(pool, a_normal, TR_INFINITY);
    CHECK(!tr_is_alive(mine));
    CHECK_INT(tr_pool_checkout(pool, TR_INFINITY, &other), TR_ENOPROC);

    pool = started(START(.size = 1));
    mine = take(pool);
    tr_exit_to(pool, a_kill);
    CHECK_WITHIN(10000, !tr_is_alive(mine));
}

/* --- transactions --- */

static tr_term echo(tr_pid pid, tr_term arg)
{
    return tr_call(pid, arg);
}

static tr_term fails(tr_pid pid, tr_term arg)
{
    (void)pid;
    tr_error(arg);
}

static void failing_transaction(void *pool)
{
    CHECK_INT(tr_pool_transaction(*(tr_pid *)pool, TR_INFINITY, NULL, fails, a_boom), TR_OK);
}

static void killed_transaction(tr_term pool)
{
    tr_pid pid;

    CHECK(tr_match(pool, &pid));
    failing_transaction(&pid);
}

TEST_PROC(transaction_gives_the_worker_back)
{
    tr_log_set_level(TR_LOG_EMERGENCY);
    tr_pid pool = started(START(.size = 1));
    tr_term result, reason;

    CHECK_INT(tr_pool_transaction(pool, TR_INFINITY, &result, echo, "x", 2), TR_OK);
    CHECK_TERM(result, tr_build(a_echo, tr_tuple("x", 2)));
    CHECK_STATUS(pool, 1, 1, 0, 0, 0);
    CHECK(tr_catch(failing_transaction, &pool, &reason));
    CHECK_TERM(reason, tr_build(a_boom, tr_list()));
    CHECK_STATUS(pool, 1, 1, 0, 0, 0);
    tr_pid user = tr_spawn(killed_transaction, pool);
    CHECK_WITHIN(10000, !tr_is_alive(user));
    CHECK_WITHIN(10000, tr_pool_status(pool).free == 1);
    tr_pid mine = take(pool);
    CHECK_INT(tr_pool_transaction(pool, 0, &result, echo, 1), TR_EBUSY);
    CHECK_INT(tr_pool_transaction(pool, 10, &result, echo, 1), TR_ETIMEOUT);
    tr_pool_checkin(pool, mine);
}

/* --- starting --- */

#define CHECK_BAD(option, ...)                                                                     \
    CHECK_TERM(START(__VA_ARGS__), tr_build(a_error, tr_tuple(a_bad_option, option)))

TEST_PROC(bad_options_are_named)
{
    CHECK_BAD(a_size, .size = -2);
    CHECK_BAD(a_max_overflow, .max_overflow = -1);
    CHECK_BAD(a_max_overflow, .size = TR_ZERO);
    CHECK_BAD(a_name, .name = "\xff");
    CHECK_BAD(a_strategy, .strategy = (enum tr_pool_strategy)7);
    CHECK_TERM(tr_pool_start_link(&(const struct tr_pool){ .size = 1 }),
               tr_build(a_error, tr_tuple(a_bad_option, a_worker)));
    CHECK_TERM(tr_pool_start_link(
                   &(const struct tr_pool){ .worker = TR_CHILD(.server = &worker, .name = "x") }),
               tr_build(a_error, tr_tuple(a_bad_option, a_worker)));
}

TEST_PROC(pool_whose_workers_cannot_start_does_not)
{
    tr_pid pid;

    tr_log_set_level(TR_LOG_EMERGENCY);
    nfailing = 1;
    CHECK_TERM(START(.name = "pool"), tr_build(a_error, a_broken));
    CHECK(!tr_whereis(a_pool, NULL));
    pid = started(START(.name = "pool"));
    CHECK_TERM(START(.name = "pool"), tr_build(a_error, tr_tuple(a_already_started, pid)));
}

TEST_PROC(pool_is_a_child_of_a_supervisor)
{
    const struct tr_pool pool = { .name = "pool",
                                  .worker = TR_CHILD(.server = &worker),
                                  .size = 1 };
    const struct tr_supervisor app = {
        .children = TR_CHILDREN({ .start = tr_pool_child, .id = "pool", .arg_pointer = &pool })
    };
    tr_pid first, now;

    tr_log_set_level(TR_LOG_EMERGENCY);
    CHECK(tr_match(tr_supervisor_start_link(&app, NULL), a_ok, &now));
    CHECK(tr_whereis(a_pool, &first));
    tr_exit_to(first, a_kill);
    CHECK_WITHIN(10000, tr_whereis(a_pool, &now) && now.w != first.w);
    CHECK_STATUS(now, 1, 1, 0, 0, 0);
}
