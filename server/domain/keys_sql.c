/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Every statement that writes a device's keys runs under the lock of its row, so
 * what one statement of a batch saw the next one sees, too.
 */
#include "server/domain/keys_sql.h"

#include "common/ids.h"
#include "common/limits.h"
#include "server/domain/columns.h"
#include "server/domain/slots.h"
#include "server/store/store.h"

#define GENERATION "(SELECT generation FROM relay WHERE one = 1)"

static const struct store_stmt ask_owner = {
    .name = "keys.ask_owner",
    .sql = "SELECT a.account, a.epoch, a.head_hash, d.command_seq, m.signed"
           " FROM devices d JOIN accounts a ON a.account = d.account"
           " JOIN manifests m ON m.account = a.account AND m.epoch = a.epoch"
           " WHERE d.mailbox = $1",
};

static const struct store_stmt ask_held = {
    .name = "keys.ask_held",
    .sql = "SELECT slot, id, key_hash, kind,"
           " CASE WHEN kind = 0 AND generation < " GENERATION " THEN 1 ELSE 0 END, expires_at"
           " FROM keys WHERE mailbox = $1 ORDER BY slot, id",
};

static const struct store_stmt expect_seq = {
    .name = "keys.expect_seq",
    .sql = "SELECT 1 FROM devices WHERE mailbox = $1 AND command_seq = $2",
};

static const struct store_stmt expect_head = {
    .name = "keys.expect_head",
    .sql = "SELECT 1 FROM accounts WHERE account = $1 AND epoch = $2 AND head_hash = $3",
};

static const struct store_stmt put_pool = {
    .name = "key_pools.put",
    .sql = "INSERT INTO key_pools (mailbox, slot, generation, low) VALUES ($1, $2, 1, 0)"
           " ON CONFLICT (mailbox, slot) DO UPDATE SET generation = key_pools.generation + $3",
};

static const struct store_stmt spend_stale = {
    .name = "keys.spend_stale",
    .sql = "INSERT INTO spent_keys (mailbox, key_hash, day) SELECT mailbox, key_hash, $3 FROM keys"
           " WHERE mailbox = $1 AND slot = $2 AND kind = 0 AND generation < " GENERATION
           " ON CONFLICT (mailbox, key_hash) DO NOTHING",
};

static const struct store_stmt drop_stale = {
    .name = "keys.drop_stale",
    .sql = "DELETE FROM keys WHERE mailbox = $1 AND slot = $2 AND kind = 0"
           " AND generation < " GENERATION,
};

static const struct store_stmt drop_all = {
    .name = "keys.drop_all",
    .sql = "DELETE FROM keys WHERE mailbox = $1 AND slot = $2",
};

static const struct store_stmt drop_use = {
    .name = "keys.drop_use",
    .sql = "DELETE FROM keys WHERE mailbox = $1 AND slot = $2 AND kind = $3",
};

static const struct store_stmt drop_id = {
    .name = "keys.drop_id",
    .sql = "DELETE FROM keys WHERE mailbox = $1 AND slot = $2 AND id = $3",
};

static const struct store_stmt insert = {
    .name = "keys.insert",
    .sql = "INSERT INTO keys (mailbox, slot, kind, generation, expires_at, made_day, uses,"
           " first_use_day, flags, id, key_hash, signature, key)"
           " SELECT $1, $2, $3, r.generation, $4, $5, 0, 0, $6, $7, $8, $9, $10 FROM relay r"
           " WHERE r.one = 1 AND ($3 > 0 OR NOT EXISTS"
           "  (SELECT 1 FROM spent_keys s WHERE s.mailbox = $1 AND s.key_hash = $8))",
};

static const struct store_stmt note_low = {
    .name = "key_pools.note_low",
    .sql = "UPDATE key_pools SET low = CASE WHEN (SELECT count(*) FROM keys k"
           "  WHERE k.mailbox = $1 AND k.kind = 0 AND k.slot = $2 AND k.generation = " GENERATION
           "  AND (k.expires_at = 0 OR k.expires_at > $3)) < $4 THEN 1 ELSE 0 END"
           " WHERE mailbox = $1 AND slot = $2",
};

