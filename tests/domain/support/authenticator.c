/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/domain/support/authenticator.h"

#include <string.h>

#include "common/base64url.h"
#include "common/bytes.h"

enum {
    FLAG_UP = 0x01,
    FLAG_AT = 0x40,
    AAGUID_BYTES = 16
};

void authenticator_init(struct authenticator *authenticator, uint8_t number)
{
    memset(authenticator, 0, sizeof *authenticator);
    memset(authenticator->seed, number, sizeof authenticator->seed);
    memset(authenticator->id, number, sizeof authenticator->id);
    authenticator->counter = 1;
}

void authenticator_clear(struct authenticator *authenticator)
{
    buf_clear(&authenticator->client_data);
    buf_clear(&authenticator->auth_data);
}

static void say(struct authenticator *authenticator, const char *type, uint8_t flags,
                const uint8_t *challenge)
{
    const struct bytes rp_id = bytes_text("relay.example");
    struct buf *client_data = &authenticator->client_data;
    struct buf *auth_data = &authenticator->auth_data;
    uint8_t hash[CRYPTO_SHA256_BYTES];

    buf_empty(client_data);
    buf_append_format(client_data, "{\"type\":\"%s\",\"challenge\":\"", type);
    base64url_encode(bytes_of(challenge, WEBAUTHN_CHALLENGE_BYTES), client_data);
    buf_append_text(client_data, "\",\"origin\":\"https://relay.example\",\"crossOrigin\":false}");
    crypto_sha256(&rp_id, 1, hash);
    buf_empty(auth_data);
    buf_append(auth_data, bytes_of(hash, sizeof hash));
    buf_append_u8(auth_data, flags);
    buf_append_u32(auth_data, authenticator->counter);
}

void authenticator_create(struct authenticator *authenticator,
                          const uint8_t challenge[WEBAUTHN_CHALLENGE_BYTES])
{
    static const uint8_t aaguid[AAGUID_BYTES];
    static const char cose[] =
        "\xa4\x01\x01\x03\x27\x20\x06\x21\x58\x20"; /* EdDSA, then 32 bytes */
    struct buf *auth_data = &authenticator->auth_data;
    uint8_t pub[CRYPTO_PUBLIC_BYTES];

    say(authenticator, "webauthn.create", FLAG_UP | FLAG_AT, challenge);
    buf_append(auth_data, bytes_of(aaguid, sizeof aaguid));
    buf_append_u16(auth_data, sizeof authenticator->id);
    buf_append(auth_data, bytes_of(authenticator->id, sizeof authenticator->id));
    buf_append(auth_data, bytes_of(cose, sizeof cose - 1));
    crypto_public_of(authenticator->seed, pub);
    buf_append(auth_data, bytes_of(pub, sizeof pub));
}

void authenticator_get(struct authenticator *authenticator,
                       const uint8_t challenge[WEBAUTHN_CHALLENGE_BYTES])
{
    struct bytes client_data;
    uint8_t hash[CRYPTO_SHA256_BYTES];
    struct buf signed_bytes = { 0 };

    say(authenticator, "webauthn.get", FLAG_UP, challenge);
    client_data = buf_view(&authenticator->client_data);
    crypto_sha256(&client_data, 1, hash);
    buf_append(&signed_bytes, buf_view(&authenticator->auth_data));
    buf_append(&signed_bytes, bytes_of(hash, sizeof hash));
    crypto_make_signature(authenticator->seed, buf_view(&signed_bytes), authenticator->signature);
    buf_clear(&signed_bytes);
}
