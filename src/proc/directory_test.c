/* SPDX-License-Identifier: MIT */
/* Directories. */
#include "check_proc.h"

#include <stdio.h>

tr_atoms(dir, other, a, b, info, kill);

static struct tr_directory *open_dir(bool unique)
{
    struct tr_directory *d = NULL;

    CHECK_INT(tr_directory_open(&d, a_dir, unique, tr_build(a_info, 1)), TR_OK);
    return d;
}

static void insert(struct tr_directory *d, tr_term key, tr_pid pid, tr_term value)
{
    CHECK_INT(tr_directory_insert(d, key, pid, value, NULL), TR_OK);
}

static void idle(tr_term arg)
{
    (void)arg;
    tr_sleep(TR_INFINITY);
}

TEST_PROC(opening_and_closing)
{
    struct tr_directory *d = open_dir(true), *again;

    CHECK(tr_directory_find(a_dir) == d && !tr_directory_find(a_other));
    CHECK(tr_directory_is_unique(d));
    CHECK_INT(tr_directory_open(&again, a_dir, true, tr_nil()), TR_EEXIST);
    CHECK_INT(tr_directory_open(&again, (tr_atom){ 0 }, true, tr_nil()), TR_EINVAL);
    CHECK_TERM(tr_directory_info(d), tr_build(a_info, 1));
    CHECK_INT(tr_directory_set_info(d, tr_build("more")), TR_OK);
    CHECK_TERM(tr_directory_info(d), tr_build("more"));
    insert(d, tr_build("k"), tr_self(), tr_build(1));
    tr_directory_close(d);
    tr_directory_close(d);
    CHECK(!tr_directory_find(a_dir));
    CHECK_INT(tr_directory_count(d), 0);
    CHECK_TERM(tr_directory_info(d), tr_nil());
    CHECK_INT(tr_directory_set_info(d, tr_build("x")), TR_ENOPROC);
    CHECK_INT(tr_directory_insert(d, tr_build("k"), tr_self(), tr_build(1), NULL), TR_ENOPROC);
    CHECK(open_dir(false) == d);
    CHECK_TERM(tr_directory_get(d, tr_build("k")), tr_nil());
}

TEST_PROC(unique_keys)
{
    struct tr_directory *d = open_dir(true);
    tr_pid a = tr_spawn(idle), holder = { 0 };

    insert(d, tr_build("k"), a, tr_build("value"));
    CHECK_INT(tr_directory_insert(d, tr_build("k"), tr_self(), tr_nil(), &holder), TR_EEXIST);
    CHECK(holder.w == a.w);
    CHECK_INT(tr_directory_insert(d, (tr_term){ 0 }, a, tr_nil(), NULL), TR_EINVAL);
    CHECK_INT(tr_directory_update(d, tr_build("k"), a, tr_build(tr_list(1))), TR_OK);
    CHECK_INT(tr_directory_update(d, tr_build("k"), tr_self(), tr_nil()), TR_ENOTFOUND);
    CHECK_INT(tr_directory_update(d, tr_build("k"), a, (tr_term){ 0 }), TR_EINVAL);
    CHECK_TERM(tr_directory_get(d, tr_build("k")), tr_build(tr_list(tr_tuple(a, tr_list(1)))));
    tr_exit_to(a, a_kill);
    CHECK(!tr_is_alive(a));
    CHECK_TERM(tr_directory_get(d, tr_build("k")), tr_nil());
    CHECK(!tr_directory_whereis(d, tr_build("k"), &holder));
    CHECK_INT(tr_directory_pids(d, tr_build("k"), &holder, 1), 0);
    insert(d, tr_build("k"), tr_self(), tr_build(2));
    CHECK_INT(tr_directory_count(d), 1);
    CHECK(tr_directory_whereis(d, tr_build("k"), &holder) && holder.w == tr_self().w);
}

TEST_PROC(entries_of_a_key_and_of_a_pid)
{
    struct tr_directory *d = open_dir(false);
    tr_pid self = tr_self(), a = tr_spawn(idle), pids[2];
    tr_term list;
    uint64_t first, id;

    insert(d, tr_build("k"), self, tr_build(1));
    insert(d, tr_build("k"), a, tr_build(2));
    insert(d, tr_build("other"), self, tr_build(3));
    insert(d, tr_build("k"), self, tr_build(4));
    CHECK_INT(tr_directory_count(d), 4);
    CHECK_INT(tr_directory_count_of(d, self), 3);
    CHECK_INT(tr_directory_pids(d, tr_build("k"), pids, 2), 3);
    CHECK(pids[0].w == self.w && pids[1].w == a.w);
    list = tr_directory_of(d, self);
    CHECK(tr_match(list, tr_list(tr_tuple(&first, "k", 1), tr_tuple(&id, "other", 3),
                                 tr_tuple(tr_any(), "k", 4))));
    CHECK(tr_directory_take(d, self, first));
    CHECK(!tr_directory_take(d, self, first) && !tr_directory_take(d, a, first));
    CHECK_INT(tr_directory_remove(d, tr_build("k"), self), 1);
    CHECK_INT(tr_directory_remove(d, tr_build("k"), self), 0);
    CHECK_INT(tr_directory_remove(d, tr_build("none"), self), 0);
    size_t n;
    CHECK(tr_list_length(tr_directory_keys(d), &n) && n == 2);
    CHECK(tr_list_length(tr_directory_all(d), &n) && n == 2);
    CHECK_INT(tr_directory_drop(d, self), 1);
    CHECK_INT(tr_directory_drop(d, self), 0);
    CHECK_TERM(tr_directory_all(d), tr_build(tr_list(tr_tuple("k", a, 2))));
    CHECK_TERM(tr_directory_of(d, self), tr_nil());
}

