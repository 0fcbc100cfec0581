/* SPDX-License-Identifier: MIT */
/* Event managers and their handlers. */
#include "children.h"

tr_atoms(event, info, ended, echo, leave, raise, bad, first, second, stop, remove_handler, swapped,
         gen_event_EXIT, module_not_found, bad_module, go, one, two, undef, handle_call,
         already_started, gen_event, call, infinity, noproc);
tr_atom_as(a_false, "false");

struct listener {
    tr_pid boss;
    int64_t n;
};

static _Atomic uint64_t boss;

static tr_event_result obey(struct listener *l, tr_term what)
{
    tr_term reason;

    l->n++;
    if (tr_match(what, a_leave))
        return tr_event_remove();
    if (tr_match(what, a_raise, &reason))
        tr_exit(reason);
    if (tr_match(what, a_bad))
        return tr_event_reply(1);
    return tr_event_ok();
}

static tr_event_result on_init(void *state, tr_term arg)
{
    struct listener *l = state;
    tr_term reason;

    l->boss.w = atomic_load(&boss);
    if (tr_match(arg, a_error, &reason))
        return tr_event_error(reason);
    if (tr_match(arg, a_raise, &reason))
        tr_exit(reason);
    tr_match(arg, &l->n);
    if (tr_match(arg, a_two, &reason))
        tr_send(l->boss, a_swapped, reason);
    return tr_event_ok();
}

static tr_event_result on_event(void *state, tr_term event)
{
    struct listener *l = state;

    tr_send(l->boss, a_event, event);
    return obey(l, event);
}

static tr_event_result on_info(void *state, tr_term message)
{
    struct listener *l = state;

    tr_send(l->boss, a_info, message);
    return obey(l, message);
}

static tr_event_result on_call(void *state, tr_term request)
{
    tr_term t;

    if (tr_match(request, a_echo, &t))
        return tr_event_reply(t);
    if (tr_match(request, a_leave, &t))
        return tr_event_remove_reply(t);
    return obey(state, request);
}

static tr_term on_end(void *state, tr_term why)
{
    struct listener *l = state;
    tr_term reason;

    tr_send(l->boss, a_ended, why);
    if (tr_match(why, a_raise, &reason))
        tr_exit(reason);
    return tr_build(a_ok, l->n);
}

static tr_term state_of(const void *state)
{
    const struct listener *l = state;

    return tr_build(l->n);
}

#define LISTENER(NAME)                                                                             \
    {                                                                                              \
        .name = NAME, .state_size = sizeof(struct listener), .init = on_init,                      \
        .handle_event = on_event, .handle_call = on_call, .handle_info = on_info,                  \
        .terminate = on_end, .get_state = state_of                                                 \
    }

static const struct tr_event_handler first = LISTENER("first"), second = LISTENER("second");
static const struct tr_event_handler silent = { .name = "silent" };

#define EXPECT(...) expect(__LINE__, tr_build(__VA_ARGS__))

static void expect(int line, tr_term wanted)
{
    tr_receive (m) {
        tr_when (m, tr_equal(m.message, wanted)) {
        }
        tr_after (m, patience(10000))
            check_fail(__FILE__, line, "%s did not come", tr_inspect(wanted));
    }
}

static tr_pid start_manager(void)
{
    tr_pid pid;

    no_reports();
    atomic_store(&boss, tr_self().w);
    CHECK(tr_match(tr_gen_event_start(NULL), a_ok, &pid));
    return pid;
}

#define CHECK_OK(term) CHECK_TERM(term, tr_build(a_ok))

TEST_PROC(event_goes_to_all_handlers)
{
    tr_pid m = start_manager();

    tr_event_notify(m, 0);
    CHECK_OK(tr_event_add_handler(m, &first, tr_nil()));
    CHECK_OK(tr_event_add_handler(m, &silent, tr_nil()));
    CHECK_OK(tr_event_add_handler(m, &second, 5));
    CHECK_OK(tr_event_add_handler_id(m, &first, 7, tr_nil()));
    CHECK_TERM(tr_event_which_handlers(m),
               tr_build(tr_list(tr_tuple(a_first, 7), a_second, tr_intern("silent"), a_first)));
    tr_event_notify(m, a_go, 1);
    for (int i = 0; i < 3; i++)
        EXPECT(a_event, tr_tuple(a_go, 1));
    tr_event_sync_notify(m, 2);
    CHECK_MAILBOX(3);
    tr_send(m, a_go);
    for (int i = 0; i < 3; i++) {
        EXPECT(a_event, 2);
        EXPECT(a_info, a_go);
    }
    CHECK_TERM(tr_sys_get_state(m),
               tr_build(tr_list(tr_tuple(a_first, 7, 3), tr_tuple(a_second, a_false, 8),
                                tr_tuple(tr_intern("silent"), a_false, ""),
                                tr_tuple(a_first, a_false, 3))));
    CHECK_MAILBOX(0);
}

