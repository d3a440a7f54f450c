/* SPDX-License-Identifier: Apache-2.0 */
#include "server/domain/devices_sql.h"

#include "common/bytes.h"
#include "server/domain/columns.h"
#include "server/domain/keys_sql.h"
#include "server/domain/sharing.h"
#include "server/domain/welcomes_sql.h"
#include "server/store/store.h"

static const struct store_stmt insert = {
    .name = "devices.insert",
    .sql = "INSERT INTO devices (account, device_id, added_epoch, flags, device_pub, command_seq,"
           " seen_day, idle_state)"
           " SELECT account, $2, $3, $4, $5, 0, $6, 0 FROM accounts WHERE account_id = $1"
           " AND NOT EXISTS (SELECT 1 FROM left_devices WHERE key_hash = $7)"
           " ON CONFLICT DO NOTHING RETURNING mailbox",
};

/*
 * Where daemons share the database the insert may have waited for the one that takes the key out
 * of its account, and has looked before that committed: so look again.
 */
static const struct store_stmt expect_never_left = {
    .name = "devices.expect_never_left",
    .sql = "SELECT 1 WHERE NOT EXISTS (SELECT 1 FROM left_devices WHERE key_hash = $1)",
};

static const struct store_stmt ask_used = {
    .name = "devices.ask_used",
    .sql = "SELECT 1 FROM devices WHERE device_pub = $1"
           " UNION ALL SELECT 1 FROM left_devices WHERE key_hash = $2",
};

static const struct store_stmt ask_all = {
    .name = "devices.ask_all",
    .sql = "SELECT d.mailbox, d.device_id, d.device_pub, d.flags"
           " FROM accounts a JOIN devices d ON d.account = a.account"
           " WHERE a.account_id = $1 ORDER BY d.device_id",
};

static const struct store_stmt leave = {
    .name = "devices.leave",
    .sql = "INSERT INTO left_devices (key_hash, account) VALUES ($1, $2)"
           " ON CONFLICT (key_hash) DO NOTHING",
};

static const struct store_stmt remove_mail = {
    .name = "devices.remove_mail",
    .sql = "DELETE FROM envelopes WHERE mailbox = $1",
};

static const struct store_stmt remove_row = {
    .name = "devices.remove",
    .sql = "DELETE FROM devices WHERE mailbox = $1",
};

static const struct store_stmt set_flags = {
    .name = "devices.set_flags",
    .sql = "UPDATE devices SET flags = $2 WHERE mailbox = $1",
};

static const struct store_stmt detach_left = {
    .name = "devices.detach_left",
    .sql = "UPDATE left_devices SET account = 0 WHERE account = $1",
};

static void bind_hash(struct store_batch *batch, const struct left_hash *hash)
{
    store_bind_bytes(batch, bytes_of(hash->raw, sizeof hash->raw));
}

void devices_sql_insert(struct store_batch *batch, const struct account_id *account_id,
                        const struct manifest_device *device, const struct left_hash *hash,
                        int64_t day)
{
    store_batch_expect(batch, &insert);
    store_bind_bytes(batch, bytes_of(account_id->raw, sizeof account_id->raw));
    store_bind_int(batch, device->device_id);
    store_bind_int(batch, (int64_t)device->added_epoch);
    store_bind_int(batch, device->flags);
    store_bind_bytes(batch, bytes_of(device->pub.raw, sizeof device->pub.raw));
    store_bind_int(batch, day);
    bind_hash(batch, hash);
    store_batch_expect(batch, &expect_never_left);
    bind_hash(batch, hash);
}

void devices_sql_ask_used(struct store_batch *batch, const struct device_pub *pub,
                          const struct left_hash *hash)
{
    store_batch_add(batch, &ask_used);
    store_bind_bytes(batch, bytes_of(pub->raw, sizeof pub->raw));
    bind_hash(batch, hash);
}

void devices_sql_ask_all(struct store_batch *batch, const struct account_id *account_id)
{
    store_batch_add(batch, &ask_all);
    store_bind_bytes(batch, bytes_of(account_id->raw, sizeof account_id->raw));
}

bool devices_sql_next(struct store_rows *rows, struct devices_row *out)
{
    if (!store_rows_next(rows)) {
        return false;
    }
    out->mailbox = store_rows_int(rows, 0);
    out->device_id = (uint32_t)store_rows_int(rows, 1);
    columns_exact(rows, 2, out->pub.raw, sizeof out->pub.raw);
    out->flags = (uint8_t)store_rows_int(rows, 3);
    return true;
}

void devices_sql_leave(struct store_batch *batch, const struct left_hash *hash, int64_t account)
{
    store_batch_add(batch, &leave);
    bind_hash(batch, hash);
    store_bind_int(batch, account);
}

void devices_sql_remove(struct store_batch *batch, int64_t mailbox)
{
    sharing_lock(batch, mailbox); /* so that nothing is put there meanwhile */
    store_batch_add(batch, &remove_mail);
    store_bind_int(batch, mailbox);
    keys_sql_remove_device(batch, mailbox);
    welcomes_sql_forget(batch, mailbox);
    store_batch_add(batch, &remove_row);
    store_bind_int(batch, mailbox);
}

void devices_sql_set_flags(struct store_batch *batch, int64_t mailbox, uint8_t flags)
{
    sharing_lock(batch, mailbox);
    store_batch_add(batch, &set_flags);
    store_bind_int(batch, mailbox);
    store_bind_int(batch, flags);
}

void devices_sql_detach_left(struct store_batch *batch, int64_t account)
{
    store_batch_add(batch, &detach_left);
    store_bind_int(batch, account);
}
