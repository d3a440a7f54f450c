/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Counts come from the index keys_stock alone, for a device is counted at each of
 * its connections; only what is kept (a few rows) is read whole.
 */
#include "server/domain/keys_stock_sql.h"

#include <stdbool.h>
#include <string.h>

#include "common/bytes.h"
#include "common/check.h"
#include "common/key_slots.h"
#include "common/limits.h"
#include "server/domain/slots.h"
#include "server/store/store.h"

static const struct store_stmt ask_device = {
    .name = "keys_stock.device",
    .sql = "SELECT registration_id FROM devices WHERE mailbox = $1",
};

/* A database that was put back raises the numbers of all pools. */
static const struct store_stmt ask_pools = {
    .name = "keys_stock.pools",
    .sql = "SELECT p.slot, p.generation, r.generation - 1 FROM key_pools p, relay r"
           " WHERE p.mailbox = $1 AND r.one = 1 ORDER BY p.slot",
};

static const struct store_stmt ask_single = {
    .name = "keys_stock.single",
    .sql = "SELECT k.slot, count(*),"
           " CAST(sum(CASE WHEN k.generation < r.generation THEN 1 ELSE 0 END) AS BIGINT)"
           " FROM keys k, relay r WHERE k.mailbox = $1 AND k.kind = 0"
           " AND (k.expires_at = 0 OR k.expires_at > $2) AND r.one = 1 GROUP BY k.slot",
};

static const struct store_stmt ask_kept = {
    .name = "keys_stock.kept",
    .sql = "SELECT slot, kind, made_day, uses, first_use_day FROM keys"
           " WHERE mailbox = $1 AND kind > 0 AND (expires_at = 0 OR expires_at > $2)",
};

enum {
    AT_DEVICE = 0,
    AT_POOLS,
    AT_SINGLE,
    AT_KEPT
};

void keys_stock_sql_ask(struct store_batch *batch, int64_t mailbox, int64_t now_s)
{
    store_batch_add(batch, &ask_device);
    store_bind_int(batch, mailbox);
    store_batch_add(batch, &ask_pools);
    store_bind_int(batch, mailbox);
    store_batch_add(batch, &ask_single);
    store_bind_int(batch, mailbox);
    store_bind_int(batch, now_s);
    store_batch_add(batch, &ask_kept);
    store_bind_int(batch, mailbox);
    store_bind_int(batch, now_s);
}

static struct keys_pool *pool_of(struct keys_stock *stock, struct bytes name)
{
    for (size_t i = 0; i < stock->count; i++) {
        if (bytes_equal(name, bytes_text(stock->pools[i].name))) {
            return &stock->pools[i];
        }
    }
    return NULL;
}

/* Slots that were switched off are left out: nothing of them can be handed out. */
static void fill_pools(struct store_rows *rows, const struct slots *slots, struct keys_stock *out)
{
    while (out->count < SLOTS_MAX && store_rows_next(rows)) {
        struct keys_pool *pool = &out->pools[out->count];
        struct bytes name = store_rows_bytes(rows, 0);

        if (slots_find(slots, name) == NULL) {
            continue;
        }
        CHECK(name.size < sizeof pool->name);
        memcpy(pool->name, name.at, name.size);
        pool->generation =
            store_rows_int(rows, 1) + (store_rows_int(rows, 2) << LIMIT_KEYS_GENERATION_BITS);
        out->count++;
    }
}

static void fill_single(struct store_rows *rows, struct keys_stock *out)
{
    while (store_rows_next(rows)) {
        struct keys_pool *pool = pool_of(out, store_rows_bytes(rows, 0));

        if (pool != NULL) {
            pool->stale = store_rows_int(rows, 2);
            pool->count = store_rows_int(rows, 1) - pool->stale;
        }
    }
}

static void fill_kept(struct store_rows *rows, int64_t today, struct keys_stock *out)
{
    while (store_rows_next(rows)) {
        struct keys_pool *pool = pool_of(out, store_rows_bytes(rows, 0));
        bool is_last = store_rows_int(rows, 1) == KEY_SLOTS_LAST;

        if (pool != NULL && is_last) {
            pool->has_last_resort = true;
            pool->uses = store_rows_int(rows, 3);
            pool->first_use_day = store_rows_int(rows, 4);
            pool->rotate = pool->uses > 0 && today - pool->first_use_day > LIMIT_LAST_RESORT_DAYS;
        } else if (pool != NULL) {
            pool->count = 1;
            pool->rotate = today - store_rows_int(rows, 2) > LIMIT_STATIC_KEY_DAYS;
        }
    }
}

/* A slot for last resorts counts its own; one for single use has what stands in elsewhere. */
static void follow_stand_ins(const struct slots *slots, struct keys_stock *out)
{
    for (size_t i = 0; i < out->count; i++) {
        struct keys_pool *pool = &out->pools[i];
        const struct slot *slot = slots_find(slots, bytes_text(pool->name));
        const struct slot *stand_in = slot == NULL ? NULL : slots_stand_in(slots, slot);
        const struct keys_pool *other =
            stand_in == NULL || stand_in == slot ? NULL : pool_of(out, bytes_text(stand_in->name));

        if (slot != NULL && slot->use == KEY_SLOTS_LAST) {
            pool->count = pool->has_last_resort ? 1 : 0;
        } else if (other != NULL) {
            pool->has_last_resort = other->has_last_resort;
        }
    }
}

void keys_stock_sql_fill(struct store_rows *rows, size_t at, const struct slots *slots,
                         int64_t now_s, struct keys_stock *out)
{
    memset(out, 0, sizeof *out);
    store_rows_select(rows, at + AT_DEVICE);
    if (store_rows_next(rows) && !store_rows_is_null(rows, 0)) {
        out->has_registration = true;
        out->registration_id = (uint32_t)store_rows_int(rows, 0);
    }
    store_rows_select(rows, at + AT_POOLS);
    fill_pools(rows, slots, out);
    store_rows_select(rows, at + AT_SINGLE);
    fill_single(rows, out);
    store_rows_select(rows, at + AT_KEPT);
    fill_kept(rows, now_s * 1000 / DOMAIN_DAY_MS, out);
    follow_stand_ins(slots, out);
}
