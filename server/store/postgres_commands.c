/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Times are shorter than POSTGRES_DEADLINE_MS, so that the server says what was
 * slow before we hang up.  synchronous_commit off would break the promise of an
 * acknowledgement, whoever set it; what is stronger than on stays.
 *
 * A plan that is made while a table is young is kept: it would read the whole
 * table for one row until statistics are gathered.  So an index is used where there
 * is one.  Where there is none, a plan then looks so dear that the server would
 * compile it for a quarter of a second: it shall not.  A plan of what writes is made
 * once: for a statement of many joins making it takes longer than running it.
 */
#include "server/store/postgres_commands_private.h"

#define DURABLE                                                                   \
    "set_config('synchronous_commit', CASE current_setting('synchronous_commit')" \
    " WHEN 'off' THEN 'on' ELSE current_setting('synchronous_commit') END, "

const char *const postgres_commands[COMMAND_COUNT] = {
    [COMMAND_BEGIN] = "BEGIN ISOLATION LEVEL READ COMMITTED READ WRITE",
    [COMMAND_BEGIN_READ] = "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY",
    [COMMAND_SETTINGS] = "SELECT set_config('statement_timeout', '8s', true),"
                         " set_config('lock_timeout', '5s', true),"
                         " set_config('idle_in_transaction_session_timeout', '5s', true),"
                         " set_config('enable_seqscan', 'off', true),"
                         " set_config('jit', 'off', true),"
                         " set_config('plan_cache_mode', 'force_generic_plan', true),"
                         " " DURABLE "true)",
    [COMMAND_NO_TIMEOUT] = "SET LOCAL statement_timeout = 0",
    [COMMAND_NO_SYNC] = "SET LOCAL synchronous_commit = off",
    [COMMAND_COMMIT] = "COMMIT",
    [COMMAND_ROLLBACK] = "ROLLBACK",
    [COMMAND_SAVE] = "SAVEPOINT batch",
    [COMMAND_RELEASE] = "RELEASE batch",
    [COMMAND_UNDO] = "ROLLBACK TO batch",
    [COMMAND_SESSION] = "SELECT set_config('statement_timeout', '8s', false),"
                        " set_config('lock_timeout', '5s', false),"
                        " set_config('idle_in_transaction_session_timeout', '5s', false),"
                        " set_config('enable_seqscan', 'off', false),"
                        " set_config('jit', 'off', false),"
                        " " DURABLE "false),"
                        " pg_backend_pid()",
    [COMMAND_LISTEN] = "LISTEN sealpost",
    [COMMAND_TELL] = "SELECT pg_notify('sealpost', $1)",
};

/* The number is ours alone: "sealpost" as bytes. */
const char postgres_begin_migrations[] = "BEGIN; SELECT pg_advisory_xact_lock(8315159405380203380)";