TEST_PROC(handler_that_does_not_start_is_not_added)
{
    tr_pid m = start_manager();

    CHECK_TERM(tr_event_add_handler(m, &first, tr_tuple(a_error, a_why)), tr_build(a_error, a_why));
    CHECK_TERM(tr_event_add_handler(m, &first, tr_tuple(a_raise, a_why)), tr_build(a_EXIT, a_why));
    CHECK_TERM(tr_event_which_handlers(m), tr_nil());
}

TEST_PROC(handler_is_deleted_with_an_argument)
{
    tr_pid m = start_manager();

    CHECK_OK(tr_event_add_handler(m, &first, 4));
    CHECK_TERM(tr_event_delete_handler(m, a_second, 1), tr_build(a_error, a_module_not_found));
    CHECK_TERM(tr_event_delete_handler(m, a_first, 1), tr_build(a_ok, 4));
    EXPECT(a_ended, 1);
    CHECK_OK(tr_event_add_handler(m, &first, 4));
    CHECK_TERM(tr_event_delete_handler(m, a_first, tr_tuple(a_raise, a_why)),
               tr_build(a_EXIT, a_why));
    CHECK_TERM(tr_event_which_handlers(m), tr_nil());
    CHECK_OK(tr_event_add_handler(m, &silent, 4));
    CHECK_OK(tr_event_delete_handler(m, tr_intern("silent"), 1));
}

TEST_PROC(handler_that_fails_is_removed_and_the_others_go_on)
{
    tr_pid m = start_manager();

    CHECK_OK(tr_event_add_handler(m, &first, tr_nil()));
    CHECK_OK(tr_event_add_sup_handler(m, &second, tr_nil()));
    tr_event_sync_notify(m, a_raise, a_why);
    EXPECT(a_gen_event_EXIT, a_second, tr_tuple(a_EXIT, a_why));
    EXPECT(a_ended, tr_tuple(a_error, tr_tuple(a_EXIT, a_why)));
    CHECK_TERM(tr_event_which_handlers(m), tr_nil());
    CHECK(tr_is_nil(info(tr_self(), tr_intern("links"))));
    CHECK_OK(tr_event_add_handler(m, &first, tr_nil()));
    tr_event_sync_notify(m, a_bad);
    CHECK_TERM(tr_event_which_handlers(m), tr_nil());
    CHECK_OK(tr_event_add_handler(m, &first, tr_nil()));
    tr_event_sync_notify(m, a_leave);
    EXPECT(a_ended, a_remove_handler);
    CHECK_TERM(tr_event_which_handlers(m), tr_nil());
}

TEST_PROC(handler_is_called)
{
    tr_pid m = start_manager();
    tr_term reason;

    CHECK_OK(tr_event_add_handler(m, &first, tr_nil()));
    CHECK_TERM(tr_event_call(m, a_first, a_echo, 3), tr_build(3));
    CHECK_TERM(tr_event_call(m, a_second, a_echo, 3), tr_build(a_error, a_bad_module));
    CHECK_TERM(tr_event_call(m, a_first, a_leave, 4), tr_build(4));
    CHECK_TERM(tr_event_which_handlers(m), tr_nil());
    CHECK_OK(tr_event_add_handler(m, &first, tr_nil()));
    CHECK_TERM(tr_event_call(m, a_first, a_raise, a_why),
               tr_build(a_error, tr_tuple(a_EXIT, a_why)));
    CHECK_OK(tr_event_add_handler(m, &first, tr_nil()));
    CHECK(tr_match(tr_event_call(m, a_first, a_other), a_error, tr_tuple(a_EXIT, tr_any())));
    CHECK_OK(tr_event_add_handler(m, &silent, tr_nil()));
    CHECK(tr_match(tr_event_call(m, tr_intern("silent"), 1), a_error, tr_tuple(a_EXIT, &reason)));
    CHECK(tr_match(reason, a_undef, tr_any()));
    CHECK_TERM(tr_event_which_handlers(m), tr_nil());
}

