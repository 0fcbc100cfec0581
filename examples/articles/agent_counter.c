/* SPDX-License-Identifier: MIT */
/* A counter that is an agent: its users see functions, not messages. */
#include <stdio.h>

#include <troupe.h>

tr_atoms(counter);

/* --- what runs in the agent --- */

static void set(void *count, tr_term value)
{
    tr_match(value, (int64_t *)count);
}

static void add(void *count, tr_term amount)
{
    int64_t by = 0;

    tr_match(amount, &by);
    *(int64_t *)count += by;
}

static tr_term get(const void *count, tr_term unused)
{
    (void)unused;
    return tr_build(*(const int64_t *)count);
}

/* --- what its users call --- */

static void counter_start_link(int64_t initial)
{
    tr_agent_start_link(set, TR_AGENT_OPTS(.state_size = sizeof(int64_t), .name = a_counter),
                        initial);
}

static int64_t counter_value(void)
{
    int64_t value = 0;

    tr_match(tr_agent_get(a_counter, get), &value);
    return value;
}

static void counter_increment(void)
{
    tr_agent_update(a_counter, add, 1);
}

static void counter_decrement(void)
{
    tr_agent_update(a_counter, add, -1);
}

static void body(tr_term args)
{
    (void)args;
    counter_start_link(10);
    counter_increment();
    printf("%d\n", (int)counter_value());
    counter_decrement();
    printf("%d\n", (int)counter_value());
}

int main(int argc, char **argv)
{
    return tr_main(argc, argv, body);
}
