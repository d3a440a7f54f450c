/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The group ristretto255 (RFC 9496), in constant time.  Its order is a prime, so an element
 * other than the identity cannot give a part of a secret away.  Elements are in their one
 * canonical encoding; scalars are little-endian and below the order.
 * After crypto_start; any thread.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

enum {
    CRYPTO_ELEMENT_BYTES = 32,
    CRYPTO_SCALAR_BYTES = 32,
    CRYPTO_UNIFORM_BYTES = 64, /* of a hash, from which elements and scalars are made */
};

/* Say whether element is one, and not the identity. */
bool crypto_element_is_valid(const uint8_t element[CRYPTO_ELEMENT_BYTES]);

/* Multiply.  False when element is none or the identity, or scalar is 0; out is spoilt then. */
bool crypto_element_multiply(const uint8_t scalar[CRYPTO_SCALAR_BYTES],
                             const uint8_t element[CRYPTO_ELEMENT_BYTES],
                             uint8_t out[CRYPTO_ELEMENT_BYTES]);

/* Multiply the generator.  scalar is not 0. */
void crypto_element_public_of(const uint8_t scalar[CRYPTO_SCALAR_BYTES],
                              uint8_t out[CRYPTO_ELEMENT_BYTES]);

/* Map to an element whose logarithm nobody knows (RFC 9496 section 4.3.4). */
void crypto_element_of_hash(const uint8_t hash[CRYPTO_UNIFORM_BYTES],
                            uint8_t out[CRYPTO_ELEMENT_BYTES]);

/* Draw a scalar at random, not 0; take the inverse of one that is not 0.  The caller wipes both. */
void crypto_scalar_random(uint8_t out[CRYPTO_SCALAR_BYTES]);
void crypto_scalar_invert(const uint8_t scalar[CRYPTO_SCALAR_BYTES],
                          uint8_t out[CRYPTO_SCALAR_BYTES]);

/* Reduce to a scalar (RFC 9496 section 4.4). */
void crypto_scalar_of_hash(const uint8_t hash[CRYPTO_UNIFORM_BYTES],
                           uint8_t out[CRYPTO_SCALAR_BYTES]);
