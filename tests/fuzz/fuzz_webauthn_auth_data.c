/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Any bytes as authenticatorData: the input is what stands behind the hash of the rp_id.  As a
 * registration, what is good has a key of its algorithm's size, and is good no more when
 * it is cut.  As an assertion it is signed, so that libfido2 verifies all that is let through: what
 * is good says that somebody was there, is good once unless it does not count, and with another
 * signature never.
 */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include "common/buf.h"
#include "common/bytes.h"
#include "common/check.h"
#include "common/crypto.h"
#include "common/webauthn.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const uint8_t challenge[WEBAUTHN_CHALLENGE_BYTES];
static const char *const origins[] = { "https://relay.example" };
static const struct webauthn_party party = {
    .rp_id = "relay.example",
    .origins = origins,
    .origin_count = 1,
};

#define CLIENT_DATA(type)                                                          \
    "{\"type\":\"" type "\",\"origin\":\"https://relay.example\",\"challenge\":\"" \
    "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA\"}"

static size_t key_size_of(enum webauthn_alg alg)
{
    switch (alg) {
    case WEBAUTHN_ES256:
        return 64;
    case WEBAUTHN_EDDSA:
        return 32;
    case WEBAUTHN_RS256:
        return 259;
    }
    return 0;
}

static void try_registration(struct bytes auth_data)
{
    struct bytes client_data = bytes_text(CLIENT_DATA("webauthn.create"));
    struct webauthn_credential credential;

    if (webauthn_register(&party, challenge, client_data, auth_data, &credential) ==
        WEBAUTHN_GOOD) {
        CHECK(credential.key_size == key_size_of(credential.alg));
        CHECK(credential.id_size > 0 && credential.id_size <= WEBAUTHN_ID_MAX);
        auth_data.size--;
        CHECK(webauthn_register(&party, challenge, client_data, auth_data, &credential) !=
              WEBAUTHN_GOOD);
    }
}

enum {
    FLAGS_AT = 32, /* behind the hash */
    FLAG_UP = 0x01,
    FLAG_BE = 0x08
};

/* What an authenticator with this seed signs. */
static void sign(const uint8_t seed[CRYPTO_SEED_BYTES], const struct webauthn_assertion *assertion,
                 uint8_t out[CRYPTO_SIGNATURE_BYTES])
{
    uint8_t hash[CRYPTO_SHA256_BYTES];
    struct buf message = { 0 };

    crypto_sha256(&assertion->client_data, 1, hash);
    buf_append(&message, assertion->auth_data);
    buf_append(&message, bytes_of(hash, sizeof hash));
    crypto_make_signature(seed, buf_view(&message), out);
    buf_clear(&message);
}

static void try_assertion(struct bytes auth_data)
{
    static const uint8_t seed[CRYPTO_SEED_BYTES] = { 1 };
    uint8_t signature[CRYPTO_SIGNATURE_BYTES];
    struct webauthn_assertion assertion = {
        .client_data = bytes_text(CLIENT_DATA("webauthn.get")),
        .auth_data = auth_data,
        .signature = bytes_of(signature, sizeof signature),
    };
    struct webauthn_credential credential = { .alg = WEBAUTHN_EDDSA, .key_size = 32 };

    crypto_public_of(seed, credential.key);
    credential.is_backup_eligible =
        auth_data.size > FLAGS_AT && (auth_data.at[FLAGS_AT] & FLAG_BE) != 0;
    sign(seed, &assertion, signature);
    if (webauthn_assert(&party, challenge, &assertion, &credential) == WEBAUTHN_GOOD) {
        CHECK((auth_data.at[FLAGS_AT] & FLAG_UP) != 0);
        CHECK(webauthn_assert(&party, challenge, &assertion, &credential) ==
              (credential.counter == 0 ? WEBAUTHN_GOOD : WEBAUTHN_COUNTER_BEHIND));
    }
    signature[0] ^= 1;
    credential.counter = 0;
    CHECK(webauthn_assert(&party, challenge, &assertion, &credential) != WEBAUTHN_GOOD);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static bool started;
    const struct bytes rp_id = bytes_text(party.rp_id);
    uint8_t hash[CRYPTO_SHA256_BYTES];
    struct buf auth_data = { 0 };

    started = started || crypto_start();
    CHECK(started);
    crypto_sha256(&rp_id, 1, hash);
    buf_append(&auth_data, bytes_of(hash, sizeof hash));
    buf_append(&auth_data, bytes_of(data, size));
    try_registration(buf_view(&auth_data));
    try_assertion(buf_view(&auth_data));
    buf_clear(&auth_data);
    return 0;
}
