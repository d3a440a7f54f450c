/* SPDX-License-Identifier: Apache-2.0 */
#include "server/domain/mls_groups_sql.h"

#include "server/domain/columns.h"
#include "server/store/store.h"

static const struct store_stmt ask = {
    .name = "mls_groups.ask",
    .sql = "SELECT epoch, commit_hash FROM mls_groups WHERE group_hash = $1",
};

/* The whole rule: whoever comes second for an epoch finds a row that is past it. */
static const struct store_stmt advance = {
    .name = "mls_groups.advance",
    .sql = "INSERT INTO mls_groups (group_hash, epoch, commit_hash, members, seen_day)"
           " VALUES ($1, $2, $3, $4, $5)"
           " ON CONFLICT (group_hash) DO UPDATE SET epoch = excluded.epoch,"
           " commit_hash = excluded.commit_hash, members = excluded.members,"
           " seen_day = excluded.seen_day WHERE mls_groups.epoch + 1 = excluded.epoch RETURNING 1",
};

/* The engines have one word each for a place in a byte string. */
static const struct store_stmt reset = {
    .name = "mls_groups.reset",
    .sql_sqlite = "UPDATE mls_groups SET epoch = $2, commit_hash = NULL, seen_day = $5"
                  " WHERE group_hash = $1 AND instr(members, $4) > 0"
                  " AND ($6 = 0 OR commit_hash = $3) RETURNING 1",
    .sql_postgres = "UPDATE mls_groups SET epoch = $2, commit_hash = NULL, seen_day = $5"
                    " WHERE group_hash = $1 AND position($4 IN members) > 0"
                    " AND ($6 = 0 OR commit_hash = $3) RETURNING 1",
};

static const struct store_stmt ask_member = {
    .name = "mls_groups.ask_member",
    .sql_sqlite = "SELECT 1 FROM mls_groups WHERE group_hash = $1 AND instr(members, $2) > 0",
    .sql_postgres =
        "SELECT 1 FROM mls_groups WHERE group_hash = $1 AND position($2 IN members) > 0",
};

/*
 * On PostgreSQL a commit may come meanwhile, and its group must not be forgotten then, or another
 * commit of the same epoch would be taken: what is locked or was written stays.
 */
static const struct store_stmt purge = {
    .name = "mls_groups.purge",
    .sql_sqlite = "DELETE FROM mls_groups WHERE group_hash IN"
                  " (SELECT group_hash FROM mls_groups WHERE seen_day < $1 LIMIT $2) RETURNING 1",
    .sql_postgres = "DELETE FROM mls_groups WHERE group_hash IN"
                    " (SELECT group_hash FROM mls_groups WHERE seen_day < $1 LIMIT $2"
                    " FOR UPDATE SKIP LOCKED) RETURNING 1",
};

static void bind_hash(struct store_batch *batch, const struct mls_hash *hash)
{
    store_bind_bytes(batch, bytes_of(hash->raw, sizeof hash->raw));
}

void mls_groups_sql_ask(struct store_batch *batch, const struct mls_hash *group)
{
    store_batch_add(batch, &ask);
    bind_hash(batch, group);
}

bool mls_groups_sql_row(struct store_rows *rows, struct mls_groups_row *out)
{
    if (!store_rows_next(rows)) {
        return false;
    }
    out->epoch = store_rows_int(rows, 0);
    out->commit_known = !store_rows_is_null(rows, 1);
    if (out->commit_known) {
        columns_exact(rows, 1, out->commit.raw, sizeof out->commit.raw);
    }
    return true;
}

void mls_groups_sql_advance(struct store_batch *batch, const struct mls_groups_step *step)
{
    store_batch_expect(batch, &advance);
    bind_hash(batch, step->group);
    store_bind_int(batch, step->epoch + 1);
    bind_hash(batch, step->commit);
    store_bind_bytes(batch, step->members);
    store_bind_int(batch, step->today);
}

void mls_groups_sql_reset(struct store_batch *batch, const struct mls_groups_step *step,
                          const uint8_t member[MLS_MEMBER_BYTES])
{
    static const struct mls_hash none;

    store_batch_expect(batch, &reset);
    bind_hash(batch, step->group);
    store_bind_int(batch, step->epoch);
    bind_hash(batch, step->commit == NULL ? &none : step->commit);
    store_bind_bytes(batch, bytes_of(member, MLS_MEMBER_BYTES));
    store_bind_int(batch, step->today);
    store_bind_int(batch, step->commit == NULL ? 0 : 1);
}

void mls_groups_sql_ask_member(struct store_batch *batch, const struct mls_hash *group,
                               const uint8_t member[MLS_MEMBER_BYTES])
{
    store_batch_add(batch, &ask_member);
    bind_hash(batch, group);
    store_bind_bytes(batch, bytes_of(member, MLS_MEMBER_BYTES));
}

struct store_batch *mls_groups_sql_purge(int64_t before_day, size_t limit)
{
    struct store_batch *batch = store_batch_create();

    store_batch_add(batch, &purge);
    store_bind_int(batch, before_day);
    store_bind_int(batch, (int64_t)limit);
    return batch;
}
