/* SPDX-License-Identifier: MIT */
/*
 * Online facility location: `size` customers come, one at a time, to the root of a tree of
 * quadrants of a square. A quadrant whose customers are too far from all facilities it knows opens
 * one in its middle, tells the others, and parts itself into four. The check is the number of
 * customers in the end.
 */
#include "savina.h"

tr_atoms(customer, next, facility, confirm);

enum { QUARTERS = 4 };

static const double SIDE = 500, ALPHA = 2;

struct point {
    double x, y;
};

struct box {
    double x1, y1, x2, y2;
};

struct points {
    struct point *at;
    size_t n, room;
};

struct quadrant {
    tr_pid parent;
    int64_t position; /* Among the parent's quarters. */
    struct box box;
    struct points facilities, customers;
    double cost;
    tr_pid children[QUARTERS]; /* None until it is open. */
    struct box boxes[QUARTERS];
    int64_t served, ended; /* By children that have ended. */
    bool open;
};

static struct point middle(struct box b)
{
    return (struct point){ (b.x1 + b.x2) / 2, (b.y1 + b.y2) / 2 };
}

static bool contains(struct box b, struct point p)
{
    return b.x1 <= p.x && b.y1 <= p.y && p.x <= b.x2 && p.y <= b.y2;
}

static void add(struct points *points, struct point p)
{
    if (points->n == points->room) {
        struct point *old = points->at;
        points->room = points->room ? 2 * points->room : 16;
        points->at = tr_alloc(points->room * sizeof p);
        if (old)
            memcpy(points->at, old, points->n * sizeof p);
        tr_free(old);
    }
    points->at[points->n++] = p;
}

static double cost_of(const struct quadrant *q, struct point p)
{
    double least = INFINITY;

    for (size_t i = 0; i < q->facilities.n; i++) {
        double dx = q->facilities.at[i].x - p.x, dy = q->facilities.at[i].y - p.y;
        double distance = sqrt(dx * dx + dy * dy);
        if (distance < least)
            least = distance;
    }
    return least;
}

static void add_customer(struct quadrant *q, struct point p)
{
    add(&q->customers, p);
    q->cost += cost_of(q, p);
}

/* The first quarter that contains the point. */
static int quarter(const struct quadrant *q, struct point p)
{
    int i = 0;

    while (i < QUARTERS - 1 && !contains(q->boxes[i], p))
        i++;
    return i;
}

static tr_bin bytes(const struct points *points)
{
    return (tr_bin){ points->at, points->n * sizeof *points->at };
}

static void quadrant(tr_term arg);

static tr_pid start(tr_pid parent, int64_t position, struct box box,
                    const struct points *facilities, const struct points *customers)
{
    return tr_spawn(quadrant, parent, position, ((tr_bin){ &box, sizeof box }), bytes(facilities),
                    bytes(customers));
}

static void open_facility(struct quadrant *q)
{
    struct points parts[QUARTERS] = { 0 };
    struct point p = middle(q->box);
    struct box b = q->box;

    if (q->position >= 0)
        tr_send(q->parent, a_facility, q->position, p.x, p.y);
    q->boxes[0] = (struct box){ b.x1, p.y, p.x, b.y2 };
    q->boxes[1] = (struct box){ p.x, p.y, b.x2, b.y2 };
    q->boxes[2] = (struct box){ b.x1, b.y1, p.x, p.y };
    q->boxes[3] = (struct box){ p.x, b.y1, b.x2, p.y };
    for (size_t i = 0; i < q->customers.n; i++)
        add(&parts[quarter(q, q->customers.at[i])], q->customers.at[i]);
    for (int i = 0; i < QUARTERS; i++) {
        q->children[i] = start(tr_self(), i, q->boxes[i], &q->facilities, &parts[i]);
        tr_free(parts[i].at);
    }
    q->open = true;
}

static void take_customer(struct quadrant *q, struct point p, tr_pid producer)
{
    if (q->open) {
        tr_send(q->children[quarter(q, p)], a_customer, producer, p.x, p.y);
    } else {
        add_customer(q, p);
        if (q->cost > ALPHA * sqrt(2) * SIDE)
            open_facility(q);
    }
    if (q->position < 0)
        tr_send(producer, a_next);
}

/* From a child to the parent and the quarter across, from the parent (-1) to all children. */
static void tell_facility(struct quadrant *q, int64_t from, struct point p)
{
    add(&q->facilities, p);
    if (from >= 0 && q->position >= 0)
        tr_send(q->parent, a_facility, q->position, p.x, p.y);
    for (int i = 0; q->open && i < QUARTERS; i++)
        if (from < 0 || i == QUARTERS - 1 - from)
            tr_send(q->children[i], a_facility, -1, p.x, p.y);
}

/* Waits for the children; what they still tell of facilities needs no answer. */
static void end(struct quadrant *q)
{
    int64_t served;

    if (q->open)
        savina_stop(q->children, QUARTERS);
    while (q->open && q->ended < QUARTERS) {
        tr_receive (m) {
            tr_on (m, a_confirm, &served) {
                q->served += served;
                q->ended++;
            }
        }
    }
    served = q->open ? q->served : (int64_t)q->customers.n;
    tr_send(q->parent, q->position >= 0 ? a_confirm : a_done, served);
}

static void init(struct quadrant *q, tr_term arg)
{
    tr_bin box, facilities, customers;
    struct point p;

    tr_match(arg, &q->parent, &q->position, &box, &facilities, &customers);
    memcpy(&q->box, box.data, sizeof q->box);
    for (size_t i = 0; i < facilities.size; i += sizeof p) {
        memcpy(&p, (const char *)facilities.data + i, sizeof p);
        add(&q->facilities, p);
    }
    add(&q->facilities, middle(q->box));
    for (size_t i = 0; i < customers.size; i += sizeof p) {
        memcpy(&p, (const char *)customers.data + i, sizeof p);
        add_customer(q, p);
    }
}

static void quadrant(tr_term arg)
{
    struct quadrant *q = tr_alloc(sizeof *q);
    struct point p;
    tr_pid producer;
    int64_t from;

    init(q, arg);
    for (;;) {
        tr_receive (m) {
            tr_on (m, a_customer, &producer, &p.x, &p.y)
                take_customer(q, p, producer);
            tr_on (m, a_facility, &from, &p.x, &p.y)
                tell_facility(q, from, p);
            tr_on (m, a_stop) {
                end(q);
                return;
            }
        }
    }
}

static int64_t iterate(int64_t size)
{
    static const struct points NONE;
    int64_t random = SAVINA_SEED;
    tr_pid self = tr_self();
    tr_pid root = start(self, -1, (struct box){ 0, 0, SIDE, SIDE }, &NONE, &NONE);

    for (int64_t i = 0; i < size; i++) {
        double x = savina_random_real(&random) * SIDE;
        double y = savina_random_real(&random) * SIDE;
        tr_send(root, a_customer, self, x, y);
        tr_receive (m)
            tr_on (m, a_next)
                continue;
    }
    tr_send(root, a_stop);
    return savina_await(1);
}

static const struct savina benchmark = { .name = "facloc", .size = 100000, .iterate = iterate };

int main(int argc, char **argv)
{
    return savina_main(argc, argv, &benchmark);
}
