/* SPDX-License-Identifier: Apache-2.0 */
/* How migrate runs on SQLite: on the writer's connection, before there is a thread. */
#include <sqlite3.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "server/store/migrate.h"
#include "server/store/migrations.h"
#include "server/store/sqlite_conn_private.h"
#include "server/store/sqlite_private.h"

static bool schema_run(void *arg, const char *sql)
{
    struct sqlite_conn *conn = arg;

    return sqlite_conn_exec(conn, sql) == FAULT_NONE;
}

static bool schema_set(void *arg, const char *sql, int64_t value)
{
    struct sqlite_conn *conn = arg;
    sqlite3_stmt *handle = NULL;

    conn->result = sqlite3_prepare_v2(conn->db, sql, -1, &handle, NULL);
    if (conn->result == SQLITE_OK) {
        conn->result = sqlite3_bind_int64(handle, 1, value);
    }
    if (conn->result == SQLITE_OK) {
        conn->result = sqlite3_step(handle);
    }
    (void)sqlite3_finalize(handle);
    return conn->result == SQLITE_DONE;
}

static bool schema_get(void *arg, const char *sql, int64_t *out_value)
{
    struct sqlite_conn *conn = arg;
    int64_t value = sqlite_conn_number(conn, sql);

    if (conn->result != SQLITE_ROW) {
        return false;
    }
    *out_value = value;
    return true;
}

static const char *schema_why(void *arg)
{
    struct sqlite_conn *conn = arg;

    return sqlite3_errmsg(conn->db);
}

bool sqlite_schema_migrate(struct sqlite_store *store, const struct migration *migrations,
                           char *out_error, size_t error_size)
{
    const struct migrate_engine engine = { .arg = &store->writer,
                                           .run = schema_run,
                                           .set = schema_set,
                                           .get = schema_get,
                                           .why = schema_why };
    char what[256] = "";

    switch (migrate_run(&engine, migrations, what, sizeof what)) {
    case MIGRATE_DONE:
        return true;
    case MIGRATE_NEWER:
        (void)snprintf(out_error, error_size,
                       "cannot use the database %s: %s; install the newer Sealpost again",
                       store->path, what);
        return false;
    case MIGRATE_FAILED:
        (void)snprintf(out_error, error_size,
                       "cannot use the database %s: %s; mend that, or install the older Sealpost",
                       store->path, what);
        return false;
    }
    return false;
}
