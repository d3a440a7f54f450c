/* SPDX-License-Identifier: Apache-2.0 */
/* Only where the store is shared, so this is PostgreSQL's own dialect. */
#include "server/domain/names_sql.h"

#include <string.h>

#include "common/bytes.h"

/* Twelve minutes hold the ten of a repeat, whatever is left of the first and the last of them. */
static const struct store_stmt ask = {
    .name = "names.ask",
    .sql = "SELECT e.mailbox, e.minute, e.tag, e.id"
           " FROM devices d JOIN envelopes e ON e.mailbox = d.mailbox"
           " WHERE d.device_pub = $1 AND e.kind = 0 AND e.minute >= (SELECT n.minute - 12"
           "  FROM envelopes n WHERE n.mailbox = d.mailbox AND n.kind = 0"
           "  ORDER BY n.seq DESC LIMIT 1)"
           " ORDER BY e.seq",
};

static const struct store_stmt ask_behind = {
    .name = "names.ask_behind",
    .sql = "SELECT mailbox, minute, tag, id FROM envelopes"
           " WHERE mailbox = $1 AND seq > $2 AND kind = 0 ORDER BY seq",
};

void names_sql_ask(struct store_batch *batch, const struct device_pub *pub)
{
    store_batch_add(batch, &ask);
    store_bind_bytes(batch, bytes_of(pub->raw, sizeof pub->raw));
}

void names_sql_ask_behind(struct store_batch *batch, int64_t mailbox, int64_t after)
{
    store_batch_add(batch, &ask_behind);
    store_bind_int(batch, mailbox);
    store_bind_int(batch, after);
}

bool names_sql_row(struct store_rows *rows, struct name_row *out)
{
    struct bytes id;

    if (!store_rows_next(rows)) {
        return false;
    }
    id = store_rows_bytes(rows, 3);
    if (id.size != sizeof out->id.raw) {
        out->mailbox = 0;
        return true;
    }
    memcpy(out->id.raw, id.at, sizeof out->id.raw);
    out->mailbox = store_rows_int(rows, 0);
    out->minute = store_rows_int(rows, 1);
    out->tag = (uint64_t)store_rows_int(rows, 2);
    return true;
}
