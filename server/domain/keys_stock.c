/* SPDX-License-Identifier: Apache-2.0 */
/* Looking at one's own keys. */
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "common/buf.h"
#include "common/bytes.h"
#include "common/crypto.h"
#include "common/key_slots.h"
#include "common/mem.h"
#include "server/domain/domain.h"
#include "server/domain/keys.h"
#include "server/domain/keys_sql.h"
#include "server/domain/keys_stock_sql.h"
#include "server/domain/slots.h"
#include "server/store/store.h"

struct counting {
    struct domain *domain;
    int64_t now_s;
    keys_stock_fn *done;
    void *arg;
};

struct digesting {
    const struct slots *slots;
    int64_t now_s;
    keys_digest_fn *done;
    void *arg;
};

static void on_counted(void *arg, enum store_status status, struct store_rows *rows)
{
    struct counting *counting = arg;
    struct keys_stock *stock = mem_zeroed(1, sizeof *stock);

    if (status == STORE_OK) {
        keys_stock_sql_fill(rows, 0, counting->domain->slots, counting->now_s, stock);
    }
    counting->done(counting->arg, status == STORE_OK ? stock : NULL);
    free(stock);
    free(counting);
}

void keys_count(struct domain *domain, int64_t mailbox, int64_t now_ms, keys_stock_fn *done,
                void *arg)
{
    struct counting *counting = mem_zeroed(1, sizeof *counting);
    struct store_batch *batch = store_batch_create();

    counting->domain = domain;
    counting->now_s = now_ms / 1000;
    counting->done = done;
    counting->arg = arg;
    keys_stock_sql_ask(batch, mailbox, counting->now_s);
    store_read(domain->store, &batch, on_counted, counting);
}

/* What is hashed: a slot's part begins with a count that is known only at its end. */
struct digest {
    struct buf bytes;
    char slot[KEY_SLOTS_NAME_BYTES + 1];
    uint32_t count;
    size_t count_at;
};

static void digest_end_slot(struct digest *digest)
{
    if (digest->count > 0) {
        uint8_t *at = digest->bytes.at + digest->count_at;
        at[0] = (uint8_t)(digest->count >> 24);
        at[1] = (uint8_t)(digest->count >> 16);
        at[2] = (uint8_t)(digest->count >> 8);
        at[3] = (uint8_t)digest->count;
    }
    digest->count = 0;
}

static void digest_begin_slot(struct digest *digest, struct bytes name)
{
    digest_end_slot(digest);
    memcpy(digest->slot, name.at, name.size);
    digest->slot[name.size] = '\0';
    buf_append_u8(&digest->bytes, (uint8_t)name.size);
    buf_append(&digest->bytes, name);
    digest->count_at = digest->bytes.size;
    buf_append_u32(&digest->bytes, 0);
}

/* Rows come by slot and id. */
static void digest_add(struct digest *digest, const struct keys_row *row)
{
    if (!bytes_equal(row->slot, bytes_text(digest->slot))) {
        digest_begin_slot(digest, row->slot);
    }
    buf_append_u16(&digest->bytes, (uint16_t)row->id.size);
    buf_append(&digest->bytes, row->id);
    buf_append(&digest->bytes, bytes_of(row->hash, sizeof row->hash));
    digest->count++;
}

static bool can_be_handed_out(const struct digesting *digesting, const struct keys_row *row)
{
    return slots_find(digesting->slots, row->slot) != NULL && !row->stale &&
           (row->expires_at == 0 || row->expires_at > digesting->now_s);
}

static void digest_take(struct digest *digest, const struct digesting *digesting,
                        struct store_rows *rows)
{
    struct keys_row row;

    while (keys_sql_held(rows, &row)) {
        if (can_be_handed_out(digesting, &row)) {
            digest_add(digest, &row);
        }
    }
    digest_end_slot(digest);
}

static void on_held(void *arg, enum store_status status, struct store_rows *rows)
{
    static const char label[] = "sealpost/keys-check/1"; /* with its NUL */
    struct digesting *digesting = arg;
    struct digest digest = { .count = 0 };
    uint8_t out[CRYPTO_SHA256_BYTES];
    struct bytes part;

    if (status == STORE_OK) {
        buf_append(&digest.bytes, bytes_of(label, sizeof label));
        digest_take(&digest, digesting, rows);
        part = buf_view(&digest.bytes);
        crypto_sha256(&part, 1, out);
    }
    digesting->done(digesting->arg, status == STORE_OK ? out : NULL);
    buf_clear(&digest.bytes);
    free(digesting);
}

void keys_digest(struct domain *domain, int64_t mailbox, int64_t now_ms, keys_digest_fn *done,
                 void *arg)
{
    struct digesting *digesting = mem_zeroed(1, sizeof *digesting);
    struct store_batch *batch = store_batch_create();

    digesting->slots = domain->slots;
    digesting->now_s = now_ms / 1000;
    digesting->done = done;
    digesting->arg = arg;
    keys_sql_ask_held(batch, mailbox);
    store_read(domain->store, &batch, on_held, digesting);
}
