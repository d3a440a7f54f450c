/* SPDX-License-Identifier: Apache-2.0 */
/* One statement of a batch: does it fit, and what did it come to? */
#include <libpq-fe.h>
#include <stdbool.h>
#include <string.h>

#include "common/bytes.h"
#include "common/log.h"
#include "server/store/postgres_fault_private.h"
#include "server/store/postgres_gather_private.h"
#include "server/store/postgres_private.h"
#include "server/store/postgres_text_private.h"
#include "server/store/postgres_types_private.h"
#include "server/store/store.h"
#include "server/store/store_private.h"

void postgres_step_settle(struct store_batch *batch, enum store_status status)
{
    batch->status = status;
    batch->is_settled = true;
}

bool postgres_step_check(struct postgres_texts *texts, struct store_batch *batch)
{
    for (size_t i = 0; i < batch->step_count; i++) {
        const struct store_stmt *stmt = batch->steps[i].stmt;
        bool is_misplaced = batch->is_read && stmt->sql_gathered != NULL;
        if (is_misplaced || !postgres_text_fits(postgres_text_of(texts, stmt), &batch->steps[i])) {
            log_error("store.statement", "statement=%s why=\"parameters do not fit its text\"",
                      stmt->name);
            postgres_step_settle(batch, STORE_BROKEN);
            return false;
        }
    }
    return true;
}

/* The server's words on our statement; its details, which quote values, are left out. */
static void step_log(const struct store_stmt *stmt, const PGresult *result)
{
    const char *code = PQresultErrorField(result, PG_DIAG_SQLSTATE);
    const char *why = PQresultErrorField(result, PG_DIAG_MESSAGE_PRIMARY);

    log_error("store.statement", "statement=%s code=%s why=%s", stmt->name,
              code == NULL ? "none" : code, log_quote(bytes_text(why == NULL ? "" : why)).text);
}

static enum store_status step_status(enum postgres_fault fault)
{
    switch (fault) {
    case FAULT_CONFLICT:
        return STORE_CONFLICT;
    case FAULT_STATEMENT:
    case FAULT_READ_ONLY:
        return STORE_BROKEN;
    case FAULT_FULL:
        return STORE_FULL;
    case FAULT_NONE:
    case FAULT_SKIPPED:
    case FAULT_AGAIN:
    case FAULT_BUSY:
    case FAULT_LOST:
        return STORE_BUSY;
    }
    return STORE_BUSY;
}

static void step_refuse(struct store_batch *batch, size_t step)
{
    if (batch->status == STORE_OK) { /* the first counts: those behind it should not have run */
        batch->status = STORE_REFUSED;
        batch->rows.refused_at = step;
    }
}

enum postgres_fault postgres_step_take(struct store_batch *batch, size_t index, PGresult *result)
{
    enum postgres_fault fault = postgres_fault_of(result);
    struct store_step *step = &batch->steps[index];

    if (fault == FAULT_SKIPPED) {
        return fault;
    }
    if (fault == FAULT_NONE && !postgres_keep_rows(result, batch, step)) {
        log_error("store.statement", "statement=%s why=\"a column of an unexpected type\"",
                  step->stmt->name);
        batch->status = STORE_BROKEN;
        return fault;
    }
    if (fault == FAULT_NONE) {
        if (step->is_expected && step->first_row == NULL && step->changed == 0) {
            step_refuse(batch, index);
        }
        return fault;
    }
    if (fault == FAULT_STATEMENT || fault == FAULT_READ_ONLY) {
        step_log(step->stmt, result);
    }
    if (batch->status == STORE_OK) {
        batch->status = step_status(fault);
    }
    return fault;
}

/* Whose fault an error is nobody knows when there are several: then all have met it. */
static void step_fail_all(const struct postgres_gather *gather, enum store_status status)
{
    for (size_t i = 0; i < gather->count; i++) {
        struct store_batch *batch = gather->items[i].batch;
        if (batch->status == STORE_OK) {
            batch->status = status;
        }
    }
}

static void step_refuse_missing(const struct postgres_gather *gather)
{
    for (size_t i = 0; i < gather->count; i++) {
        const struct postgres_gather_item *item = &gather->items[i];
        const struct store_step *step = &item->batch->steps[item->step];
        if (step->is_expected && step->first_row == NULL) {
            step_refuse(item->batch, item->step);
        }
    }
}

enum postgres_fault postgres_step_take_gathered(const struct postgres_gather *gather,
                                                PGresult *result)
{
    enum postgres_fault fault = postgres_fault_of(result);

    if (fault == FAULT_SKIPPED) {
        return fault;
    }
    if (fault == FAULT_NONE && !postgres_keep_gathered(result, gather)) {
        log_error("store.statement", "statement=%s why=\"rows that are of no step\"",
                  gather->stmt->name);
        step_fail_all(gather, STORE_BROKEN);
        return FAULT_STATEMENT;
    }
    if (fault == FAULT_NONE) {
        step_refuse_missing(gather);
        return fault;
    }
    if (fault == FAULT_STATEMENT || fault == FAULT_READ_ONLY) {
        step_log(gather->stmt, result);
    }
    step_fail_all(gather, step_status(fault));
    return fault;
}
