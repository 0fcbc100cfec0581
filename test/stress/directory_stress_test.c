/* SPDX-License-Identifier: MIT */
/*
 * Directories whose entries are read without a lock while others insert, change and remove them:
 * a value is always found with the pid that it belongs to, and each sees what it did itself.
 */
#include "load.h"

tr_atoms(dir);

enum { KEYS = 24, ACTORS = 8 };

/* Whose value it is, whatever form it has: a number, or a tuple of that number and a text. */
static int64_t mark_of(tr_pid pid, int64_t n)
{
    return (int64_t)(pid.w >> 3) % 1000000 * 1000 + n;
}

static int64_t mark_in(tr_term value)
{
    int64_t mark = -1;

    CHECK(tr_match(value, &mark) || tr_match(value, &mark, "a text"));
    return mark;
}

static tr_term value_of(int64_t mark, uint64_t *seed)
{
    return load_below(seed, 3) ? tr_build(mark) : tr_build(mark, "a text");
}

/* All entries of a key are whole; the number of the caller's own one, or -1. */
static int64_t look(struct tr_directory *d, int key)
{
    tr_term rest = tr_directory_get(d, tr_build(key)), entry, value;
    int64_t own = -1;
    tr_pid pid;

    while (tr_list_next(&rest, &entry)) {
        CHECK(tr_match(entry, &pid, &value));
        int64_t mark = mark_in(value);
        CHECK_INT(mark / 1000, mark_of(pid, 0) / 1000);
        if (pid.w == tr_self().w)
            own = mark % 1000;
    }
    return own;
}

/* `have` is the number of the own entry of that key, -1 when there is none. */
static void step(struct tr_directory *d, int key, int64_t *have, uint64_t *seed)
{
    int64_t n = load_below(seed, 1000);
    tr_pid self = tr_self(), pid;
    tr_term value = value_of(mark_of(self, n), seed);

    if (load_below(seed, 4)) {
        tr_directory_whereis(d, tr_build(key), &pid);
    } else if (*have < 0) {
        CHECK_INT(tr_directory_insert(d, tr_build(key), self, value, NULL), TR_OK);
        *have = n;
    } else if (load_below(seed, 2)) {
        CHECK_INT(tr_directory_update(d, tr_build(key), self, value), TR_OK);
        *have = n;
    } else {
        CHECK_INT(tr_directory_remove(d, tr_build(key), self), 1);
        *have = -1;
    }
    CHECK_INT(look(d, key), *have);
}

static void actor(tr_term arg)
{
    struct tr_directory *d = tr_directory_find(a_dir);
    int64_t have[KEYS], end;
    uint64_t seed;
    tr_pid boss;

    CHECK(tr_match(arg, &boss, &seed, &end));
    memset(have, -1, sizeof have);
    while (check_now_ms() < end) {
        int key = load_below(&seed, KEYS);
        tr_scope
        {
            step(d, key, &have[key], &seed);
        }
    }
    tr_directory_drop(d, tr_self());
    tr_send(boss, a_done);
}

TEST_PROC_REAL(stress_values_belong_to_their_pids)
{
    struct tr_directory *d = NULL;
    int64_t end = load_end_ms();

    CHECK_INT(tr_directory_open(&d, a_dir, false, tr_nil()), TR_OK);
    for (int i = 0; i < ACTORS; i++)
        tr_spawn(actor, tr_self(), (uint64_t)i + 31, end);
    for (int i = 0; i < ACTORS; i++) {
        tr_receive (m) {
            tr_on (m, a_done) {
            }
            tr_after (m, end - check_now_ms() + patience(15000))
                CHECK(false);
        }
    }
    CHECK_INT(tr_directory_count(d), 0);
    CHECK_TERM(tr_directory_all(d), tr_nil());
}
