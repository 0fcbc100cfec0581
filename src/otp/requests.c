/* SPDX-License-Identifier: MIT */
/* Many requests at once: collections of them, and calls to several servers. */
#include "troupe.h"

#include "otp/request.h"

#include <string.h>

struct item {
    struct tr_request request;
    tr_term label; /* kept */
};

struct tr_reqids {
    struct item *items; /* in the order in which they were added */
    size_t n, room;
};

struct tr_reqids *tr_reqids_new(void)
{
    return tr_alloc(sizeof(struct tr_reqids));
}

static void remove_item(struct tr_reqids *ids, size_t i)
{
    ids->n--;
    memmove(&ids->items[i], &ids->items[i + 1], (ids->n - i) * sizeof *ids->items);
}

static void abandon_all(struct tr_reqids *ids)
{
    while (ids->n > 0) {
        struct item *last = &ids->items[ids->n - 1];
        tr__abandon(&last->request);
        tr_release(last->label);
        ids->n--;
    }
}

void tr_reqids_free(struct tr_reqids *ids)
{
    if (!ids)
        return;
    abandon_all(ids);
    tr_free(ids->items);
    tr_free(ids);
}

void tr_reqids_add(struct tr_reqids *ids, struct tr_request request, tr_term label)
{
    if (ids->n == ids->room) {
        size_t room = ids->room ? 2 * ids->room : 8;
        struct item *items = tr_alloc(room * sizeof *items);
        if (ids->n)
            memcpy(items, ids->items, ids->n * sizeof *items);
        tr_free(ids->items);
        ids->items = items;
        ids->room = room;
    }
    ids->items[ids->n] = (struct item){ request, tr_keep(label) };
    ids->n++;
}

size_t tr_reqids_size(const struct tr_reqids *ids)
{
    return ids->n;
}

tr_term tr_reqids_to_list(const struct tr_reqids *ids)
{
    tr_term list = tr_nil();

    for (size_t i = ids->n; i > 0; i--)
        list = tr_list_push(
            list, tr_build(ids->items[i - 1].request.ref, tr_copy(ids->items[i - 1].label)));
    return list;
}

/* The index of the request that a message is the response to; ids->n for none. */
static size_t find(const struct tr_reqids *ids, tr_term message)
{
    size_t i = 0;
    tr_ref ref;

    if (!tr__is_response(message, &ref))
        return ids->n;
    while (i < ids->n && ids->items[i].request.ref.w != ref.w)
        i++;
    return i;
}

static tr_err take(tr_term message, struct tr_reqids *ids, size_t i, tr_term *result,
                   tr_term *label)
{
    tr_err err = tr__response(message, &ids->items[i].request, result);
    tr_term kept = ids->items[i].label;

    if (label)
        *label = tr_copy(kept);
    tr_release(kept);
    remove_item(ids, i);
    return err;
}

tr_err tr_reqids_check(tr_term message, struct tr_reqids *ids, tr_term *result, tr_term *label)
{
    size_t i = find(ids, message);

    if (ids->n == 0)
        return TR_EINVAL;
    return i < ids->n ? take(message, ids, i, result, label) : TR_ENOTFOUND;
}

tr_err tr_reqids_wait(struct tr_reqids *ids, int64_t timeout_ms, tr_term *result, tr_term *label)
{
    tr_err err = TR_ETIMEOUT;
    tr_term message;
    size_t i = 0;

    tr__check_timeout(timeout_ms);
    if (ids->n == 0)
        return TR_EINVAL;
    tr_receive (m) {
        message = m.message;
        tr_when (m, (i = find(ids, message)) < ids->n) {
            err = take(message, ids, i, result, label);
            *result = tr_receive_result(&m, *result);
            if (label)
                *label = tr_receive_result(&m, *label);
        }
        tr_after (m, timeout_ms) {
        }
    }
    return err;
}

tr_err tr_reqids_receive(struct tr_reqids *ids, int64_t timeout_ms, tr_term *result, tr_term *label)
{
    tr_err err = tr_reqids_wait(ids, timeout_ms, result, label);

    if (err == TR_ETIMEOUT)
        abandon_all(ids);
    return err;
}

/* --- several servers --- */

static int64_t time_left(int64_t timeout_ms, int64_t started)
{
    int64_t gone = tr_monotonic_ms() - started;

    if (timeout_ms == TR_INFINITY)
        return timeout_ms;
    return gone < timeout_ms ? timeout_ms - gone : 0;
}

tr_term tr_multi_call_args(int64_t timeout_ms, tr_term nodes, tr_atom name,
                           const struct tr_arg *args, int n)
{
    struct tr_reqids *ids = tr_reqids_new();
    int64_t started = tr_monotonic_ms();
    tr_term replies = tr_nil();
    tr_term bad = tr_nil();
    tr_term node, result;

    tr__check_timeout(timeout_ms);
    while (tr_list_next(&nodes, &node))
        tr_reqids_add(ids, tr_send_request(tr_build(name, node), tr_message_arg(args, n)), node);
    for (size_t i = 0; i < ids->n; i++) {
        struct item *item = &ids->items[i];
        tr_err err = tr_receive_response(&item->request, time_left(timeout_ms, started), &result);
        node = tr_copy(item->label);
        if (err == TR_OK)
            replies = tr_list_push(replies, tr_build(node, result));
        else
            bad = tr_list_push(bad, node);
        tr_release(item->label);
    }
    ids->n = 0;
    tr_reqids_free(ids);
    return tr_build(tr_list_reverse(replies), tr_list_reverse(bad));
}
