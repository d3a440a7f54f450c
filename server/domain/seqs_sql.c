/* SPDX-License-Identifier: Apache-2.0 */
#include "server/domain/seqs_sql.h"

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

struct store_batch *seqs_sql_read(int64_t today)
{
    struct store_batch *batch = store_batch_create();

    store_batch_add(batch, &make);
    store_bind_int(batch, today);
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
