/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Handing out a challenge writes nothing, so nobody can fill the relay with
 * them; using one writes its random part, in the transaction that begins the
 * session, so two requests cannot both have it.
 */
#include "server/domain/challenges.h"

#include <string.h>

#include "common/bytes.h"
#include "common/crypto.h"
#include "common/limits.h"
#include "common/random.h"
#include "common/wire.h"
#include "server/domain/challenges_sql.h"
#include "server/domain/domain.h"
#include "server/domain/purge.h"
#include "server/store/store.h"

enum {
    EXPIRY_BYTES = 8,
    RANDOM_BYTES = 16,
    KEY_BYTES = 32,
    TAG_AT = EXPIRY_BYTES + RANDOM_BYTES,
    TAG_BYTES = CHALLENGE_BYTES - TAG_AT,
    /* A used challenge is remembered this long past its expiry, so that a clock that is put
       back does not make it good again. */
    MEMORY_S = 86400,
};

/* The NUL is part of the label. */
static const char label[] = "sealpost/chal/1";

static void tag_of(const uint8_t key[KEY_BYTES], const struct challenge *challenge,
                   uint8_t out[CRYPTO_SHA256_BYTES])
{
    const struct bytes parts[] = { bytes_of(label, sizeof label),
                                   bytes_of(challenge->raw, TAG_AT) };

    crypto_hmac(bytes_of(key, KEY_BYTES), parts, 2, out);
}

void challenges_make(const struct domain *domain, int64_t now_ms, struct challenge *out)
{
    uint8_t tag[CRYPTO_SHA256_BYTES];
    uint64_t expiry = (uint64_t)(now_ms / 1000 + LIMIT_CHALLENGE_S);

    for (size_t i = 0; i < EXPIRY_BYTES; i++) {
        out->raw[i] = (uint8_t)(expiry >> (8 * (EXPIRY_BYTES - 1 - i)));
    }
    random_fill(out->raw + EXPIRY_BYTES, RANDOM_BYTES);
    tag_of(domain->keys.challenge, out, tag);
    memcpy(out->raw + TAG_AT, tag, TAG_BYTES);
}

int64_t challenges_expiry(const struct challenge *challenge)
{
    struct wire wire = wire_of(bytes_of(challenge->raw, EXPIRY_BYTES));

    return (int64_t)wire_u64(&wire);
}

static bool is_tagged(const uint8_t key[KEY_BYTES], const struct challenge *challenge)
{
    uint8_t tag[CRYPTO_SHA256_BYTES];

    tag_of(key, challenge, tag);
    return crypto_equal(tag, challenge->raw + TAG_AT, TAG_BYTES);
}

bool challenges_check(const struct domain *domain, const struct challenge *challenge,
                      int64_t now_ms)
{
    const struct domain_keys *keys = &domain->keys;
    bool good = is_tagged(keys->challenge, challenge);

    for (size_t i = 0; i < keys->other_challenge_count; i++) {
        good = is_tagged(keys->other_challenges[i], challenge) || good;
    }
    return good && now_ms / 1000 < challenges_expiry(challenge);
}

void challenges_spend(struct store_batch *batch, const struct challenge *challenge)
{
    challenges_sql_spend(batch, bytes_of(challenge->raw + EXPIRY_BYTES, RANDOM_BYTES),
                         challenges_expiry(challenge));
}

void challenges_purge(struct domain *domain, int64_t now_ms, domain_purged_fn *done, void *arg)
{
    const struct purge_order order = { .event = "challenges.purge", .done = done, .arg = arg };
    struct store_batch *batch = challenges_sql_purge(now_ms / 1000 - MEMORY_S, DOMAIN_PURGE_ROWS);

    purge_run(domain, &batch, &order, now_ms);
}
