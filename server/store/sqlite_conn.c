/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What each connection is set to, and why:
 *   synchronous FULL     a commit returns after the log's fsync: the promise
 *   secure_delete ON     deleted bodies are overwritten with zeros
 *   wal_autocheckpoint 0 checkpoints are the checkpoint thread's
 *   temp_store MEMORY    savepoints keep their undo pages in memory
 *   mmap_size 0          a read error must be a status, not a SIGBUS
 *   page_size 4096       the unit of the disk; larger pages write more per row
 */
#include <errno.h>
#include <sqlite3.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/check.h"
#include "server/store/sqlite_conn_private.h"
#include "server/store/sqlite_private.h"

static const char settings_writer[] = "PRAGMA page_size=4096;"
                                      "PRAGMA auto_vacuum=INCREMENTAL;"
                                      "PRAGMA journal_mode=WAL;"
#ifdef SEALPOST_PLANT_ACK_BEFORE_COMMIT
                                      "PRAGMA synchronous=OFF;"
#else
                                      "PRAGMA synchronous=FULL;"
#endif
                                      "PRAGMA secure_delete=ON;"
                                      "PRAGMA wal_autocheckpoint=0;"
                                      "PRAGMA foreign_keys=OFF;"
                                      "PRAGMA trusted_schema=OFF;"
                                      "PRAGMA temp_store=MEMORY;"
                                      "PRAGMA mmap_size=0;"
                                      "PRAGMA cache_size=-16384;";

static const char settings_reader[] = "PRAGMA query_only=ON;"
                                      "PRAGMA wal_autocheckpoint=0;"
                                      "PRAGMA trusted_schema=OFF;"
                                      "PRAGMA temp_store=MEMORY;"
                                      "PRAGMA mmap_size=0;"
                                      "PRAGMA cache_size=-2048;";

static const char *const command_texts[COMMAND_COUNT] = {
    [COMMAND_BEGIN] = "BEGIN IMMEDIATE",  [COMMAND_BEGIN_READ] = "BEGIN",
    [COMMAND_COMMIT] = "COMMIT",          [COMMAND_ROLLBACK] = "ROLLBACK",
    [COMMAND_SAVE] = "SAVEPOINT batch",   [COMMAND_RELEASE] = "RELEASE batch",
    [COMMAND_UNDO] = "ROLLBACK TO batch",
};

static bool conn_prepare_commands(struct sqlite_conn *conn)
{
    for (int i = 0; i < COMMAND_COUNT; i++) {
        conn->result = sqlite3_prepare_v3(conn->db, command_texts[i], -1, SQLITE_PREPARE_PERSISTENT,
                                          &conn->commands[i], NULL);
        if (conn->result != SQLITE_OK) {
            return false;
        }
    }
    return true;
}

bool sqlite_conn_open(struct sqlite_conn *conn, const char *path, bool is_reader)
{
    int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE;

    conn->result = sqlite3_open_v2(path, &conn->db, flags, conn->vfs);
    if (conn->result != SQLITE_OK) {
        return false;
    }
    (void)sqlite3_busy_timeout(conn->db, SQLITE_BUSY_MS);
    /* Closing must not write: after a failed fsync nothing may be written any more. */
    (void)sqlite3_db_config(conn->db, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, NULL);
    (void)sqlite3_db_config(conn->db, SQLITE_DBCONFIG_DEFENSIVE, 1, NULL);
    if (sqlite_conn_exec(conn, is_reader ? settings_reader : settings_writer) != FAULT_NONE) {
        return false;
    }
    return conn_prepare_commands(conn);
}

void sqlite_conn_close(struct sqlite_conn *conn)
{
    sqlite_prepare_clear(conn);
    for (int i = 0; i < COMMAND_COUNT; i++) {
        (void)sqlite3_finalize(conn->commands[i]);
        conn->commands[i] = NULL;
    }
    CHECK(sqlite3_close(conn->db) == SQLITE_OK); /* busy: a statement of ours leaked */
    conn->db = NULL;
}

static bool conn_lacks_space(struct sqlite_conn *conn, int result)
{
    /* The shared index of the log is grown with a write whose errno is not kept. */
    if (result == SQLITE_IOERR_SHMSIZE) {
        return true;
    }
    int error = sqlite3_system_errno(conn->db);
    return result == SQLITE_IOERR_WRITE && (error == ENOSPC || error == EDQUOT);
}

enum sqlite_fault sqlite_conn_fault(struct sqlite_conn *conn, int result)
{
    conn->result = result;
    switch (result & 0xff) {
    case SQLITE_OK:
    case SQLITE_ROW:
    case SQLITE_DONE:
        return FAULT_NONE;
    case SQLITE_CONSTRAINT:
        return FAULT_CONFLICT;
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
    case SQLITE_PROTOCOL:
        return FAULT_BUSY;
    case SQLITE_FULL:
        return FAULT_FULL;
    case SQLITE_NOMEM:
        return FAULT_MEMORY;
    case SQLITE_IOERR:
        return conn_lacks_space(conn, result) ? FAULT_FULL : FAULT_DISK;
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB:
    case SQLITE_CANTOPEN:
    case SQLITE_PERM:
        return FAULT_DISK;
    case SQLITE_READONLY: /* a reader was given a write; else the disk went read-only */
        return sqlite3_db_readonly(conn->db, "main") == 1 ? FAULT_DISK : FAULT_STATEMENT;
    default:
        return FAULT_STATEMENT;
    }
}

enum sqlite_fault sqlite_conn_command(struct sqlite_conn *conn, enum sqlite_command command)
{
    sqlite3_stmt *handle = conn->commands[command];
    int result = sqlite3_step(handle);
    enum sqlite_fault fault = sqlite_conn_fault(conn, result);

    (void)sqlite3_reset(handle);
    return fault;
}

enum sqlite_fault sqlite_conn_exec(struct sqlite_conn *conn, const char *sql)
{
    return sqlite_conn_fault(conn, sqlite3_exec(conn->db, sql, NULL, NULL, NULL));
}

int64_t sqlite_conn_number(struct sqlite_conn *conn, const char *sql)
{
    sqlite3_stmt *handle = NULL;
    int64_t number = -1;

    conn->result = sqlite3_prepare_v2(conn->db, sql, -1, &handle, NULL);
    if (conn->result == SQLITE_OK) {
        conn->result = sqlite3_step(handle);
        if (conn->result == SQLITE_ROW) {
            number = sqlite3_column_int64(handle, 0);
        }
    }
    (void)sqlite3_finalize(handle);
    return number;
}

bool sqlite_conn_in_transaction(const struct sqlite_conn *conn)
{
    return sqlite3_get_autocommit(conn->db) == 0;
}
