/* SPDX-License-Identifier: Apache-2.0 */
#include "server/domain/mailboxes_sql.h"

#include <stdint.h>
#include <string.h>

#include "common/bytes.h"
#include "common/check.h"
#include "server/domain/body.h"

/* The sums read the heads of the mailbox's rows, at most mailbox_max_envelopes of them, once. */
static const struct store_stmt load = {
    .name = "mailboxes.load",
    .sql = "SELECT d.mailbox, d.account, a.account_id, d.device_id, d.idle_state, d.device_pub,"
           " (SELECT count(*) FROM envelopes e WHERE e.mailbox = d.mailbox AND e.kind = 0),"
           " (SELECT coalesce(sum(length(e.body)), 0) FROM envelopes e"
           "  WHERE e.mailbox = d.mailbox AND e.kind = 0)"
           " FROM devices d JOIN accounts a ON a.account = d.account WHERE d.device_pub = $1",
};

void mailboxes_sql_load(struct store_batch *batch, const struct device_pub *pub)
{
    store_batch_add(batch, &load);
    store_bind_bytes(batch, bytes_of(pub->raw, sizeof pub->raw));
}

bool mailboxes_sql_loaded(struct store_rows *rows, struct mailbox *out)
{
    struct bytes account_id;
    struct bytes pub;

    if (!store_rows_next(rows)) {
        return false;
    }
    memset(out, 0, sizeof *out);
    out->number = store_rows_int(rows, 0);
    out->account = store_rows_int(rows, 1);
    account_id = store_rows_bytes(rows, 2);
    CHECK(account_id.size == sizeof out->account_id.raw);
    memcpy(out->account_id.raw, account_id.at, account_id.size);
    out->device_id = (uint32_t)store_rows_int(rows, 3);
    out->closed = store_rows_int(rows, 4) == 2;
    pub = store_rows_bytes(rows, 5);
    CHECK(pub.size == sizeof out->pub.raw);
    memcpy(out->pub.raw, pub.at, pub.size);
    out->envelope_count = store_rows_int(rows, 6);
    out->envelope_bytes =
        store_rows_int(rows, 7) - out->envelope_count * (int64_t)BODY_OVERHEAD_BYTES;
    return true;
}
