/* SPDX-License-Identifier: MIT */
/*
 * What is under a key, and the tables it lies in.
 *
 * Each database has two tables, which everybody reads, and who is in the store writes:
 *
 *     keys     {Key, Expire, Value}                    a string
 *              {Key, Expire, Kind, Id, Count, First}   anything else, Count elements in `fields`
 *     fields   {{Id, Field}, Value}                    hashes
 *              {{Id, Index}, Value}                    lists: Index from First to First + Count - 1
 *              {{Id, Member}, 1}                       sets
 *
 * Expire is ms since 1970, 0 for never. `fields` is ordered, so what belongs to one key lies side
 * by side. An Id is never used again: who still has the number of what was deleted meanwhile finds
 * nothing, rather than what came after it under the same key.
 *
 * Functions that change something are for who is in the store.
 */
#ifndef KV_ENTRY_H
#define KV_ENTRY_H

#include "commands.h"
#include "config.h"

enum kind { KIND_STRING, KIND_HASH, KIND_LIST, KIND_SET };

struct entry {
    enum kind kind;
    int64_t expire;
    tr_term value;            /* a string: a binary in the current heap */
    int64_t id, count, first; /* anything else */
};

struct database {
    tr_term keys, fields;
};

/* Set by the keeper before it has started. */
extern struct database databases[DATABASES];

/* {{Expire, Db, Key}}, in order: what expires next comes first. */
extern tr_term expires;

/* {Number, Key}: how far walks by SCAN have come. Anybody writes. */
extern tr_term cursors;

/* Makes all tables, owned by the caller. */
void entries_init(void);

/* What the argument i is the key of; false when there is nothing, or it has expired. In the store,
   what has expired is deleted. */
bool entry_find(struct call *c, int i, struct entry *e);

enum found { FOUND, ABSENT, WRONG_KIND };

/* The same for one kind; with WRONG_KIND the answer is the error. */
enum found entry_find_kind(struct call *c, int i, enum kind kind, struct entry *e);

/* Puts an entry there; `before` is what entry_find has found, or NULL. */
void entry_put(struct call *c, int i, const struct entry *before, const struct entry *e);
void entry_put_string(struct call *c, int i, const struct entry *before, int64_t expire,
                      struct tr_arg value);
void entry_delete(struct call *c, int i, const struct entry *e);

/* A new entry of that kind, not a string, without elements, not there yet. */
struct entry entry_new(enum kind kind);

/* Deletes up to `most` keys that have expired; when the next one does, 0 when none is left. */
int64_t entries_expire(struct call *c, int most);

/* --- elements --- */

/* The value of a field, a binary; false when it is absent. */
bool field_get(const struct call *c, const struct entry *e, struct tr_arg field, tr_term *value);
bool field_has(const struct call *c, const struct entry *e, struct tr_arg field);
void field_put(const struct call *c, const struct entry *e, struct tr_arg field,
               struct tr_arg value);
void field_delete(const struct call *c, const struct entry *e, struct tr_arg field);

/* HDEL, SREM: takes out the fields that the arguments from 2 on name; answers with how many. */
void fields_remove(struct call *c, enum kind kind);

/* HLEN, LLEN, SCARD: answers with how many elements there are. */
void reply_count(struct call *c, enum kind kind);

/* Calls fn for each field and its value, in the order of the fields. */
void fields_each(const struct call *c, const struct entry *e,
                 void (*fn)(const struct call *c, tr_term field, tr_term value));

#endif
