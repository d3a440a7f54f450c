/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One connection to the embedded engine's file: its faults, its commands and its
 * prepared statements.  Each connection is used by one thread at a time.
 */
#pragma once

#include <sqlite3.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct store_batch;
struct store_stmt;

/* What a result code of SQLite means for the batch, or for the engine. */
enum sqlite_fault {
    FAULT_NONE = 0,
    FAULT_CONFLICT,  /* a constraint; this statement alone was undone */
    FAULT_STATEMENT, /* the statement or its parameters are wrong */
    FAULT_BUSY,      /* another program holds the file */
    FAULT_FULL,      /* no space */
    FAULT_MEMORY,    /* SQLite could not allocate */
    FAULT_DISK       /* input or output failed, or the file is damaged */
};

enum sqlite_command {
    COMMAND_BEGIN = 0,
    COMMAND_BEGIN_READ,
    COMMAND_COMMIT,
    COMMAND_ROLLBACK,
    COMMAND_SAVE,
    COMMAND_RELEASE,
    COMMAND_UNDO,
    COMMAND_COUNT
};

struct sqlite_prepared {
    const struct store_stmt *stmt; /* the key; NULL: free */
    sqlite3_stmt *handle;
    int *slots; /* slots[i]: SQLite's number of $(i+1), 0 when the text has none */
    size_t slot_count;
};

/* One connection with its prepared statements. */
struct sqlite_conn {
    const char *vfs; /* set before it is opened: the name of the VFS; NULL: the default */
    sqlite3 *db;
    int result; /* extended code of the last failure */
    sqlite3_stmt *commands[COMMAND_COUNT];
    struct sqlite_prepared *prepared; /* open addressing; room is a power of two */
    size_t prepared_room;
    size_t prepared_count;
    bool no_store;
};

/* sqlite_conn.c */
bool sqlite_conn_open(struct sqlite_conn *conn, const char *path, bool is_reader);
void sqlite_conn_close(struct sqlite_conn *conn);
enum sqlite_fault sqlite_conn_fault(struct sqlite_conn *conn, int result);
enum sqlite_fault sqlite_conn_command(struct sqlite_conn *conn, enum sqlite_command command);
enum sqlite_fault sqlite_conn_exec(struct sqlite_conn *conn, const char *sql);
int64_t sqlite_conn_number(struct sqlite_conn *conn, const char *sql); /* -1: failed */
bool sqlite_conn_in_transaction(const struct sqlite_conn *conn);

/* sqlite_prepare.c: NULL with conn->result set when the text is wrong. */
struct sqlite_prepared *sqlite_prepare(struct sqlite_conn *conn, const struct store_stmt *stmt);
void sqlite_prepare_clear(struct sqlite_conn *conn);

/*
 * sqlite_run.c: run the statements of a batch and collect their rows.  Sets
 * batch->status when the outcome is the batch's own; other faults are returned
 * and are for the caller to judge.
 */
enum sqlite_fault sqlite_run_batch(struct sqlite_conn *conn, struct store_batch *batch);
