/* SPDX-License-Identifier: MIT */
/*
 * Names through a module: {via, Module, Term} is a name wherever one is wanted, and the module says
 * which process it means.
 *
 *     tr_send(tr_build(a_via, a_Registry, tr_tuple(a_rooms, "lobby")), a_enter);
 *     tr_gen_server_start_link(&room, TR_GEN_SERVER_OPTS(.via = name));
 *
 * The module `Registry` (troupe/registry.h) is part of the library. One of the program's own:
 *
 *     static const struct tr_via phones = { .name = "phones", .register_name = add, ... };
 *
 *     tr_via_add(&phones)
 */
#ifndef TROUPE_VIA_H
#define TROUPE_VIA_H

#include <stdbool.h>

#include "troupe/error.h"
#include "troupe/term.h"

TR_HEADER_BEGIN

/*
 * A module of names; all functions are mandatory, run on whichever process uses such a name, and
 * get the Term of {via, Module, Term}, borrowed. They must not block for long.
 */
struct tr_via {
    const char *name; /* the atom that stands for it */

    /* Gives the calling process, whose pid this is, that name; false when it is taken. */
    bool (*register_name)(tr_term name, tr_pid pid);

    /* Takes the name away from whoever has it. */
    void (*unregister_name)(tr_term name);

    /* The holder; false when nobody has the name. */
    bool (*whereis_name)(tr_term name, tr_pid *pid);
};

/* Makes a module known, for ever; adding the same again does nothing. TR_EEXIST: another one has
   that name; TR_ELIMIT: there are 64; TR_ENOMEM. Any thread. */
TR_MUST_USE tr_err tr_via_add(const struct tr_via *via);

/* The module and the Term of a {via, Module, Term}; NULL, *name untouched, for anything else, or
   when the module is not known. Any thread. */
const struct tr_via *tr_via_module(tr_term to, tr_term *name);

/*
 * The process that a destination means: a pid, a name, {Name, Node} of this node, or
 * {via, Module, Term}. False, *pid untouched, when nobody has the name; also for what is no
 * destination. Any thread, unless the via module says otherwise. (GenServer.whereis/1)
 */
bool tr_whereis_term(tr_term to, tr_pid *pid);
#define tr_whereis_server(to, pid) tr_whereis_term(TR__DEST(to), pid)

TR_HEADER_END

#endif
