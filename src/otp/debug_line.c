/* SPDX-License-Identifier: MIT */
/* What the events of servers (troupe/gen_server.h) and machines (troupe/gen_statem.h) look like. */
#include "otp/debug.h"

#include "troupe.h"

#include <string.h>

tr_atoms(in, out, noreply, call, enter, module, start_timer, terminate, consume, postpone);
tr_atom_as(a_gen_call, "$gen_call");
tr_atom_as(a_gen_cast, "$gen_cast");

static void add(struct tr_text *line, const char *text)
{
    tr__text_add(line, text, strlen(text));
}

static void add_term(struct tr_text *line, const char *before, tr_term term)
{
    add(line, before);
    add(line, tr_inspect(term));
}

static bool add_of_server(struct tr_text *line, tr_term event)
{
    tr_term a, b, c;

    if (tr_match(event, a_in, tr_tuple(a_gen_call, tr_tuple(&b, tr_any()), &a))) {
        add_term(line, " got call ", a);
        add_term(line, " from ", b);
    } else if (tr_match(event, a_in, tr_tuple(a_gen_cast, &a))) {
        add_term(line, " got cast ", a);
    } else if (tr_match(event, a_in, &a)) {
        add_term(line, " got ", a);
    } else if (tr_match(event, a_out, &a, tr_tuple(&b, tr_any()), &c)) {
        add_term(line, " sent ", a);
        add_term(line, " to ", b);
        add_term(line, ", new state ", c);
    } else if (tr_match(event, a_noreply, &a)) {
        add_term(line, " new state ", a);
    } else {
        return false;
    }
    return true;
}

/* {Type, Content} */
static void add_event(struct tr_text *line, const char *before, tr_term event)
{
    tr_term from, type, content;

    add(line, before);
    if (tr_match(event, tr_tuple(a_call, tr_tuple(&from, tr_any())), &content)) {
        add_term(line, " call ", content);
        add_term(line, " from ", from);
    } else if (tr_match(event, &type, &content)) {
        add_term(line, " ", type);
        add_term(line, " ", content);
    }
}

/* What a machine does in a state: {What, Term, State}. */
static const tr_atom *const in_state[] = { &a_enter, &a_module, &a_start_timer, &a_terminate };

static bool add_in_state(struct tr_text *line, tr_term event)
{
    tr_term a, state;

    for (size_t i = 0; i < sizeof in_state / sizeof *in_state; i++) {
        if (!tr_match(event, *in_state[i], &a, &state))
            continue;
        add_term(line, " ", tr_element(event, 0));
        add_term(line, " ", a);
        add_term(line, " in state ", state);
        return true;
    }
    return false;
}

static bool add_of_machine(struct tr_text *line, tr_term event)
{
    tr_term a, to, state, next;

    if (tr_match(event, a_in, &a, &state)) {
        add_event(line, " receive", a);
        add_term(line, " in state ", state);
    } else if (tr_match(event, a_out, &a, tr_tuple(&to, tr_any()))) {
        add_term(line, " send ", a);
        add_term(line, " to ", to);
    } else if (tr_match(event, a_consume, &a, &state, &next) ||
               tr_match(event, a_postpone, &a, &state, &next)) {
        add_event(line, tr_match(tr_element(event, 0), a_consume) ? " consume" : " postpone", a);
        add_term(line, " in state ", state);
        if (!tr_equal(state, next))
            add_term(line, " => ", next);
    } else {
        return add_in_state(line, event);
    }
    return true;
}

void tr__debug_line(struct tr_text *line, tr_term event)
{
    add_term(line, "*DBG* ", tr__own_name());
    if (!add_of_server(line, event) && !add_of_machine(line, event))
        add_term(line, " dbg ", event);
    tr__text_add(line, "", 1);
}