static const struct store_stmt set_registration = {
    .name = "devices.set_registration",
    .sql = "UPDATE devices SET registration_id = $2 WHERE mailbox = $1",
};

static const struct store_stmt remove_keys = {
    .name = "keys.remove_device",
    .sql = "DELETE FROM keys WHERE mailbox = $1",
};

static const struct store_stmt remove_pools = {
    .name = "key_pools.remove_device",
    .sql = "DELETE FROM key_pools WHERE mailbox = $1",
};

static const struct store_stmt remove_spent = {
    .name = "spent_keys.remove_device",
    .sql = "DELETE FROM spent_keys WHERE mailbox = $1",
};

/* On PostgreSQL a purge waits for nobody, so that nobody waits for it in a circle. */
static const struct store_stmt purge_expired = {
    .name = "keys.purge_expired",
    .sql_sqlite = "DELETE FROM keys WHERE number IN (SELECT number FROM keys"
                  " WHERE expires_at > 0 AND expires_at <= $1 LIMIT $2) RETURNING mailbox, slot",
    .sql_postgres = "DELETE FROM keys WHERE number IN (SELECT number FROM keys"
                    " WHERE expires_at > 0 AND expires_at <= $1 LIMIT $2 FOR UPDATE SKIP LOCKED)"
                    " RETURNING mailbox, slot",
};

static const struct store_stmt purge_spent = {
    .name = "spent_keys.purge",
    .sql_sqlite = "DELETE FROM spent_keys WHERE (mailbox, key_hash) IN (SELECT mailbox, key_hash"
                  " FROM spent_keys WHERE day < $1 LIMIT $2) RETURNING mailbox",
    .sql_postgres = "DELETE FROM spent_keys WHERE (mailbox, key_hash) IN (SELECT mailbox, key_hash"
                    " FROM spent_keys WHERE day < $1 LIMIT $2 FOR UPDATE SKIP LOCKED)"
                    " RETURNING mailbox",
};

void keys_sql_ask_owner(struct store_batch *batch, int64_t mailbox)
{
    store_batch_add(batch, &ask_owner);
    store_bind_int(batch, mailbox);
}

bool keys_sql_owner(struct store_rows *rows, struct keys_owner_row *out)
{
    if (!store_rows_next(rows)) {
        return false;
    }
    out->head.account = store_rows_int(rows, 0);
    out->head.epoch = (uint64_t)store_rows_int(rows, 1);
    columns_exact(rows, 2, out->head.hash.raw, sizeof out->head.hash.raw);
    out->command_seq = store_rows_int(rows, 3);
    out->manifest = store_rows_bytes(rows, 4);
    return true;
}

void keys_sql_ask_held(struct store_batch *batch, int64_t mailbox)
{
    store_batch_add(batch, &ask_held);
    store_bind_int(batch, mailbox);
}

bool keys_sql_held(struct store_rows *rows, struct keys_row *out)
{
    if (!store_rows_next(rows)) {
        return false;
    }
    out->slot = store_rows_bytes(rows, 0);
    out->id = store_rows_bytes(rows, 1);
    columns_exact(rows, 2, out->hash, sizeof out->hash);
    out->use = (enum key_slots_use)store_rows_int(rows, 3);
    out->stale = store_rows_int(rows, 4) == 1;
    out->expires_at = store_rows_int(rows, 5);
    return true;
}

void keys_sql_expect_seq(struct store_batch *batch, int64_t mailbox, int64_t command_seq)
{
    store_batch_expect(batch, &expect_seq);
    store_bind_int(batch, mailbox);
    store_bind_int(batch, command_seq);
}

void keys_sql_expect_head(struct store_batch *batch, const struct accounts_row *head)
{
    store_batch_expect(batch, &expect_head);
    store_bind_int(batch, head->account);
    store_bind_int(batch, (int64_t)head->epoch);
    store_bind_bytes(batch, bytes_of(head->hash.raw, sizeof head->hash.raw));
}

