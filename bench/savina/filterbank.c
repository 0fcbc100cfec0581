/* SPDX-License-Identifier: MIT */
/*
 * Filter bank: 8 channels, each a chain of actors that delay, filter, sample, delay and filter a
 * signal; the integrator and the combiner put the channels together again. The size is the length
 * of the filters. The check is made of the sum and the number of the values that come out.
 */
#include "savina.h"

tr_atoms(next, boot, value, sourced, collection);

enum { CHANNELS = 8, SIGNAL = 1000 };

static int64_t columns, values;

/* What an actor of a chain needs; their messages are {value, Value} and stop. */
struct stage {
    tr_pid next;
    int64_t channel, at;
    bool full;
    double *data, *weights;
};

static double first_weight(int64_t channel, int64_t i)
{
    return (double)(i * columns + channel * CHANNELS + channel + i + channel + 1);
}

static double second_weight(int64_t channel, int64_t i)
{
    return (double)(i * channel + channel * channel + channel + i);
}

/* Runs a stage: gives it the values, and passes on the end. */
static void run(struct stage *s, void (*take)(struct stage *, double))
{
    double value;

    for (;;) {
        tr_receive (m) {
            tr_on (m, a_value, &value)
                take(s, value);
            tr_on (m, a_stop) {
                tr_send(s->next, a_stop);
                return;
            }
        }
    }
}

static void pass_value(struct stage *s, double value)
{
    tr_send(s->next, a_value, value);
}

static void bank(tr_term arg)
{
    struct stage s = { 0 };

    tr_match(arg, &s.next);
    run(&s, pass_value);
}

static void delay_value(struct stage *s, double value)
{
    tr_send(s->next, a_value, s->data[s->at]);
    s->data[s->at] = value;
    s->at = (s->at + 1) % (columns - 1);
}

static void delay(tr_term arg)
{
    struct stage s = { .data = tr_alloc((size_t)columns * sizeof *s.data) };

    tr_match(arg, &s.next);
    run(&s, delay_value);
}

static void filter_value(struct stage *s, double value)
{
    double sum = 0;

    s->data[s->at++] = value;
    if (s->at == columns) {
        s->at = 0;
        s->full = true;
    }
    if (!s->full)
        return;
    for (int64_t i = 0; i < columns; i++)
        sum += s->data[i] * s->weights[columns - i - 1];
    tr_send(s->next, a_value, sum);
}

static void filter(tr_term arg)
{
    size_t size = (size_t)columns * sizeof(double);
    struct stage s = { .data = tr_alloc(size), .weights = tr_alloc(size) };
    int64_t first;

    tr_match(arg, &s.next, &s.channel, &first);
    for (int64_t i = 0; i < columns; i++)
        s.weights[i] = first ? first_weight(s.channel, i) : second_weight(s.channel, i);
    run(&s, filter_value);
}

static void sample_value(struct stage *s, double value)
{
    tr_send(s->next, a_value, s->at ? 0.0 : value);
    s->at = (s->at + 1) % columns;
}

static void sample(tr_term arg)
{
    struct stage s = { 0 };

    tr_match(arg, &s.next);
    run(&s, sample_value);
}

static void tag_value(struct stage *s, double value)
{
    tr_send(s->next, a_sourced, s->channel, value);
}

static void tag(tr_term arg)
{
    struct stage s = { 0 };

    tr_match(arg, &s.next, &s.channel);
    run(&s, tag_value);
}

/* The values of the channels that wait for those of the others. */
struct integrator {
    tr_pid next;
    double *of[CHANNELS];
    int64_t come[CHANNELS], sent;
};

static void integrate(struct integrator *g)
{
    double row[CHANNELS];

    for (int i = 0; i < CHANNELS; i++) {
        if (g->come[i] == g->sent)
            return;
        row[i] = g->of[i][g->sent];
    }
    g->sent++;
    tr_send(g->next, a_collection, ((tr_bin){ row, sizeof row }));
}

