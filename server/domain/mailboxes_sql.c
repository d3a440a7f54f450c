/* SPDX-License-Identifier: Apache-2.0 */
#include "server/domain/mailboxes_sql.h"

#include <assert.h>
#include <stdint.h>
#include <string.h>

#include "common/bytes.h"
#include "common/check.h"
#include "server/domain/body.h"

static_assert(BODY_OVERHEAD_BYTES == 17, "the sum leaves out what is stored around a body");

/* The sums read the heads of the mailbox's rows, at most mailbox_max_envelopes of them, once. */
static const struct store_stmt load = {
    .name = "mailboxes.load",
    .sql = "SELECT d.mailbox, d.account, a.account_id, d.device_id, d.idle_state, d.device_pub,"
           " (SELECT count(*) FROM envelopes e WHERE e.mailbox = d.mailbox AND e.kind = 0),"
           " (SELECT coalesce(sum(length(e.body) - 17), 0) FROM envelopes e"
           "  WHERE e.mailbox = d.mailbox AND e.kind = 0), 0"
           " FROM devices d JOIN accounts a ON a.account = d.account WHERE d.device_pub = $1",
    /* There the row counts: nobody else has seen all that was written. */
    .sql_postgres =
        "SELECT d.mailbox, d.account, a.account_id, d.device_id, d.idle_state, d.device_pub,"
        " d.waiting, d.waiting_bytes, d.next_seq"
        " FROM devices d JOIN accounts a ON a.account = d.account WHERE d.device_pub = $1",
};

static const struct store_stmt count = {
    .name = "mailboxes.count",
    .sql = "SELECT next_seq, waiting, waiting_bytes, idle_state FROM devices WHERE mailbox = $1",
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
    out->envelope_bytes = store_rows_int(rows, 7);
    out->known = store_rows_int(rows, 8);
    return true;
}

void mailboxes_sql_count(struct store_batch *batch, int64_t mailbox)
{
    store_batch_add(batch, &count);
    store_bind_int(batch, mailbox);
}

int64_t mailboxes_sql_counted(struct store_rows *rows, struct mailbox *mailbox)
{
    if (!store_rows_next(rows)) {
        return 0;
    }
    mailbox->envelope_count = store_rows_int(rows, 1);
    mailbox->envelope_bytes = store_rows_int(rows, 2);
    mailbox->closed = store_rows_int(rows, 3) == 2;
    return store_rows_int(rows, 0);
}
