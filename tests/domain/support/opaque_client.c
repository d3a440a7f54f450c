/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/domain/support/opaque_client.h"

#include <string.h>

#include "common/buf.h"
#include "common/bytes.h"
#include "common/check.h"
#include "common/crypto.h"
#include "common/crypto_ristretto.h"
#include "common/opaque_private.h"

enum {
    KEY_BYTES = 32,
    KE1_SHARE_AT = 64,
    KE2_SHARE_AT = 224, /* credential response 192 | nonce 32 */
    KE2_MAC_AT = 256,
    PREAMBLE_PARTS = 8
};

static void pair_of(uint8_t number, uint8_t *secret, uint8_t *public)
{
    uint8_t seed[OPAQUE_SEED_BYTES] = { 0 };

    seed[0] = number;
    opaque_derive_pair(seed, secret, public);
}

void opaque_client_init(struct opaque_client *client, uint8_t seed,
                        const uint8_t response[OPAQUE_RESPONSE_BYTES])
{
    memset(client, 0, sizeof *client);
    memset(client->record, 3, sizeof client->record);
    pair_of(seed, client->secret, client->record);
    memcpy(client->server_public, response + KEY_BYTES, KEY_BYTES);
}

void opaque_client_begin(struct opaque_client *client, uint8_t seed)
{
    uint8_t unused[KEY_BYTES];

    pair_of((uint8_t)(seed + 100), unused, client->ke1); /* what is blinded: any element */
    memset(client->ke1 + KEY_BYTES, seed, KEY_BYTES);
    pair_of((uint8_t)(seed + 50), client->share_secret, client->ke1 + KE1_SHARE_AT);
}

static void hash_of(const struct opaque_client *client, const uint8_t *ke2, size_t ke2_size,
                    uint8_t out[CRYPTO_SHA512_BYTES])
{
    static const uint8_t none[] = { 0, 0 };
    static const uint8_t key_size[] = { 0, KEY_BYTES };
    const struct bytes parts[PREAMBLE_PARTS] = {
        bytes_text("OPAQUEv1-"),
        bytes_of(none, sizeof none),
        bytes_of(key_size, sizeof key_size),
        bytes_of(client->record, KEY_BYTES),
        bytes_of(client->ke1, sizeof client->ke1),
        bytes_of(key_size, sizeof key_size),
        bytes_of(client->server_public, KEY_BYTES),
        bytes_of(ke2, ke2_size),
    };

    crypto_sha512(parts, PREAMBLE_PARTS, out);
}

/* Expand-Label (RFC 9807 section 6.4.2.2), 64 bytes. */
static void expand_label(const uint8_t *secret, const char *label, struct bytes context,
                         uint8_t out[CRYPTO_SHA512_BYTES])
{
    static const char prefix[] = "OPAQUE-";
    struct buf info = { 0 };

    buf_append_u16(&info, CRYPTO_SHA512_BYTES);
    buf_append_u8(&info, (uint8_t)(strlen(prefix) + strlen(label)));
    buf_append_text(&info, prefix);
    buf_append_text(&info, label);
    buf_append_u8(&info, (uint8_t)context.size);
    opaque_expand(bytes_of(secret, CRYPTO_SHA512_BYTES), buf_view(&info), context, out,
                  CRYPTO_SHA512_BYTES);
    buf_clear(&info);
}

void opaque_client_finish(const struct opaque_client *client, const uint8_t ke2[OPAQUE_KE2_BYTES],
                          uint8_t out_ke3[OPAQUE_KE3_BYTES])
{
    uint8_t products[3][KEY_BYTES] = { { 0 } };
    const struct bytes all = bytes_of(products, sizeof products);
    uint8_t extracted[CRYPTO_SHA512_BYTES];
    uint8_t handshake[CRYPTO_SHA512_BYTES];
    uint8_t client_key[CRYPTO_SHA512_BYTES];
    uint8_t hash[CRYPTO_SHA512_BYTES];
    const struct bytes hashed = bytes_of(hash, sizeof hash);
    const uint8_t *server_share = ke2 + KE2_SHARE_AT;

    CHECK(crypto_element_multiply(client->share_secret, server_share, products[0]));
    CHECK(crypto_element_multiply(client->share_secret, client->server_public, products[1]));
    CHECK(crypto_element_multiply(client->secret, server_share, products[2]));
    crypto_hmac_sha512(bytes_of(NULL, 0), &all, 1, extracted);
    hash_of(client, ke2, KE2_MAC_AT, hash);
    expand_label(extracted, "HandshakeSecret", hashed, handshake);
    expand_label(handshake, "ClientMAC", bytes_of(NULL, 0), client_key);
    hash_of(client, ke2, OPAQUE_KE2_BYTES, hash);
    crypto_hmac_sha512(bytes_of(client_key, sizeof client_key), &hashed, 1, out_ke3);
}
