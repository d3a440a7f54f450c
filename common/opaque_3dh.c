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
#include <stddef.h>
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
    LABEL_BYTES = 64,
    PREAMBLE_PARTS = 9,
};

static_assert(OPAQUE_KE2_KEYSHARE_AT == NONCE_AT + OPAQUE_NONCE_BYTES, "see above");
static_assert(OPAQUE_MAC_AT + OPAQUE_HASH_BYTES == OPAQUE_KE2_BYTES, "see above");

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

void opaque_keys_derive(struct bytes products, struct bytes transcript, struct opaque_keys *out)
{
    uint8_t extracted[OPAQUE_HASH_BYTES];
    uint8_t handshake[OPAQUE_HASH_BYTES];

    crypto_hmac_sha512(bytes_of(NULL, 0), &products, 1, extracted);
    derive_secret(extracted, bytes_text("HandshakeSecret"), transcript, handshake);
    derive_secret(extracted, bytes_text("SessionKey"), transcript, out->session_key);
    derive_secret(handshake, bytes_text("ServerMAC"), bytes_of(NULL, 0), out->server_mac_key);
    derive_secret(handshake, bytes_text("ClientMAC"), bytes_of(NULL, 0), out->client_mac_key);
    mem_wipe(extracted, sizeof extracted);
    mem_wipe(handshake, sizeof handshake);
}

void opaque_hash_said(const struct opaque_said *said, size_t ke2_size,
                      uint8_t out[OPAQUE_HASH_BYTES])
{
    const struct opaque_names *names = &said->names;
    struct bytes client = names->client.size > 0
                              ? names->client
                              : bytes_of(said->client_public, CRYPTO_ELEMENT_BYTES);
    struct bytes server = names->server.size > 0
                              ? names->server
                              : bytes_of(said->server_public, CRYPTO_ELEMENT_BYTES);
    const uint8_t context_size[] = { 0, (uint8_t)names->context.size };
    const uint8_t client_size[] = { 0, (uint8_t)client.size };
    const uint8_t server_size[] = { 0, (uint8_t)server.size };
    const struct bytes parts[PREAMBLE_PARTS] = {
        bytes_text("OPAQUEv1-"),
        bytes_of(context_size, sizeof context_size),
        names->context,
        bytes_of(client_size, sizeof client_size),
        client,
        bytes_of(said->ke1, OPAQUE_KE1_BYTES),
        bytes_of(server_size, sizeof server_size),
        server,
        bytes_of(said->ke2, ke2_size),
    };

    CHECK(names->context.size <= UINT8_MAX && client.size <= UINT8_MAX && server.size <= UINT8_MAX);
    crypto_sha512(parts, PREAMBLE_PARTS, out);
}

/* The secrets of one exchange, wiped as one. */
struct exchange_secrets {
    uint8_t share[CRYPTO_SCALAR_BYTES];
    uint8_t products[3][CRYPTO_ELEMENT_BYTES];
    struct opaque_keys keys;
    uint8_t client_mac[OPAQUE_HASH_BYTES];
};

/* dh1, dh2 and dh3 (RFC 9807 section 6.4.4). */
static bool multiply_all(const struct opaque_question *question, struct exchange_secrets *secrets)
{
    const uint8_t *client_share = question->ke1 + OPAQUE_KE1_KEYSHARE_AT;
    const uint8_t *client_public = question->record;

    return crypto_element_multiply(secrets->share, client_share, secrets->products[0]) &&
           crypto_element_multiply(question->server->secret, client_share, secrets->products[1]) &&
           crypto_element_multiply(secrets->share, client_public, secrets->products[2]);
}

static void seal_exchange(const struct opaque_question *question, struct exchange_secrets *secrets,
                          uint8_t ke2[OPAQUE_KE2_BYTES], struct opaque_login *out_login)
{
    const struct opaque_said said = { .names = question->names,
                                      .client_public = question->record,
                                      .server_public = question->server->public,
                                      .ke1 = question->ke1,
                                      .ke2 = ke2 };
    const struct opaque_keys *keys = &secrets->keys;
    const struct bytes client_mac = bytes_of(secrets->client_mac, sizeof secrets->client_mac);
    uint8_t transcript[OPAQUE_HASH_BYTES];

    opaque_hash_said(&said, OPAQUE_MAC_AT, transcript);
    struct bytes hashed = bytes_of(transcript, sizeof transcript);
    opaque_keys_derive(bytes_of(secrets->products, sizeof secrets->products), hashed,
                       &secrets->keys);
    memcpy(out_login->session_key, keys->session_key, sizeof out_login->session_key);
    crypto_hmac_sha512(bytes_of(keys->server_mac_key, OPAQUE_HASH_BYTES), &hashed, 1,
                       ke2 + OPAQUE_MAC_AT);
    opaque_hash_said(&said, OPAQUE_KE2_BYTES, transcript);
    crypto_hmac_sha512(bytes_of(keys->client_mac_key, OPAQUE_HASH_BYTES), &hashed, 1,
                       secrets->client_mac);
    crypto_sha256(&client_mac, 1, out_login->verifier);
}

bool opaque_respond(const struct opaque_question *question, uint8_t ke2[OPAQUE_KE2_BYTES],
                    struct opaque_login *out_login)
{
    struct exchange_secrets secrets;

    memcpy(ke2 + NONCE_AT, question->chance.server_nonce, OPAQUE_NONCE_BYTES);
    opaque_derive_pair(question->chance.keyshare_seed, secrets.share, ke2 + OPAQUE_KE2_KEYSHARE_AT);
    bool is_good = multiply_all(question, &secrets);
    if (is_good) {
        seal_exchange(question, &secrets, ke2, out_login);
    }
    mem_wipe(&secrets, sizeof secrets);
    return is_good;
}
