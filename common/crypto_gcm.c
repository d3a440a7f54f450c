/* SPDX-License-Identifier: Apache-2.0 */
#include "common/crypto_gcm.h"

#include <limits.h>
#include <openssl/evp.h>
#include <string.h>

#include "common/check.h"
#include "common/crypto_private.h"

enum {
    BLOCK = 16
};

/* A context that has seen aad; encrypt is 1 to seal, 0 to open. */
static EVP_CIPHER_CTX *begin(const uint8_t *key, const uint8_t *nonce, struct bytes aad,
                             int encrypt)
{
    EVP_CIPHER_CTX *ctx = EVP_CIPHER_CTX_new();
    int size = 0;

    CHECK(aad.size <= INT_MAX);
    crypto_need(ctx != NULL &&
                EVP_CipherInit_ex2(ctx, EVP_aes_256_gcm(), key, nonce, encrypt, NULL) == 1);
    crypto_need(aad.size == 0 || EVP_CipherUpdate(ctx, NULL, &size, aad.at, (int)aad.size) == 1);
    return ctx;
}

void crypto_gcm_seal(const uint8_t key[CRYPTO_GCM_KEY_BYTES],
                     const uint8_t nonce[CRYPTO_GCM_NONCE_BYTES], struct bytes aad,
                     struct bytes plain, uint8_t *out)
{
    EVP_CIPHER_CTX *ctx = begin(key, nonce, aad, 1);
    int size = 0;

    CHECK(plain.size <= INT_MAX);
    crypto_need(plain.size == 0 ||
                EVP_CipherUpdate(ctx, out, &size, plain.at, (int)plain.size) == 1);
    crypto_need(EVP_CipherFinal_ex(ctx, out + plain.size, &size) == 1);
    crypto_need(EVP_CIPHER_CTX_ctrl(ctx, EVP_CTRL_AEAD_GET_TAG, CRYPTO_GCM_TAG_BYTES,
                                    out + plain.size) == 1);
    EVP_CIPHER_CTX_free(ctx);
}

bool crypto_gcm_open(const uint8_t key[CRYPTO_GCM_KEY_BYTES],
                     const uint8_t nonce[CRYPTO_GCM_NONCE_BYTES], struct bytes aad,
                     struct bytes sealed, uint8_t *out)
{
    uint8_t tag[CRYPTO_GCM_TAG_BYTES];
    uint8_t rest[BLOCK];
    EVP_CIPHER_CTX *ctx = NULL;
    size_t plain_size = 0;
    int size = 0;
    bool good = false;

    if (sealed.size < CRYPTO_GCM_TAG_BYTES || sealed.size > INT_MAX) {
        return false;
    }
    plain_size = sealed.size - CRYPTO_GCM_TAG_BYTES;
    memcpy(tag, sealed.at + plain_size, sizeof tag);
    ctx = begin(key, nonce, aad, 0);
    crypto_need(plain_size == 0 ||
                EVP_CipherUpdate(ctx, out, &size, sealed.at, (int)plain_size) == 1);
    crypto_need(EVP_CIPHER_CTX_ctrl(ctx, EVP_CTRL_AEAD_SET_TAG, sizeof tag, tag) == 1);
    good = EVP_CipherFinal_ex(ctx, rest, &size) == 1; /* GCM has nothing left to write */
    EVP_CIPHER_CTX_free(ctx);
    return good;
}
