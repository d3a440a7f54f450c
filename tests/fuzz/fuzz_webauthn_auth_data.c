/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Any bytes as authenticatorData: the input is what stands behind the hash of the rp_id.  As a
 * registration, what is good has a key of its algorithm's size, and is good no more when
 * it is cut.  As an assertion it never has the right signature.
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

static void try_assertion(struct bytes auth_data)
{
    const struct webauthn_assertion assertion = {
        .client_data = bytes_text(CLIENT_DATA("webauthn.get")),
        .auth_data = auth_data,
        .signature = bytes_of(challenge, sizeof challenge),
    };
    struct webauthn_credential credential = { .alg = WEBAUTHN_EDDSA, .key_size = 32 };
    uint8_t seed[CRYPTO_SEED_BYTES] = { 1 };

    crypto_public_of(seed, credential.key);
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
