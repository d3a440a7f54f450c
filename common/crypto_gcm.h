/* SPDX-License-Identifier: Apache-2.0 */
/*
 * AES-256-GCM (NIST SP 800-38D) with nonces of 12 bytes.  For many messages under one key there
 * is crypto_xaes.h.  Pure; any thread, after crypto_start.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "common/bytes.h"

enum {
    CRYPTO_GCM_KEY_BYTES = 32,
    CRYPTO_GCM_NONCE_BYTES = 12,
    CRYPTO_GCM_TAG_BYTES = 16, /* what sealing adds */
};

/*
 * Seal plain with aad into out, of plain.size + CRYPTO_GCM_TAG_BYTES.  A nonce is used once under
 * a key.  plain and aad are below 2^31 bytes each.
 */
void crypto_gcm_seal(const uint8_t key[CRYPTO_GCM_KEY_BYTES],
                     const uint8_t nonce[CRYPTO_GCM_NONCE_BYTES], struct bytes aad,
                     struct bytes plain, uint8_t *out);

/*
 * Open sealed into out, of sealed.size - CRYPTO_GCM_TAG_BYTES.  False when it is too short, or was
 * not sealed so; what out holds then means nothing.
 */
bool crypto_gcm_open(const uint8_t key[CRYPTO_GCM_KEY_BYTES],
                     const uint8_t nonce[CRYPTO_GCM_NONCE_BYTES], struct bytes aad,
                     struct bytes sealed, uint8_t *out);