/* Of those for whom there is no room it tells how many they are, and no more. */
TEST_PROC(pids_for_which_there_is_no_room)
{
    enum { N = 100 };
    struct tr_directory *d = open_dir(false);
    tr_pid self = tr_self(), a = tr_spawn(idle), pids[N + 1];

    for (int i = 0; i < N; i++)
        insert(d, tr_build("k"), i % 2 ? a : self, tr_nil());
    CHECK_INT(tr_directory_pids(d, tr_build("k"), NULL, 0), N);
    for (size_t most = 1; most < N; most += 7) {
        pids[most] = (tr_pid){ 0 };
        CHECK_INT(tr_directory_pids(d, tr_build("k"), pids, most), N);
        CHECK(pids[most - 1].w == (most % 2 ? self : a).w && !pids[most].w);
    }
    CHECK_INT(tr_directory_pids(d, tr_build("k"), pids, N), N);
    CHECK_INT(tr_directory_pids(d, tr_build("k"), pids, N + 1), N);
    CHECK_INT(tr_directory_remove(d, tr_build("k"), a), N / 2);
    CHECK_INT(tr_directory_pids(d, tr_build("k"), pids, 1), N / 2);
    CHECK_INT(tr_directory_pids(d, tr_build("k"), pids, N), N / 2);
    CHECK_INT(tr_directory_remove(d, tr_build("k"), self), N / 2);
    CHECK_INT(tr_directory_pids(d, tr_build("k"), NULL, 0), 0);
}

/* Each way of removing walks the shorter of two lists. */
TEST_PROC(removing_where_the_key_or_the_owner_has_many)
{
    struct tr_directory *d = open_dir(false);
    tr_pid self = tr_self(), a = tr_spawn(idle);

    for (int i = 0; i < 10; i++) {
        insert(d, tr_build("crowd"), a, tr_build(i));
        insert(d, tr_build(i), self, tr_build(i));
    }
    insert(d, tr_build("crowd"), self, tr_build(11));
    insert(d, tr_build(3), self, tr_build(12));
    CHECK_INT(tr_directory_remove(d, tr_build(3), self), 2);
    CHECK_INT(tr_directory_remove(d, tr_build("crowd"), self), 1);
    CHECK_INT(tr_directory_remove(d, tr_build("crowd"), a), 10);
    CHECK_INT(tr_directory_count(d), 9);
}

static tr_term values_of(struct tr_directory *d, tr_term key)
{
    tr_term rest = tr_directory_get(d, key), list = tr_nil(), entry;

    while (tr_list_next(&rest, &entry))
        list = tr_list_push(list, tr_element(entry, 1));
    return tr_list_reverse(list);
}

/* The only entry of a key is found without a look at the key; no longer when there are two, or its
   value has changed. */
TEST_PROC(a_key_with_one_entry_then_others)
{
    struct tr_directory *d = open_dir(false);
    tr_pid self = tr_self(), a = tr_spawn(idle), pid;
    tr_term keys[] = { tr_build(7), tr_build(a_a), tr_build(self), tr_build("text") };

    for (size_t i = 0; i < 4; i++) {
        tr_term key = keys[i];
        insert(d, key, a, tr_build(1));
        CHECK_TERM(tr_directory_get(d, key), tr_build(tr_list(tr_tuple(a, 1))));
        insert(d, key, self, tr_build(2));
        CHECK_TERM(values_of(d, key), tr_build(tr_list(1, 2)));
        CHECK_INT(tr_directory_remove(d, key, a), 1);
        CHECK_TERM(tr_directory_get(d, key), tr_build(tr_list(tr_tuple(self, 2))));
        CHECK(tr_directory_whereis(d, key, &pid) && pid.w == self.w);
        insert(d, key, a, tr_build(3));
        CHECK_TERM(values_of(d, key), tr_build(tr_list(2, 3)));
        CHECK_INT(tr_directory_remove(d, key, a), 1);
        CHECK_INT(tr_directory_remove(d, key, self), 1);
        CHECK_TERM(tr_directory_get(d, key), tr_nil());
        insert(d, key, self, tr_build(4));
        CHECK_INT(tr_directory_update(d, key, self, tr_build(5)), TR_OK);
        CHECK_TERM(values_of(d, key), tr_build(tr_list(5)));
        CHECK_INT(tr_directory_update(d, key, self, tr_build("more")), TR_OK);
        CHECK_TERM(values_of(d, key), tr_build(tr_list("more")));
        CHECK_INT(tr_directory_update(d, key, self, tr_build(6)), TR_OK);
        CHECK_TERM(values_of(d, key), tr_build(tr_list(6)));
    }
    CHECK_INT(tr_directory_count(d), 4);
}

