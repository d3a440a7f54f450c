/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the files of opaque know of each other, and what the vectors of the RFC want to set:
 * identities, and what is drawn at random.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/bytes.h"
#include "common/crypto.h"
#include "common/crypto_ristretto.h"
#include "common/opaque.h"

enum {
    OPAQUE_HASH_BYTES = CRYPTO_SHA512_BYTES,
    OPAQUE_NONCE_BYTES = 32,
    OPAQUE_SEED_BYTES = 32,
    OPAQUE_CREDENTIAL_BYTES = 192, /* the part of KE2 that says nothing of the key exchange */
    OPAQUE_KE1_KEYSHARE_AT = 64,
    OPAQUE_KE2_KEYSHARE_AT = 224,
    OPAQUE_MAC_AT = 256,        /* in KE2 */
    OPAQUE_ENVELOPE_BYTES = 96, /* nonce 32 | authentication tag 64 */
    OPAQUE_MASKED_BYTES = 128,  /* server's public key 32 | envelope */
};

/* Both sides agree on these; an identity that is empty is the public key. */
struct opaque_names {
    struct bytes context;
    struct bytes client;
    struct bytes server;
};

/* What a login draws at random. */
struct opaque_chance {
    uint8_t masking_nonce[OPAQUE_NONCE_BYTES];
    uint8_t server_nonce[OPAQUE_NONCE_BYTES];
    uint8_t keyshare_seed[OPAQUE_SEED_BYTES];
};

/* HKDF-Expand (RFC 5869 section 2.3) with SHA-512; size is at most 255 blocks of 64. */
void opaque_expand(struct bytes key, struct bytes info_1, struct bytes info_2, uint8_t *out,
                   size_t size);

/* DeriveDiffieHellmanKeyPair (RFC 9807 section 6.4.1).  The caller wipes the scalar. */
void opaque_derive_pair(const uint8_t seed[OPAQUE_SEED_BYTES],
                        uint8_t out_scalar[CRYPTO_SCALAR_BYTES],
                        uint8_t out_element[CRYPTO_ELEMENT_BYTES]);

/* HashToGroup (RFC 9497 section 4.1). */
void opaque_hash_to_group(struct bytes input, uint8_t out[CRYPTO_ELEMENT_BYTES]);

/* Evaluate the OPRF for a credential.  False when blinded is no element, or the identity. */
bool opaque_evaluate(const uint8_t oprf_seed[OPAQUE_HASH_BYTES], struct bytes credential_id,
                     const uint8_t blinded[CRYPTO_ELEMENT_BYTES],
                     uint8_t out_evaluated[CRYPTO_ELEMENT_BYTES]);

/* What both sides have said, and whose keys they are.  Borrowed. */
struct opaque_said {
    struct opaque_names names;
    const uint8_t *client_public;
    const uint8_t *server_public;
    const uint8_t *ke1;
    const uint8_t *ke2;
};

/* SHA-512 of the preamble (RFC 9807 section 6.4.2.1), and of what else of ke2 is said by then. */
void opaque_hash_said(const struct opaque_said *said, size_t ke2_size,
                      uint8_t out[OPAQUE_HASH_BYTES]);

/* What both sides derive of dh1 | dh2 | dh3 (RFC 9807 section 6.4.2.2).  Whoever has them wipes them. */
struct opaque_keys {
    uint8_t server_mac_key[OPAQUE_HASH_BYTES];
    uint8_t client_mac_key[OPAQUE_HASH_BYTES];
    uint8_t session_key[OPAQUE_HASH_BYTES];
};
void opaque_keys_derive(struct bytes products, struct bytes transcript, struct opaque_keys *out);

/* A login and all that it depends on. */
struct opaque_question {
    const struct opaque_server *server;
    struct bytes credential_id;
    const uint8_t *record;
    const uint8_t *ke1;
    struct opaque_names names;
    struct opaque_chance chance;
};

/*
 * Write what stands in ke2 behind the credential response, which is there (AuthServerRespond,
 * RFC 9807 section 6.4.4).  False when the client's keyshare is no element, or the identity.
 */
bool opaque_respond(const struct opaque_question *question, uint8_t ke2[OPAQUE_KE2_BYTES],
                    struct opaque_login *out_login);

/* opaque_answer with names and chance as they are given. */
bool opaque_answer_exactly(const struct opaque_question *question,
                           uint8_t out_ke2[OPAQUE_KE2_BYTES], struct opaque_login *out_login);
