/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The key exchange, 3DH (RFC 9807 section 6.4): three products of secrets and shares, and
 * keys from them and from all that was said so far, the preamble.  KE2 is
 *
 *   0    credential response: evaluated 32 | masking nonce 32 | masked 128
 *   192  server nonce
 *   224  server keyshare
 *   256  server MAC, 64
 */
#include <assert.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include "common/bytes.h"
#include "common/check.h"
#include "common/crypto.h"
#include "common/crypto_ristretto.h"
#include "common/mem.h"
#include "common/opaque.h"
#include "common/opaque_private.h"

enum {
    NONCE_AT = OPAQUE_CREDENTIAL_BYTES,
    KEYSHARE_AT = NONCE_AT + OPAQUE_NONCE_BYTES,
    MAC_AT = KEYSHARE_AT + CRYPTO_ELEMENT_BYTES,
    KE1_KEYSHARE_AT = 64,
    LABEL_BYTES = 64,
    PREAMBLE_PARTS = 9,
};

static_assert(MAC_AT + OPAQUE_HASH_BYTES == OPAQUE_KE2_BYTES, "see above");

/* Derive-Secret of RFC 9807 section 6.4.2.1; transcript is empty or a hash. */
static void derive_secret(const uint8_t key[OPAQUE_HASH_BYTES], struct bytes name,
                          struct bytes transcript, uint8_t out[OPAQUE_HASH_BYTES])
{
    static const char prefix[] = "OPAQUE-";
    uint8_t label[LABEL_BYTES] = { 0, OPAQUE_HASH_BYTES };
    size_t prefix_size = sizeof prefix - 1;
    size_t end = 3 + prefix_size + name.size;

    CHECK(end < sizeof label);
    label[2] = (uint8_t)(prefix_size + name.size);
    memcpy(label + 3, prefix, prefix_size);
    memcpy(label + 3 + prefix_size, name.at, name.size);
    label[end] = (uint8_t)transcript.size;
    opaque_expand(bytes_of(key, OPAQUE_HASH_BYTES), bytes_of(label, end + 1), transcript, out,
                  OPAQUE_HASH_BYTES);
}

/* The secrets of one exchange, wiped as one. */
struct exchange_keys {
    uint8_t share[CRYPTO_SCALAR_BYTES];
    uint8_t products[3][CRYPTO_ELEMENT_BYTES];
    uint8_t extracted[OPAQUE_HASH_BYTES];
    uint8_t handshake[OPAQUE_HASH_BYTES];
    uint8_t server_mac_key[OPAQUE_HASH_BYTES];
    uint8_t client_mac_key[OPAQUE_HASH_BYTES];
    uint8_t client_mac[OPAQUE_HASH_BYTES];
};

/* dh1, dh2 and dh3 (RFC 9807 section 6.4.4). */
static bool multiply_all(const struct opaque_question *question, struct exchange_keys *keys)
{
    const uint8_t *client_share = question->ke1 + KE1_KEYSHARE_AT;
    const uint8_t *client_public = question->record;

    return crypto_element_multiply(keys->share, client_share, keys->products[0]) &&
           crypto_element_multiply(question->server->secret, client_share, keys->products[1]) &&
           crypto_element_multiply(keys->share, client_public, keys->products[2]);
}

static void derive_keys(struct exchange_keys *keys, struct bytes transcript, uint8_t *session_key)
{
    const struct bytes products = bytes_of(keys->products, sizeof keys->products);

    crypto_hmac_sha512(bytes_of(NULL, 0), &products, 1, keys->extracted);
    derive_secret(keys->extracted, bytes_text("HandshakeSecret"), transcript, keys->handshake);
    derive_secret(keys->extracted, bytes_text("SessionKey"), transcript, session_key);
    derive_secret(keys->handshake, bytes_text("ServerMAC"), bytes_of(NULL, 0),
                  keys->server_mac_key);
    derive_secret(keys->handshake, bytes_text("ClientMAC"), bytes_of(NULL, 0),
                  keys->client_mac_key);
}

/* SHA-512 of the preamble (RFC 9807 section 6.4.2.1), and of what else of ke2 is said by then. */
static void hash_preamble(const struct opaque_question *question, const uint8_t *ke2,
                          size_t ke2_size, uint8_t out[OPAQUE_HASH_BYTES])
{
    const struct opaque_names *names = &question->names;
    struct bytes client =
        names->client.size > 0 ? names->client : bytes_of(question->record, CRYPTO_ELEMENT_BYTES);
    struct bytes server = names->server.size > 0
                              ? names->server
                              : bytes_of(question->server->public, CRYPTO_ELEMENT_BYTES);
    const uint8_t context_size[] = { 0, (uint8_t)names->context.size };
    const uint8_t client_size[] = { 0, (uint8_t)client.size };
    const uint8_t server_size[] = { 0, (uint8_t)server.size };
    const struct bytes parts[PREAMBLE_PARTS] = {
        bytes_text("OPAQUEv1-"),
        bytes_of(context_size, sizeof context_size),
        names->context,
        bytes_of(client_size, sizeof client_size),
        client,
        bytes_of(question->ke1, OPAQUE_KE1_BYTES),
        bytes_of(server_size, sizeof server_size),
        server,
        bytes_of(ke2, ke2_size),
    };

    CHECK(names->context.size <= UINT8_MAX && client.size <= UINT8_MAX && server.size <= UINT8_MAX);
    crypto_sha512(parts, PREAMBLE_PARTS, out);
}

static void seal_exchange(const struct opaque_question *question, struct exchange_keys *keys,
                          uint8_t ke2[OPAQUE_KE2_BYTES], struct opaque_login *out_login)
{
    uint8_t transcript[OPAQUE_HASH_BYTES];
    const struct bytes client_mac = bytes_of(keys->client_mac, sizeof keys->client_mac);

    hash_preamble(question, ke2, MAC_AT, transcript);
    struct bytes hashed = bytes_of(transcript, sizeof transcript);
    derive_keys(keys, hashed, out_login->session_key);
    crypto_hmac_sha512(bytes_of(keys->server_mac_key, OPAQUE_HASH_BYTES), &hashed, 1, ke2 + MAC_AT);
    hash_preamble(question, ke2, OPAQUE_KE2_BYTES, transcript);
    crypto_hmac_sha512(bytes_of(keys->client_mac_key, OPAQUE_HASH_BYTES), &hashed, 1,
                       keys->client_mac);
    crypto_sha256(&client_mac, 1, out_login->verifier);
}

bool opaque_respond(const struct opaque_question *question, uint8_t ke2[OPAQUE_KE2_BYTES],
                    struct opaque_login *out_login)
{
    struct exchange_keys keys;

    memcpy(ke2 + NONCE_AT, question->chance.server_nonce, OPAQUE_NONCE_BYTES);
    opaque_derive_pair(question->chance.keyshare_seed, keys.share, ke2 + KEYSHARE_AT);
    bool is_good = multiply_all(question, &keys);
    if (is_good) {
        seal_exchange(question, &keys, ke2, out_login);
    }
    mem_wipe(&keys, sizeof keys);
    return is_good;
}