/* All of the kinds above survive a table that is made anew; each key leaves many tombstones. */
TEST_PROC(tables_made_anew)
{
    enum { N = 3000 };
    struct tr_directory *d = open_dir(false);
    tr_pid self = tr_self(), a = tr_spawn(idle), pid;

    for (int i = 0; i < N; i++) {
        insert(d, tr_build(i), self, i % 3 ? tr_build(i) : tr_build(i, "value"));
        if (i % 5 == 0)
            insert(d, tr_build(i), a, tr_build(i));
        if (i % 7 == 0)
            CHECK_INT(tr_directory_update(d, tr_build(i), self, tr_build(-i)), TR_OK);
        for (int again = 0; again < 3; again++) {
            insert(d, tr_build(a_b), self, tr_build(i));
            CHECK_TERM(values_of(d, tr_build(a_b)), tr_build(tr_list(i)));
            CHECK_INT(tr_directory_remove(d, tr_build(a_b), self), 1);
        }
    }
    for (int i = 0; i < N; i++)
        tr_scope
        {
            tr_term first = i % 7 == 0 ? tr_build(-i) : i % 3 ? tr_build(i) : tr_build(i, "value");
            CHECK_TERM(values_of(d, tr_build(i)),
                       i % 5 ? tr_build(tr_list(first)) : tr_build(tr_list(first, i)));
            CHECK(tr_directory_whereis(d, tr_build(i), &pid) && pid.w == self.w);
        }
    CHECK_TERM(tr_directory_get(d, tr_build(N)), tr_nil());
}

/* Immediates of each kind, in rows that differ in few of their bits. */
TEST_PROC(keys_that_are_alike)
{
    enum { N = 1000, KINDS = 5 };
    struct tr_directory *d = open_dir(true);
    tr_pid self = tr_self(), pid;
    tr_term keys[KINDS];

    for (int round = 0; round < 2; round++)
        for (int i = 0; i < N; i++)
            tr_scope
            {
                char text[16];
                snprintf(text, sizeof text, "atom%d", i);
                keys[0] = tr_build(i + 1);
                keys[1] = tr_build(-i - 1);
                keys[2] = tr_build((int64_t)(i + 1) << 32);
                keys[3] = tr_build((int64_t)(i + 1) << 48);
                keys[4] = tr_build(tr_intern(text));
                for (int k = 0; k < KINDS; k++) {
                    if (round == 0)
                        insert(d, keys[k], self, tr_build(i));
                    CHECK_TERM(tr_directory_get(d, keys[k]), tr_build(tr_list(tr_tuple(self, i))));
                    CHECK(tr_directory_whereis(d, keys[k], &pid) && pid.w == self.w);
                    CHECK(tr_directory_remove(d, keys[k], self) == 1);
                    CHECK_TERM(tr_directory_get(d, keys[k]), tr_nil());
                    CHECK(!tr_directory_whereis(d, keys[k], &pid));
                    insert(d, keys[k], self, tr_build(i));
                }
            }
    CHECK_INT(tr_directory_count(d), KINDS * N);
}

TEST_PROC(many_keys_come_and_go)
{
    enum { N = 20000 };
    struct tr_directory *d = open_dir(true);
    tr_pid self = tr_self(), pid;

    for (int round = 0; round < 2; round++) {
        for (int i = 0; i < N; i++)
            tr_scope
            {
                insert(d, tr_build("key", i), self, tr_build(i, "value"));
            }
        CHECK_INT(tr_directory_count(d), N);
        for (int i = 0; i < N; i++) {
            tr_scope
            {
                tr_term key = tr_build("key", i);
                CHECK(tr_directory_whereis(d, key, &pid));
                CHECK_TERM(tr_directory_get(d, key),
                           tr_build(tr_list(tr_tuple(self, tr_tuple(i, "value")))));
                if (i % 2)
                    CHECK(tr_directory_remove(d, key, self) == 1);
            }
        }
        CHECK_INT(tr_directory_drop(d, self), N / 2);
        CHECK_INT(tr_directory_count(d), 0);
    }
}

TEST(outside_of_processes)
{
    struct tr_directory *d = open_dir(true);
    tr_pid pid;

    CHECK_TERM(tr_directory_get(d, tr_build("k")), tr_nil());
    CHECK(!tr_directory_whereis(d, tr_build("k"), &pid));
}
