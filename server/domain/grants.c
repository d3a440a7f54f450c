/* SPDX-License-Identifier: Apache-2.0 */
#include "server/domain/grants.h"

#include <stddef.h>

#include "common/bytes.h"
#include "common/crypto.h"
#include "common/random.h"
#include "server/domain/grants_sql.h"
#include "server/domain/purge.h"
#include "server/store/store.h"

static void hash_of(const struct grant *grant, uint8_t out[CRYPTO_SHA256_BYTES])
{
    const struct bytes part = bytes_of(grant->raw, sizeof grant->raw);

    crypto_sha256(&part, 1, out);
}

void grants_make(struct grant *out)
{
    random_fill(out->raw, sizeof out->raw);
}

void grants_put(struct store_batch *batch, const struct grant *grant,
                const struct grant_terms *terms)
{
    struct grants_row row = { .account = terms->account,
                              .purpose = terms->purpose,
                              .kind = terms->kind,
                              .expires_at = terms->expires_at };

    hash_of(grant, row.hash);
    grants_sql_put(batch, &row);
}

void grants_expect(struct store_batch *batch, int64_t account, enum txn_purpose purpose,
                   const struct grant *grant, int64_t now_ms)
{
    uint8_t hash[CRYPTO_SHA256_BYTES];

    if (grant == NULL) {
        grants_sql_expect_none_needed(batch, account);
        return;
    }
    hash_of(grant, hash);
    grants_sql_expect(batch, hash, account, purpose, now_ms / 1000);
}

void grants_expect_stepup(struct store_batch *batch, int64_t account, const struct grant *grant,
                          int64_t now_ms)
{
    grants_expect(batch, account, TXN_STEPUP, grant, now_ms);
}

void grants_expect_link(struct store_batch *batch, int64_t account, const struct grant *grant,
                        int64_t now_ms)
{
    uint8_t hash[CRYPTO_SHA256_BYTES];

    if (grant == NULL) {
        grants_sql_expect_none_needed(batch, account);
        return;
    }
    hash_of(grant, hash);
    grants_sql_expect_any(batch, hash, account, TXN_LINK, now_ms / 1000);
}

void grants_end_account(struct store_batch *batch, int64_t account)
{
    grants_sql_end_account(batch, account);
}

void grants_purge(struct domain *domain, int64_t now_ms, domain_purged_fn *done, void *arg)
{
    const struct purge_order order = { .event = "grants.purge", .done = done, .arg = arg };
    struct store_batch *batch = grants_sql_purge(now_ms / 1000, DOMAIN_PURGE_ROWS);

    purge_run(domain, &batch, &order, now_ms);
}
