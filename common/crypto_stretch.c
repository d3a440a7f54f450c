/* SPDX-License-Identifier: Apache-2.0 */
#include "common/crypto_stretch.h"

#include <sodium.h>

#include "common/check.h"

enum {
    KIB = 1024
};

bool crypto_stretch(struct bytes secret, uint32_t passes, size_t memory_kib,
                    uint8_t out[CRYPTO_STRETCH_BYTES])
{
    static const uint8_t salt[crypto_pwhash_SALTBYTES];

    CHECK(passes >= 1 && passes <= CRYPTO_STRETCH_PASSES_MAX);
    CHECK(memory_kib >= CRYPTO_STRETCH_MEMORY_MIN && memory_kib <= CRYPTO_STRETCH_MEMORY_MAX);
    return crypto_pwhash(out, CRYPTO_STRETCH_BYTES, (const char *)secret.at, secret.size, salt,
                         passes, memory_kib * KIB, crypto_pwhash_ALG_ARGON2ID13) == 0;
}