static void add_for_pool(struct store_batch *batch, const struct store_stmt *stmt,
                         const struct keys_pool_name *pool)
{
    store_batch_add(batch, stmt);
    store_bind_int(batch, pool->mailbox);
    store_bind_text(batch, bytes_text(pool->slot));
}

void keys_sql_put_pool(struct store_batch *batch, const struct keys_pool_name *pool, bool raise)
{
    add_for_pool(batch, &put_pool, pool);
    store_bind_int(batch, raise ? 1 : 0);
}

void keys_sql_drop_stale(struct store_batch *batch, const struct keys_pool_name *pool, int64_t day)
{
    add_for_pool(batch, &spend_stale, pool);
    store_bind_int(batch, day);
    add_for_pool(batch, &drop_stale, pool);
}

void keys_sql_drop_all(struct store_batch *batch, const struct keys_pool_name *pool)
{
    add_for_pool(batch, &drop_all, pool);
}

void keys_sql_drop_use(struct store_batch *batch, const struct keys_pool_name *pool,
                       enum key_slots_use use)
{
    add_for_pool(batch, &drop_use, pool);
    store_bind_int(batch, use);
}

void keys_sql_drop_id(struct store_batch *batch, const struct keys_pool_name *pool, struct bytes id)
{
    add_for_pool(batch, &drop_id, pool);
    store_bind_bytes(batch, id);
}

void keys_sql_insert(struct store_batch *batch, const struct keys_pool_name *pool,
                     const struct keys_new_row *row)
{
    add_for_pool(batch, &insert, pool);
    store_bind_int(batch, row->facts->use);
    store_bind_int(batch, row->facts->expires_at);
    store_bind_int(batch, row->day);
    store_bind_int(batch, row->facts->is_unverified ? KEYS_FLAG_UNVERIFIED : 0);
    store_bind_bytes(batch, row->object->id);
    store_bind_bytes(batch, bytes_of(row->hash, CRYPTO_SHA256_BYTES));
    store_bind_bytes(batch, row->object->signature);
    store_bind_bytes(batch, row->object->key);
}

void keys_sql_note_low(struct store_batch *batch, const struct keys_pool_name *pool, int64_t now_s)
{
    add_for_pool(batch, &note_low, pool);
    store_bind_int(batch, now_s);
    store_bind_int(batch, LIMIT_KEYS_LOW);
}

void keys_sql_set_registration(struct store_batch *batch, int64_t mailbox, uint32_t registration_id)
{
    store_batch_add(batch, &set_registration);
    store_bind_int(batch, mailbox);
    store_bind_int(batch, registration_id);
}

void keys_sql_remove_device(struct store_batch *batch, int64_t mailbox)
{
    store_batch_add(batch, &remove_keys);
    store_bind_int(batch, mailbox);
    store_batch_add(batch, &remove_pools);
    store_bind_int(batch, mailbox);
    store_batch_add(batch, &remove_spent);
    store_bind_int(batch, mailbox);
}

struct store_batch *keys_sql_purge_expired(int64_t now_s, int64_t limit)
{
    struct store_batch *batch = store_batch_create();

    store_batch_add(batch, &purge_expired);
    store_bind_int(batch, now_s);
    store_bind_int(batch, limit);
    return batch;
}

bool keys_sql_expired(struct store_rows *rows, struct keys_expired_row *out)
{
    if (!store_rows_next(rows)) {
        return false;
    }
    out->mailbox = store_rows_int(rows, 0);
    out->slot = store_rows_bytes(rows, 1);
    return true;
}

struct store_batch *keys_sql_purge_spent(int64_t before_day, int64_t limit)
{
    struct store_batch *batch = store_batch_create();

    store_batch_add(batch, &purge_spent);
    store_bind_int(batch, before_day);
    store_bind_int(batch, limit);
    return batch;
}
