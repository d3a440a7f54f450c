/* SPDX-License-Identifier: Apache-2.0 */
#include "server/domain/invites_sql.h"

#include <assert.h>
#include <string.h>

#include "common/bytes.h"
#include "common/check.h"
#include "server/store/store.h"

static const struct store_stmt spend = {
    .name = "invites.spend",
    .sql = "UPDATE invites SET uses_left = uses_left - 1"
           " WHERE invite_hash = $1 AND uses_left > 0 AND expires_at > $2 RETURNING 1",
};

static const struct store_stmt ask = {
    .name = "invites.ask",
    .sql = "SELECT 1 FROM invites WHERE invite_hash = $1 AND uses_left > 0 AND expires_at > $2",
};

static const struct store_stmt create = {
    .name = "invites.create",
    .sql = "INSERT INTO invites (invite_hash, uses_left, uses_total, expires_at, note, created_day)"
           " VALUES ($1, $2, $2, $3, $4, $5)",
};

static const struct store_stmt list = {
    .name = "invites.list",
    .sql = "SELECT invite_hash, uses_left, uses_total, expires_at, created_day, note FROM invites"
           " ORDER BY created_day DESC, expires_at DESC, invite_hash LIMIT $1",
};

static const struct store_stmt revoke = {
    .name = "invites.revoke",
    .sql = "DELETE FROM invites WHERE substr(invite_hash, 1, 8) = $1 RETURNING 1",
};
static_assert(INVITE_ID_BYTES == 8, "the statement above cuts ids at 8 bytes");

static void bind_hash(struct store_batch *batch, const struct invite_hash *hash)
{
    store_bind_bytes(batch, bytes_of(hash->raw, sizeof hash->raw));
}

void invites_sql_spend(struct store_batch *batch, const struct invite_hash *hash, int64_t now_s)
{
    store_batch_expect(batch, &spend);
    bind_hash(batch, hash);
    store_bind_int(batch, now_s);
}

void invites_sql_ask(struct store_batch *batch, const struct invite_hash *hash, int64_t now_s)
{
    store_batch_add(batch, &ask);
    bind_hash(batch, hash);
    store_bind_int(batch, now_s);
}

struct store_batch *invites_sql_create(const struct invite_hash *hash,
                                       const struct invites_terms *terms, int64_t created_day)
{
    struct store_batch *batch = store_batch_create();

    store_batch_add(batch, &create);
    bind_hash(batch, hash);
    store_bind_int(batch, terms->uses);
    store_bind_int(batch, terms->expires_at);
    store_bind_text(batch, terms->note);
    store_bind_int(batch, created_day);
    return batch;
}

struct store_batch *invites_sql_list(int64_t limit)
{
    struct store_batch *batch = store_batch_create();

    store_batch_add(batch, &list);
    store_bind_int(batch, limit);
    return batch;
}

bool invites_sql_next(struct store_rows *rows, struct invite *out)
{
    if (!store_rows_next(rows)) {
        return false;
    }
    struct bytes hash = store_rows_bytes(rows, 0);
    CHECK(hash.size >= sizeof out->id); /* only we write it */
    memcpy(out->id, hash.at, sizeof out->id);
    out->uses_left = store_rows_int(rows, 1);
    out->uses_total = store_rows_int(rows, 2);
    out->expires_at = store_rows_int(rows, 3);
    out->created_day = store_rows_int(rows, 4);
    out->note = store_rows_bytes(rows, 5);
    return true;
}

struct store_batch *invites_sql_revoke(const uint8_t id[INVITE_ID_BYTES])
{
    struct store_batch *batch = store_batch_create();

    store_batch_add(batch, &revoke);
    store_bind_bytes(batch, bytes_of(id, INVITE_ID_BYTES));
    return batch;
}
