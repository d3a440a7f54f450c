/* SPDX-License-Identifier: Apache-2.0 */
/*
 * XAES-256-GCM (C2SP): AES-256-GCM with nonces of 24 bytes, which may be drawn at
 * random for as many messages as one key will ever see.  Each message is sealed
 * under a key of its own, derived from the key and the first half of the nonce
 * (NIST SP 800-108r1, with CMAC).  Pure; any thread, after crypto_start.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "common/bytes.h"

enum {
    CRYPTO_XAES_KEY_BYTES = 32,
    CRYPTO_XAES_NONCE_BYTES = 24,
    CRYPTO_XAES_TAG_BYTES = 16, /* what sealing adds */
};

/*
 * Seal plain with aad into out, of plain.size + CRYPTO_XAES_TAG_BYTES.  A nonce is used once
 * under a key.  plain and aad are below 2^31 bytes each.
 */
void crypto_xaes_seal(const uint8_t key[CRYPTO_XAES_KEY_BYTES],
                      const uint8_t nonce[CRYPTO_XAES_NONCE_BYTES], struct bytes aad,
                      struct bytes plain, uint8_t *out);

/*
 * Open sealed into out, of sealed.size - CRYPTO_XAES_TAG_BYTES.  False when it is too short, or
 * was not sealed so; what out holds then means nothing.
 */
bool crypto_xaes_open(const uint8_t key[CRYPTO_XAES_KEY_BYTES],
                      const uint8_t nonce[CRYPTO_XAES_NONCE_BYTES], struct bytes aad,
                      struct bytes sealed, uint8_t *out);
