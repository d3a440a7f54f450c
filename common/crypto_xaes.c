/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The key of a message is two blocks of CMAC, each over one block, so that CMAC is
 * its subkey K1 and one encryption:
 *
 *   L  = AES(key, 0^128)            K1 = L << 1, xor 0x87 at the end when a bit fell off
 *   Kx = AES(key, M1 ^ K1) || AES(key, M2 ^ K1)
 *   Mi = 0x00 i 'X' 0x00 || nonce[0..12)          nonce[12..24) is that of AES-256-GCM
 */
#include "common/crypto_xaes.h"

#include <assert.h>
#include <openssl/evp.h>
#include <string.h>

#include "common/crypto_gcm.h"
#include "common/crypto_private.h"
#include "common/mem.h"

enum {
    BLOCK = 16,
    HALF = 12,        /* of the nonce */
    REDUCTION = 0x87, /* NIST SP 800-38B section 5.3 */
    KEY_BLOCKS = 2,
};

static_assert((int)HALF == (int)CRYPTO_GCM_NONCE_BYTES &&
                  (int)CRYPTO_XAES_KEY_BYTES == (int)CRYPTO_GCM_KEY_BYTES &&
                  (int)CRYPTO_XAES_TAG_BYTES == (int)CRYPTO_GCM_TAG_BYTES,
              "what is derived is for AES-256-GCM");

static void subkey(uint8_t block[BLOCK])
{
    uint8_t carry = (uint8_t)(block[0] >> 7);

    for (size_t i = 0; i + 1 < BLOCK; i++) {
        block[i] = (uint8_t)(block[i] << 1 | block[i + 1] >> 7);
    }
    block[BLOCK - 1] = (uint8_t)(block[BLOCK - 1] << 1 ^ carry * REDUCTION);
}

static void encrypt_block(EVP_CIPHER_CTX *ctx, const uint8_t in[BLOCK], uint8_t out[BLOCK])
{
    int size = 0;

    crypto_need(EVP_EncryptUpdate(ctx, out, &size, in, BLOCK) == 1 && size == BLOCK);
}

static void derive(const uint8_t key[CRYPTO_XAES_KEY_BYTES], const uint8_t *nonce,
                   uint8_t out[CRYPTO_XAES_KEY_BYTES])
{
    uint8_t zero[BLOCK] = { 0 };
    uint8_t k1[BLOCK];
    EVP_CIPHER_CTX *ctx = EVP_CIPHER_CTX_new();

    crypto_need(ctx != NULL && EVP_EncryptInit_ex2(ctx, EVP_aes_256_ecb(), key, NULL, NULL) == 1 &&
                EVP_CIPHER_CTX_set_padding(ctx, 0) == 1);
    encrypt_block(ctx, zero, k1);
    subkey(k1);
    for (size_t i = 0; i < KEY_BLOCKS; i++) {
        uint8_t block[BLOCK] = { 0, (uint8_t)(i + 1), 'X', 0 };

        memcpy(block + BLOCK - HALF, nonce, HALF);
        for (size_t at = 0; at < BLOCK; at++) {
            block[at] ^= k1[at];
        }
        encrypt_block(ctx, block, out + i * BLOCK);
        mem_wipe(block, sizeof block);
    }
    mem_wipe(k1, sizeof k1);
    EVP_CIPHER_CTX_free(ctx);
}

void crypto_xaes_seal(const uint8_t key[CRYPTO_XAES_KEY_BYTES],
                      const uint8_t nonce[CRYPTO_XAES_NONCE_BYTES], struct bytes aad,
                      struct bytes plain, uint8_t *out)
{
    uint8_t derived[CRYPTO_XAES_KEY_BYTES];

    derive(key, nonce, derived);
    crypto_gcm_seal(derived, nonce + HALF, aad, plain, out);
    mem_wipe(derived, sizeof derived);
}

bool crypto_xaes_open(const uint8_t key[CRYPTO_XAES_KEY_BYTES],
                      const uint8_t nonce[CRYPTO_XAES_NONCE_BYTES], struct bytes aad,
                      struct bytes sealed, uint8_t *out)
{
    uint8_t derived[CRYPTO_XAES_KEY_BYTES];
    bool good = false;

    if (sealed.size < CRYPTO_XAES_TAG_BYTES) {
        return false;
    }
    derive(key, nonce, derived);
    good = crypto_gcm_open(derived, nonce + HALF, aad, sealed, out);
    mem_wipe(derived, sizeof derived);
    return good;
}
