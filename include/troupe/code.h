/* SPDX-License-Identifier: MIT */
/*
 * Replacing the code of servers and state machines while they run.
 *
 * The callbacks of a server, say, are in a shared object, which the program loads; when there is a
 * new one, that is loaded too, and each server that runs the old callbacks goes over to the new
 * ones between two of its messages:
 *
 *     struct tr_code_object *v2;
 *     if (tr_code_load("counter_v2.so", &v2) == TR_OK)
 *         tr_code_upgrade_tree(a_tree, old, tr_code_symbol(v2, "counter"), tr_build(1), tr_nil());
 *
 * The new code_change(state, old_version, extra) is handed a copy of the old state in memory of the
 * new size, what is more being zero. When it returns false, or fails, the server goes on as it was.
 * The state has another address afterwards. Messages wait in the mailbox meanwhile. For a machine
 * the same holds for its data, and code_change may give it another state.
 *
 * A table is a struct tr_gen_server or a struct tr_gen_statem; old and new ones are of one kind.
 * The handlers of an event manager are replaced by tr_event_swap_handler.
 *
 * An object stays loaded until the program ends: specifications of children, deferred functions,
 * functions in messages and timers may refer to it, and nobody can know of all of them.
 */
#ifndef TROUPE_CODE_H
#define TROUPE_CODE_H

#include "troupe/gen_server.h"

TR_HEADER_BEGIN

struct tr_code_object;

/*
 * Loads a shared object anew, whether or not it is loaded already: what is loaded is a copy, so the
 * file may be replaced at any time; it takes memory and a descriptor for good. Its code counts as
 * the program's own (troupe/fault.h). TR_ENOTFOUND: the file cannot be read; TR_ESYS: it cannot be
 * loaded, and the log says why; TR_ENOMEM. Any thread; blocks as the file and its constructors do.
 * (code:load_file/1)
 */
TR_MUST_USE tr_err tr_code_load(const char *path, struct tr_code_object **code);

/* What a name in it stands for; NULL when there is no such name. Any thread. */
const void *tr_code_symbol(const struct tr_code_object *code, const char *name);

/*
 * What is started with the table `old` from now on, restarts by their supervisors among them, runs
 * `new`. Both must last as long as the program. TR_ELIMIT after 1,024. Any thread.
 */
TR_MUST_USE tr_err tr_code_redirect(const void *old, const void *new_one);

/*
 * One server that runs `old` goes over to `new`: ok, or {error, What}, and then it is as before:
 *
 *     other_code   it runs neither; for one that runs `new` already the result is ok
 *     undef        the size of the state differs, and there is no code_change
 *     refused      code_change returned false
 *     {'EXIT', Reason}   it failed
 *     not_supported      it is neither a server nor a machine
 *     {undef, _}, ...    a machine cannot have `new`: as the start of one says
 *
 * Suspends it, waiting until it has handled its message, and resumes it. Ends the caller as
 * tr_sys_suspend does. Process only; blocks. (sys:change_code/4)
 */
tr_term tr_code_upgrade_term(tr_term to, const void *old, const void *new_one, tr_term old_version,
                             tr_term extra);
#define tr_code_upgrade(to, old, new_one, old_version, extra)                                      \
    tr_code_upgrade_term(TR__DEST(to), old, new_one, old_version, extra)

/*
 * All servers or machines under a supervisor, at any depth, that run `old`: {ok, N}, the number of
 * those that went over. All are suspended before the first goes over, and resumed after the last.
 * Those whose specification names `old` in its modules, as that of a child with .server or .statem
 * does, are meant. {error, {Pid, What}}: the first that did not; those before it run the new code.
 * In both cases tr_code_redirect was called. Process only; blocks. (release_handler, instruction
 * update)
 */
tr_term tr_code_upgrade_tree_term(tr_term supervisor, const void *old, const void *new_one,
                                  tr_term old_version, tr_term extra);
#define tr_code_upgrade_tree(supervisor, old, new_one, old_version, extra)                         \
    tr_code_upgrade_tree_term(TR__DEST(supervisor), old, new_one, old_version, extra)

TR_HEADER_END

#endif