TEST_PROC(handler_is_swapped)
{
    tr_pid m = start_manager();

    CHECK_OK(tr_event_add_sup_handler(m, &first, 4));
    CHECK_OK(tr_event_swap_handler(m, a_first, a_one, &second, a_two));
    EXPECT(a_ended, a_one);
    EXPECT(a_swapped, tr_tuple(a_ok, 4));
    EXPECT(a_gen_event_EXIT, a_first, tr_tuple(a_swapped, a_second, tr_self()));
    CHECK_TERM(tr_event_which_handlers(m), tr_build(tr_list(a_second)));
    CHECK_OK(tr_event_swap_handler(m, a_first, a_one, &first, a_two));
    EXPECT(a_swapped, a_error);
    CHECK_TERM(tr_event_delete_handler(m, a_second, 1), tr_build(a_ok, 0));
    EXPECT(a_gen_event_EXIT, a_second, a_normal);
}

static void adds_and_ends(tr_term manager)
{
    CHECK_OK(tr_event_add_sup_handler(manager, &first, tr_nil()));
    tr_exit(a_why);
}

TEST_PROC(supervised_handler_goes_with_who_added_it)
{
    tr_pid m = start_manager();
    tr_pid pid = tr_spawn(adds_and_ends, m);

    EXPECT(a_ended, tr_tuple(a_stop, a_why));
    CHECK_OK(tr_event_add_handler(m, &second, tr_nil()));
    CHECK_TERM(tr_event_which_handlers(m), tr_build(tr_list(a_second)));
    CHECK(!tr_is_alive(pid));
}

TEST_PROC(end_of_the_manager_ends_its_handlers)
{
    tr_pid m = start_manager();

    CHECK_OK(tr_event_add_sup_handler(m, &first, tr_nil()));
    tr_stop(m, a_normal, TR_INFINITY);
    EXPECT(a_ended, a_stop);
    EXPECT(a_gen_event_EXIT, a_first, a_shutdown);
}

static void asks_nobody(tr_term unused)
{
    (void)unused;
    tr_event_which_handlers(tr_intern("nobody"));
}

TEST_PROC(manager_has_a_name_and_may_be_missing)
{
    tr_pid pid;
    tr_ref ref;

    no_reports();
    tr_event_notify(tr_intern("nobody"), 1);
    tr_spawn_monitor(asks_nobody, &ref);
    CHECK_TERM(down_reason(ref, a_DOWN),
               tr_build(a_noproc, tr_tuple(a_gen_event, a_call,
                                           tr_list(tr_intern("nobody"), tr_intern("which_handlers"),
                                                   a_infinity))));
    CHECK(tr_match(tr_gen_event_start_link(TR_GEN_SERVER_OPTS(.name = a_boss)), a_ok, &pid));
    CHECK_TERM(tr_gen_event_start(TR_GEN_SERVER_OPTS(.name = a_boss)),
               tr_build(a_error, tr_tuple(a_already_started, pid)));
    CHECK_TERM(tr_event_which_handlers(a_boss), tr_nil());
}

TEST_PROC(requests_have_the_shape_of_otp)
{
    tr_pid m = start_manager();
    tr_ref ref = tr_make_ref();

    CHECK_OK(tr_event_add_handler(m, &first, tr_nil()));
    tr_send(m, tr_self(), tr_tuple(tr_self(), ref), a_event);
    EXPECT(a_info, tr_tuple(tr_self(), tr_tuple(tr_self(), ref), a_event));
    tr_send(m, tr_self(), tr_tuple(tr_self(), ref), tr_intern("which_handlers"));
    EXPECT(ref, tr_list(a_first));
    tr_send(m, tr_intern("notify"), a_go);
    EXPECT(a_event, a_go);
    tr_cast(m, a_go);
    EXPECT(a_info, tr_tuple(tr_intern("$gen_cast"), a_go));
}
