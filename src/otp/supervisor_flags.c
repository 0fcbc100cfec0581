/* SPDX-License-Identifier: MIT */
/*
 * Flags of supervisors, as OTP's maps: #{strategy, intensity, period, auto_shutdown}, for dynamic
 * ones with max_children and extra_arguments, and '$backoff', {FirstMs, MaxMs, JitterPercent}.
 */
#include "otp/supervisor.h"

#include <string.h>

tr_atoms(strategy, intensity, period, auto_shutdown, max_children, extra_arguments, one_for_one,
         one_for_all, rest_for_one, simple_one_for_one, never, any_significant, all_significant,
         infinity, invalid_strategy, invalid_intensity, invalid_period, invalid_auto_shutdown,
         invalid_max_children, invalid_extra_arguments, invalid_backoff, invalid_type);
tr_atom_as(a_backoff, "$backoff");

enum { ERLANG_INTENSITY = 1, MAX_RESTARTS = 3, MAX_SECONDS = 5, MAX_MS = 30000, JITTER = 50 };

static const tr_atom *const strategies[] = { &a_one_for_one, &a_one_for_all, &a_rest_for_one,
                                             &a_simple_one_for_one };
static const tr_atom *const shutdowns[] = { &a_never, &a_any_significant, &a_all_significant };

/* --- from structs to terms --- */

/* An atom of a table, or the number itself when it is out of range. */
static tr_term choice(const tr_atom *const *table, unsigned n, unsigned i)
{
    return i < n ? tr_build(*table[i]) : tr_build(i);
}

static int64_t number(int64_t value, int64_t otherwise)
{
    return value == 0 ? otherwise : value == TR_ZERO ? 0 : value;
}

tr_term tr__supervisor_common_flags(enum tr_strategy strategy, int max_restarts, int max_seconds,
                                    struct tr_backoff backoff)
{
    tr_term map = tr_build(tr_map(a_strategy, choice(strategies, 4, strategy), a_intensity,
                                  number(max_restarts, MAX_RESTARTS), a_period,
                                  number(max_seconds, MAX_SECONDS)));

    if (!backoff.first_ms)
        return map;
    return tr_map_put(map, tr_build(a_backoff),
                      tr_build(backoff.first_ms, number(backoff.max_ms, MAX_MS),
                               number(backoff.jitter_percent, JITTER)));
}

tr_term tr_supervisor_flags(const struct tr_supervisor *s)
{
    tr_term map =
        tr__supervisor_common_flags(s->strategy, s->max_restarts, s->max_seconds, s->backoff);

    return tr_map_put(map, tr_build(a_auto_shutdown), choice(shutdowns, 3, s->auto_shutdown));
}

tr_term tr_dynamic_supervisor_flags(const struct tr_dynamic_supervisor *s)
{
    tr_term map =
        tr__supervisor_common_flags(TR_ONE_FOR_ONE, s->max_restarts, s->max_seconds, s->backoff);
    tr_term most = s->max_children ? tr_build(number(s->max_children, 0)) : tr_build(a_infinity);
    tr_term extra = tr_nil();

    if (s->extra_args && tr_parse(s->extra_args, strlen(s->extra_args), &extra, NULL))
        extra = tr_build(s->extra_args);
    map = tr_map_put(map, tr_build(a_max_children), most);
    return tr_map_put(map, tr_build(a_extra_arguments), extra);
}

/* --- from terms to settings; each step returns what is wrong, or w of 0 --- */

static const tr_term fine = { 0 };

/* The index of the atom in the table; n when it is none of them. */
static unsigned find(const tr_atom *const *table, unsigned n, tr_term value)
{
    unsigned i = 0;

    while (i < n && !tr_match(value, *table[i]))
        i++;
    return i;
}

static tr_term set_strategy(struct tr_sup *s, tr_term value)
{
    unsigned i = find(strategies, 4, value);

    if (i == 4 || (s->dynamic && i != TR_ONE_FOR_ONE))
        return tr_build(a_invalid_strategy, value);
    s->strategy = (enum tr_strategy)i;
    return fine;
}

static tr_term set_auto_shutdown(struct tr_sup *s, tr_term value)
{
    unsigned i = find(shutdowns, 3, value);

    if (i == 3 || (s->dynamic && i != TR_NEVER))
        return tr_build(a_invalid_auto_shutdown, value);
    s->auto_shutdown = (enum tr_auto_shutdown)i;
    return fine;
}

static tr_term set_limit(struct tr_sup *s, tr_term intensity, tr_term period)
{
    int64_t seconds;

    if (!tr_match(intensity, &s->limit.most) || s->limit.most < 0)
        return tr_build(a_invalid_intensity, intensity);
    if (!tr_match(period, &seconds) || seconds <= 0)
        return tr_build(a_invalid_period, period);
    s->limit.period_ms = seconds < INT64_MAX / 2000 ? seconds * 1000 : INT64_MAX / 2;
    return fine;
}

static tr_term set_backoff(struct tr_sup *s, tr_term value)
{
    struct tr_backoff *b = &s->backoff;

    if (!tr_match(value, &b->first_ms, &b->max_ms, &b->jitter_percent) || b->first_ms < 0 ||
        b->max_ms < b->first_ms || b->max_ms > INT64_MAX / 1000000 || b->jitter_percent < 0 ||
        b->jitter_percent > 100)
        return tr_build(a_invalid_backoff, value);
    return fine;
}

static tr_term set_max_children(struct tr_sup *s, tr_term value)
{
    s->max_children = INT64_MAX;
    if (tr_match(value, a_infinity))
        return fine;
    if (!tr_match(value, &s->max_children) || s->max_children < 0)
        return tr_build(a_invalid_max_children, value);
    return fine;
}

static tr_term set_extra(struct tr_sup *s, tr_term value)
{
    size_t n;

    if (!tr_list_length(value, &n))
        return tr_build(a_invalid_extra_arguments, value);
    s->extra = tr_keep(value);
    return fine;
}

/* The value of a flag, or its default. */
static tr_term flag(tr_term flags, tr_atom key, tr_term otherwise)
{
    tr_term value = otherwise;

    tr_map_get(flags, tr_build(key), &value);
    return value;
}

/* {Strategy, Intensity, Period} as a map. */
static tr_term from_tuple(tr_term flags)
{
    tr_term strategy, intensity, period;

    if (!tr_match(flags, &strategy, &intensity, &period))
        return flags;
    return tr_build(tr_map(a_strategy, strategy, a_intensity, intensity, a_period, period));
}

tr_term tr__supervisor_set_flags(struct tr_sup *s, tr_term flags)
{
    tr_term backoff;

    flags = from_tuple(flags);
    if (!tr_is_map(flags))
        return tr_build(a_invalid_type, flags);
    TR__TRY(set_strategy(s, flag(flags, a_strategy, tr_build(a_one_for_one))));
    TR__TRY(set_limit(
        s, flag(flags, a_intensity, tr_build(s->dynamic ? MAX_RESTARTS : ERLANG_INTENSITY)),
        flag(flags, a_period, tr_build(MAX_SECONDS))));
    TR__TRY(set_auto_shutdown(s, flag(flags, a_auto_shutdown, tr_build(a_never))));
    TR__TRY(set_max_children(s, flag(flags, a_max_children, tr_build(a_infinity))));
    TR__TRY(set_extra(s, flag(flags, a_extra_arguments, tr_nil())));
    if (tr_map_get(flags, tr_build(a_backoff), &backoff))
        TR__TRY(set_backoff(s, backoff));
    return fine;
}
