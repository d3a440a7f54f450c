/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A batch that fails must leave its neighbours alone, and costs a savepoint only
 * where it is likely.  So a group runs in the hope that all is well.  If not, the
 * first batch that failed is settled, for what came before it was right; those
 * that failed behind it may have met what it should not have done, and become
 * suspects.  The rest runs again without it, each suspect behind a savepoint: it
 * fails alone, and costs one trip to the server instead of the group.  An error of
 * a statement that was gathered from several batches makes all of them suspects.
 */
#include <stdbool.h>
#include <stddef.h>

#include "common/check.h"
#include "common/log.h"
#include "server/store/postgres_fault_private.h"
#include "server/store/postgres_list_private.h"
#include "server/store/postgres_private.h"
#include "server/store/store.h"
#include "server/store/store_private.h"

static void verdict_settle_all(const struct postgres_group *group, enum store_status status)
{
    for (struct store_batch *batch = group->batches.first; batch != NULL; batch = batch->next) {
        if (!batch->is_settled) {
            postgres_step_settle(batch, status);
        }
    }
}

void postgres_verdict_count_try(const struct postgres_list *batches)
{
    for (struct store_batch *batch = batches->first; batch != NULL; batch = batch->next) {
        batch->tries++;
        if (!batch->is_settled && batch->tries >= POSTGRES_TRIES) {
            postgres_step_settle(batch, STORE_BUSY);
        }
    }
}

/* What frees space runs again without the rest; what met the full disk by itself ends. */
static void verdict_fill(struct postgres_writer *writer, const struct postgres_group *group)
{
    if (!writer->is_full) {
        log_warn("store.full", "refused=inserts");
    }
    writer->is_full = true;
    for (struct store_batch *batch = group->batches.first; batch != NULL; batch = batch->next) {
        if (!batch->is_settled && (!store_batch_frees(batch) || batch->status == STORE_FULL)) {
            postgres_step_settle(batch, STORE_FULL);
        }
    }
}

/* A lock's text is wrong: whoever wanted it fails.  Else the transaction itself was refused. */
static enum postgres_verdict verdict_blame_lock(const struct postgres_group *group)
{
    if (group->bad_lock == NULL) {
        return VERDICT_DROP;
    }
    for (struct store_batch *batch = group->batches.first; batch != NULL; batch = batch->next) {
        if (!batch->is_settled && batch->lock == group->bad_lock) {
            postgres_step_settle(batch, STORE_BROKEN);
        }
    }
    return VERDICT_AGAIN;
}

static bool verdict_is_failed(const struct store_batch *batch)
{
    return !batch->is_settled && batch->status != STORE_OK;
}

/* Those that failed from first on run behind savepoints. */
static void verdict_suspect(const struct postgres_group *group, struct store_batch *first)
{
    for (struct store_batch *batch = first; batch != group->rest; batch = batch->next) {
        batch->is_suspect = batch->is_suspect || verdict_is_failed(batch);
    }
}

static enum postgres_verdict verdict_of_piece(const struct postgres_group *group)
{
    struct store_batch *first = group->piece;

    if (group->is_unproven) {
        verdict_suspect(group, first);
        return VERDICT_AGAIN;
    }
    while (first != group->rest && !verdict_is_failed(first)) {
        first = first->next;
    }
    if (first == group->rest) {
        return VERDICT_GOOD;
    }
    first->is_settled = true;
    if (first == group->suspect) {
        return VERDICT_UNDO;
    }
    verdict_suspect(group, first->next);
    return VERDICT_AGAIN;
}

enum postgres_verdict postgres_verdict_of(struct postgres_writer *writer,
                                          struct postgres_group *group)
{
    switch (group->fault) {
    case FAULT_NONE:
        return verdict_of_piece(group);
    case FAULT_AGAIN:
        postgres_verdict_count_try(&group->batches);
        return VERDICT_AGAIN;
    case FAULT_FULL:
        verdict_fill(writer, group);
        return VERDICT_AGAIN;
    case FAULT_BUSY:
        verdict_settle_all(group, STORE_BUSY);
        return VERDICT_AGAIN;
    case FAULT_CONFLICT:
    case FAULT_STATEMENT:
        return verdict_blame_lock(group);
    case FAULT_SKIPPED:
    case FAULT_READ_ONLY:
    case FAULT_LOST:
        return VERDICT_DROP;
    }
    CHECK_UNREACHABLE();
}
