/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Ed25519 and sealed boxes.  Verifiers in the field disagree on signatures whose
 * key or R has a part of small order, on an R or S that is not reduced, and on R
 * being the identity.  The strict form refuses all of these before it verifies,
 * so what it accepts every correct verifier accepts.
 */
#include <assert.h>
#include <sodium.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/bytes.h"
#include "common/crypto.h"
#include "common/crypto_private.h"
#include "common/mem.h"

static_assert(CRYPTO_SIGNATURE_BYTES == crypto_sign_BYTES, "Ed25519 signatures");
static_assert(CRYPTO_SEED_BYTES == crypto_sign_SEEDBYTES, "Ed25519 seeds");
static_assert(CRYPTO_PUBLIC_BYTES == crypto_sign_PUBLICKEYBYTES, "Ed25519 keys");
static_assert(CRYPTO_SEAL_BYTES == crypto_box_SEALBYTES, "sealed boxes");

/* The order of the base point, little-endian as S is (RFC 8032 section 5.1). */
static const uint8_t group_order[32] = {
    0xed, 0xd3, 0xf5, 0x5c, 0x1a, 0x63, 0x12, 0x58, 0xd6, 0x9c, 0xf7, 0xa2, 0xde, 0xf9, 0xde, 0x14,
    0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x10,
};

/*
 * The base point, and it plus a point of order 2, 4 and 8.  A faulty check looks
 * only at x of L times the point, which is 0 for order 2 as it is for the
 * identity; so order 2 is the one that must be tried.
 */
static const uint8_t base_point[CRYPTO_PUBLIC_BYTES] = {
    0x58, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66,
    0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66,
};
static const uint8_t mixed_points[][CRYPTO_PUBLIC_BYTES] = {
    { 0x95, 0x99, 0x99, 0x99, 0x99, 0x99, 0x99, 0x99, 0x99, 0x99, 0x99,
      0x99, 0x99, 0x99, 0x99, 0x99, 0x99, 0x99, 0x99, 0x99, 0x99, 0x99,
      0x99, 0x99, 0x99, 0x99, 0x99, 0x99, 0x99, 0x99, 0x99, 0x99 },
    { 0x9b, 0xad, 0x33, 0xf5, 0x80, 0xdf, 0x7e, 0xcc, 0x49, 0xdf, 0x53,
      0x42, 0xba, 0xc8, 0x14, 0x5d, 0x5b, 0xed, 0xc4, 0x0f, 0x57, 0x3d,
      0x1b, 0x06, 0x7f, 0x3c, 0x4c, 0xe4, 0x49, 0x68, 0x9a, 0x15 },
    { 0x98, 0x51, 0x9e, 0xad, 0xf3, 0x5b, 0x99, 0x52, 0x33, 0xb5, 0x1b,
      0x5c, 0xd2, 0x3e, 0x9c, 0xc5, 0xa2, 0x8b, 0x63, 0x9b, 0x5a, 0x4a,
      0xf0, 0xec, 0x90, 0x3c, 0xb9, 0x60, 0xd8, 0x1b, 0x78, 0x19 },
};

bool crypto_point_check_works(void)
{
    for (size_t i = 0; i < sizeof mixed_points / sizeof mixed_points[0]; i++) {
        if (crypto_point_is_valid(mixed_points[i])) {
            return false;
        }
    }
    return crypto_point_is_valid(base_point);
}

bool crypto_point_is_valid(const uint8_t pub[CRYPTO_PUBLIC_BYTES])
{
    return crypto_core_ed25519_is_valid_point(pub) == 1;
}

bool crypto_verify(const uint8_t pub[CRYPTO_PUBLIC_BYTES], struct bytes message,
                   const uint8_t signature[CRYPTO_SIGNATURE_BYTES])
{
    return crypto_sign_verify_detached(signature, message.at, message.size, pub) == 0;
}

/* Some builds of libsodium look only at the top bits of S.  Not secret: no constant time. */
static bool scalar_is_reduced(const uint8_t scalar[32])
{
    for (size_t i = sizeof group_order; i > 0; i--) {
        if (scalar[i - 1] != group_order[i - 1]) {
            return scalar[i - 1] < group_order[i - 1];
        }
    }
    return false;
}

bool crypto_strict_verify(const uint8_t pub[CRYPTO_PUBLIC_BYTES], struct bytes message,
                          const uint8_t signature[CRYPTO_SIGNATURE_BYTES])
{
    /* A point check costs as much as the verification, so a wrong signature is left first. */
    return scalar_is_reduced(signature + 32) && crypto_verify(pub, message, signature) &&
           crypto_point_is_valid(pub) && crypto_point_is_valid(signature);
}

void crypto_public_of(const uint8_t seed[CRYPTO_SEED_BYTES], uint8_t out[CRYPTO_PUBLIC_BYTES])
{
    uint8_t secret[crypto_sign_SECRETKEYBYTES];

    (void)crypto_sign_seed_keypair(out, secret, seed); /* cannot fail */
    mem_wipe(secret, sizeof secret);
}

void crypto_make_signature(const uint8_t seed[CRYPTO_SEED_BYTES], struct bytes message,
                           uint8_t out[CRYPTO_SIGNATURE_BYTES])
{
    uint8_t secret[crypto_sign_SECRETKEYBYTES];
    uint8_t pub[CRYPTO_PUBLIC_BYTES];

    (void)crypto_sign_seed_keypair(pub, secret, seed); /* cannot fail */
    (void)crypto_sign_detached(out, NULL, message.at, message.size, secret);
    mem_wipe(secret, sizeof secret);
}

void crypto_make_box_pair(uint8_t out_public[32], uint8_t out_secret[32])
{
    (void)crypto_box_keypair(out_public, out_secret); /* cannot fail */
}

bool crypto_seal_box(const uint8_t public[32], struct bytes plain, uint8_t *out)
{
    return crypto_box_seal(out, plain.at, plain.size, public) == 0;
}

bool crypto_open_box(const uint8_t public[32], const uint8_t secret[32], struct bytes sealed,
                     uint8_t *out)
{
    return crypto_box_seal_open(out, sealed.at, sealed.size, public, secret) == 0;
}
