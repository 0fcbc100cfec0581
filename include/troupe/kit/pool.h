/* SPDX-License-Identifier: MIT */
/*
 * Pools: a few workers that many processes share, each used by one at a time.
 *
 *     static const struct tr_pool pool = {
 *         .name = "connections",
 *         .worker = TR_CHILD(.server = &connection, .arg = "{localhost, 5432}"),
 *         .size = 10,
 *         .max_overflow = 5,
 *     };
 *
 *     static tr_term ask(tr_pid worker, tr_term query)
 *     {
 *         return tr_call(worker, a_query, query);
 *     }
 *
 *     tr_pool_start_link(&pool);
 *     tr_term rows;
 *     if (tr_pool_transaction(a_connections, 1000, &rows, ask, "select 1") == TR_OK)
 *         tr_puts(tr_inspect(rows));
 *
 * A pool is a server that has a supervisor with the workers. It watches who has a worker and who
 * waits for one, so no worker is lost when that process runs out of time, ends, or is killed. A
 * worker that ends is replaced, also while it is in use; when it has lived less than a second, or
 * the new one cannot start, after 100 ms, then after twice as long each time, up to 10 seconds, and
 * that is logged. (poolboy)
 *
 * The pool waits while a worker starts: connect in handle_continue of the worker, not in its init.
 *
 * This header is not part of <troupe.h>. `pool` is a pid, a name, or a term that is one of these.
 */
#ifndef TROUPE_KIT_POOL_H
#define TROUPE_KIT_POOL_H

#include <stdbool.h>
#include <stdint.h>

#include "troupe/message.h"
#include "troupe/supervisor.h"

TR_HEADER_BEGIN

/* Which of the free workers is taken. */
enum tr_pool_strategy {
    TR_POOL_LIFO, /* the one used last: the others may rest */
    TR_POOL_FIFO  /* the one that has rested longest: all are used alike */
};

/* Zero is the default of each but `worker`. */
struct tr_pool {
    const char *name;                   /* registered; NULL: none */
    const struct tr_child_spec *worker; /* .restart, .id and .name must not be set */
    int size;                           /* workers that stay; 5, TR_ZERO: none */
    int max_overflow; /* so many more when all are in use; they end when nobody waits */
    bool lazy;        /* workers start when they are first needed */
    enum tr_pool_strategy strategy;
};

/*
 * Starts a pool and, unless it is lazy, its workers, linked with the caller. What the struct points
 * to must last as long as the pool. {ok, Pid}, or in the current heap
 *
 *     {error, {bad_option, Name}}      name, worker, size, max_overflow or strategy
 *     {error, {already_started, Pid}}  the name is taken
 *     {error, Reason}                  a worker could not start
 *
 * Process only; blocks. (poolboy:start_link/2)
 */
tr_term tr_pool_start_link(const struct tr_pool *pool);

/* The same as the start function of a child: { .start = tr_pool_child, .arg_pointer = &pool,
   .id = "pool" }. Process only; blocks. */
tr_term tr_pool_child(tr_term arg);

/*
 * tr_err tr_pool_checkout(pool, timeout_ms, &worker): takes a worker; those who wait are served in
 * the order in which they came. The caller has it until it gives it back, or ends.
 *
 *     TR_OK        *worker is the caller's
 *     TR_EBUSY     timeout_ms is 0, and none was free
 *     TR_ETIMEOUT  none came in time; none will come later either
 *     TR_ENOPROC, TR_ECLOSED  there is no such pool, or it has ended
 *     TR_EDEADLOCK, TR_EINVAL as tr_try_call
 *
 * A worker may end while the caller has it; who wants to know watches it. Process only; blocks.
 * (poolboy:checkout/3)
 */
TR_MUST_USE tr_err tr_pool_checkout_term(tr_term pool, int64_t timeout_ms, tr_pid *worker);
#define tr_pool_checkout(pool, timeout_ms, worker)                                                 \
    tr_pool_checkout_term(TR__DEST(pool), timeout_ms, worker)

/* Gives a worker back; does nothing unless the caller has it. Process only. (poolboy:checkin/2) */
void tr_pool_checkin_term(tr_term pool, tr_pid worker);
#define tr_pool_checkin(pool, worker) tr_pool_checkin_term(TR__DEST(pool), worker)

/*
 * tr_err tr_pool_transaction(pool, timeout_ms, &result, fn, ...): takes a worker, runs
 * fn(worker, arg) in the caller, where arg is made of the further arguments, and gives the worker
 * back, also when fn ends the caller, caught or not. *result (may be NULL) is what fn has returned.
 * Otherwise as tr_pool_checkout; the time is that of the checkout. Process only; blocks.
 * (poolboy:transaction/3)
 */
typedef tr_term (*tr_pool_fn)(tr_pid worker, tr_term arg);

TR_MUST_USE tr_err tr_pool_transaction_args(tr_term pool, int64_t timeout_ms, tr_term *result,
                                            tr_pool_fn fn, const struct tr_arg *args, int n);
#define tr_pool_transaction(pool, timeout_ms, result, fn, ...)                                     \
    tr_pool_transaction_args(TR__DEST(pool), timeout_ms, result, fn, TR_ARGS(__VA_ARGS__))

/* How it stands. */
struct tr_pool_status {
    int workers; /* that run */
    int free;
    int busy;
    int overflow; /* of the workers, those beyond `size` */
    int waiting;  /* processes that wait for one */
};

/* Ends the caller as tr_call does. Process only; blocks. (poolboy:status/1) */
struct tr_pool_status tr_pool_status_term(tr_term pool);
#define tr_pool_status(pool) tr_pool_status_term(TR__DEST(pool))

TR_HEADER_END

#endif
