/* SPDX-License-Identifier: Apache-2.0 */
#include "server/domain/authenticators.h"

#include <string.h>

#include "common/wire.h"
#include "server/domain/domain.h"
#include "server/domain/factor_secret.h"
#include "server/domain/factors_sql.h"
#include "server/store/store.h"

enum {
    FLAG_ELIGIBLE = 1,
    FLAG_BACKED_UP = 2,
    KEPT_MIN_BYTES = 1 + 2 + 2 + 1,         /* an id has a byte */
    DECOY_KEPT_BYTES = KEPT_MIN_BYTES + 95, /* of ES256 with an id of 32 */
    DECOYS_SECOND = 64,                     /* of 256 decoys so many seem to have two */
    DECOYS_ELIGIBLE = 128,
    DECOYS_MAX = 2
};

/* The NULs are part of the labels. */
static const char user_label[] = "sealpost/webauthn-user/1";
static const char id_label[] = "sealpost/webauthn-id/1";
static const char decoy_label[] = "sealpost/webauthn-decoy/1";

static void hash_of(const struct domain *domain, const struct bytes parts[3],
                    uint8_t out[CRYPTO_SHA256_BYTES])
{
    crypto_hmac(bytes_of(domain->keys.index, sizeof domain->keys.index), parts, 3, out);
}

void authenticators_user(const struct domain *domain, const struct account_id *account_id,
                         uint8_t out[AUTHENTICATORS_USER_BYTES])
{
    const struct bytes parts[] = { bytes_of(user_label, sizeof user_label),
                                   bytes_of(account_id->raw, sizeof account_id->raw),
                                   bytes_of(NULL, 0) };

    hash_of(domain, parts, out);
}

void authenticators_name(const struct domain *domain, const struct account_id *account_id,
                         struct bytes id, uint8_t out[CRYPTO_SHA256_BYTES])
{
    const struct bytes parts[] = { bytes_of(id_label, sizeof id_label),
                                   bytes_of(account_id->raw, sizeof account_id->raw), id };

    hash_of(domain, parts, out);
}

void authenticators_begin(const struct domain *domain, const struct factor_id *factor_id,
                          const uint8_t challenge[WEBAUTHN_CHALLENGE_BYTES], int64_t expires_at,
                          struct buf *out_sealed)
{
    struct buf kept = { 0 };

    buf_append_u64(&kept, (uint64_t)expires_at);
    buf_append(&kept, bytes_of(challenge, WEBAUTHN_CHALLENGE_BYTES));
    factor_secret_close(domain, factor_id, buf_view(&kept), out_sealed);
    buf_clear(&kept);
}

bool authenticators_begun(const struct domain *domain, const struct factors_secret_row *row,
                          int64_t now_s, uint8_t out_challenge[WEBAUTHN_CHALLENGE_BYTES])
{
    struct buf kept = { 0 };
    bool ok = factor_secret_open(domain, &row->factor_id, row->secret, &kept);
    struct wire wire = wire_of(buf_view(&kept));
    int64_t expires_at = (int64_t)wire_u64(&wire);
    struct bytes challenge = wire_bytes(&wire, WEBAUTHN_CHALLENGE_BYTES);

    ok = ok && wire_is_done(&wire) && expires_at > now_s;
    if (ok) {
        memcpy(out_challenge, challenge.at, challenge.size);
    }
    buf_clear(&kept);
    return ok;
}

void authenticators_close(const struct domain *domain, const struct factor_id *factor_id,
                          const struct webauthn_credential *credential, struct buf *out_sealed)
{
    struct buf kept = { 0 };
    int flags = (credential->is_backup_eligible ? FLAG_ELIGIBLE : 0) |
                (credential->is_backed_up ? FLAG_BACKED_UP : 0);

    buf_append_u8(&kept, (uint8_t)flags);
    buf_append_u16(&kept, (uint16_t)(int16_t)credential->alg);
    buf_append_u16(&kept, (uint16_t)credential->id_size);
    buf_append(&kept, bytes_of(credential->id, credential->id_size));
    buf_append(&kept, bytes_of(credential->key, credential->key_size));
    factor_secret_close(domain, factor_id, buf_view(&kept), out_sealed);
    buf_clear(&kept);
}

static bool alg_of(int16_t number, enum webauthn_alg *out)
{
    switch (number) {
    case WEBAUTHN_ES256:
    case WEBAUTHN_EDDSA:
    case WEBAUTHN_RS256:
        *out = (enum webauthn_alg)number;
        return true;
    default:
        return false;
    }
}

