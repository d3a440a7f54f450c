/* SPDX-License-Identifier: Apache-2.0 */
#include "common/mlssuite.h"

#include "common/buf.h"
#include "common/crypto.h"
#include "common/tlsvec.h"

enum {
    X25519_BYTES = 32,
    XWING_BYTES = 1216, /* ML-KEM-768 and X25519, draft-connolly-cfrg-xwing-kem */
};

/* What is not in the table is taken for one of SHA-256 whose signatures we cannot verify. */
static const struct suite {
    uint16_t number;
    uint16_t hash_bytes;
    uint16_t verified_kem_bytes; /* 0: it does not sign with Ed25519 */
} suites[] = {
    { MLS_SUITE_X25519_AES128_SHA256_ED25519, CRYPTO_SHA256_BYTES, X25519_BYTES },
    { MLS_SUITE_P256_AES128_SHA256_P256, CRYPTO_SHA256_BYTES, 0 },
    { MLS_SUITE_X25519_CHACHA20_SHA256_ED25519, CRYPTO_SHA256_BYTES, X25519_BYTES },
    { MLS_SUITE_X448_AES256_SHA512_ED448, CRYPTO_SHA512_BYTES, 0 },
    { MLS_SUITE_P521_AES256_SHA512_P521, CRYPTO_SHA512_BYTES, 0 },
    { MLS_SUITE_X448_CHACHA20_SHA512_ED448, CRYPTO_SHA512_BYTES, 0 },
    { MLS_SUITE_P384_AES256_SHA384_P384, CRYPTO_SHA384_BYTES, 0 },
    { MLS_SUITE_XWING_AES256_SHA512_ED25519, CRYPTO_SHA512_BYTES, XWING_BYTES },
    { MLS_SUITE_XWING_CHACHA20_SHA512_ED25519, CRYPTO_SHA512_BYTES, XWING_BYTES },
};

static const struct suite *find(uint16_t number)
{
    static const struct suite unknown = { .hash_bytes = CRYPTO_SHA256_BYTES };

    for (size_t i = 0; i < sizeof suites / sizeof suites[0]; i++) {
        if (suites[i].number == number) {
            return &suites[i];
        }
    }
    return &unknown;
}

size_t mlssuite_verified_kem_bytes(uint16_t suite)
{
    return find(suite)->verified_kem_bytes;
}

bool mlssuite_is_known(uint16_t suite)
{
    return find(suite)->number == suite && suite != 0;
}

size_t mlssuite_hash_bytes(uint16_t suite)
{
    return find(suite)->hash_bytes;
}

/* Hash(RefHashInput): label<V> || value<V>. */
void mlssuite_reference(uint16_t suite, const char *label, struct bytes value,
                        struct mls_reference *out)
{
    struct buf input = { .at = NULL };

    tlsvec_append(&input, bytes_text(label));
    tlsvec_append(&input, value);
    struct bytes whole = buf_view(&input);
    *out = (struct mls_reference){ .size = mlssuite_hash_bytes(suite) };
    switch (out->size) {
    case CRYPTO_SHA384_BYTES:
        crypto_sha384(&whole, 1, out->raw);
        break;
    case CRYPTO_SHA512_BYTES:
        crypto_sha512(&whole, 1, out->raw);
        break;
    default:
        crypto_sha256(&whole, 1, out->raw);
    }
    buf_clear(&input);
}
