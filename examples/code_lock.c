/* SPDX-License-Identifier: MIT */
/* A door with a code lock: a state machine of two states. */
#include <stdio.h>
#include <string.h>

#include <troupe.h>

tr_atoms(code_lock, locked, open, button, code_length, wait_until_locked, lock, ok);

/* --- the machine --- */

struct code_lock {
    char code[16];
    char typed[16]; /* the last buttons, as many as the code has */
};

static void forget(struct code_lock *s)
{
    memset(s->typed, ' ', strlen(s->code));
}

static void press(struct code_lock *s, int64_t digit)
{
    size_t n = strlen(s->code);

    memmove(s->typed, s->typed + 1, n - 1);
    s->typed[n - 1] = (char)('0' + digit);
}

/* What every state does: tell how long the code is. */
static tr_statem_result common(const struct code_lock *s, const struct tr_event *event)
{
    if (tr_got_call(event, a_code_length))
        return tr_keep_state(tr_reply_to(event->from, strlen(s->code)));
    return tr_statem_unknown();
}

static tr_statem_result locked(void *data, const struct tr_event *event)
{
    struct code_lock *s = data;
    int64_t digit;

    if (tr_got_enter(event)) {
        puts("locked");
        forget(s);
        return tr_keep_state();
    }
    if (tr_got_state_timeout(event, a_button)) {
        puts("too slow");
        forget(s);
        return tr_keep_state();
    }
    if (tr_got_call(event, a_wait_until_locked))
        return tr_keep_state(tr_reply_to(event->from, a_ok));
    if (!tr_got_cast(event, a_button, &digit))
        return common(s, event);
    press(s, digit);
    if (strcmp(s->typed, s->code) == 0)
        return tr_next_state(a_open, tr_state_timeout(100, a_lock));
    return tr_keep_state(tr_state_timeout(5000, a_button));
}

static tr_statem_result open(void *data, const struct tr_event *event)
{
    if (tr_got_enter(event)) {
        puts("open");
        return tr_keep_state();
    }
    if (tr_got_state_timeout(event, a_lock))
        return tr_next_state(a_locked);
    if (tr_got_call(event, a_wait_until_locked))
        return tr_keep_state(tr_postpone()); /* it comes again when the state has changed */
    if (tr_got_cast(event, a_button, tr_any()))
        return tr_keep_state();
    return common(data, event);
}

static tr_statem_result init(void *data, tr_term code)
{
    struct code_lock *s = data;
    tr_bin digits;

    if (!tr_binary_get(code, &digits) || digits.size == 0 || digits.size >= sizeof s->code)
        return tr_statem_stop(a_code_length);
    memcpy(s->code, digits.data, digits.size);
    return tr_statem_ok(a_locked);
}

static const struct tr_gen_statem machine = {
    .name = "code_lock",
    .data_size = sizeof(struct code_lock),
    .init = init,
    .states = TR_STATES(locked, open),
    .state_enter = true,
};

/* --- what its users call --- */

static void code_lock_start_link(const char *code)
{
    tr_gen_statem_start_link(&machine, TR_GEN_STATEM_OPTS(.name = a_code_lock), code);
}

static void code_lock_type(const char *digits)
{
    for (; *digits; digits++)
        tr_cast(a_code_lock, a_button, *digits - '0');
}

static int64_t code_lock_length(void)
{
    int64_t n = 0;

    tr_match(tr_call(a_code_lock, a_code_length), &n);
    return n;
}

static void code_lock_wait(void)
{
    tr_call(a_code_lock, a_wait_until_locked);
}

/* --- its use --- */

static void body(tr_term args)
{
    (void)args;
    code_lock_start_link("123");
    printf("a code of %d digits\n", (int)code_lock_length());
    code_lock_type("9123");
    code_lock_wait();
    code_lock_type("321123");
    code_lock_wait();
    tr_stop(a_code_lock, tr_intern("normal"), TR_INFINITY);
}

int main(int argc, char **argv)
{
    return tr_main(argc, argv, body);
}