static bool read_credential(struct bytes kept, struct webauthn_credential *out)
{
    struct wire wire = wire_of(kept);
    uint8_t flags = wire_u8(&wire);
    bool ok = alg_of((int16_t)wire_u16(&wire), &out->alg);
    struct bytes id = wire_bytes(&wire, wire_u16(&wire));
    struct bytes key = wire_bytes(&wire, wire.left);

    if (!ok || !wire_is_done(&wire) || id.size == 0 || id.size > sizeof out->id || key.size == 0 ||
        key.size > sizeof out->key) {
        return false;
    }
    memcpy(out->id, id.at, id.size);
    out->id_size = id.size;
    memcpy(out->key, key.at, key.size);
    out->key_size = key.size;
    out->is_backup_eligible = (flags & FLAG_ELIGIBLE) != 0;
    out->is_backed_up = (flags & FLAG_BACKED_UP) != 0;
    return true;
}

bool authenticators_open(const struct domain *domain, const struct factors_secret_row *row,
                         struct webauthn_credential *out)
{
    struct buf kept = { 0 };
    bool ok = factor_secret_open(domain, &row->factor_id, row->secret, &kept);

    if (ok && !read_credential(buf_view(&kept), out)) {
        factor_secret_say_damaged(&row->factor_id);
        ok = false;
    }
    out->counter = (uint32_t)row->counter;
    buf_clear(&kept);
    return ok;
}

void authenticators_open_decoy(const struct domain *domain)
{
    factor_secret_open_decoy(domain, DECOY_KEPT_BYTES);
}

void authenticators_list(const struct domain *domain, struct store_rows *rows,
                         const struct authenticators_ids *decoys, struct authenticators_ids *out)
{
    struct factors_secret_row row;
    struct webauthn_credential credential;

    out->count = 0;
    while (out->count < LIMIT_FACTORS && factors_sql_next_secret(rows, &row)) {
        struct authenticators_id *id = &out->at[out->count];

        if (authenticators_open(domain, &row, &credential)) {
            memcpy(id->raw, credential.id, credential.id_size);
            id->size = credential.id_size;
            out->count++;
        }
    }
    if (decoys != NULL && out->count == 0) {
        *out = *decoys;
        for (size_t i = 0; i < out->count; i++) {
            authenticators_open_decoy(domain);
        }
    }
}

/* 64 bytes for each decoy, which nobody can tell from random ones. */
static void decoy_bytes(const struct domain *domain, int64_t subject, uint8_t number,
                        uint8_t out[CRYPTO_SHA512_BYTES])
{
    struct buf name = { 0 };
    struct bytes part;

    buf_append(&name, bytes_of(decoy_label, sizeof decoy_label));
    buf_append_u64(&name, (uint64_t)subject);
    buf_append_u8(&name, number);
    part = buf_view(&name);
    crypto_hmac_sha512(bytes_of(domain->keys.index, sizeof domain->keys.index), &part, 1, out);
    buf_clear(&name);
}

void authenticators_decoys(const struct domain *domain, int64_t subject,
                           struct authenticators_ids *out)
{
    static const size_t sizes[] = { 16, 20, 32, 48, 64, 64, 32, 16 }; /* as they are in the field */
    uint8_t choice[CRYPTO_SHA512_BYTES];

    decoy_bytes(domain, subject, 0, choice);
    out->count = choice[0] < DECOYS_SECOND ? DECOYS_MAX : 1;
    for (size_t i = 0; i < DECOYS_MAX; i++) { /* both, whether there are two or not */
        struct authenticators_id *id = &out->at[i];

        decoy_bytes(domain, subject, (uint8_t)(i + 1), id->raw);
        id->size = sizes[choice[i + 1] % (sizeof sizes / sizeof sizes[0])];
    }
}

/* The base point of P-256 (SEC 2 section 2.4.2) is a key whose secret is no secret. */
void authenticators_decoy(const struct domain *domain, int64_t subject,
                          struct webauthn_credential *out)
{
    static const uint8_t point[] = {
        0x6b, 0x17, 0xd1, 0xf2, 0xe1, 0x2c, 0x42, 0x47, 0xf8, 0xbc, 0xe6, 0xe5, 0x63,
        0xa4, 0x40, 0xf2, 0x77, 0x03, 0x7d, 0x81, 0x2d, 0xeb, 0x33, 0xa0, 0xf4, 0xa1,
        0x39, 0x45, 0xd8, 0x98, 0xc2, 0x96, 0x4f, 0xe3, 0x42, 0xe2, 0xfe, 0x1a, 0x7f,
        0x9b, 0x8e, 0xe7, 0xeb, 0x4a, 0x7c, 0x0f, 0x9e, 0x16, 0x2b, 0xce, 0x33, 0x57,
        0x6b, 0x31, 0x5e, 0xce, 0xcb, 0xb6, 0x40, 0x68, 0x37, 0xbf, 0x51, 0xf5,
    };
    uint8_t choice[CRYPTO_SHA512_BYTES];

    decoy_bytes(domain, subject, 0, choice);
    *out = (struct webauthn_credential){ .alg = WEBAUTHN_ES256, .key_size = sizeof point };
    memcpy(out->key, point, sizeof point);
    out->is_backup_eligible = choice[CRYPTO_SHA512_BYTES - 1] < DECOYS_ELIGIBLE;
}
