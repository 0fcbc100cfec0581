/* SPDX-License-Identifier: MIT */
/*
 * Concurrent dictionary: 20 workers ask an actor that holds 524,287 keys, `size` times each, one
 * time in ten to write. The check is made of the number of keys and of writes.
 */
#include "workers.h"

tr_atoms(write, read);

enum { KEYS = INT32_MAX / 4096, SLOTS = 1 << 20 };

struct entry {
    bool used;
    int32_t key, value;
};

static struct entry filled[SLOTS]; /* What each dictionary begins with. */

/* The entry of a key, or the free one where it belongs. */
static struct entry *find(struct entry *table, int32_t key)
{
    uint32_t at = (uint32_t)key * UINT32_C(2654435761) >> 12;

    while (table[at].used && table[at].key != key)
        at = (at + 1) % SLOTS;
    return &table[at];
}

static void prepare(int64_t size)
{
    (void)size;
    for (int32_t key = 0; key < KEYS; key++)
        *find(filled, key) = (struct entry){ true, key, key };
}

static void dictionary(tr_term arg)
{
    struct entry *table = tr_alloc(sizeof filled);
    int64_t keys = KEYS, writes = 0;
    tr_pid from;
    int key, value;

    (void)arg;
    memcpy(table, filled, sizeof filled);
    for (;;) {
        tr_receive (m) {
            tr_on (m, a_read, &from, &key) {
                struct entry *e = find(table, key);
                tr_send(from, a_result, e->used ? e->value : -1);
            }
            tr_on (m, a_write, &from, &key, &value) {
                struct entry *e = find(table, key);
                keys += !e->used;
                writes++;
                *e = (struct entry){ true, key, value };
                tr_send(from, a_result, value);
            }
            tr_on (m, a_stop, &from) {
                tr_send(from, a_done, keys * 1000000 + writes);
                return;
            }
        }
    }
}

static void ask(tr_pid dictionary, int64_t *random)
{
    tr_pid self = tr_self();

    if (savina_random(random) % 100 < WRITE_PERCENT) {
        int64_t key = savina_random(random);
        tr_send(dictionary, a_write, self, key, savina_random(random));
    } else {
        tr_send(dictionary, a_read, self, savina_random(random));
    }
}

static int64_t iterate(int64_t size)
{
    return savina_ask_all(dictionary, ask, size, size + WRITE_PERCENT);
}

static const struct savina benchmark = {
    .name = "concdict", .size = 10000, .prepare = prepare, .iterate = iterate
};

int main(int argc, char **argv)
{
    return savina_main(argc, argv, &benchmark);
}
