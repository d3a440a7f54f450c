/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Only where the store is shared, so this is PostgreSQL's own dialect.
 *
 * The row of the mailbox gives the number, counts what waits, and says whether it
 * takes mail, all in the statement that puts the envelope; so numbers are in the
 * order of commits, and the caps hold whoever writes.  The batch has locked the
 * row before, so the statement's snapshot is newer than the lock: what it reads of
 * the row stays true, and the look for the same envelope misses none.
 */
#include "server/domain/envelopes_shared_sql.h"

#include "common/bytes.h"
#include "common/check.h"
#include "common/ids.h"
#include "server/domain/body.h"

/* Of a copy that was judged: it goes in. */
#define FITS                                                         \
    "(NOT is_twin AND idle_state < 2 AND waiting + nth <= count_max" \
    " AND waiting_bytes + upto <= bytes_max AND (refusing = 0"       \
    " OR (waiting <= count_reopen AND waiting_bytes <= bytes_reopen)))"

/*
 * One statement for all copies of a commit.
 *
 * twins   what stands there already, of what is not known in memory: a look a mailbox, not
 *         one a copy.  And what came twice in the same commit, whose first one counts.
 * judged  each copy in its place: those of a mailbox are numbered and summed up in their
 *         order, repeats left out; first is where the one that is repeated stands among them,
 *         0 when it is a row already.  The row is as it stood before all of them.
 * place   the row of a mailbox, once; the first copy that finds no room closes it for
 *         those behind it, too.
 * put     the rows.  A body is taken from its array at last: what comes before copies its
 *         columns several times.
 *
 * The plan is made for a few copies and kept.  So nothing that grows with them is joined to
 * anything but through an index, and OFFSET 0 keeps the bounds of the look in its index.
 */
static const struct store_stmt append = {
    .name = "envelopes_shared.append",
    .sql_gathered =
        "WITH twins AS MATERIALIZED ("
        " SELECT e.mailbox, e.tag, e.id, max(e.minute) AS minute, CAST(0 AS bigint) AS first FROM"
        "  (SELECT mailbox, min(behind) AS behind, array_agg(id) AS ids"
        "   FROM unnest($1, $7, $10) AS c(mailbox, id, behind) GROUP BY mailbox) b"
        "  CROSS JOIN LATERAL (SELECT mailbox, tag, id, minute FROM envelopes"
        "   WHERE mailbox = b.mailbox AND seq > b.behind AND kind = 0 AND id = ANY(b.ids)"
        "   OFFSET 0) e"
        "  GROUP BY e.mailbox, e.tag, e.id"
        " UNION ALL SELECT mailbox, tag, id, max(minute), min(number)"
        "  FROM unnest($1, $3, $6, $7) WITH ORDINALITY AS c(mailbox, minute, tag, id, number)"
        "  GROUP BY mailbox, tag, id HAVING count(*) > 1),"
        " judged AS MATERIALIZED ("
        " SELECT c.*, d.next_seq, d.idle_state, d.refusing, d.waiting, d.waiting_bytes,"
        "  greatest(d.next_seq, (SELECT seq_floor FROM relay WHERE one = 1)) AS base,"
        "  t.first, t.first IS NOT NULL AS is_twin,"
        "  count(*) FILTER (WHERE t.first IS NULL) OVER w AS nth,"
        "  sum(CAST(c.bytes AS integer)) FILTER (WHERE t.first IS NULL) OVER w AS upto"
        "  FROM unnest($1, $2, $3, $4, $5, $6, $7, $9, $11, $12, $13, $14, $15)"
        "   WITH ORDINALITY AS c(mailbox, flags, minute, expires_at, own_ttl, tag, id, bytes,"
        "   first_minute, count_max, bytes_max, count_reopen, bytes_reopen, number)"
        "  JOIN devices d ON d.mailbox = c.mailbox"
        "  CROSS JOIN LATERAL (SELECT min(t.first) AS first FROM twins t"
        "   WHERE t.mailbox = c.mailbox AND t.tag = c.tag AND t.id = c.id"
        "   AND t.minute >= c.first_minute AND t.first < c.number OFFSET 0) t"
        "  WINDOW w AS (PARTITION BY c.mailbox ORDER BY c.number)),"
        " place AS (UPDATE devices d SET next_seq = coalesce(f.last, d.next_seq),"
        "  waiting = d.waiting + f.count, waiting_bytes = d.waiting_bytes + f.bytes,"
        "  refusing = f.refusing FROM"
        "  (SELECT mailbox, max(base + nth) FILTER (WHERE " FITS ") AS last,"
        "   count(*) FILTER (WHERE " FITS ") AS count,"
        "   coalesce(sum(CAST(bytes AS integer)) FILTER (WHERE " FITS "), 0) AS bytes,"
        "   CASE WHEN bool_and(is_twin OR " FITS ") THEN 0 ELSE 1 END AS refusing"
        "   FROM judged WHERE idle_state < 2 GROUP BY mailbox"
        "   HAVING bool_or(NOT is_twin)) f WHERE d.mailbox = f.mailbox),"
        " put AS (INSERT INTO envelopes"
        "  (seq, mailbox, kind, flags, minute, expires_at, own_ttl, tag, id, body)"
        "  SELECT base + nth, mailbox, 0, flags, minute, expires_at, own_ttl, tag, id, $8[number]"
        "  FROM judged WHERE " FITS ")"
        " SELECT number, CASE WHEN nth > 1 THEN base + nth - 1 ELSE next_seq END, idle_state,"
        " CASE WHEN " FITS " THEN base + nth END, waiting + nth, waiting_bytes + upto,"
        " CASE WHEN is_twin AND NOT EXISTS (SELECT 1 FROM judged"
        "  WHERE number = j.first AND NOT " FITS ") THEN 1 ELSE 0 END FROM judged j",
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
        .is_stored = !store_rows_is_null(rows, 2),
        .is_twin = store_rows_int(rows, 5) == 1,
        .is_closed = store_rows_int(rows, 1) == 2,
        .before = store_rows_int(rows, 0),
    };
    if (out->is_stored) {
        out->seq = store_rows_int(rows, 2);
        out->waiting = store_rows_int(rows, 3);
        out->waiting_bytes = store_rows_int(rows, 4);
    }
}
