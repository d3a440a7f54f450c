/* SPDX-License-Identifier: Apache-2.0 */
/* A statement of a batch.  Constant, and there as long as the process. */
#pragma once

#include <stdbool.h>

/* One statement, written once for both engines.  Parameters are $1, $2, ... */
struct store_stmt {
    const char *name;         /* "table.verb": the key in logs */
    const char *sql;          /* the shared dialect, see migrations/README.md; NULL: both are own */
    const char *sql_sqlite;   /* NULL unless SQLite needs a text of its own */
    const char *sql_postgres; /* NULL unless PostgreSQL needs a text of its own */
    const char *sql_gathered; /* NULL unless PostgreSQL may run many of its steps at once */
    bool is_apart;            /* touches nothing that a gathered statement touches */
};

/*
 * In sql_gathered each $n is an array with one value a step, none of them NULL.  A row begins with
 * the number of its step in these arrays, from 1, which the engine takes off.  Steps of one
 * statement that stand together in what a commit runs become one, in their order.  A batch that
 * holds such a step locks keys (store_batch_lock), and the statement touches nothing but what these
 * guard, or what no other batch with other keys changes: so it may run before those that are of
 * other keys, or apart.  For store_submit alone.
 */
