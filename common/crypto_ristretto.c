/* SPDX-License-Identifier: Apache-2.0 */
#include "common/crypto_ristretto.h"

#include <assert.h>
#include <sodium.h>

#include "common/check.h"

static_assert(CRYPTO_ELEMENT_BYTES == crypto_core_ristretto255_BYTES, "elements");
static_assert(CRYPTO_SCALAR_BYTES == crypto_core_ristretto255_SCALARBYTES, "scalars");
static_assert(CRYPTO_UNIFORM_BYTES == crypto_core_ristretto255_HASHBYTES, "to elements");
static_assert(CRYPTO_UNIFORM_BYTES == crypto_core_ristretto255_NONREDUCEDSCALARBYTES, "to scalars");

/* The library takes the identity for a point; its encoding is zero. */
bool crypto_element_is_valid(const uint8_t element[CRYPTO_ELEMENT_BYTES])
{
    return crypto_core_ristretto255_is_valid_point(element) == 1 &&
           sodium_is_zero(element, CRYPTO_ELEMENT_BYTES) == 0;
}

/* The library fails for what is no element, and for a product that is the identity. */
bool crypto_element_multiply(const uint8_t scalar[CRYPTO_SCALAR_BYTES],
                             const uint8_t element[CRYPTO_ELEMENT_BYTES],
                             uint8_t out[CRYPTO_ELEMENT_BYTES])
{
    return crypto_scalarmult_ristretto255(out, scalar, element) == 0;
}

void crypto_element_public_of(const uint8_t scalar[CRYPTO_SCALAR_BYTES],
                              uint8_t out[CRYPTO_ELEMENT_BYTES])
{
    CHECK(crypto_scalarmult_ristretto255_base(out, scalar) == 0);
}

void crypto_element_of_hash(const uint8_t hash[CRYPTO_UNIFORM_BYTES],
                            uint8_t out[CRYPTO_ELEMENT_BYTES])
{
    (void)crypto_core_ristretto255_from_hash(out, hash); /* cannot fail */
}

void crypto_scalar_random(uint8_t out[CRYPTO_SCALAR_BYTES])
{
    crypto_core_ristretto255_scalar_random(out);
}

void crypto_scalar_invert(const uint8_t scalar[CRYPTO_SCALAR_BYTES],
                          uint8_t out[CRYPTO_SCALAR_BYTES])
{
    CHECK(crypto_core_ristretto255_scalar_invert(out, scalar) == 0);
}

void crypto_scalar_of_hash(const uint8_t hash[CRYPTO_UNIFORM_BYTES],
                           uint8_t out[CRYPTO_SCALAR_BYTES])
{
    crypto_core_ristretto255_scalar_reduce(out, hash);
}