static void integrator(tr_term arg)
{
    struct integrator g = { .sent = 0 };
    int64_t channel;
    double value;

    tr_match(arg, &g.next);
    for (int i = 0; i < CHANNELS; i++)
        g.of[i] = tr_alloc((size_t)values * sizeof value);
    for (int ended = 0; ended < CHANNELS;) {
        tr_receive (m) {
            tr_on (m, a_sourced, &channel, &value) {
                g.of[channel][g.come[channel]++] = value;
                integrate(&g);
            }
            tr_on (m, a_stop)
                ended++;
        }
    }
    tr_send(g.next, a_stop);
}

static void combine(tr_term arg)
{
    double row[CHANNELS];
    tr_pid next;
    tr_bin bytes;

    tr_match(arg, &next);
    for (;;) {
        tr_receive (m) {
            tr_on (m, a_collection, &bytes) {
                double sum = 0;
                memcpy(row, bytes.data, sizeof row);
                for (int i = 0; i < CHANNELS; i++)
                    sum += row[i];
                tr_send(next, a_value, sum);
            }
            tr_on (m, a_stop) {
                tr_send(next, a_stop);
                return;
            }
        }
    }
}

static void sink(tr_term arg)
{
    int64_t count = 0;
    double sum = 0, value;
    tr_pid parent;

    tr_match(arg, &parent);
    for (;;) {
        tr_receive (m) {
            tr_on (m, a_value, &value) {
                sum += value;
                count++;
            }
            tr_on (m, a_stop) {
                tr_send(parent, a_done, (int64_t)llround(fmod(sum, 1e9)) + count * 1000000000);
                return;
            }
        }
    }
}

static tr_pid start_bank(int64_t channel, tr_pid next)
{
    next = tr_spawn(tag, next, channel);
    next = tr_spawn(filter, next, channel, 0);
    next = tr_spawn(delay, next);
    next = tr_spawn(sample, next);
    next = tr_spawn(filter, next, channel, 1);
    next = tr_spawn(delay, next);
    return tr_spawn(bank, next);
}

/* Starts the banks, and passes all on to each. */
static void branches(tr_term arg)
{
    tr_pid banks[CHANNELS], next;
    double value;

    tr_match(arg, &next);
    for (int i = 0; i < CHANNELS; i++)
        banks[i] = start_bank(i, next);
    for (;;) {
        tr_receive (m) {
            tr_on (m, a_value, &value)
                tr_send_each(banks, CHANNELS, a_value, value);
            tr_on (m, a_stop) {
                tr_send_each(banks, CHANNELS, a_stop);
                return;
            }
        }
    }
}

static void source(tr_term arg)
{
    tr_pid producer, next;
    int64_t current = 0;

    tr_match(arg, &producer, &next);
    for (;;) {
        tr_receive (m) {
            tr_on (m, a_boot) {
                tr_send(next, a_value, (double)current);
                current = (current + 1) % SIGNAL;
                tr_send(producer, a_next);
            }
            tr_on (m, a_stop) {
                tr_send(next, a_stop);
                return;
            }
        }
    }
}

static int64_t iterate(int64_t size)
{
    tr_pid self = tr_self();

    columns = size;
    values = 2048 + (size > 2048 ? size : 2048) * 2;
    tr_pid out = tr_spawn(integrator, tr_spawn(combine, tr_spawn(sink, self)));
    tr_pid in = tr_spawn(source, self, tr_spawn(branches, out));
    for (int64_t i = 0; i < values; i++) {
        tr_send(in, a_boot);
        tr_receive (m)
            tr_on (m, a_next)
                continue;
    }
    tr_send(in, a_stop);
    return savina_await(1);
}

static const struct savina benchmark = { .name = "filterbank", .size = 16384, .iterate = iterate };

int main(int argc, char **argv)
{
    return savina_main(argc, argv, &benchmark);
}
