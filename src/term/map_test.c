/* SPDX-License-Identifier: MIT */
/* Maps: both forms, against a plain array as the model. */
#include "check.h"
#include "term/map.h"

#define KEYS 200

static uint64_t seed = 88172645463325252u;

static unsigned any(unsigned below)
{
    seed ^= seed << 13;
    seed ^= seed >> 7;
    seed ^= seed << 17;
    return (unsigned)(seed % below);
}

static tr_term key_of(unsigned i)
{
    return i % 3 == 0   ? tr_build((int)i)
           : i % 3 == 1 ? tr_build((double)i)
                        : tr_build("key", (int)i);
}

/* The same map made at one go from the model. */
static tr_term map_of(const int *model)
{
    tr_term keys[KEYS], values[KEYS];
    size_t n = 0;

    for (unsigned i = 0; i < KEYS; i++)
        if (model[i] >= 0) {
            keys[n] = key_of(i);
            values[n++] = tr_build(model[i]);
        }
    return tr_map_from_arrays(keys, values, n);
}

static void check_against(tr_term map, const int *model)
{
    struct tr_map_iter it;
    tr_term key, value;
    size_t n = 0, seen = 0;
    int64_t got;

    for (unsigned i = 0; i < KEYS; i++) {
        bool found = tr_map_get(map, key_of(i), &value);
        CHECK_INT(found, model[i] >= 0);
        if (!found)
            continue;
        n++;
        CHECK(tr_match(value, &got));
        CHECK_INT(got, model[i]);
    }
    for (tr_map_iter_init(&it, map); tr_map_next(&it, &key, &value);)
        seen++;
    CHECK_INT(seen, n);
    CHECK_INT(tr_map_size(map), n);
}

TEST(maps_follow_a_plain_array)
{
    int model[KEYS];
    tr_term map = tr_build(tr_map());

    memset(model, -1, sizeof(model));
    for (int round = 0; round < 4000; round++) {
        /* Grows for a while, then shrinks, so that both borders are crossed many times. */
        unsigned grow = (round / 300) % 2 ? 30 : 70, i = any(KEYS);
        if (any(100) < grow) {
            model[i] = round;
            map = tr_map_put(map, key_of(i), tr_build(round));
        } else {
            model[i] = -1;
            map = tr_map_remove(map, key_of(i));
        }
        if (round % 40 == 0)
            tr_scope
            {
                check_against(map, model);
                tr_term other = map_of(model);
                CHECK_TERM(map, other);
                CHECK_INT(tr_compare_exact(map, other), 0);
                CHECK(tr_hash(map) == tr_hash(other));
                CHECK_TERM(tr_copy(map), map);
            }
    }
}

TEST(a_large_map_is_made_at_one_go)
{
    static tr_term keys[100000], values[100000];
    int64_t n;
    tr_term value;

    for (int i = 0; i < 100000; i++) {
        keys[i] = tr_build(i / 2); /* each key twice: the second wins */
        values[i] = tr_build(i);
    }
    tr_term map = tr_map_from_arrays(keys, values, 100000);
    CHECK_INT(tr_map_size(map), 50000);
    for (int i = 0; i < 50000; i++) {
        CHECK(tr_map_get(map, tr_build(i), &value) && tr_match(value, &n));
        CHECK_INT(n, 2 * i + 1);
    }
    CHECK(!tr_map_get(map, tr_build(50000), NULL));
    CHECK(!tr_map_get(map, tr_build(1.0), NULL));
    CHECK(tr_match(map, tr_map(77, &n, "no key", tr_any())) == false);
    CHECK(tr_match(map, tr_map(77, &n)) && n == 155);
}

TEST(integers_and_floats_are_different_keys)
{
    tr_term map = tr_build(tr_map(1, "int", 1.0, "float"));

    CHECK_INT(tr_map_size(map), 2);
    CHECK_STR(tr_inspect(map), "#{1 => <<\"int\">>,1.0 => <<\"float\">>}");
}
