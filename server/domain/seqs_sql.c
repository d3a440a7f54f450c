/* SPDX-License-Identifier: Apache-2.0 */
#include "server/domain/seqs_sql.h"

#include "common/limits.h"

static const struct store_stmt make = {
    .name = "relay.make",
    .sql = "INSERT INTO relay (one, heartbeat, generation, seq_floor, created_day)"
           " VALUES (1, 0, 1, 0, $1) ON CONFLICT (one) DO NOTHING",
};

static const struct store_stmt read_row = {
    .name = "relay.read",
    .sql = "SELECT heartbeat, generation, seq_floor FROM relay WHERE one = 1",
};

static const struct store_stmt write_row = {
    .name = "relay.write",
    .sql = "UPDATE relay SET heartbeat = $1, generation = $2, seq_floor = $3 WHERE one = 1"
           " RETURNING heartbeat, generation, seq_floor",
};

static const struct store_stmt beat = {
    .name = "relay.beat",
    .sql = "UPDATE relay SET heartbeat = heartbeat + 1, seq_floor = $1,"
           " generation = generation + $2 WHERE one = 1"
           " RETURNING heartbeat, generation, seq_floor",
};

/* From here on only where the store is shared: several daemons may start and beat at once. */
static const struct store_stmt take_up = {
    .name = "relay.take_up",
    .sql = "WITH old AS (SELECT heartbeat < $1 AS behind FROM relay WHERE one = 1 FOR UPDATE)"
           " UPDATE relay SET heartbeat = greatest(heartbeat, $1) + 1,"
           " generation = generation + CASE WHEN old.behind THEN 1 ELSE 0 END,"
           " seq_floor = seq_floor + $2 + CASE WHEN old.behind THEN $3 ELSE 0 END"
           " FROM old WHERE one = 1"
           " RETURNING heartbeat, generation, seq_floor, CASE WHEN old.behind THEN 1 ELSE 0 END,"
           " changes",
};

static const struct store_stmt beat_by = {
    .name = "relay.beat_by",
    .sql = "UPDATE relay SET heartbeat = heartbeat + 1, seq_floor = seq_floor + $1,"
           " generation = generation + $2 WHERE one = 1"
           " RETURNING heartbeat, generation, seq_floor",
};

struct store_batch *seqs_sql_make(int64_t today)
{
    struct store_batch *batch = store_batch_create();

    store_batch_add(batch, &make);
    store_bind_int(batch, today);
    return batch;
}

struct store_batch *seqs_sql_read(int64_t today)
{
    struct store_batch *batch = seqs_sql_make(today);

    store_batch_expect(batch, &read_row);
    return batch;
}

bool seqs_sql_row(struct store_rows *rows, struct relay_row *out)
{
    if (!store_rows_next(rows)) {
        return false;
    }
    out->heartbeat = store_rows_int(rows, 0);
    out->generation = store_rows_int(rows, 1);
    out->seq_floor = store_rows_int(rows, 2);
    return true;
}

struct store_batch *seqs_sql_write(const struct relay_row *row)
{
    struct store_batch *batch = store_batch_create();

    store_batch_expect(batch, &write_row);
    store_bind_int(batch, row->heartbeat);
    store_bind_int(batch, row->generation);
    store_bind_int(batch, row->seq_floor);
    return batch;
}

struct store_batch *seqs_sql_beat(int64_t seq_floor, int64_t generation_step)
{
    struct store_batch *batch = store_batch_create();

    store_batch_expect(batch, &beat);
    store_bind_int(batch, seq_floor);
    store_bind_int(batch, generation_step);
    return batch;
}

void seqs_sql_take_up(struct store_batch *batch, int64_t copy_heartbeat)
{
    store_batch_expect(batch, &take_up);
    store_bind_int(batch, copy_heartbeat);
    store_bind_int(batch, INT64_C(1) << LIMIT_SEQ_START_BITS);
    store_bind_int(batch, INT64_C(1) << LIMIT_SEQ_RESTORE_BITS);
}

bool seqs_sql_taken_up(struct store_rows *rows, struct relay_row *out, bool *out_restored)
{
    if (!seqs_sql_row(rows, out)) {
        return false;
    }
    *out_restored = store_rows_int(rows, 3) == 1;
    out->changes = store_rows_int(rows, 4);
    return true;
}

struct store_batch *seqs_sql_beat_by(int64_t floor_step, int64_t generation_step)
{
    struct store_batch *batch = store_batch_create();

    store_batch_expect(batch, &beat_by);
    store_bind_int(batch, floor_step);
    store_bind_int(batch, generation_step);
    return batch;
}
