/* SPDX-License-Identifier: Apache-2.0 */
#include <sqlite3.h>
#include <stdbool.h>
#include <string.h>

#include "common/bytes.h"
#include "common/log.h"
#include "server/store/sqlite_conn_private.h"
#include "server/store/store.h"
#include "server/store/store_private.h"

/* The bytes lie in the batch, or are borrowed until done: SQLite need not copy them. */
static int run_bind_value(sqlite3_stmt *handle, int slot, const struct store_value *value)
{
    const void *at = value->bytes.size == 0 ? "" : (const void *)value->bytes.at;

    switch (value->kind) {
    case VALUE_NULL:
        return sqlite3_bind_null(handle, slot);
    case VALUE_INT:
        return sqlite3_bind_int64(handle, slot, value->number);
    case VALUE_BYTES:
        return sqlite3_bind_blob64(handle, slot, at, value->bytes.size, SQLITE_STATIC);
    case VALUE_TEXT:
        return sqlite3_bind_text64(handle, slot, at, value->bytes.size, SQLITE_STATIC, SQLITE_UTF8);
    }
    return SQLITE_MISUSE;
}

static int run_bind(const struct sqlite_prepared *prepared, const struct store_step *step)
{
    size_t i = 0;

    if (step->param_count != prepared->slot_count) {
        return SQLITE_RANGE;
    }
    for (const struct store_param *param = step->first_param; param != NULL; param = param->next) {
        int slot = prepared->slots[i++];
        int result = slot == 0 ? SQLITE_OK : run_bind_value(prepared->handle, slot, &param->value);
        if (result != SQLITE_OK) {
            return result;
        }
    }
    return SQLITE_OK;
}

static struct store_value run_column(sqlite3_stmt *handle, int column, struct store_batch *batch)
{
    struct store_value value = { .kind = VALUE_NULL };
    int type = sqlite3_column_type(handle, column);

    if (type == SQLITE_INTEGER || type == SQLITE_FLOAT) {
        value.kind = VALUE_INT;
        value.number = sqlite3_column_int64(handle, column);
    } else if (type == SQLITE_BLOB || type == SQLITE_TEXT) {
        const void *at = sqlite3_column_blob(handle, column);
        int size = sqlite3_column_bytes(handle, column);
        value.kind = type == SQLITE_BLOB ? VALUE_BYTES : VALUE_TEXT;
        value.bytes = store_batch_copy(batch, bytes_of(at, at == NULL ? 0 : (size_t)size));
    }
    return value;
}

static void run_keep_row(sqlite3_stmt *handle, struct store_batch *batch, struct store_step *step)
{
    int count = sqlite3_column_count(handle);
    struct store_row *row = store_batch_add_row(batch, step, count);

    for (int i = 0; i < count; i++) {
        row->columns[i] = run_column(handle, i, batch);
    }
}

static int run_rows(sqlite3_stmt *handle, struct store_batch *batch, struct store_step *step)
{
    int result = sqlite3_step(handle);

    while (result == SQLITE_ROW) {
        run_keep_row(handle, batch, step);
        result = sqlite3_step(handle);
    }
    return result;
}

static enum sqlite_fault run_judge(struct sqlite_conn *conn, const struct store_stmt *stmt,
                                   int result)
{
    enum sqlite_fault fault = sqlite_conn_fault(conn, result);

    if (fault == FAULT_STATEMENT || fault == FAULT_DISK) {
        log_error("store.statement", "statement=%s result=%d why=\"%s\"", stmt->name, result,
                  sqlite3_errstr(result));
    }
    return fault;
}

static enum sqlite_fault run_step(struct sqlite_conn *conn, struct store_batch *batch,
                                  struct store_step *step)
{
    const struct sqlite_prepared *prepared = sqlite_prepare(conn, step->stmt);

    if (prepared == NULL) {
        return run_judge(conn, step->stmt, conn->result);
    }
    int result = run_bind(prepared, step);
    if (result == SQLITE_OK) {
        result = run_rows(prepared->handle, batch, step);
    }
    if (result == SQLITE_DONE && sqlite3_column_count(prepared->handle) == 0) {
        step->changed = sqlite3_changes64(conn->db);
    }
    enum sqlite_fault fault = run_judge(conn, step->stmt, result);
    (void)sqlite3_reset(prepared->handle);
    return fault;
}

#ifdef SEALPOST_BENCH
/* The reference of the benchmark: how fast would the relay be if storing cost nothing? */
static bool run_is_skipped(const struct sqlite_conn *conn, const struct store_step *step)
{
    return conn->no_store &&
           (strncmp(step->stmt->name, "envelopes.append", strlen("envelopes.append")) == 0 ||
            strncmp(step->stmt->name, "envelopes.ack", strlen("envelopes.ack")) == 0);
}
#else
static bool run_is_skipped(const struct sqlite_conn *conn, const struct store_step *step)
{
    (void)conn;
    (void)step;
    return false;
}
#endif

enum sqlite_fault sqlite_run_batch(struct sqlite_conn *conn, struct store_batch *batch)
{
    for (size_t i = 0; i < batch->step_count; i++) {
        struct store_step *step = &batch->steps[i];
        if (run_is_skipped(conn, step)) {
            step->changed = 1;
            continue;
        }
        enum sqlite_fault fault = run_step(conn, batch, step);
        if (fault != FAULT_NONE) {
            return fault;
        }
        if (step->is_expected && step->first_row == NULL && step->changed == 0) {
            batch->rows.refused_at = i;
            batch->status = STORE_REFUSED;
            return FAULT_NONE;
        }
    }
    batch->status = STORE_OK;
    return FAULT_NONE;
}
