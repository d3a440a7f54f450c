/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Only where the store is shared, so this is PostgreSQL's own dialect.
 *
 * The row of the mailbox gives the number, counts what waits, and says whether it
 * takes mail, all in the statement that puts the envelope; so numbers are in the
 * order of commits, and the caps hold whoever writes.  The batch has locked the
 * row before, so the statement's snapshot is newer than the lock and the look for
 * the same envelope misses none.
 */
#include "server/domain/envelopes_shared_sql.h"

#include "common/bytes.h"
#include "common/check.h"
#include "common/ids.h"
#include "server/domain/body.h"

static const struct store_stmt append = {
    .name = "envelopes_shared.append",
    .sql = "WITH twin AS MATERIALIZED (SELECT 1 AS one FROM envelopes WHERE mailbox = $1"
           "  AND seq > $10 AND tag = $6 AND id = $7 AND kind = 0 AND minute >= $11 LIMIT 1),"
           " place AS (UPDATE devices SET next_seq = greatest(next_seq,"
           "   (SELECT seq_floor FROM relay WHERE one = 1)) + 1,"
           "  waiting = waiting + 1, waiting_bytes = waiting_bytes + $9, refusing = 0"
           "  WHERE mailbox = $1 AND idle_state < 2"
           "  AND waiting < $12 AND waiting_bytes <= $13 - $9"
           "  AND (refusing = 0 OR (waiting <= $14 AND waiting_bytes <= $15))"
           "  AND NOT EXISTS (SELECT 1 FROM twin)"
           "  RETURNING mailbox, next_seq, waiting, waiting_bytes),"
           " put AS (INSERT INTO envelopes"
           "  (seq, mailbox, kind, flags, minute, expires_at, own_ttl, tag, id, body)"
           "  SELECT next_seq, mailbox, 0, $2, $3, $4, $5, $6, $7, $8 FROM place)"
           " SELECT d.next_seq, d.idle_state, d.refusing, p.next_seq, p.waiting, p.waiting_bytes,"
           " (SELECT one FROM twin)"
           " FROM devices d LEFT JOIN place p ON p.mailbox = d.mailbox WHERE d.mailbox = $1",
};

static const struct store_stmt refuse = {
    .name = "envelopes_shared.refuse",
    .sql = "UPDATE devices SET refusing = 1 WHERE mailbox = $1",
};

void envelopes_shared_sql_append(struct store_batch *batch, const struct envelope_row *row,
                                 const struct envelope_caps *caps, const struct envelope_twin *twin)
{
    store_batch_expect(batch, &append);
    store_bind_int(batch, row->mailbox);
    store_bind_int(batch, row->flags);
    store_bind_int(batch, row->minute);
    store_bind_int(batch, row->expires_at);
    store_bind_int(batch, row->own_ttl);
    store_bind_int(batch, (int64_t)row->tag);
    store_bind_bytes(batch, bytes_of(row->id.raw, sizeof row->id.raw));
    store_bind_borrowed(batch, row->stored);
    store_bind_int(batch, (int64_t)row->stored.size - BODY_OVERHEAD_BYTES);
    store_bind_int(batch, twin->behind);
    store_bind_int(batch, twin->first_minute);
    store_bind_int(batch, caps->count_max);
    store_bind_int(batch, caps->bytes_max);
    store_bind_int(batch, caps->count_reopen);
    store_bind_int(batch, caps->bytes_reopen);
}

void envelopes_shared_sql_appended(struct store_rows *rows, struct envelope_put *out)
{
    CHECK(store_rows_next(rows)); /* it was expected */
    *out = (struct envelope_put){
        .is_stored = !store_rows_is_null(rows, 3),
        .is_twin = !store_rows_is_null(rows, 6),
        .is_closed = store_rows_int(rows, 1) == 2,
        .was_refusing = store_rows_int(rows, 2) == 1,
        .before = store_rows_int(rows, 0),
    };
    if (out->is_stored) {
        out->seq = store_rows_int(rows, 3);
        out->waiting = store_rows_int(rows, 4);
        out->waiting_bytes = store_rows_int(rows, 5);
    }
}

void envelopes_shared_sql_refuse(struct store_batch *batch, int64_t mailbox)
{
    store_batch_add(batch, &refuse);
    store_bind_int(batch, mailbox);
}
